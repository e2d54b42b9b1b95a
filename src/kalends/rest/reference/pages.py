"""Pages that need no token: the front page, its icon, and the reference."""

from collections.abc import Sequence
from html import escape
from importlib.resources import files
from typing import Any

import falcon
import msgspec

from kalends.http.errors import NoSuchPath
from kalends.http.middleware import NO_CACHE, POLICY
from kalends.http.origin import origin_of
from kalends.http.request import Request
from kalends.http.responses import JSON, Responder, fixed
from kalends.rest.reference.docs import ORIGIN, draw, reference_page
from kalends.rules.client_address import Network

HTML = "text/html"
PAGE_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
NOT_SHARED = (("Cache-Control", "private, no-cache"),)
"""The headers of pages that contain the address by which they were requested."""

KEPT_FOR_A_DAY = (("Cache-Control", "public, max-age=86400"),)

LINKS = {
    "reference": "/docs",
    "openapi": "/openapi.json",
    "live": "/health/live",
    "ready": "/health/ready",
}
HOW_TO_CALL = "Every call under /v1 needs a token, which the administrator creates: kalends token create"


def page_responders(document: dict[str, Any], trusted_proxies: Sequence[Network]) -> dict[str, Responder]:
    """Return the responder of GET for each path."""
    icon = files("kalends.rest.reference").joinpath("templates", "favicon.ico").read_bytes()
    return {
        "/": front_page(document, trusted_proxies),
        "/favicon.ico": fixed(icon, "image/x-icon", KEPT_FOR_A_DAY),
        "/openapi.json": fixed(msgspec.json.encode(document), JSON, NO_CACHE),
        "/docs": html_page(reference_page(document), trusted_proxies),
    }


def front_page(document: dict[str, Any], trusted_proxies: Sequence[Network]) -> Responder:
    """Return the responder that describes the service: as a page for browsers, as JSON for other clients."""
    info = document["info"]
    show_page = html_page(draw("front.html.j2", info=info), trusted_proxies)
    told = {"name": info["title"], "version": info["version"], "summary": info["summary"]}
    tell = fixed(msgspec.json.encode(told | {"authentication": HOW_TO_CALL, "links": LINKS}), JSON, NOT_SHARED)

    def respond(request: Request, response: falcon.Response) -> None:
        if request.path != "/":  # the router treats `//` as the same, but relative links would not work there
            raise NoSuchPath
        (show_page if request.client_prefers((JSON, HTML)) == HTML else tell)(request, response)
        response.set_header("Vary", "Accept")

    return respond


def html_page(page: str, trusted_proxies: Sequence[Network]) -> Responder:
    """Return a responder for a page whose examples have the address of the request."""
    parts = page.encode().split(ORIGIN.encode())

    def respond(request: Request, response: falcon.Response) -> None:
        response.data = escape(origin_of(request, trusted_proxies)).encode().join(parts)
        response.content_type = f"{HTML}; charset=utf-8"
        response.set_headers((*NOT_SHARED, (POLICY, PAGE_POLICY)))

    return respond
