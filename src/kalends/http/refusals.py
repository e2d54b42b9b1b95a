"""What is refused before the application has seen the request."""

from kalends.errors import KalendsError

REFUSED = "kalends.refused"
"""The place in the environment of a request for the error that it is to be answered with."""

ARRIVED = "kalends.arrived"
"""The place for when its head was there, by `time.perf_counter`."""


class Malformed(KalendsError):
    """The request is not one that HTTP, JSON or a header allows, or could be read in two ways."""

    code = "malformed"
    message = "The request cannot be read: {reason}."

    def __init__(self, reason: str) -> None:
        super().__init__()
        self.reason = reason


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
