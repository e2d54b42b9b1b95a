"""The WSGI application: one router for the paths of all entry points, and one set of error handlers."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus
from typing import NamedTuple, cast

import falcon
import msgspec

from kalends.errors import KalendsError, SchemaMismatch, Unavailable
from kalends.http.errors import InternalError, Malformed, MethodNotAllowed, NoSuchPath
from kalends.http.front import LIVE_PATH, READY_PATH
from kalends.http.log import RequestLog, log_trouble
from kalends.http.middleware import RequestLimits, SecurityHeaders, TrailingSlashRedirect
from kalends.http.rates import UNLIMITED, RateLimits
from kalends.http.request import Request
from kalends.http.responses import JSON, Responder, ResponseData, fixed, send
from kalends.rules.client_address import Network

NOT_AVAILABLE = "The database cannot be used at the moment."
"""The message for callers without a token; the log has the reason."""


Renderer = Callable[[KalendsError, Request], ResponseData]
"""A function that returns the response for an error: a problem document, a page, an XML body."""


class EntryPoint(NamedTuple):
    """The paths for one kind of client, and the renderer of their errors."""

    responders: Mapping[str, Mapping[str, Responder]]
    """Responders by path and method."""
    render: Renderer


class Resource:
    """One path, with an `on_…` responder for each of its methods, as Falcon needs it."""

    def __init__(self, responders: Mapping[str, Responder]) -> None:
        for method, responder in responders.items():
            setattr(self, f"on_{method.lower()}", responder)


def wsgi_app(
    entry_points: Sequence[EntryPoint],
    check_readiness: Callable[[], str],
    rates: RateLimits = UNLIMITED,
    trusted_proxies: Sequence[Network] = (),
    unlogged_id: str = "",
) -> falcon.App[Request, falcon.Response]:
    """Return the application of some entry points and the health checks.

    The first entry point renders the errors of unknown paths.
    """
    paths = responders_by_path(entry_points, check_readiness)
    app = falcon.App(
        request_type=Request,
        middleware=[
            RequestLog(unlogged_id),
            SecurityHeaders(),
            RequestLimits(rates, trusted_proxies),
            TrailingSlashRedirect(paths),
        ],
    )
    app.req_options.auto_parse_qs_csv = False
    ErrorHandlers(entry_points).add_to(app)
    for path, responders in paths.items():
        app.add_route(path, Resource(responders))
    return app


def responders_by_path(
    entry_points: Sequence[EntryPoint], check_readiness: Callable[[], str]
) -> dict[str, dict[str, Responder]]:
    """Return the responder of each method of each path."""
    paths: dict[str, dict[str, Responder]] = defaultdict(dict)
    for entry_point in entry_points:
        for path, responders in entry_point.responders.items():
            paths[path] |= responders
    paths[LIVE_PATH]["GET"] = fixed(b'{"status":"live"}', JSON)
    paths[READY_PATH]["GET"] = readiness(check_readiness)
    for responders in paths.values():
        if "GET" in responders:
            responders["HEAD"] = responders["GET"]  # Falcon omits the content (RFC 9110 section 9.3.2)
    return paths


def readiness(check: Callable[[], str]) -> Responder:
    """Return the responder of the readiness check, which also shows the release of zone data."""

    def respond(_: Request, response: falcon.Response) -> None:
        response.data = msgspec.json.encode({"status": "ready", "zone_data": check()})
        response.content_type = JSON

    return respond


class ErrorHandlers:
    """Handlers that answer all errors, with the renderer of the entry point of the path."""

    def __init__(self, entry_points: Sequence[EntryPoint]) -> None:
        self._default = entry_points[0].render
        self._renderers = {path: entry_point.render for entry_point in entry_points for path in entry_point.responders}

    def add_to(self, app: falcon.App[Request, falcon.Response]) -> None:
        """Register these handlers with an application."""
        app.add_error_handler(Exception, self.handle_unexpected_error)
        app.add_error_handler(falcon.HTTPError, self.handle_http_error)
        app.add_error_handler(KalendsError, self.handle_error)

    def handle_error(self, request: Request, response: falcon.Response, error: KalendsError, _: object) -> None:
        """Answer with an error."""
        if isinstance(error, (Unavailable, SchemaMismatch, InternalError)):
            log_trouble(request, error)
        if type(error) is Unavailable and request.token_id is None:
            error = Unavailable(NOT_AVAILABLE, error.retry_after)
        render = self._renderers.get(request.uri_template or "", self._default)
        send(response, render(error, request))

    def handle_http_error(
        self, request: Request, response: falcon.Response, error: falcon.HTTPError, _: object
    ) -> None:
        """Answer with an error of the router."""
        known: KalendsError = Malformed(error.description or "this is not a valid HTTP request")
        if error.status_code == HTTPStatus.NOT_FOUND:
            known = NoSuchPath()
        elif isinstance(error, falcon.HTTPMethodNotAllowed):
            known = MethodNotAllowed(request.method, cast("dict[str, str]", error.headers)["Allow"])
        self.handle_error(request, response, known, _)

    def handle_unexpected_error(self, request: Request, response: falcon.Response, error: Exception, _: object) -> None:
        """Answer a defect of Kalends with 500 and the id of the request, under which it is logged."""
        internal = InternalError()
        internal.__cause__ = error
        self.handle_error(request, response, internal, _)
