"""Responses: their data, sending them (or 304), and responders that always send the same."""

from collections.abc import Callable, Sequence
from http import HTTPStatus
from typing import NamedTuple

import falcon

from kalends.http.conditions import NO_CONDITIONS, Conditions
from kalends.http.files import File
from kalends.http.request import Request

JSON = "application/json"

Responder = Callable[..., None]
"""A callable that Falcon calls with a request, a response, and the names in the path."""


class ResponseData(NamedTuple):
    """A response without the headers that every response has."""

    status: int
    headers: dict[str, str]
    body: bytes = b""
    media_type: str = JSON
    file: File | None = None
    """The file that is sent in place of a body that is too large for memory."""

    @property
    def size(self) -> int:
        """Return the number of bytes of the body."""
        return self.file.size if self.file else len(self.body)

    def without_body(self) -> "ResponseData":
        """Return the response without its body and what describes it."""
        status = HTTPStatus.NO_CONTENT if self.status == HTTPStatus.OK else self.status
        return ResponseData(status, self.headers)


def send(response: falcon.Response, data: ResponseData, conditions: Conditions = NO_CONDITIONS) -> int:
    """Fill in the response, and return the number of bytes of its body.

    A reader who has this answer already gets 304 without a body.
    """
    response.set_headers(data.headers)
    if "ETag" in data.headers and conditions.knows(data.headers["ETag"]):
        response.status = HTTPStatus.NOT_MODIFIED
        return 0
    response.status = data.status
    if data.size:
        response.content_type = data.media_type
    if data.file:
        response.set_stream(data.file.file, data.file.size)
    elif data.body:
        response.data = data.body
    return data.size


def fixed(content: bytes, media_type: str, caching: Sequence[tuple[str, str]] = ()) -> Responder:
    """Return a responder that always sends the same."""

    def respond(_: Request, response: falcon.Response) -> None:
        response.data = content
        response.content_type = media_type
        response.set_headers(caching)

    return respond
