"""The JSON API as an entry point: its operations, its reference pages, and problem documents for its errors."""

from collections import defaultdict
from collections.abc import Iterable, Sequence

from kalends.http.responses import Responder
from kalends.http.wsgi import EntryPoint
from kalends.rest.problems import problem_renderer
from kalends.rest.reference.openapi import openapi_document
from kalends.rest.reference.pages import page_responders
from kalends.rest.route import Route
from kalends.rest.routes import OPERATIONS
from kalends.rules.client_address import Network


def json_api(routes: Iterable[Route], trusted_proxies: Sequence[Network] = ()) -> EntryPoint:
    """Return the entry point of some routes."""
    paths: dict[str, dict[str, Responder]] = defaultdict(dict)
    for route in routes:
        paths[route.operation.path][route.operation.method] = route
    for path, responder in page_responders(openapi_document(OPERATIONS), trusted_proxies).items():
        paths[path]["GET"] = responder
    return EntryPoint(paths, problem_renderer(OPERATIONS))
