"""The front on its own event loop, with a client that sends and waits as a test needs."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Any

import pytest

from kalends.http import front as module
from kalends.http.environ import REFUSED, FileBody
from kalends.http.front import Front, WsgiResponse
from kalends.http.lanes import Kind, Width
from tests.http.test_environ import Head, Lines

LIMIT = 200_000


class Client:
    """A request whose body is sent in chunks, each after a pause, and its answer."""

    def __init__(self, *pieces: bytes, pause_s: float = 0, fails: bool = False) -> None:
        self._pieces = list(pieces)
        self._pause_s = pause_s
        self._fails = fails
        self._answer: WsgiResponse | None = None
        self.bytes_read = 0
        self.is_closed = False

    async def __call__(self) -> bytes:
        pieces = [piece async for piece in self]
        if self._fails:
            raise RuntimeError("the stream is closed")
        return b"".join(pieces)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for piece in self._pieces:
            await asyncio.sleep(self._pause_s)
            self.bytes_read += len(piece)
            yield piece
        if self._fails:
            yield b""
        yield b""

    def response_bytes(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
        self._answer = WsgiResponse(status, headers, body)

    def response_file(self, status: int, headers: list[tuple[str, str]], file: str) -> None:
        self._answer = WsgiResponse(status, headers, Path(file).read_bytes())

    def response_stream(self, status: int, headers: list[tuple[str, str]]) -> "Later":
        self.is_closed = True
        return Later(self, status, headers)

    @property
    def is_answered(self) -> bool:
        return self._answer is not None

    @property
    def answer(self) -> WsgiResponse:
        assert self._answer
        return self._answer


class Later:
    """The body of an answer that is sent later, after which the server closes the connection."""

    def __init__(self, client: Client, status: int, headers: list[tuple[str, str]]) -> None:
        self._client = client
        self._head = status, headers

    def send_bytes(self, data: bytes) -> None:
        self._client.response_bytes(*self._head, data)


def head(path: str = "/echo", *, method: str = "POST", length: int | None = None, chunked: bool = False) -> Head:
    lines = [("host", "kalends")]
    lines += [("content-length", str(length))] if length is not None else []
    lines += [("transfer-encoding", "chunked")] if chunked else []
    return Head(Lines(lines), path=path, method=method)


class App:
    """Answers with the body of the request, or with the code of what the front refuses."""

    def __init__(self, file: IO[bytes]) -> None:
        self.hold = threading.Event()
        self.hold.set()
        self.held = threading.Semaphore(0)
        self.threads: dict[str, str] = {}
        self.file = file

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., object]) -> list[bytes]:
        path = environ["PATH_INFO"]
        self.threads[path] = threading.current_thread().name
        if REFUSED in environ:
            start_response("503 Service Unavailable", [])
            return [environ[REFUSED].code.encode()]
        if path in ("/held", "/health/ready"):
            self.held.release()
            assert self.hold.wait(60)
        if path == "/broken":
            raise ZeroDivisionError
        if path == "/file":
            start_response("200 OK", [("content-length", "6")])
            return environ["wsgi.file_wrapper"](self.file, 8_192)
        body = environ["wsgi.input"].read()
        start_response("200 OK", [("x-length", environ.get("CONTENT_LENGTH", ""))])
        return [body[:100], body[100:]]


@pytest.fixture
def app() -> Iterator[App]:
    with TemporaryFile() as file:
        yield App(file)


@pytest.fixture
def loop():
    loop = asyncio.new_event_loop()
    yield loop
    loop.close()


def kind_of(method: str, path: str, _: str) -> Kind:
    return Kind.HEAVY if path == "/held" else Kind.LIGHT if method == "GET" else Kind.WRITE


@pytest.fixture
def front(app, loop) -> Front:
    lanes = {kind: Width(1, 2) for kind in Kind}
    front = Front(app, kind_of, lanes, LIMIT, print)
    front.__rsgi_init__(loop)
    return front


@pytest.fixture
def ask(front, loop):
    """Send requests at once, and return the answer to each."""

    def play(*requests: tuple[Head, Client]) -> list[WsgiResponse]:
        async def all_of_them() -> None:
            await asyncio.gather(*(front.__rsgi__(*request) for request in requests))
            while not all(client.is_answered for _, client in requests):
                await asyncio.sleep(0.01)

        loop.run_until_complete(all_of_them())
        return [client.answer for _, client in requests]

    return play


def test_liveness_is_answered_by_the_loop_and_everything_else_by_threads_of_its_kind(ask, app):
    ask((head("/health/live", method="GET"), Client()), (head("/read", method="GET"), Client()), (head("/x"), Client()))
    assert app.threads == {"/health/live": "MainThread", "/read": "light-0", "/x": "write-0"}


@pytest.mark.parametrize(
    ("request_head", "pieces"),
    [
        (head(length=5), [b"hello"]),
        (head(length=5), [b"he", b"llo"]),
        (head(length=100_000), [b"a" * 60_000, b"b" * 40_000]),
        (head(chunked=True), [b"he", b"llo"]),
        (head(chunked=True), []),
        (head(length=0), []),
        (head(), []),
    ],
)
def test_a_body_in_chunks_is_passed_on_complete(ask, request_head, pieces):
    client = Client(*pieces)
    (answer,) = ask((request_head, client))
    assert (answer.status, client.is_closed) == (200, False)
    assert answer.body == b"".join(pieces)


def test_a_body_that_is_known_to_be_too_large_is_not_read(ask):
    client = Client(b"a" * LIMIT, b"a")
    (answer,) = ask((head(length=LIMIT + 1), client))
    assert dict(answer.headers) == {"x-length": str(LIMIT + 1)}
    assert (client.bytes_read, client.is_closed) == (0, True)


def test_no_more_is_read_of_a_body_that_turns_out_to_be_too_large(ask):
    client = Client(*[b"a" * 100_000] * 100)
    (answer,) = ask((head(chunked=True), client))
    assert (client.bytes_read, client.is_closed) == (300_000, True)
    assert dict(answer.headers) == {"x-length": "300000"}


@pytest.mark.parametrize("request_head", [head(length=5), head(length=100_000), head(chunked=True)])
def test_an_incomplete_body_is_refused(ask, request_head):
    (answer,) = ask((request_head, Client(b"{}", fails=True)))
    assert answer.body == b"malformed"


@pytest.mark.parametrize("request_head", [head(length=5), head(length=100_000), head(chunked=True)])
def test_a_body_that_times_out_is_refused_while_others_are_answered(ask, monkeypatch, request_head):
    monkeypatch.setattr(module, "BODY_TIMEOUT_S", 0.2)
    client = Client(b"{", b"}", pause_s=5)
    slow, quick = ask((request_head, client), (head(length=2), Client(b"{}")))
    assert (slow.body, client.is_closed) == (b"body_too_slow", True)
    assert quick.body == b"{}"


def test_the_slowest_body_is_dropped_for_new_ones(ask, monkeypatch):
    monkeypatch.setattr(module, "MOST_HELD_BYTES", 250_000)
    slow = [(head(chunked=True), Client(b"a" * 100_000, b"b", pause_s=pause)) for pause in (0.2, 0.21, 0.22, 0.23)]
    answers = ask(*slow)
    assert [answer.body[:13] for answer in answers[:2]] == [b"body_too_slow"] * 2
    assert [len(answer.body) for answer in answers[2:]] == [100_001] * 2


def test_no_reference_to_a_request_with_refused_headers_is_kept(ask):
    client = Client(b"{", pause_s=5)
    refused = Head(Lines([("host", "kalends"), ("x_y", "1"), ("content-length", "2")]), path="/echo", method="POST")
    (answer,) = ask((refused, client))
    assert (answer.body, client.bytes_read, client.is_closed) == (b"malformed", 0, True)


def test_one_kind_of_request_does_not_wait_for_another(front, app, loop):
    app.hold.clear()

    async def play() -> list[WsgiResponse]:
        held, read, written = Client(), Client(), Client()
        waiting = asyncio.ensure_future(front.__rsgi__(head("/held"), held))
        await asyncio.to_thread(app.held.acquire)
        await front.__rsgi__(head("/read", method="GET"), read)
        await front.__rsgi__(head("/written"), written)
        assert not held.is_answered
        app.hold.set()
        await waiting
        return [held.answer, read.answer, written.answer]

    assert [answer.status for answer in loop.run_until_complete(play())] == [200] * 3


def test_requests_are_refused_at_once_when_too_many_wait(front, app, loop):
    app.hold.clear()

    async def play() -> tuple[list[Client], Client]:
        clients = [Client() for _ in range(3)]
        first = asyncio.ensure_future(front.__rsgi__(head("/held"), clients[0]))
        await asyncio.to_thread(app.held.acquire)
        others = [asyncio.ensure_future(front.__rsgi__(head("/held"), client)) for client in clients[1:]]
        await asyncio.sleep(0)
        late = Client()
        await front.__rsgi__(head("/held"), late)
        app.hold.set()
        await asyncio.gather(first, *others)
        return clients, late

    clients, late = loop.run_until_complete(play())
    assert late.answer.body == b"overloaded"
    assert [client.answer.status for client in clients] == [200] * 3


def test_requests_that_have_waited_too_long_are_not_handled(front, app, loop, monkeypatch):
    monkeypatch.setattr(module, "LONGEST_WAIT_S", 0.05)
    app.hold.clear()

    async def play() -> Client:
        first = asyncio.ensure_future(front.__rsgi__(head("/held"), Client()))
        await asyncio.to_thread(app.held.acquire)
        late = Client()
        second = asyncio.ensure_future(front.__rsgi__(head("/held"), late))
        await asyncio.sleep(0.1)
        app.hold.set()
        await asyncio.gather(first, second)
        return late

    assert loop.run_until_complete(play()).answer.body == b"overloaded"


def test_the_server_is_not_ready_while_the_database_does_not_answer(front, app, loop):
    app.hold.clear()

    async def play() -> list[bytes | FileBody]:
        clients = [Client() for _ in range(5)]
        await asyncio.gather(*(front.__rsgi__(head("/health/ready", method="GET"), client) for client in clients))
        return [client.answer.body for client in clients]

    began = loop.time()
    assert loop.run_until_complete(play()) == [b"unavailable"] * 5
    assert loop.time() - began < 5
    app.hold.set()


def test_an_unexpected_error_is_raised_to_the_server_and_the_thread_goes_on(front, loop, ask):
    with pytest.raises(ZeroDivisionError):
        loop.run_until_complete(front.__rsgi__(head("/broken"), Client()))
    assert ask((head(length=2), Client(b"{}")))[0].status == 200


def test_a_file_is_sent_by_the_server_and_closed_once_it_is_open_there(ask, app, loop, monkeypatch):
    monkeypatch.setattr(module, "LONGEST_OPENING_S", 0.1)
    app.file.write(b"export")
    app.file.seek(0)
    (answer,) = ask((head("/file"), Client()))
    assert answer == (200, [("content-length", "6")], b"export")
    assert not app.file.closed
    loop.run_until_complete(asyncio.sleep(0.2))
    assert app.file.closed


def test_the_application_is_told_of_the_end_of_the_server(app, loop):
    calls: list[str] = []
    front = Front(app, kind_of, {}, LIMIT, lambda: calls.append("end"))
    front.__rsgi_del__(loop)
    assert calls == ["end"]
