"""Problem documents (RFC 9457), which show the errors of the JSON API."""

from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote

import msgspec

from kalends import errors
from kalends.errors import Fault, KalendsError
from kalends.http.errors import PROBLEM_TYPES, BadBody, BadQuery, headers_of, status_of
from kalends.http.request import Request
from kalends.http.responses import ResponseData
from kalends.http.wsgi import Renderer
from kalends.limits import MAX_FAULTS
from kalends.rest.operation import Operation
from kalends.rest.spans import conflicts_json

MEDIA_TYPE = "application/problem+json"

FOUND_IN: dict[type[KalendsError], str] = {BadQuery: "query", BadBody: "body"}
"""The part of a request that has the faults of decoding; faults that actions find are where the argument is taken."""


def problem_document(error: KalendsError, path: str, request_id: str, places: Mapping[str, str]) -> bytes:
    """Return the problem document of an error.

    `places` has the arguments of the operation that are taken from the path or the query; all others are in the body.
    """
    every: tuple[Fault, ...] = getattr(error, "faults", ())
    faults = every[:MAX_FAULTS]
    told = list(map(sentence_of, faults))
    if len(every) > MAX_FAULTS:
        told.append("and more")
    document: dict[str, Any] = {
        "type": f"/docs#{error.code}",
        "title": PROBLEM_TYPES[type(error)].title,
        "status": int(status_of(error)),
        "detail": "; ".join(told) or str(error),
        "instance": quote(path),
        "code": error.code,
        "request_id": request_id,
    }
    if faults:
        found_in = FOUND_IN.get(type(error))
        document["errors"] = [
            {
                "pointer": pointer_of(fault.where),
                "in": found_in or places.get(str(fault.where[0]) if fault.where else "", "body"),
                "code": fault.code,
                "message": fault.message,
            }
            for fault in faults
        ]
    if isinstance(error, errors.BookingConflict):
        document["conflicts"] = conflicts_json(error.conflicts, error.time_zone)
    return msgspec.json.encode(document)


def sentence_of(fault: Fault) -> str:
    """Return the message of a fault with the name of its member."""
    return f"{pointer_of(fault.where).removeprefix('/')}: {fault.message}" if fault.where else fault.message


def pointer_of(where: tuple[str | int, ...]) -> str:
    """Return a path as JSON Pointer (RFC 6901)."""
    return "".join(f"/{str(part).replace('~', '~0').replace('/', '~1')}" for part in where)


def problem_renderer(operations: Iterable[Operation]) -> Renderer:
    """Return the renderer of the errors of some operations."""
    known = {(operation.path, operation.method): places_of(operation) for operation in operations}

    def render(error: KalendsError, request: Request) -> ResponseData:
        method = "GET" if request.method == "HEAD" else request.method
        places = known.get((request.uri_template or "", method), {})
        document = problem_document(error, request.path, request.request_id, places)
        return ResponseData(status_of(error), headers_of(error) | challenge_of(error), document, MEDIA_TYPE)

    return render


def places_of(operation: Operation) -> dict[str, str]:
    """Return the arguments that an operation takes from its path and from its query; the others are in its body."""
    query = {field.encode_name: "query" for field in msgspec.structs.fields(operation.signature.query)}
    return query | dict.fromkeys(operation.signature.ids, "path")


def challenge_of(error: KalendsError) -> dict[str, str]:
    """Return the header that requests a token, or a token with more scopes (RFC 6750 section 3)."""
    if isinstance(error, errors.Unauthenticated):
        return {"WWW-Authenticate": 'Bearer realm="kalends"'}
    if isinstance(error, errors.MissingScope):
        return {"WWW-Authenticate": f'Bearer realm="kalends", error="insufficient_scope", scope="{error.scope.value}"'}
    return {}
