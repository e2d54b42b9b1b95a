"""The WSGI application: the table of operations on Falcon's router, and one way out for everything that goes wrong."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from http import HTTPStatus
from typing import cast

import falcon
import msgspec

from kalends.errors import KalendsError, SchemaMismatch, Unavailable
from kalends.http.front import LIVE_PATH, READY_PATH
from kalends.rest.log import RequestLog, log_trouble
from kalends.rest.middleware import RequestLimits, SecurityHeaders, TrailingSlashRedirect
from kalends.rest.openapi import openapi_document
from kalends.rest.operation import Operation
from kalends.rest.pages import Responder, fixed, page_responders
from kalends.rest.problems import (
    MEDIA_TYPE,
    InternalError,
    Malformed,
    MethodNotAllowed,
    NoSuchPath,
    headers_of,
    problem_document,
    status_of,
)
from kalends.rest.rates import UNLIMITED, RateLimits
from kalends.rest.request import Request
from kalends.rest.route import Route
from kalends.rest.routes import OPERATIONS
from kalends.rules.client_address import Network

NOT_AVAILABLE = "The database cannot be used at the moment."
"""What callers without a token are told: why it is so stands in the log."""


class Resource:
    """One path: an `on_…` responder for each method it takes, as Falcon wants it."""

    def __init__(self, responders: dict[str, Responder]) -> None:
        for method, responder in responders.items():
            setattr(self, f"on_{method.lower()}", responder)


def wsgi_app(
    routes: Iterable[Route],
    check_readiness: Callable[[], str],
    rates: RateLimits = UNLIMITED,
    trusted_proxies: Sequence[Network] = (),
    unlogged_id: str = "",
) -> falcon.App[Request, falcon.Response]:
    """Put all routes, the health checks and the pages behind one WSGI callable."""
    paths = responders_by_path(routes, check_readiness, trusted_proxies)
    middleware = [
        RequestLog(unlogged_id),
        SecurityHeaders(),
        RequestLimits(rates, trusted_proxies),
        TrailingSlashRedirect(paths),
    ]
    app = falcon.App(request_type=Request, middleware=middleware)
    app.req_options.auto_parse_qs_csv = False
    app.add_error_handler(Exception, handle_unexpected_error)
    app.add_error_handler(falcon.HTTPError, handle_http_error)
    app.add_error_handler(KalendsError, handle_error)
    for path, responders in paths.items():
        app.add_route(path, Resource(responders))
    return app


def responders_by_path(
    routes: Iterable[Route], check_readiness: Callable[[], str], trusted_proxies: Sequence[Network]
) -> dict[str, dict[str, Responder]]:
    """Return what answers each method of each path."""
    paths: dict[str, dict[str, Responder]] = defaultdict(dict)
    for route in routes:
        paths[route.operation.path][route.operation.method] = route
    paths[LIVE_PATH]["GET"] = fixed(b'{"status":"live"}', "application/json")
    paths[READY_PATH]["GET"] = readiness(check_readiness)
    for path, responder in page_responders(openapi_document(OPERATIONS), trusted_proxies).items():
        paths[path]["GET"] = responder
    for responders in paths.values():
        if "GET" in responders:
            responders["HEAD"] = responders["GET"]  # Falcon leaves the content out (RFC 9110 section 9.3.2)
    return paths


def readiness(check: Callable[[], str]) -> Responder:
    """Make the responder that says whether requests can be served, and with which release of zone data."""

    def respond(_: Request, response: falcon.Response) -> None:
        response.data = msgspec.json.encode({"status": "ready", "zone_data": check()})
        response.content_type = "application/json"

    return respond


def handle_error(request: Request, response: falcon.Response, error: KalendsError, _: object) -> None:
    """Answer with the problem document of an error."""
    if isinstance(error, (Unavailable, SchemaMismatch, InternalError)):
        log_trouble(request, error)
    if type(error) is Unavailable and request.token_id is None:
        error = Unavailable(NOT_AVAILABLE, error.retry_after)
    response.status = status_of(error)
    response.set_headers(headers_of(error))
    response.content_type = MEDIA_TYPE
    response.data = problem_document(error, request.path, request.request_id, places_of(operation_at(request)))


def handle_http_error(request: Request, response: falcon.Response, error: falcon.HTTPError, _: object) -> None:
    """Answer what the router itself refuses."""
    known: KalendsError = Malformed(error.description or "this is not a request that HTTP knows")
    if error.status_code == HTTPStatus.NOT_FOUND:
        known = NoSuchPath()
    elif isinstance(error, falcon.HTTPMethodNotAllowed):
        known = MethodNotAllowed(request.method, cast("dict[str, str]", error.headers)["Allow"])
    handle_error(request, response, known, _)


def handle_unexpected_error(request: Request, response: falcon.Response, error: Exception, _: object) -> None:
    """Answer a defect of our own: a 500 that names the request under which it is logged."""
    internal = InternalError()
    internal.__cause__ = error
    handle_error(request, response, internal, _)


def operation_at(request: Request) -> Operation | None:
    """Give the operation that a request is for."""
    method = "GET" if request.method == "HEAD" else request.method
    return next((known for known in OPERATIONS if (known.path, known.method) == (request.uri_template, method)), None)


def places_of(known: Operation | None) -> dict[str, str]:
    """Return which arguments an operation takes from its path and which from the query; the others are of its body."""
    if known is None:
        return {}
    query = {field.encode_name: "query" for field in msgspec.structs.fields(known.signature.query)}
    return query | dict.fromkeys(known.signature.ids, "path")
