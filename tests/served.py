"""Real `kalends` processes: a server that is awaited until it says that it is ready, and ended in any case."""

import os
import queue
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

KALENDS = (sys.executable, "-m", "kalends")
PATIENCE_S = 60
UNLIMITED = {"KALENDS_RATE_LIMIT": "0", "KALENDS_ADDRESS_RATE_LIMIT": "0"}
"""A test may be faster than any caller should be."""

ADDRESS = re.compile(r"http://\S+:\d+")


class Server:
    """A `kalends` process that serves: where, and what it has said on stdout so far."""

    def __init__(self, process: subprocess.Popen[str], log: Path) -> None:
        self.process = process
        self.log = log
        self.said: list[str] = []
        self._lines: queue.Queue[str | None] = queue.Queue()
        threading.Thread(target=self._listen, daemon=True).start()
        self.address = self.await_line(ADDRESS)

    def await_line(self, wanted: re.Pattern[str]) -> str:
        """Wait for a line that holds what is wanted, and give that."""
        while True:
            line = self._lines.get(timeout=PATIENCE_S)
            assert line is not None, f"it ended without {wanted.pattern}: {self.log.read_text()}"
            self.said.append(line)
            if found := wanted.search(line):
                return found[0]

    def end(self, number: int = signal.SIGTERM) -> int:
        """Ask it to end, and give the exit code and, in `said`, all the rest of stdout."""
        self.process.send_signal(number)
        return self.wait()

    def wait(self) -> int:
        """Wait for its end."""
        code = self.process.wait(PATIENCE_S)
        while (line := self._lines.get(timeout=PATIENCE_S)) is not None:
            self.said.append(line)
        return code

    def _listen(self) -> None:
        assert self.process.stdout
        for line in self.process.stdout:
            self._lines.put(line)
        self._lines.put(None)


@contextmanager
def serving(folder: Path, *arguments: str, **environment: str) -> Iterator[Server]:
    """Start a command that serves (its log goes to a file in `folder`), and end what is left of it."""
    log = folder / f"{arguments[0]}.log"
    with log.open("w") as errors:
        process = subprocess.Popen(
            [*KALENDS, *arguments],
            cwd=folder,
            env={**os.environ, **UNLIMITED, **environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            start_new_session=True,  # so that it can be ended with all its processes
        )
    try:
        yield Server(process, log)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait(PATIENCE_S)
        assert process.stdout
        process.stdout.close()


def run(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a command to its end."""
    return command(folder, [*KALENDS, *arguments], environment)


def command(folder: Path, words: list[str], environment: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """Run any program to its end."""
    return subprocess.run(
        words,
        cwd=folder,
        env={**os.environ, **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE_S,
    )
