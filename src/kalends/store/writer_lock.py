"""A lock for processes that write to one SQLite file: one at a time waits for SQLite's own lock, so none starves.

SQLite sleeps for up to 100 ms between two attempts, and a busy process frees the lock for microseconds only: of four
processes with transactions of 3 ms, one wrote once a second and waited for up to 6 s. The process that holds this lock
is the only one that waits for SQLite's, and tries often; a process that has just written has to queue again.
"""

import fcntl
import os
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path

from kalends.store.private_files import create_private

PAUSE_S = 0.000_25
"""The pause between two attempts."""


def writer_lock_path(database: Path) -> Path:
    """Return the path of the lock file of a database, which exists once something was written."""
    return database.with_name(f"{database.name}-turn")


class WriterLock:
    """A file beside the database that one process at a time locks; the lock ends with the process."""

    def __init__(self, path: Path) -> None:
        create_private(path)
        self._file = os.open(path, os.O_RDWR | os.O_CLOEXEC)

    @contextmanager
    def acquired(self, deadline: float) -> Generator[bool]:
        """Hold the lock for the block, unless the deadline passes before; provide whether it is held."""
        held = poll_until(self._try_lock, deadline)
        try:
            yield held
        finally:
            if held:
                fcntl.flock(self._file, fcntl.LOCK_UN)

    def close(self) -> None:
        """Close the file."""
        os.close(self._file)

    def _try_lock(self) -> bool:
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True


def poll_until(attempt: Callable[[], bool], deadline: float) -> bool:
    """Repeat an attempt until it succeeds or the deadline (of the monotonic clock) passes; return whether it did."""
    while not attempt():
        if time.monotonic() >= deadline:
            return False
        time.sleep(PAUSE_S)
    return True
