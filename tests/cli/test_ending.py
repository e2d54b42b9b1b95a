"""How a server ends: gracefully on the first signal, at once on the second Ctrl-C, and with all log lines written."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import httpx
import pytest
import sqlalchemy as sa

from kalends.cli.ending import KILLED, PROCESS_END_S
from kalends.cli.serving import answers_ready
from kalends.settings import Settings
from kalends.store.database import Database, WriteTx
from kalends.store.query import Query
from tests.cli.conftest import on_postgresql, on_sqlite
from tests.served import KALENDS, PATIENCE_S, Server, serving

pytestmark = pytest.mark.slow

LOOPBACK = "127.0.0.1"
IN_FLIGHT = 8
"""Twice as many as there are threads: some are handled, others wait in the server."""

LOCK = {
    "sqlite": Query(sa.text("SELECT 1")),  # the transaction of a writer is lock enough
    "postgresql": Query(sa.text('LOCK TABLE "user" IN EXCLUSIVE MODE')),
}
HANG_UP, CTRL_C, TERMINATE = signal.SIGHUP, signal.SIGINT, signal.SIGTERM
TELLS_CHILDREN = Path(f"/proc/self/task/{os.getpid()}/children").exists()


@contextmanager
def writes_held_up(engine: str, url: str) -> Iterator[Callable[[], None]]:
    """Block all other writers of the database until the function is called or the block ends."""
    locked, release = threading.Event(), threading.Event()
    own = Database(Settings(database_url=url))

    def hold(tx: WriteTx) -> None:
        tx.run(LOCK[engine])
        locked.set()
        release.wait(PATIENCE_S)

    holder = threading.Thread(target=own.write, args=(hold,))
    holder.start()
    assert locked.wait(PATIENCE_S)
    try:
        yield release.set
    finally:
        release.set()
        holder.join()
        own.close()


def send_user(server: Server, bearer: dict[str, str], number: int, *, worked_on: bool) -> socket.socket:
    """Send a request that creates a user; `100 Continue` shows that it is being handled."""
    connection = socket.create_connection((LOOPBACK, server.port), timeout=PATIENCE_S)
    body = f'{{"name":"Number {number}","email":"{number}@example.org"}}'.encode()
    head = (
        f"POST /v1/users HTTP/1.1\r\nHost: kalends\r\nAuthorization: {bearer['Authorization']}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
    )
    connection.sendall(f"{head}Expect: 100-continue\r\n\r\n".encode() if worked_on else f"{head}\r\n".encode())
    if worked_on:
        assert connection.recv(4096).startswith(b"HTTP/1.1 100")
    connection.sendall(body)
    return connection


def await_no_new_requests(server: Server) -> None:
    """Wait until a server accepts no more requests."""
    deadline = time.monotonic() + PATIENCE_S
    while answers_ready(LOOPBACK, server.port, "of-a-test"):
        assert time.monotonic() < deadline, "The server goes on to take requests."
        time.sleep(0.02)


@pytest.mark.parametrize(
    ("engine", "signals"),
    [
        pytest.param("sqlite", [CTRL_C], id="Ctrl-C, one process", marks=pytest.mark.measured),
        pytest.param("postgresql", [CTRL_C], id="Ctrl-C"),
        pytest.param("postgresql", [TERMINATE] * 3, id="SIGTERM"),
        pytest.param("postgresql", [CTRL_C, TERMINATE, TERMINATE], id="Ctrl-C and SIGTERM"),
        pytest.param("postgresql", [HANG_UP], id="SIGHUP"),
    ],
    indirect=["engine"],
    scope="session",
)
def test_requests_in_flight_are_finished_when_all_processes_are_stopped(server, bearer, engine, url, signals):
    """A terminal sends Ctrl-C to the whole group, and a service manager may send SIGTERM to it."""
    with writes_held_up(engine, url) as release, ExitStack() as connections:
        sent = [
            connections.enter_context(send_user(server, bearer, number, worked_on=number < IN_FLIGHT / 2))
            for number in range(IN_FLIGHT)
        ]
        time.sleep(0.2)  # so that the server has read those that wait, too
        for number in signals:
            os.killpg(server.process.pid, number)
            time.sleep(0.05)  # so that they do not become one
        await_no_new_requests(server)
        assert server.process.poll() is None
        began = time.monotonic()
        release()
        answers = [connection.recv(4096) for connection in sent]
        assert all(b"HTTP/1.1 201" in answer for answer in answers), answers
    assert server.wait() == 0
    assert time.monotonic() - began < PROCESS_END_S
    assert len(server.said) == 1
    assert [line for line in server.log.read_text().splitlines() if '"level":"info"' not in line] == []


def test_a_server_that_has_just_become_ready_handles_every_signal(tmp_path):
    """A thread that receives a signal for which another waits keeps it from the main thread as well."""
    url = f"sqlite:///{tmp_path / 'own.db'}"
    for _ in range(5):
        with serving(tmp_path, "serve", "--port", "0", KALENDS_DATABASE_URL=url) as server:
            os.killpg(server.process.pid, CTRL_C)
            assert server.wait() == 0


@pytest.mark.measured
def test_a_second_ctrl_c_does_not_wait_for_requests_in_flight(server, bearer, engine, url):
    with writes_held_up(engine, url), send_user(server, bearer, 1, worked_on=True) as connection:
        os.killpg(server.process.pid, CTRL_C)
        await_no_new_requests(server)
        assert server.process.poll() is None
        began = time.monotonic()
        os.killpg(server.process.pid, CTRL_C)
        assert server.wait() == 130
        assert time.monotonic() - began < PROCESS_END_S
        with suppress(ConnectionError):
            assert connection.recv(4096) == b""
    own = Database(Settings(database_url=url))
    assert own.read(lambda tx: tx.rows(Query(sa.text('SELECT name FROM "user"')))) == []
    own.close()


@on_sqlite
@pytest.mark.measured
def test_a_server_process_that_does_not_finish_in_time_is_killed_and_named(engine, url, tmp_path, call):
    script = "from kalends.cli import ending, main; ending.PROCESS_END_S = 0.5; main()"
    program = (sys.executable, "-c", script)
    environment = {"KALENDS_DATABASE_URL": url, "KALENDS_BUSY_TIMEOUT_MS": str(PATIENCE_S * 1_000)}
    with serving(tmp_path, "serve", "--port", "0", program=program, **environment) as server:
        bearer = {"Authorization": f"Bearer {call('token', 'create').stdout.strip()}"}
        with writes_held_up(engine, url), send_user(server, bearer, 1, worked_on=True):
            assert server.end() == 0
        (error,) = server.logged_errors()
        assert KILLED in error


def test_a_server_started_with_nohup_outlives_its_terminal(tmp_path):
    usual = signal.signal(HANG_UP, signal.SIG_IGN)  # what `nohup` does
    try:
        server = Server(tmp_path, "serve", "--port", "0", KALENDS_DATABASE_URL=f"sqlite:///{tmp_path / 'own.db'}")
        server.start()
    finally:
        signal.signal(HANG_UP, usual)
    try:
        os.killpg(server.process.pid, HANG_UP)
        assert httpx.get(f"{server.address}/health/ready").status_code == 200
        assert server.end() == 0
    finally:
        server.kill()


@on_postgresql
@pytest.mark.skipif(not TELLS_CHILDREN, reason="tells no children")
@pytest.mark.parametrize("number", [CTRL_C, TERMINATE])
def test_a_server_that_is_ended_while_its_processes_start_ends_at_once(url, number):
    """A process that missed the signal would go on serving until it is killed."""
    words = (*KALENDS, "serve", "--port", "0", "--processes", "2")
    with subprocess.Popen(
        words, env=os.environ | {"KALENDS_DATABASE_URL": url}, stdout=subprocess.DEVNULL, start_new_session=True
    ) as server:
        try:
            children = Path(f"/proc/{server.pid}/task/{server.pid}/children")
            while not children.read_text():
                assert server.poll() is None
                time.sleep(0.005)
            began = time.monotonic()
            os.killpg(server.pid, number)
            assert server.wait(PATIENCE_S) == 0
            assert time.monotonic() - began < PROCESS_END_S
        finally:
            server.kill()


@pytest.mark.parametrize("number", [CTRL_C, TERMINATE, HANG_UP])
def test_a_demo_that_is_ended_while_it_prepares_leaves_nothing_behind(tmp_path, number):
    words = (*KALENDS, "demo", "--port", "0")
    with subprocess.Popen(
        words,
        env=os.environ | {"TMPDIR": str(tmp_path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as demo:
        try:
            while not any(tmp_path.glob("kalends-demo-*/demo.db")):
                assert demo.poll() is None
                time.sleep(0.001)
            os.killpg(demo.pid, number)
            said, errors = demo.communicate(timeout=PATIENCE_S)
        finally:
            demo.kill()
    assert (demo.returncode, said, errors) == (128 + number, "", "")
    assert not list(tmp_path.iterdir())


LOSES_A_SIGNAL = """
from kalends import cli
try:
    cli.exit_on_signal(2, None)
except SystemExit:
    pass
cli.main()
"""


def test_a_signal_ends_a_command_before_it_serves_although_the_exception_was_lost(tmp_path):
    """A destructor, for one, loses every exception that is raised in it."""
    url = f"sqlite:///{tmp_path / 'own.db'}"
    words = (sys.executable, "-c", LOSES_A_SIGNAL, "serve", "--port", "0")
    environment = os.environ | {"KALENDS_DATABASE_URL": url}
    done = subprocess.run(words, env=environment, capture_output=True, text=True, timeout=PATIENCE_S, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (128 + CTRL_C, "", "")


def test_a_server_whose_output_nobody_reads_serves(tmp_path):
    url = f"sqlite:///{tmp_path / 'deaf.db'}"
    with serving(tmp_path, "serve", "--port", "0", KALENDS_DATABASE_URL=url) as server:
        assert httpx.get(f"{server.address}/health/ready").status_code == 200
        assert server.end(CTRL_C) == 0, "Ctrl-C ends it in good order, too"
