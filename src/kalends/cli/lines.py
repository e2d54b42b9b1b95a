"""The log on stderr: a thread writes its lines, so that no request waits for the program that reads them."""

import logging
import os
import threading
import time
from collections import deque
from contextlib import suppress

MAX_WAITING = 10_000
"""Further lines are dropped, and counted: stderr may be a pipe that is not read any more."""

GATHER_S = 0.02
"""How long lines are collected for one write."""

FLUSH_S = 1
"""How long a process waits at its end for lines that are not written yet."""

DROPPED = '{{"level": "warning", "error": "{count} lines of the log were dropped because stderr is not read"}}'


class LineHandler(logging.Handler):
    """Passes lines to a thread that writes them to a file descriptor, by default that of stderr."""

    def __init__(self, target: int = 2) -> None:
        super().__init__()
        self._target = target
        self._waiting: deque[str] = deque()
        self._dropped = 0
        self._is_writing = False
        self._some = threading.Event()
        self._writer: threading.Thread | None = None

    def emit(self, record: logging.LogRecord) -> None:
        """Queue a line for the writer, or drop it if too many are waiting."""
        if len(self._waiting) >= MAX_WAITING:
            self._dropped += 1
            return
        self._waiting.append(record.getMessage())
        if not self._some.is_set():
            self._some.set()
            if self._writer is None:  # not before: threads do not survive a fork
                self._writer = threading.Thread(target=self._write, name="log", daemon=True)
                self._writer.start()

    def flush(self) -> None:
        """Wait up to FLUSH_S for the lines that are not written yet."""
        deadline = time.monotonic() + FLUSH_S
        while (self._waiting or self._is_writing) and time.monotonic() < deadline:
            time.sleep(GATHER_S / 4)

    def _write(self) -> None:
        while True:
            self._some.wait()
            time.sleep(GATHER_S)
            self._is_writing = True
            self._some.clear()
            lines = [self._waiting.popleft() for _ in range(len(self._waiting))]
            if dropped := self._dropped:
                self._dropped -= dropped
                lines.append(DROPPED.format(count=dropped))
            write_all(self._target, "".join(f"{line}\n" for line in lines).encode())
            self._is_writing = False


def write_all(target: int, content: bytes) -> int:
    """Write to a file descriptor, and return how many bytes it took; the rest is lost."""
    written = 0
    with suppress(OSError):
        while written < len(content):
            written += os.write(target, content[written:])
    return written
