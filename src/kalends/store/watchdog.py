"""Limits on waiting for a database server that does not answer, and when to try it again."""

import math
import os
import socket
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager, suppress

from kalends.errors import Unavailable

CHECK_S = 0.25
"""Between two checks for connections that have waited too long."""

OPEN_S = 1
"""How long all callers are refused after no connection could be made; then one of them tries again."""

UNREACHABLE = "PostgreSQL could not be reached a moment ago."


class Watch:
    """A connection in use, and the time until which its server has to answer."""

    def __init__(self, descriptor: int, seconds: float) -> None:
        self.descriptor = descriptor
        self.deadline = math.inf
        self._seconds = seconds
        self.renew()

    def renew(self, times: int = 1) -> None:
        """Restart the time limit, for a statement or for several."""
        self.deadline = time.monotonic() + self._seconds * times


class Watchdog:
    """A thread that shuts down connections on which a server has not answered in time; the driver finds them broken.

    Nothing else ends the wait for a server process that is frozen: its machine still acknowledges packets, and the
    process cannot apply its own limits for statements.
    """

    def __init__(self) -> None:
        self._lock = threading.RLock()  # the garbage collector may end an open transaction at any line
        self._watches: set[Watch] = set()
        self._thread: threading.Thread | None = None
        self._closed = threading.Event()

    def close(self) -> None:
        """Stop the thread."""
        self._closed.set()
        if self._thread is not None:
            self._thread.join()

    @property
    def watched(self) -> int:
        """Return the number of connections in use."""
        return len(self._watches)

    @contextmanager
    def watching(self, watch: Watch) -> Generator[None]:
        """Shut down a connection when its deadline passes, unless the block has ended before."""
        with self._lock:
            self._watches.add(watch)
            if self._thread is None:  # not before: threads do not survive a fork
                self._thread = threading.Thread(target=self._check_all, name="watchdog", daemon=True)
                self._thread.start()
        try:
            yield
        finally:
            with self._lock:
                self._watches.discard(watch)

    def _check_all(self) -> None:
        while not self._closed.wait(CHECK_S):
            now = time.monotonic()
            with self._lock:  # while it is held, no descriptor can be reused for another connection
                for watch in [one for one in tuple(self._watches) if one.deadline < now]:
                    self._watches.discard(watch)
                    shut_down(watch.descriptor)


def shut_down(descriptor: int) -> None:
    """Shut down a socket in both directions, without closing it: its owner does that."""
    with suppress(OSError), socket.socket(fileno=os.dup(descriptor)) as same:
        same.shutdown(socket.SHUT_RDWR)


class CircuitBreaker:
    """A circuit breaker: while a server does not answer, it refuses all callers at once but one, which tries again."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._refused_until = 0.0

    def check(self, longest_try_s: float) -> None:
        """Raise Unavailable if it is not time to try again, or if another caller does that."""
        if not self._refused_until:
            return
        with self._lock:
            now = time.monotonic()
            if now < self._refused_until:
                raise Unavailable(UNREACHABLE)
            self._refused_until = now + longest_try_s

    def record(self, *, reached: bool) -> None:
        """Record whether the server could be reached."""
        self._refused_until = 0.0 if reached else time.monotonic() + OPEN_S
