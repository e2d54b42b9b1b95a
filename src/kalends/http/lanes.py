"""Lanes: separate threads for each kind of request, so that slow requests do not delay others."""

import threading
from collections.abc import Callable
from enum import StrEnum
from queue import SimpleQueue
from typing import NamedTuple

Job = Callable[[], None]


class Kind(StrEnum):
    """What a request mainly does in its thread."""

    LIGHT = "light"
    """It reads little."""

    HEAVY = "heavy"
    """It reads much."""

    CALCULATION = "calculation"
    """It calculates much in Python."""

    WRITE = "write"
    """It waits for its turn to write."""

    READY = "ready"
    """It checks whether the database answers, which may take long."""


class Width(NamedTuple):
    """The number of threads of a lane, and of requests that may wait for them."""

    threads: int
    most_waiting: int


def widths(threads: int) -> dict[Kind, Width]:
    """Return the width of each lane of a process, by the number of threads that read little.

    More threads do not answer more requests, as only one at a time runs Python. A write needs the interpreter a dozen
    times, and waits longer each time if there are more threads.
    """
    return {
        Kind.LIGHT: Width(threads, 1_024),
        Kind.HEAVY: Width(2, 512),
        Kind.CALCULATION: Width(1, 64),  # a second one would only share its time, and delay all other threads
        Kind.WRITE: Width(2 * threads, 512),
        Kind.READY: Width(1, 16),
    }


class Lane:
    """Threads that run jobs in the order of their arrival."""

    def __init__(self, kind: Kind, width: Width) -> None:
        self._jobs: SimpleQueue[Job] = SimpleQueue()
        self._most_waiting = width.most_waiting
        for number in range(width.threads):
            threading.Thread(target=self._work, name=f"{kind}-{number}", daemon=True).start()

    def enter(self, job: Job) -> bool:
        """Queue a job and return True, or return False if too many are waiting."""
        if self._jobs.qsize() >= self._most_waiting:
            return False
        self._jobs.put(job)
        return True

    def _work(self) -> None:
        while True:
            self._jobs.get()()
