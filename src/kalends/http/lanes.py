"""Lanes: threads for each kind of request, so that those that take long never keep the others waiting."""

import threading
from collections.abc import Callable
from enum import StrEnum
from queue import SimpleQueue
from typing import NamedTuple

Job = Callable[[], None]


class Kind(StrEnum):
    """What a request asks of its thread."""

    LIGHT = "light"
    """To read little."""

    HEAVY = "heavy"
    """To read much."""

    CALCULATION = "calculation"
    """To calculate much, in Python."""

    WRITE = "write"
    """To wait for its turn to write."""

    READY = "ready"
    """To find out whether the database answers, which it may not do for long."""


class Width(NamedTuple):
    """How many threads a lane has, and how many requests may wait for them."""

    threads: int
    most_waiting: int


def widths(threads: int) -> dict[Kind, Width]:
    """Return the width of each lane of a process, for so many threads that read little.

    More of them answer no more requests, as only one at a time runs Python; and a writer, who has to take its turn for
    that a dozen times, waits the longer the more there are.
    """
    return {
        Kind.LIGHT: Width(threads, 1_024),
        Kind.HEAVY: Width(2, 512),
        Kind.CALCULATION: Width(1, 64),  # a second would only take turns with it, and make all others wait longer
        Kind.WRITE: Width(2 * threads, 512),
        Kind.READY: Width(1, 16),
    }


class Lane:
    """Threads that run jobs in the order in which they came."""

    def __init__(self, kind: Kind, width: Width) -> None:
        self._jobs: SimpleQueue[Job] = SimpleQueue()
        self._most_waiting = width.most_waiting
        for number in range(width.threads):
            threading.Thread(target=self._work, name=f"{kind}-{number}", daemon=True).start()

    def enter(self, job: Job) -> bool:
        """Run a job when its turn comes, and return True; or do nothing where too many wait already."""
        if self._jobs.qsize() >= self._most_waiting:
            return False
        self._jobs.put(job)
        return True

    def _work(self) -> None:
        while True:
            self._jobs.get()()
