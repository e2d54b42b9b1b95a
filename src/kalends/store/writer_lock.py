"""Taking turns between processes that write to one SQLite file: one at a time waits for its lock, and none starves.

SQLite's waiters sleep for up to 100 ms between two looks, and a busy process leaves the lock free for microseconds
only: of four processes with transactions of 3 ms one wrote once a second and waited for 6 s. Who stands in the
writer_lock is alone in waiting and looks often, and the process that has just written has to line up behind.
"""

import fcntl
import os
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path

from kalends.store.private_files import create_private

PAUSE_S = 0.000_25
"""Between two looks."""


def writer_lock_path(database: Path) -> Path:
    """Return where the file of a database is by which processes take turns: there once something was written."""
    return database.with_name(f"{database.name}-turn")


class WriterLock:
    """A file beside the database that one process at a time has locked; the lock of a process that dies is gone."""

    def __init__(self, path: Path) -> None:
        create_private(path)
        self._file = os.open(path, os.O_RDWR | os.O_CLOEXEC)

    @contextmanager
    def acquired(self, deadline: float) -> Generator[bool]:
        """Stand in it for the block, unless the deadline passes before; tell which."""
        inside = poll_until(self._enter, deadline)
        try:
            yield inside
        finally:
            if inside:
                fcntl.flock(self._file, fcntl.LOCK_UN)

    def close(self) -> None:
        """Close the file."""
        os.close(self._file)

    def _enter(self) -> bool:
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True


def poll_until(attempt: Callable[[], bool], deadline: float) -> bool:
    """Try until it works or the deadline, of the monotonic clock, passes; tell whether it worked."""
    while not attempt():
        if time.monotonic() >= deadline:
            return False
        time.sleep(PAUSE_S)
    return True
