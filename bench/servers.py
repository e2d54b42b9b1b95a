"""The measured servers: separate processes, each with its own copy of the data."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from bench.processes import Memory, cpu_seconds, family, memory
from bench.requests import FIVE, READS, BenchRequest, in_floor, in_kalends, in_peers

PATIENCE_S = 60
UNLIMITED = {"KALENDS_RATE_LIMIT": "0", "KALENDS_ADDRESS_RATE_LIMIT": "0"}
ALL = tuple(dict.fromkeys((*FIVE, *READS)))


class Recipe(NamedTuple):
    """How a server is started and called; `command` and `environment` are formatted with URL, port and token."""

    name: str
    command: Callable[[str, int], list[str]]
    environment: Callable[[str, int, str], Mapping[str, str]]
    write: Callable[[BenchRequest, str], bytes]
    kinds: tuple[str, ...] = ALL
    health: str = "/health/ready"
    folder: Path | None = None


class Contestant:
    """A server that runs until it is stopped."""

    def __init__(self, recipe: Recipe, url: str, token: str, log: Path) -> None:
        self.name, self.kinds = recipe.name, recipe.kinds
        self.log = log
        self.port = free_port()
        self._write, self._token = recipe.write, token
        began = time.perf_counter()
        with log.open("wb") as output:
            self._process = subprocess.Popen(
                recipe.command(url, self.port),
                env=os.environ | recipe.environment(url, self.port, token),
                cwd=recipe.folder,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        self._await(f"http://127.0.0.1:{self.port}{recipe.health}")
        self.seconds_to_ready = time.perf_counter() - began
        self.pids = family(self._process.pid)

    def written(self, batch: list[BenchRequest]) -> list[bytes]:
        """Write requests as this server takes them."""
        return [self._write(one, self._token) for one in batch]

    def cpu_seconds(self) -> float:
        """Return the CPU time of its processes."""
        return cpu_seconds(self.pids)

    def memory(self) -> Memory:
        """Return the memory of its largest process."""
        return memory(family(self._process.pid))

    def call(self, request: BenchRequest) -> tuple[int, Any, int]:
        """Return status, content and size of an answer."""
        head, _, body = self._write(request, self._token).partition(b"\r\n\r\n")
        start, *lines = head.decode().split("\r\n")
        method, path, _ = start.split(" ")
        headers = dict(line.split(": ", 1) for line in lines if not line.startswith("Content-Length"))
        url = f"http://127.0.0.1:{self.port}{path}"
        sent = urllib.request.Request(url, body or None, headers, method=method)
        try:
            with urllib.request.urlopen(sent, timeout=PATIENCE_S) as answer:
                status, raw = answer.status, answer.read()
        except urllib.error.HTTPError as error:
            status, raw = error.code, error.read()
        content = None
        with suppress(ValueError):
            content = json.loads(raw)
        return status, content, len(raw)

    def stop(self) -> None:
        """Stop the server as an operator does, and remove its files."""
        self._process.terminate()
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(PATIENCE_S)
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def _await(self, url: str) -> None:
        until = time.monotonic() + PATIENCE_S
        while time.monotonic() < until and self._process.poll() is None:
            try:
                with urllib.request.urlopen(url, timeout=5):
                    return
            except OSError:
                time.sleep(0.01)
        self.stop()
        raise RuntimeError(f"{self.name} does not start:\n{self.log.read_text()[-2_000:]}")


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def new_token(url: str) -> str:
    """Create a token with the command line."""
    done = subprocess.run(
        [sys.executable, "-m", "kalends", "token", "create", "--name", "bench"],
        env=os.environ | {"KALENDS_DATABASE_URL": url},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


KALENDS = Recipe(
    "kalends",
    lambda _, port: [sys.executable, "-m", "kalends", "serve", "--port", str(port)],
    lambda url, _port, _token: UNLIMITED | {"KALENDS_DATABASE_URL": url},
    in_kalends,
)


def checkout(name: str, folder: Path) -> Recipe:
    """Return the recipe of Kalends in another checkout, such as one of an earlier commit."""
    own = KALENDS.environment
    source = str(folder.resolve() / "src")
    return KALENDS._replace(
        name=name, environment=lambda url, port, token: {**own(url, port, token), "PYTHONPATH": source}
    )


FLOORS = {"floor": "apsw", "floor_sqlite3": "sqlite3"}
"""The SQLite drivers of the floor."""


def floor_of(sizes: Mapping[str, int], name: str = "floor") -> Recipe:
    """Return the floor whose answers have these sizes."""
    return Recipe(
        name,
        lambda url, port: [sys.executable, "-m", "bench.floor", url, str(port), json.dumps(dict(sizes)), FLOORS[name]],
        lambda _url, _port, _token: {},
        in_floor,
    )


def peer(name: str, command: Callable[[str, int], list[str]], folder: Path) -> Recipe:
    """Return the recipe of a peer, which gets its database, port and token from the environment."""
    return Recipe(
        name,
        command,
        lambda url, port, token: {"DATABASE_URL": url, "PORT": str(port), "TOKEN": token},
        in_peers,
        FIVE,
        "/health",
        folder,
    )
