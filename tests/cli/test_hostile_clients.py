"""Clients that send little, slowly or never, and blocked writers: all other requests are answered."""

import os
import resource
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import httpx
import pytest

from kalends.http.front import BODY_TIMEOUT_S
from tests.cli.conftest import on_sqlite
from tests.cli.test_ending import LOOPBACK, TELLS_CHILDREN, send_user, writes_held_up
from tests.served import KALENDS, PATIENCE_S, UNLIMITED, Server

pytestmark = pytest.mark.slow

MANY = 1_200
ANSWERED_WITHIN_S = 3
"""What takes milliseconds on a quiet machine may take that long on one that runs other tests."""

CUT_WITHIN_S = 15

HEAD = b"POST /v1/users HTTP/1.1\r\nHost: kalends\r\nContent-Type: application/json\r\n"


@pytest.fixture(autouse=True)
def _room_for_connections() -> Iterator[None]:
    """Raise this process's limit of open files as far as allowed."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 4_096 if hard == resource.RLIM_INFINITY else min(hard, 4_096)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, wanted), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.fixture
def connect(server: Server):
    """Open connections that send some bytes and then wait."""
    with ExitStack() as connections:

        def open_many(count: int, sent: bytes) -> list[socket.socket]:
            opened: list[socket.socket] = []
            for _ in range(count):
                connection = connections.enter_context(socket.create_connection((LOOPBACK, server.port), PATIENCE_S))
                connection.sendall(sent)
                opened.append(connection)
            return opened

        yield open_many


def everybody_is_answered(server: Server, bearer: dict[str, str], *, writes: bool = True) -> None:
    """Send a health check, a list request and a write several times, and check that they are answered in time."""
    for number in range(5):
        for path in ("/health/live", "/health/ready", "/v1/events?limit=1"):
            answer = httpx.get(f"{server.address}{path}", headers=bearer, timeout=ANSWERED_WITHIN_S)
            assert answer.status_code == 200, (path, answer.text)
        if writes:
            body = {"name": f"Number {number}", "email": f"{time.monotonic_ns()}@example.org"}
            answer = httpx.post(f"{server.address}/v1/users", json=body, headers=bearer, timeout=ANSWERED_WITHIN_S)
            assert answer.status_code == 201, answer.text


def rest_of(connection: socket.socket) -> bytes:
    """Return all bytes that a connection sends until it is closed."""
    rest = b""
    with suppress(ConnectionError):
        while part := connection.recv(4_096):
            rest += part
    return rest


@on_sqlite
def test_clients_that_send_too_little_delay_nobody_and_are_disconnected(server, bearer, connect):
    began = time.monotonic()
    connections = [
        *connect(MANY // 3, b""),
        *connect(MANY // 3, b"GET /health/live HTTP/1.1\r\nHost: kalends\r\nX-Slow: "),
        *connect(MANY // 3, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
    ]
    head = HEAD + f"Authorization: {bearer['Authorization']}\r\n".encode()
    bodies = [
        *connect(150, head + b"Content-Length: 100000\r\n\r\n{"),
        *connect(150, head + b"Content-Length: 100\r\n\r\n{"),
        *connect(150, head + b"Transfer-Encoding: chunked\r\n\r\n1\r\n{"),
    ]
    everybody_is_answered(server, bearer)
    for connection in connections:
        rest_of(connection)
    assert time.monotonic() - began < CUT_WITHIN_S
    assert all(rest_of(connection).startswith(b"HTTP/1.1 408") for connection in bodies)
    assert time.monotonic() - began < CUT_WITHIN_S + BODY_TIMEOUT_S


def test_waiting_writers_delay_neither_readers_nor_health_checks(server, bearer, engine, url):
    with writes_held_up(engine, url) as release, ExitStack() as connections:
        sent = [connections.enter_context(send_user(server, bearer, number, worked_on=False)) for number in range(40)]
        everybody_is_answered(server, bearer, writes=False)
        release()
        assert all(connection.recv(4_096).startswith(b"HTTP/1.1 201") for connection in sent)


@on_sqlite
def test_clients_that_do_not_read_delay_nobody(server, bearer, connect):
    token = f"Authorization: {bearer['Authorization']}\r\n".encode()
    connections = connect(300, (b"GET /openapi.json HTTP/1.1\r\nHost: kalends\r\n" + token + b"\r\n") * 20)
    everybody_is_answered(server, bearer)
    assert len(connections) == 300


@on_sqlite
@pytest.mark.skipif(not TELLS_CHILDREN, reason="does not tell the children of a process")
def test_a_server_process_that_is_killed_is_started_again(server, bearer):
    (child, *_) = children_of(server.process.pid)
    os.kill(child, signal.SIGKILL)
    deadline = time.monotonic() + PATIENCE_S
    while child in children_of(server.process.pid):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    while True:
        with suppress(httpx.TransportError):
            if httpx.get(f"{server.address}/health/ready", timeout=ANSWERED_WITHIN_S).status_code == 200:
                break
        assert time.monotonic() < deadline
        time.sleep(0.05)
    everybody_is_answered(server, bearer)
    assert server.end() == 0


def children_of(parent: int) -> set[int]:
    """Return the processes that a process has started."""
    return {int(word) for word in Path(f"/proc/{parent}/task/{parent}/children").read_text().split()}


def test_a_log_that_nobody_reads_delays_nobody(tmp_path: Path):
    read, write = os.pipe()
    environment = {**os.environ, **UNLIMITED, "KALENDS_DATABASE_URL": f"sqlite:///{tmp_path / 'own.db'}"}
    words = [*KALENDS, "serve", "--port", "0"]
    process = subprocess.Popen(words, env=environment, stdout=subprocess.PIPE, stderr=write, text=True)
    try:
        assert process.stdout
        address = process.stdout.readline().split()[3]
        with httpx.Client(base_url=address, timeout=ANSWERED_WITHIN_S) as client:
            for _ in range(200):
                assert client.get(f"/health/live?{'x' * 10}", headers={"X-Request-Id": "y" * 64}).status_code == 200
            for _ in range(200):
                assert client.get(f"/no/{'x' * 4_000}").status_code == 404
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE_S) == 0
    finally:
        process.kill()
        process.wait(PATIENCE_S)
        assert process.stdout
        process.stdout.close()
        os.close(read)
        os.close(write)
