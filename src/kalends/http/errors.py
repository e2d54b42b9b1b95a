"""Errors of HTTP itself, and the one table from every error to a status and a title."""

from http import HTTPStatus

from kalends import errors
from kalends.errors import KalendsError


class Malformed(KalendsError):
    """The request is not one that HTTP, JSON or a header allows, or could be read in two ways."""

    code = "malformed"
    message = "The request cannot be read: {reason}{place}."

    def __init__(self, reason: str, byte: int | None = None) -> None:
        super().__init__()
        self.reason = reason
        self.byte = byte
        self.place = "" if byte is None else f" at byte {byte}"


class BodyTooSlow(KalendsError):
    """The body did not come in time."""

    code = "body_too_slow"
    message = "The body of the request did not arrive within {seconds} s: send it again."

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self.seconds = f"{seconds:g}"


class WrongTransferCoding(KalendsError):
    """The body is sent in a way that is not known."""

    code = "wrong_transfer_coding"
    message = "The body must be sent as it is, or with the Transfer-Encoding chunked."


class Overloaded(KalendsError):
    """More requests wait than can be answered in time."""

    code = "overloaded"
    message = "Too many requests are waiting. Nothing was changed. Try again in a second."


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


def status_of(error: KalendsError) -> HTTPStatus:
    """Return the status of an error."""
    return STATUS[type(error)]


def headers_of(error: KalendsError) -> dict[str, str]:
    """Return the headers that belong to an error, whatever the entry point."""
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
