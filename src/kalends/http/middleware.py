"""Falcon middleware for every request before routing, and for every answer."""

import re
from collections.abc import Iterable, Sequence
from http import HTTPStatus
from urllib.parse import quote

import falcon

from kalends.http.environ import REFUSED
from kalends.http.errors import TargetTooLong
from kalends.http.front import LIVE_PATH, READY_PATH
from kalends.http.rates import RateLimits
from kalends.http.request import Request
from kalends.limits import MAX_TARGET_BYTES
from kalends.rules.client_address import Network, client_address

NEVER_LIMITED = (LIVE_PATH, READY_PATH)
"""Health checks have no rate limit: they have to work under a flood of requests, too."""

ALWAYS = (
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "no-referrer"),
    ("Server", "kalends"),  # else the server adds its own name
)
NOTHING_LOADS = "default-src 'none'; frame-ancestors 'none'"
PRIVATE_NO_CACHE = (("Cache-Control", "private, no-cache"), ("Vary", "Authorization, Kalends-Act-As"))
NO_STORE = (("Cache-Control", "no-store"),)
NO_CACHE = (("Cache-Control", "no-cache"),)

QUERY_CHARACTERS = "%&=+:,/?@!$'()*;"
"""The characters that are not escaped in a query, besides letters and digits."""

POLICY = "Content-Security-Policy"


class RequestLimits:
    """Middleware that determines the client's address and applies its rate limit."""

    def __init__(self, rates: RateLimits, trusted_proxies: Sequence[Network]) -> None:
        self._rates = rates
        self._trusted_proxies = trusted_proxies

    def process_request(self, req: Request, resp: falcon.Response) -> None:
        """Set the client's address and count the request. Raise RateLimited, or the error of an invalid head."""
        if self._trusted_proxies:
            forwarded = req.header("X-Forwarded-For") or ""
            req.address = client_address(req.address, forwarded, self._trusted_proxies)
        if REFUSED in req.env:  # removed from it: else a reference cycle would keep the request in memory
            raise req.env.pop(REFUSED)
        if req.path not in NEVER_LIMITED:
            self._rates.count_address(req, resp, 1)
        if len(req.path) + len(req.query_string) >= MAX_TARGET_BYTES:
            raise TargetTooLong(MAX_TARGET_BYTES)


class TrailingSlashRedirect:
    """Middleware that redirects a path with a slash at its end to the path without it, for any method."""

    def __init__(self, paths: Iterable[str]) -> None:
        segments = (re.sub(r"\{\w+\}", "[^/]+", path) for path in paths if path != "/")
        self._with_slash = re.compile(f"(?:{'|'.join(segments)})/")

    def process_request(self, req: Request, resp: falcon.Response) -> None:
        """Redirect to a relative address: a proxy may have removed a prefix of the path."""
        if req.path.endswith("/") and self._with_slash.fullmatch(req.path):
            last = quote(req.path[:-1].rpartition("/")[2], safe="")
            query = f"?{quote(req.query_string, QUERY_CHARACTERS, 'latin-1')}" if req.query_string else ""
            resp.status = HTTPStatus.PERMANENT_REDIRECT
            resp.set_header("Location", f"../{last}{query}")
            resp.text = f"This path has no slash at its end: {req.path[:-1]}\n"
            resp.content_type = falcon.MEDIA_TEXT
            resp.complete = True


class SecurityHeaders:
    """Middleware that sets the headers for browsers and caches."""

    def process_response(  # Falcon passes four arguments
        self,
        req: Request,
        resp: falcon.Response,
        resource: object,  # noqa: ARG002 (see above)
        req_succeeded: bool,  # noqa: ARG002 (see above)
    ) -> None:
        """Set the headers."""
        resp.set_headers(ALWAYS)
        if resp.get_header("Cache-Control") is None:
            resp.set_headers(caching(req.method, req.path))
        if resp.get_header(POLICY) is None:
            resp.set_header(POLICY, NOTHING_LOADS)


def caching(method: str, path: str) -> tuple[tuple[str, str], ...]:
    """Return the caching headers: `no-store` for POST and outside /v1/.

    Otherwise only the caller's cache may store the answer, and validates it before use.
    """
    if method == "POST":
        return NO_STORE
    return PRIVATE_NO_CACHE if path.startswith("/v1/") else NO_STORE
