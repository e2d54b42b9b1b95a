"""How long a database server that says nothing is waited for, and how long nobody waits for it after that."""

import math
import os
import socket
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager, suppress

from kalends.errors import Unavailable

LOOK_S = 0.25
"""Between two looks at who has waited too long."""

REST_S = 1
"""After nobody could get a connection, the next try is made so much later, by one caller."""

RESTING = "PostgreSQL could not be reached a moment ago."


class Watch:
    """A connection in use, and until when its server may be silent."""

    def __init__(self, descriptor: int, seconds: float) -> None:
        self.descriptor = descriptor
        self.deadline = math.inf
        self._seconds = seconds
        self.renew()

    def renew(self, times: int = 1) -> None:
        """Begin to wait anew, for a statement or for several."""
        self.deadline = time.monotonic() + self._seconds * times


class Watchdog:
    """Cuts connections on which a server has been silent for too long; the driver then finds them broken.

    Nothing else ends a wait for a server that is frozen: its machine goes on to acknowledge packets, and its own limits
    for statements are frozen with it.
    """

    def __init__(self) -> None:
        self._lock = threading.RLock()  # a transaction that was left open may be ended by the collector, at any line
        self._watches: set[Watch] = set()
        self._thread: threading.Thread | None = None
        self._closed = threading.Event()

    def close(self) -> None:
        """End the thread that looks."""
        self._closed.set()
        if self._thread is not None:
            self._thread.join()

    @property
    def watched(self) -> int:
        """Return how many connections are in use."""
        return len(self._watches)

    @contextmanager
    def watching(self, watch: Watch) -> Generator[None]:
        """Cut a connection when its deadline is over, unless the block has ended before."""
        with self._lock:
            self._watches.add(watch)
            if self._thread is None:  # not before: threads do not survive a fork
                self._thread = threading.Thread(target=self._look_again_and_again, name="watchdog", daemon=True)
                self._thread.start()
        try:
            yield
        finally:
            with self._lock:
                self._watches.discard(watch)

    def _look_again_and_again(self) -> None:
        while not self._closed.wait(LOOK_S):
            now = time.monotonic()
            with self._lock:  # as long as it is held, no descriptor can have become that of another connection
                for watch in [one for one in tuple(self._watches) if one.deadline < now]:
                    self._watches.discard(watch)
                    cut(watch.descriptor)


def cut(descriptor: int) -> None:
    """End what a socket sends and receives, without closing it: that is for its owner to do."""
    with suppress(OSError), socket.socket(fileno=os.dup(descriptor)) as same:
        same.shutdown(socket.SHUT_RDWR)


class Breaker:
    """Refuses callers at once while a server is known not to answer, but for one at a time, who tries it again."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._refused_until = 0.0

    def enter(self, longest_try_s: float) -> None:
        """Raise Unavailable if it is not time, or not for this caller, to try again."""
        if not self._refused_until:
            return
        with self._lock:
            now = time.monotonic()
            if now < self._refused_until:
                raise Unavailable(RESTING)
            self._refused_until = now + longest_try_s

    def note(self, *, reached: bool) -> None:
        """Take note of whether the server could be reached."""
        self._refused_until = 0.0 if reached else time.monotonic() + REST_S
