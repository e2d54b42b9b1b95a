"""The one table from what can go wrong to a status and a problem document (RFC 9457)."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

import msgspec

from kalends import errors
from kalends.errors import Fault, KalendsError
from kalends.http.refusals import BodyTooSlow, Malformed, Overloaded, WrongTransferCoding
from kalends.rest.spans import conflicts_json


class NoSuchPath(KalendsError):
    """No operation has this path."""

    code = "no_such_path"
    message = "No operation has this path: /docs lists all of them."


class MethodNotAllowed(KalendsError):
    """The path has operations, and none with this method."""

    code = "method_not_allowed"
    message = "This path takes {allowed}, and not {method}."

    def __init__(self, method: str, allowed: str) -> None:
        super().__init__()
        self.method = method
        self.allowed = allowed


class TargetTooLong(KalendsError):
    """Path and query are longer than is read."""

    code = "target_too_long"
    message = "Path and query together are longer than {limit} bytes: ask for less at a time."

    def __init__(self, limit: int) -> None:
        super().__init__()
        self.limit = limit


class BodyTooLarge(KalendsError):
    """The body is larger than is read."""

    code = "body_too_large"
    message = "The body is larger than {limit} bytes: send less at a time."

    def __init__(self, limit: int) -> None:
        super().__init__()
        self.limit = limit


class WrongMediaType(KalendsError):
    """The body is not declared as JSON."""

    code = "wrong_media_type"
    message = "The body must be JSON in UTF-8, sent with the Content-Type {wanted}."

    def __init__(self, *media_types: str) -> None:
        super().__init__()
        self.media_types = media_types
        self.wanted = " or ".join(media_types)


class WrongContentEncoding(KalendsError):
    """The body is compressed in a way that is not known."""

    code = "wrong_content_encoding"
    message = "The body must be sent as it is, or with the Content-Encoding gzip."


class BadQuery(errors.Invalid):
    """The query of the URL breaks a rule."""


class BadBody(errors.Invalid):
    """The body breaks a rule."""


class InternalError(KalendsError):
    """A defect of Kalends."""

    code = "internal_error"
    message = "This is a defect of Kalends; it has been logged under the request id."


STATUS: dict[type[KalendsError], HTTPStatus] = {
    Malformed: HTTPStatus.BAD_REQUEST,
    errors.Unauthenticated: HTTPStatus.UNAUTHORIZED,
    errors.Forbidden: HTTPStatus.FORBIDDEN,
    errors.MissingScope: HTTPStatus.FORBIDDEN,
    errors.NotFound: HTTPStatus.NOT_FOUND,
    NoSuchPath: HTTPStatus.NOT_FOUND,
    MethodNotAllowed: HTTPStatus.METHOD_NOT_ALLOWED,
    BodyTooSlow: HTTPStatus.REQUEST_TIMEOUT,
    errors.EmailTaken: HTTPStatus.CONFLICT,
    errors.AlreadyParticipant: HTTPStatus.CONFLICT,
    errors.BookingConflict: HTTPStatus.CONFLICT,
    errors.HoldExtended: HTTPStatus.CONFLICT,
    errors.EventCancelled: HTTPStatus.CONFLICT,
    errors.EventEnded: HTTPStatus.CONFLICT,
    errors.HostsEvents: HTTPStatus.CONFLICT,
    errors.TooManyEvents: HTTPStatus.CONFLICT,
    errors.KeyInFlight: HTTPStatus.CONFLICT,
    errors.StaleVersion: HTTPStatus.PRECONDITION_FAILED,
    BodyTooLarge: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    TargetTooLong: HTTPStatus.REQUEST_URI_TOO_LONG,
    WrongMediaType: HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    WrongContentEncoding: HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    errors.Invalid: HTTPStatus.UNPROCESSABLE_ENTITY,
    BadQuery: HTTPStatus.UNPROCESSABLE_ENTITY,
    BadBody: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.KeyReused: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.RateLimited: HTTPStatus.TOO_MANY_REQUESTS,
    InternalError: HTTPStatus.INTERNAL_SERVER_ERROR,
    WrongTransferCoding: HTTPStatus.NOT_IMPLEMENTED,
    Overloaded: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.Unavailable: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.OutcomeUnknown: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.Unfinished: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.TooExpensive: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.SchemaMismatch: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.ZoneDataMismatch: HTTPStatus.SERVICE_UNAVAILABLE,
}

TITLES: dict[type[KalendsError], str] = {
    Malformed: "The request cannot be read",
    errors.Unauthenticated: "A valid token is needed",
    errors.Forbidden: "You may not do that",
    errors.MissingScope: "The token was not made for that",
    errors.NotFound: "Not found",
    NoSuchPath: "No operation has this path",
    MethodNotAllowed: "Method not allowed",
    BodyTooSlow: "The body did not arrive in time",
    errors.EmailTaken: "The e-mail address is taken",
    errors.AlreadyParticipant: "Already a participant",
    errors.BookingConflict: "Somebody needed is not free",
    errors.HoldExtended: "The hold was extended before",
    errors.EventCancelled: "The event is cancelled",
    errors.EventEnded: "The event has ended",
    errors.HostsEvents: "The user hosts events that have not ended",
    errors.TooManyEvents: "Too many events would change at a time",
    errors.KeyInFlight: "The first request with this key is not done",
    errors.StaleVersion: "It has changed since you read it",
    BodyTooLarge: "The body is too large",
    TargetTooLong: "Path and query are too long",
    WrongMediaType: "The media type is not supported",
    WrongContentEncoding: "The content encoding is not supported",
    errors.Invalid: "Something given breaks a rule",
    BadQuery: "Something given breaks a rule",
    BadBody: "Something given breaks a rule",
    errors.KeyReused: "The key was used for another request",
    errors.RateLimited: "Too many requests",
    InternalError: "Something went wrong here",
    WrongTransferCoding: "The transfer coding is not supported",
    Overloaded: "Too many requests are waiting",
    errors.Unavailable: "It cannot be done at the moment",
    errors.OutcomeUnknown: "It may or may not have been saved",
    errors.Unfinished: "It has been done in part",
    errors.TooExpensive: "The answer takes too long to read, or is too large",
    errors.SchemaMismatch: "The database has another schema",
    errors.ZoneDataMismatch: "The database follows other zone data",
}

MEDIA_TYPE = "application/problem+json"

MOST_TOLD = 100
"""So many faults are listed; a body may have hundreds of thousands."""

FOUND_IN: dict[type[KalendsError], str] = {BadQuery: "query", BadBody: "body"}
"""Where faults lie that were found on reading; what an action finds lies where the operation takes that argument."""


def status_of(error: KalendsError) -> HTTPStatus:
    """Give the status of an error."""
    return STATUS[type(error)]


def headers_of(error: KalendsError) -> dict[str, str]:
    """Give the headers that belong to an error."""
    if isinstance(error, errors.Unauthenticated):
        return {"WWW-Authenticate": 'Bearer realm="kalends"'}
    if isinstance(error, errors.MissingScope):  # RFC 6750 section 3.1
        return {"WWW-Authenticate": f'Bearer realm="kalends", error="insufficient_scope", scope="{error.scope.value}"'}
    if isinstance(error, (errors.Unavailable, errors.RateLimited)):
        return {"Retry-After": str(error.retry_after)}
    if isinstance(error, (errors.KeyInFlight, Overloaded)):
        return {"Retry-After": "1"}
    if isinstance(error, MethodNotAllowed):
        return {"Allow": error.allowed}
    if isinstance(error, WrongContentEncoding):
        return {"Accept-Encoding": "gzip"}
    if isinstance(error, WrongMediaType):
        return {"Accept": ", ".join(error.media_types)}
    return {}


def problem_document(error: KalendsError, path: str, request_id: str, places: Mapping[str, str]) -> bytes:
    """Return the problem document of an error.

    `places` says of the arguments of the operation which are taken from the path or the query, and not from the body.
    """
    every: tuple[Fault, ...] = getattr(error, "faults", ())
    faults = every[:MOST_TOLD]
    told = list(map(sentence_of, faults))
    if len(every) > MOST_TOLD:
        told.append("and more")
    document: dict[str, Any] = {
        "type": f"/docs#{error.code}",
        "title": TITLES[type(error)],
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
    """Say a fault with the member that it is about."""
    return f"{pointer_of(fault.where).removeprefix('/')}: {fault.message}" if fault.where else fault.message


def pointer_of(where: tuple[str | int, ...]) -> str:
    """Write a path as JSON Pointer (RFC 6901)."""
    return "".join(f"/{str(part).replace('~', '~0').replace('/', '~1')}" for part in where)
