"""Errors of HTTP, and the one table of the status and the title of every error."""

from http import HTTPStatus
from typing import NamedTuple

from kalends import errors
from kalends.errors import KalendsError


class Malformed(KalendsError):
    """The request violates HTTP, JSON or the syntax of a header, or is ambiguous."""

    code = "malformed"
    message = "The request cannot be read: {reason}{place}."

    def __init__(self, reason: str, byte: int | None = None) -> None:
        super().__init__()
        self.reason = reason
        self.byte = byte
        self.place = "" if byte is None else f" at byte {byte}"


class BodyTooSlow(KalendsError):
    """The body did not arrive in time."""

    code = "body_too_slow"
    message = "The body of the request did not arrive within {seconds} s: send it again."

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self.seconds = f"{seconds:g}"


class WrongTransferCoding(KalendsError):
    """The transfer coding of the body is not supported."""

    code = "wrong_transfer_coding"
    message = "Send the body without Transfer-Encoding, or with Transfer-Encoding: chunked."


class Overloaded(KalendsError):
    """More requests are waiting than can be answered in time."""

    code = "overloaded"
    message = "Too many requests are waiting. Nothing was changed. Try again in a second."


class NoSuchPath(KalendsError):
    """No operation has this path."""

    code = "no_such_path"
    message = "No operation has this path: /docs lists all of them."


class MethodNotAllowed(KalendsError):
    """The path has operations, but none with this method."""

    code = "method_not_allowed"
    message = "This path takes {allowed}, but not {method}."

    def __init__(self, method: str, allowed: str) -> None:
        super().__init__()
        self.method = method
        self.allowed = allowed


class TargetTooLong(KalendsError):
    """Path and query exceed the limit."""

    code = "target_too_long"
    message = "Path and query together are longer than {limit} bytes: ask for less at a time."

    def __init__(self, limit: int) -> None:
        super().__init__()
        self.limit = limit


class BodyTooLarge(KalendsError):
    """The body exceeds the limit."""

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
    """The content encoding of the body is not supported."""

    code = "wrong_content_encoding"
    message = "Send the body without Content-Encoding, or with Content-Encoding: gzip."


class BadQuery(errors.Invalid):
    """The query has faults."""


class BadBody(errors.Invalid):
    """The body has faults."""


class InternalError(KalendsError):
    """A defect of Kalends."""

    code = "internal_error"
    message = "This is a defect of Kalends; it has been logged under the request id."


class ProblemType(NamedTuple):
    """What every answer to an error of one class has: its status, and the title of its problem document."""

    status: HTTPStatus
    title: str


PROBLEM_TYPES: dict[type[KalendsError], ProblemType] = {
    Malformed: ProblemType(HTTPStatus.BAD_REQUEST, "The request cannot be read"),
    errors.Unauthenticated: ProblemType(HTTPStatus.UNAUTHORIZED, "A valid token is needed"),
    errors.Forbidden: ProblemType(HTTPStatus.FORBIDDEN, "You may not do that"),
    errors.MissingScope: ProblemType(HTTPStatus.FORBIDDEN, "The token lacks a scope"),
    errors.NotFound: ProblemType(HTTPStatus.NOT_FOUND, "Not found"),
    NoSuchPath: ProblemType(HTTPStatus.NOT_FOUND, "No operation has this path"),
    MethodNotAllowed: ProblemType(HTTPStatus.METHOD_NOT_ALLOWED, "Method not allowed"),
    BodyTooSlow: ProblemType(HTTPStatus.REQUEST_TIMEOUT, "The body did not arrive in time"),
    errors.EmailTaken: ProblemType(HTTPStatus.CONFLICT, "The e-mail address is taken"),
    errors.AlreadyParticipant: ProblemType(HTTPStatus.CONFLICT, "Already a participant"),
    errors.BookingConflict: ProblemType(HTTPStatus.CONFLICT, "Somebody would be booked twice"),
    errors.HoldExtended: ProblemType(HTTPStatus.CONFLICT, "The hold has been extended already"),
    errors.EventCancelled: ProblemType(HTTPStatus.CONFLICT, "The event is cancelled"),
    errors.EventEnded: ProblemType(HTTPStatus.CONFLICT, "The event has ended"),
    errors.HostsEvents: ProblemType(HTTPStatus.CONFLICT, "The user hosts events that have not ended"),
    errors.TooManyEvents: ProblemType(HTTPStatus.CONFLICT, "Too many events would change at a time"),
    errors.KeyInFlight: ProblemType(HTTPStatus.CONFLICT, "The first request with this key has not been answered yet"),
    errors.StaleVersion: ProblemType(HTTPStatus.PRECONDITION_FAILED, "The condition of the request is not met"),
    BodyTooLarge: ProblemType(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "The body is too large"),
    TargetTooLong: ProblemType(HTTPStatus.REQUEST_URI_TOO_LONG, "Path and query are too long"),
    WrongMediaType: ProblemType(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "The media type is not supported"),
    WrongContentEncoding: ProblemType(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "The content encoding is not supported"),
    errors.Invalid: ProblemType(HTTPStatus.UNPROCESSABLE_ENTITY, "The request is not valid"),
    BadQuery: ProblemType(HTTPStatus.UNPROCESSABLE_ENTITY, "The request is not valid"),
    BadBody: ProblemType(HTTPStatus.UNPROCESSABLE_ENTITY, "The request is not valid"),
    errors.KeyReused: ProblemType(HTTPStatus.UNPROCESSABLE_ENTITY, "The key was used for another request"),
    errors.RateLimited: ProblemType(HTTPStatus.TOO_MANY_REQUESTS, "Too many requests"),
    InternalError: ProblemType(HTTPStatus.INTERNAL_SERVER_ERROR, "Internal error"),
    WrongTransferCoding: ProblemType(HTTPStatus.NOT_IMPLEMENTED, "The transfer coding is not supported"),
    Overloaded: ProblemType(HTTPStatus.SERVICE_UNAVAILABLE, "Too many requests are waiting"),
    errors.Unavailable: ProblemType(HTTPStatus.SERVICE_UNAVAILABLE, "The service is temporarily unavailable"),
    errors.OutcomeUnknown: ProblemType(HTTPStatus.SERVICE_UNAVAILABLE, "It is unknown whether the change was saved"),
    errors.Unfinished: ProblemType(HTTPStatus.SERVICE_UNAVAILABLE, "The request has been done in part"),
    errors.TooExpensive: ProblemType(HTTPStatus.SERVICE_UNAVAILABLE, "The query took too long or found too much"),
    errors.SchemaMismatch: ProblemType(HTTPStatus.SERVICE_UNAVAILABLE, "The database has another schema"),
    errors.ZoneDataMismatch: ProblemType(HTTPStatus.SERVICE_UNAVAILABLE, "The database follows other zone data"),
}


def status_of(error: KalendsError) -> HTTPStatus:
    """Return the status of an error."""
    return PROBLEM_TYPES[type(error)].status


def headers_of(error: KalendsError) -> dict[str, str]:
    """Return the headers of an error, which are the same for all entry points."""
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
