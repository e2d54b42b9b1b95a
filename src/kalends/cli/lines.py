"""Lines of the log on their way to stderr: a thread writes them, so that no request waits for whoever reads them."""

import logging
import os
import threading
import time
from collections import deque
from contextlib import suppress

MOST_WAITING = 10_000
"""Lines beyond it are dropped, and counted: stderr may be a pipe that nobody reads any more."""

GATHER_S = 0.02
"""How long lines are gathered for one write."""

FLUSH_S = 1
"""How long the end of a process waits for lines that are not written yet."""

DROPPED = '{{"level": "warning", "error": "{count} lines of the log were dropped: nobody reads them"}}'


class LineHandler(logging.Handler):
    """Hands lines to a thread that writes them to a file descriptor, which is that of stderr."""

    def __init__(self, target: int = 2) -> None:
        super().__init__()
        self._target = target
        self._waiting: deque[str] = deque()
        self._dropped = 0
        self._is_writing = False
        self._some = threading.Event()
        self._writer: threading.Thread | None = None

    def emit(self, record: logging.LogRecord) -> None:
        """Put a line where the writer finds it, or drop it where too many wait."""
        if len(self._waiting) >= MOST_WAITING:
            self._dropped += 1
            return
        self._waiting.append(record.getMessage())
        if not self._some.is_set():
            self._some.set()
            if self._writer is None:  # not before: threads do not survive a fork
                self._writer = threading.Thread(target=self._write, name="log", daemon=True)
                self._writer.start()

    def flush(self) -> None:
        """Wait a moment for the lines that are not written yet."""
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
