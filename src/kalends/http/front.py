"""The front of a server process: an RSGI application that reads requests and passes them to the threads of their lane.

It runs on the event loop of the server, which waits for any number of connections: a slow client takes no thread. A
thread gets a request only after its body was read, or was found to be too large.
"""

import asyncio
from asyncio import AbstractEventLoop, Future
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import suppress
from functools import partial
from io import BytesIO
from time import perf_counter
from typing import Any, NamedTuple, Protocol

from kalends.errors import Unavailable
from kalends.http.environ import REFUSED, FileBody, RsgiScope, environ_of
from kalends.http.errors import BodyTooSlow, Malformed, Overloaded
from kalends.http.lanes import Kind, Lane, Width

LIVE_PATH = "/health/live"
READY_PATH = "/health/ready"

BODY_TIMEOUT_S = 8
"""A request whose body takes longer is answered 408, and its connection is closed."""

READY_TIMEOUT_S = 0.4
"""The time limit of the readiness check for the database."""

LONGEST_WAIT_S = 10
"""A request that has waited longer for a thread is answered 503: its client has given up, or will soon."""

MOST_HELD_BYTES = 64 * 1_024 * 1_024
"""The limit of all bodies that are being read. Above it, the oldest one is ended: normal clients send fast."""

CLOSE_AFTER_S = 0.25
"""The delay before the body of an answer, if the body of the request was not read to its end.

hyper, the HTTP library of the server, closes such a connection if it has to process it after the reader of that body is
gone. The head of the answer is sent while the reader exists, and later only the body is left to send.
"""

WHOLE_UP_TO = 65_536
"""The largest body that is read from the server in one piece."""

LONGEST_OPENING_S = 30
"""The time for which a file stays open so that the server can open it, too, which takes it some microseconds."""

NOT_KNOWN = f"The database has not answered within {READY_TIMEOUT_S} s."
BROKEN_OFF = "the body is incomplete, or ends with trailer fields"

WsgiApp = Callable[..., Iterable[bytes]]


