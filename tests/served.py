"""Real `kalends` processes: a server that is started, awaited until it prints its address, and always ended."""

import json
import os
import queue
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

KALENDS = (sys.executable, "-m", "kalends")
PATIENCE_S = 60
UNLIMITED = {"KALENDS_RATE_LIMIT": "0", "KALENDS_ADDRESS_RATE_LIMIT": "0"}
"""A test may be faster than any caller should be."""

ADDRESS = re.compile(r"http://\S+:\d+")


class Server:
    """A `kalends` process that serves; it can be killed and started again."""

    process: subprocess.Popen[str]
    said: list[str]
    """The output on stdout since the start."""
    address: str

    def __init__(
        self, folder: Path, *arguments: str, log: str = "", program: Sequence[str] = KALENDS, **environment: str
    ) -> None:
        """Prepare a command that serves, with its log in a file in `folder`."""
        self.log = folder / (log or f"{arguments[0]}.log")
        self.log.write_text("")
        self._folder = folder
        self._words = [*program, *arguments]
        self._environment = {**os.environ, **UNLIMITED, **environment}
        self._lines: queue.Queue[str | None] = queue.Queue()

    def start(self) -> None:
        """Start the server and wait until it prints its address."""
        with self.log.open("a") as errors:
            self.process = subprocess.Popen(
                self._words,
                cwd=self._folder,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                start_new_session=True,  # so that it can be ended with all its processes
            )
        self.said, self._lines = [], queue.Queue()
        threading.Thread(target=self._listen, args=(self.process.stdout, self._lines), daemon=True).start()
        self.address = self.await_line(ADDRESS)

    @property
    def port(self) -> int:
        """The port of the server."""
        return int(self.address.rpartition(":")[2])

    def await_line(self, wanted: re.Pattern[str]) -> str:
        """Wait for an output line that contains a text, and return it."""
        while True:
            line = self._lines.get(timeout=PATIENCE_S)
            assert line is not None, f"it ended without {wanted.pattern}: {self.log.read_text()}"
            self.said.append(line)
            if found := wanted.search(line):
                return found[0]

    def end(self, number: int = signal.SIGTERM) -> int:
        """Stop the server; return the exit code and, in `said`, the rest of stdout."""
        self.process.send_signal(number)
        return self.wait()

    def wait(self) -> int:
        """Wait for the end of the server."""
        code = self.process.wait(PATIENCE_S)
        while (line := self._lines.get(timeout=PATIENCE_S)) is not None:
            self.said.append(line)
        return code

    def kill(self) -> None:
        """Kill all processes of the server, as a power cut would; this may be repeated."""
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(PATIENCE_S)
        assert self.process.stdout
        self.process.stdout.close()

    def logged_errors(self) -> list[str]:
        """Return the errors that the server logged."""
        return [line for line in self.log.read_text().splitlines() if '"level":"error"' in line or "panicked" in line]

    def logged(self, count: int) -> list[dict[str, Any]]:
        """Wait until so many requests are in the log, which is written a moment later, and return their lines."""
        deadline = time.monotonic() + PATIENCE_S
        while True:
            lines = [json.loads(line) for line in self.log.read_text().splitlines() if '"level":"info"' in line]
            if len(lines) >= count:
                return lines
            assert time.monotonic() < deadline, lines
            time.sleep(0.01)

    @staticmethod
    def _listen(stdout: Iterable[str], lines: "queue.Queue[str | None]") -> None:
        for line in stdout:
            lines.put(line)
        lines.put(None)


@contextmanager
def serving(
    folder: Path, *arguments: str, log: str = "", program: Sequence[str] = KALENDS, **environment: str
) -> Iterator[Server]:
    """Start a command that serves, with its log in a file in `folder`, and end all its processes."""
    server = Server(folder, *arguments, log=log, program=program, **environment)
    try:
        server.start()
        yield server
    finally:
        server.kill()


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
