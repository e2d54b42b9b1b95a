"""The WSGI application: the table of operations on Falcon's router, and one way out for everything that goes wrong."""

from collections import defaultdict
from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import Any

import falcon
import msgspec

from kalends.errors import KalendsError, SchemaMismatch, Unavailable
from kalends.rest import events, participants, users
from kalends.rest.docs import reference_page
from kalends.rest.log import RequestLog, log_trouble
from kalends.rest.openapi import openapi_document
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
from kalends.rest.route import OPERATIONS, Operation, Route

NOUNS = (users, events, participants)
"""The modules that enter their operations into the table."""

PAGE_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)

Responder = Callable[..., None]


class Resource:
    """One path: an `on_…` responder for each method it takes, as Falcon wants it."""

    def __init__(self, responders: dict[str, Responder]) -> None:
        for method, responder in responders.items():
            setattr(self, f"on_{method.lower()}", responder)


def wsgi_app(
    routes: Iterable[Route], check_readiness: Callable[[], None]
) -> falcon.App[falcon.Request, falcon.Response]:
    """Put all routes, the health checks and the reference behind one WSGI callable."""
    app = falcon.App(middleware=[RequestLog()])
    app.req_options.auto_parse_qs_csv = False
    app.add_error_handler(Exception, answer_surprise)
    app.add_error_handler(falcon.HTTPError, answer_falcon)
    app.add_error_handler(KalendsError, answer_problem)
    paths: dict[str, dict[str, Responder]] = defaultdict(dict)
    for route in routes:
        paths[route.operation.path][route.operation.method] = route
    paths["/health/live"]["GET"] = fixed(b'{"status":"live"}', "application/json")
    paths["/health/ready"]["GET"] = readiness(check_readiness)
    document = openapi_document(OPERATIONS)
    paths["/openapi.json"]["GET"] = fixed(msgspec.json.encode(document), "application/json")
    paths["/docs"]["GET"] = fixed(reference_page(document), "text/html; charset=utf-8")
    for path, responders in paths.items():
        if "GET" in responders:
            responders["HEAD"] = headers_only(responders["GET"])
        app.add_route(path, Resource(responders))
    return app


def fixed(content: bytes, media_type: str) -> Responder:
    """Make a responder that always answers the same."""

    def respond(request: falcon.Request, response: falcon.Response) -> None:
        response.data = content
        response.content_type = media_type
        response.set_header("Content-Security-Policy", PAGE_POLICY)

    return respond


def readiness(check: Callable[[], None]) -> Responder:
    """Make the responder that says whether requests can be served."""

    def respond(request: falcon.Request, response: falcon.Response) -> None:
        check()
        response.data = b'{"status":"ready"}'
        response.content_type = "application/json"

    return respond


def headers_only(responder: Responder) -> Responder:
    """Make a HEAD responder of a GET responder (RFC 9110 section 9.3.2)."""

    def respond(request: falcon.Request, response: falcon.Response, **path: str) -> None:
        responder(request, response, **path)
        response.content_length = len(response.data or b"")
        response.data = None

    return respond


def answer_problem(
    request: falcon.Request, response: falcon.Response, error: KalendsError, params: dict[str, Any]
) -> None:
    """Answer with the problem document of an error."""
    if isinstance(error, (Unavailable, SchemaMismatch, InternalError)):
        log_trouble(request, error)
    operation = operation_at(request)
    names = (
        frozenset(field.encode_name for field in msgspec.structs.fields(operation.query))
        if operation
        else frozenset[str]()
    )
    response.status = status_of(error)
    response.set_headers(headers_of(error))
    response.content_type = MEDIA_TYPE
    body = problem_document(error, request.path, request.context.request_id, names)
    response.data = None if request.method == "HEAD" else body


def answer_falcon(
    request: falcon.Request, response: falcon.Response, error: falcon.HTTPError, params: dict[str, Any]
) -> None:
    """Answer what the router itself refuses."""
    known: KalendsError = Malformed(error.description or error.title or "it is not proper HTTP")
    if error.status_code == HTTPStatus.NOT_FOUND:
        known = NoSuchPath()
    elif error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        known = MethodNotAllowed(dict(error.headers or {}).get("Allow", ""))
    answer_problem(request, response, known, params)


def answer_surprise(
    request: falcon.Request, response: falcon.Response, error: Exception, params: dict[str, Any]
) -> None:
    """Answer a defect of our own: a 500 that names the request under which it is logged."""
    internal = InternalError()
    internal.__cause__ = error
    answer_problem(request, response, internal, params)


def operation_at(request: falcon.Request) -> Operation | None:
    """Give the operation that a request is for."""
    methods = (request.method, "GET") if request.method == "HEAD" else (request.method,)
    return next((known for known in OPERATIONS if known.path == request.uri_template and known.method in methods), None)