class Exchange(Protocol):
    """The protocol object of RSGI for one request."""

    async def __call__(self) -> bytes:
        """Return the whole body."""
        ...

    def __aiter__(self) -> AsyncIterator[bytes]:
        """Return the body in pieces as they arrive."""
        ...

    def response_bytes(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
        """Send a response with a body in memory."""
        ...

    def response_file(self, status: int, headers: list[tuple[str, str]], file: str) -> None:
        """Send a response whose body is the file at a path, which is read no faster than it is sent."""
        ...

    def response_stream(self, status: int, headers: list[tuple[str, str]]) -> "Stream":
        """Send the head of a response whose body is sent later, and ends when the stream is deleted."""
        ...


class Stream(Protocol):
    """The object of RSGI for a body that is sent later."""

    def send_bytes(self, data: bytes) -> object:
        """Send a part of the body."""
        ...


class WsgiResponse(NamedTuple):
    """The response of the WSGI application."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes | FileBody


class Front:
    """An RSGI application that reads requests and calls a WSGI application in lanes of threads."""

    def __init__(
        self,
        app: WsgiApp,
        kind_of: Callable[[str, str, str], Kind],
        lanes: Mapping[Kind, Width],
        max_body_bytes: int,
        at_end: Callable[[], None],
    ) -> None:
        self._app = app
        self._kind_of = kind_of
        self._widths = lanes
        self._max_body_bytes = max_body_bytes
        self._at_end = at_end
        self._bodies = Bodies()

    def __rsgi_init__(self, loop: AbstractEventLoop) -> None:
        """Start serving on an event loop."""
        self._loop = loop
        self._lanes = {kind: Lane(kind, width) for kind, width in self._widths.items()}

    def __rsgi_del__(self, _: AbstractEventLoop) -> None:
        """End the front after all requests are answered."""
        self._at_end()

    async def __rsgi__(self, scope: RsgiScope, protocol: Exchange) -> None:
        """Answer one request."""
        environ = environ_of(scope)
        is_read = await self._read_body(environ, protocol)
        status, headers, body = await self._answer(environ)
        if isinstance(body, FileBody):
            protocol.response_file(status, headers, f"/dev/fd/{body.file.fileno()}")
            self._loop.call_later(LONGEST_OPENING_S, body.file.close)
        elif is_read:
            protocol.response_bytes(status, headers, body)
        else:
            stream = protocol.response_stream(status, headers)
            self._loop.call_later(CLOSE_AFTER_S, stream.send_bytes, body)

    async def _read_body(self, environ: dict[str, Any], protocol: Exchange) -> bool:
        """Add the body or its error to the environment, and return whether all of it was read.

        A body with too large a Content-Length is not read: the application refuses it.
        """
        length = int(environ["CONTENT_LENGTH"]) if "CONTENT_LENGTH" in environ else None
        if length == 0 or (length is None and "HTTP_TRANSFER_ENCODING" not in environ):
            return True
        if REFUSED in environ or (length is not None and length > self._max_body_bytes):
            return False
        try:
            body = await self._bodies.read(protocol, length, self._max_body_bytes)
        except TimeoutError:
            environ[REFUSED] = BodyTooSlow(BODY_TIMEOUT_S)
        except ValueError:
            environ[REFUSED] = Malformed(BROKEN_OFF)
        else:
            environ["wsgi.input"] = BytesIO(body)
            environ["CONTENT_LENGTH"] = str(len(body))
            return len(body) <= self._max_body_bytes
        return False

    async def _answer(self, environ: dict[str, Any]) -> WsgiResponse:
        """Return the answer to a request whose body was read, refused or left unread."""
        path = environ["PATH_INFO"]
        if path == READY_PATH and REFUSED not in environ:
            return await self._answer_ready(environ)
        if path != LIVE_PATH and REFUSED not in environ:
            kind = self._kind_of(environ["REQUEST_METHOD"], path, environ["QUERY_STRING"])
            if done := self._enter(kind, environ):
                return await done
            environ[REFUSED] = Overloaded()
        return call(self._app, environ)  # it never waits, so it needs no thread

    async def _answer_ready(self, environ: dict[str, Any]) -> WsgiResponse:
        """Return the answer of the readiness check, which is 503 if the check takes too long."""
        done = self._enter(Kind.READY, environ.copy())
        with suppress(TimeoutError):
            if done:
                return await asyncio.wait_for(done, READY_TIMEOUT_S)
        environ[REFUSED] = Unavailable(NOT_KNOWN)
        return call(self._app, environ)

    def _enter(self, kind: Kind, environ: dict[str, Any]) -> Future[WsgiResponse] | None:
        """Return the future answer of a thread of a lane, or None if too many requests are waiting."""
        done: Future[WsgiResponse] = self._loop.create_future()
        acquired = self._lanes[kind].enter(partial(self._answer_in_thread, environ, done, perf_counter()))
        return done if acquired else None

    def _answer_in_thread(self, environ: dict[str, Any], done: Future[WsgiResponse], entered_at: float) -> None:
        """Answer a request in a thread of a lane."""
        if perf_counter() - entered_at > LONGEST_WAIT_S:
            environ[REFUSED] = Overloaded()
        try:
            settle = partial(done.set_result, call(self._app, environ))
        except Exception as error:  # noqa: BLE001 (the thread continues; the server answers 500)
            settle = partial(done.set_exception, error)
        with suppress(RuntimeError):  # the event loop has ended, so no answer can be sent
            self._loop.call_soon_threadsafe(unless_done, done, settle)


class Bodies:
    """A reader of bodies, with limits for the time of each and the memory of all."""

    def __init__(self) -> None:
        self._held = 0
        self._readers: dict[asyncio.Timeout, int] = {}
        """The bytes of each reader, oldest reader first."""

    async def read(self, protocol: Exchange, length: int | None, most: int) -> bytes:
        """Return a body, with its `length` if it is known, or a part of it that is larger than `most` bytes.

        Raise TimeoutError if it does not arrive in time, ValueError if it is incomplete.
        """
        async with asyncio.timeout(BODY_TIMEOUT_S) as reader:
            self._readers[reader] = 0
            try:
                if length is None or length > WHOLE_UP_TO:
                    return await self._read_pieces(protocol, reader, most)
                self._hold(reader, length)
                return await protocol()
            except RuntimeError as error:  # of the server: the client is gone
                raise ValueError from error
            finally:
                self._held -= self._readers.pop(reader, 0)

    async def _read_pieces(self, protocol: Exchange, reader: asyncio.Timeout, most: int) -> bytes:
        """Return a body that arrives in pieces.

        The server marks the end by an empty piece. After an error, or trailer fields, which clients do not send,
        another piece follows it.
        """
        pieces: list[bytes] = []
        size = 0
        is_ended = False
        async for piece in protocol:
            if is_ended:
                raise ValueError
            is_ended = not piece
            pieces.append(piece)
            size += len(piece)
            self._hold(reader, len(piece))
            if size > most:
                break
        return b"".join(pieces)

    def _hold(self, reader: asyncio.Timeout, size: int) -> None:
        """Count bytes that a reader holds, and end the oldest readers if all hold too many."""
        self._readers[reader] = self._readers.get(reader, 0) + size  # it may just have been ended
        self._held += size
        while self._held > MOST_HELD_BYTES and (oldest := next(iter(self._readers))) is not reader:
            self._held -= self._readers.pop(oldest)
            oldest.reschedule(0)


def call(app: WsgiApp, environ: dict[str, Any]) -> WsgiResponse:
    """Return the response of a WSGI application (PEP 3333)."""
    started: list[Any] = []

    def start_response(status: str, headers: list[tuple[str, str]], _: object = None) -> None:
        started[:] = int(status[:3]), headers

    parts = app(environ, start_response)
    if isinstance(parts, FileBody):
        return WsgiResponse(started[0], started[1], parts)
    try:
        body = b"".join(parts)
    finally:
        if close := getattr(parts, "close", None):
            close()
    status, headers = started
    return WsgiResponse(status, headers, body)


def unless_done(done: Future[WsgiResponse], settle: Callable[[], None]) -> None:
    """Call `settle` unless the future is done already, as it is after a cancelled request."""
    if not done.done():
        settle()
