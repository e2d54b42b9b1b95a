"""A server that does not answer: its connections are closed, and while it cannot be reached requests fail at once."""

import os
import signal
import socket
import threading
import time
from contextlib import suppress

import pytest

from kalends.errors import Unavailable
from kalends.settings import Settings
from kalends.store import postgresql, watchdog
from kalends.store.database import Database
from kalends.store.watchdog import CircuitBreaker, Watch, Watchdog
from tests.postgres import Postgres
from tests.store.postgresql.sessions import process_of, until


@pytest.fixture
def pair():
    """Yield the two ends of a connection."""
    one, other = socket.socketpair()
    with one, other:
        yield one, other


def test_a_connection_is_cut_at_its_deadline(pair):
    one, other = pair
    with Watchdog().watching(Watch(one.fileno(), 0.1)):
        other.settimeout(30)
        assert other.recv(1) == b"", "cut"
    assert one.fileno() > 0, "but not closed: that is for its owner to do"


def test_a_renewed_deadline_keeps_the_connection(pair):
    one, other = pair
    watch = Watch(one.fileno(), 0.8)
    with Watchdog().watching(watch):
        for _ in range(8):
            time.sleep(0.2)
            watch.renew()
        one.sendall(b"x")
        assert other.recv(1) == b"x"


def test_a_connection_is_not_cut_after_its_watch_ends(pair):
    one, other = pair
    with Watchdog().watching(Watch(one.fileno(), 0.1)):
        pass
    time.sleep(3 * watchdog.CHECK_S)
    one.sendall(b"x")
    assert other.recv(1) == b"x"


def test_a_closed_watchdog_has_no_thread_left(pair):
    """It would receive signals for which another thread waits."""
    watchdog = Watchdog()
    watchdog.close()
    with watchdog.watching(Watch(pair[0].fileno(), 60)):
        assert watchdog.watched == 1
    watchdog = Watchdog()
    with watchdog.watching(Watch(pair[0].fileno(), 60)):
        before = threading.active_count()
    watchdog.close()
    assert threading.active_count() == before - 1


def test_after_a_failure_one_caller_tries_and_the_others_are_refused(monkeypatch):
    now = 100.0
    monkeypatch.setattr(watchdog.time, "monotonic", lambda: now)
    breaker = CircuitBreaker()
    breaker.check(4)
    breaker.record(reached=False)
    with pytest.raises(Unavailable):
        breaker.check(4)
    now += watchdog.OPEN_S
    breaker.check(4)
    for _ in range(3):
        with pytest.raises(Unavailable):
            breaker.check(4)
    breaker.record(reached=True)
    breaker.check(4)
    breaker.check(4)


@pytest.mark.slow
@pytest.mark.measured
def test_a_session_that_is_frozen_is_given_up_and_the_next_is_another(
    server: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgresql, "SILENCE_S", 0.2)
    database = Database(Settings(database_url=server.url, read_timeout_ms=500))
    frozen = database.read(process_of)
    os.kill(frozen, signal.SIGSTOP)
    try:
        began = time.monotonic()
        assert database.read(process_of) != frozen, "it was tried again on another connection"
        assert time.monotonic() - began < 20
    finally:
        os.kill(frozen, signal.SIGCONT)
        database.close()


@pytest.mark.slow
@pytest.mark.measured
def test_while_a_server_is_down_one_caller_waits_and_the_others_fail_at_once(server: Postgres) -> None:
    database = Database(Settings(database_url=server.url, busy_timeout_ms=1_000))
    database.read(process_of)
    server.stop()
    try:
        with pytest.raises(Unavailable):
            database.read(process_of)
        began = time.monotonic()
        with pytest.raises(Unavailable) as caught:
            database.read(process_of)
        assert caught.value.reason == watchdog.UNREACHABLE
        assert time.monotonic() - began < 0.5
        server.start()
        until(lambda: answers(database))
    finally:
        database.close()


def answers(database: Database) -> bool:
    """Return whether the server can be reached."""
    with suppress(Unavailable):
        return database.read(process_of) > 0
    return False
