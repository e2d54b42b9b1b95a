"""The load generator: prepared requests, sent by a separate process, so that its CPU time is not measured."""

import multiprocessing
import selectors
import socket
import time
from collections import Counter
from collections.abc import Iterator
from multiprocessing.connection import Connection
from typing import NamedTuple

PATIENCE_S = 60.0
CHUNK = 1 << 18
DROPPED = 599
"""Counted as the status of a request whose connection was dropped before the answer."""


class Seen(NamedTuple):
    """The answers: milliseconds and statuses in order, seconds in total, and bytes of the bodies."""

    waits: list[float]
    statuses: dict[int, int]
    seconds: float
    body_bytes: int

    @property
    def per_second(self) -> float:
        """Return the requests a second."""
        return len(self.waits) / self.seconds

    def at(self, share: float) -> float:
        """Return the wait that this share of the requests did not exceed."""
        ordered = sorted(self.waits)
        return ordered[min(len(ordered) - 1, int(len(ordered) * share))]

    def failed(self) -> int:
        """Count server errors, including busy."""
        return sum(count for status, count in self.statuses.items() if status >= 500)

    def refused(self) -> int:
        """Count all answers except successes."""
        return sum(count for status, count in self.statuses.items() if 300 <= status < 500)


class Load:
    """A process that sends requests and reports the answers."""

    def __init__(self) -> None:
        context = multiprocessing.get_context("spawn")
        self._here, there = context.Pipe()
        self._process = context.Process(target=serve, args=(there,), daemon=True)
        self._process.start()

    def crowd(self, port: int, requests: list[bytes], connections: int) -> Seen:
        """Send requests on some connections, each of which sends the next request after an answer."""
        return self._do((port, requests, connections, None))

    def at_once(self, port: int, requests: list[bytes], connections: int, seconds: float) -> Seen:
        """Send requests on many connections for some seconds, or until all are sent."""
        return self._do((port, requests, connections, seconds))

    def close(self) -> None:
        """End the process."""
        self._here.send(None)
        self._process.join(PATIENCE_S)

    def _do(self, task: tuple[int, list[bytes], int, float | None]) -> Seen:
        self._here.send(task)
        result = self._here.recv()
        if isinstance(result, str):
            raise RuntimeError(result)  # noqa: TRY004 (what the other process says)
        return result


def serve(orders: Connection) -> None:
    """Carry out commands until told to end."""
    while (task := orders.recv()) is not None:
        port, requests, connections, seconds = task
        try:
            result = drive(port, requests, connections, seconds)
        except (OSError, ValueError, IndexError) as error:
            result = f"{type(error).__name__}: {error}"
        orders.send(result)


class Line:
    """One connection with at most one request under way."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), PATIENCE_S)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.began = 0.0
        self._read = b""
        self._needed = 0

    def send(self, request: bytes) -> None:
        """Send a request."""
        self._read, self._needed = b"", 0
        self.began = time.perf_counter()
        self.socket.sendall(request)

    def take(self) -> tuple[int, int] | None:
        """Read available bytes; return status and length of the body once the answer is complete."""
        try:
            chunk = self.socket.recv(CHUNK)
        except ConnectionError:
            chunk = b""
        if not chunk:
            return DROPPED, 0
        self._read = self._read + chunk if self._read else chunk
        if not self._needed:
            end = self._read.find(b"\r\n\r\n")
            if end < 0:
                return None
            self._needed = end + 4 + length_of(self._read[:end])
        if len(self._read) < self._needed:
            return None
        return int(self._read[9:12]), self._needed - self._read.find(b"\r\n\r\n") - 4


def length_of(head: bytes) -> int:
    """Return the length of a body according to the headers."""
    lowered = head.lower()
    at = lowered.find(b"\r\ncontent-length:")
    if at >= 0:
        return int(lowered[at + 17 :].split(b"\r\n", 1)[0])
    if lowered[9:12] in (b"204", b"304"):
        return 0
    raise ValueError("an answer without Content-Length")


def drive(port: int, requests: list[bytes], connections: int, seconds: float | None) -> Seen:
    """Send requests, and time the answers."""
    waiting = iter(requests)
    lines = [Line(port) for _ in range(connections)]
    seen = Seen([], {}, 0.0, 0)
    statuses: Counter[int] = Counter()
    size = 0
    began = time.perf_counter()
    until = began + (seconds or 1e9)
    with selectors.DefaultSelector() as selector:
        busy = sum(started(line, waiting, selector) for line in lines)
        while busy:
            ready = selector.select(PATIENCE_S)
            if not ready:
                raise TimeoutError(f"no answer within {PATIENCE_S:.0f} s")
            for key, _ in ready:
                line: Line = key.data
                answer = line.take()
                if answer is None:
                    continue
                now = time.perf_counter()
                seen.waits.append((now - line.began) * 1_000)
                statuses[answer[0]] += 1
                size += answer[1]
                request = next(waiting, None) if now < until else None
                if request is not None and answer[0] != DROPPED:
                    line.send(request)
                    continue
                selector.unregister(line.socket)
                busy -= 1
                if request is not None:
                    lines.append(Line(port))
                    busy += started(lines[-1], iter([request]), selector)
    spent = time.perf_counter() - began
    for line in lines:
        line.socket.close()
    return seen._replace(statuses=dict(statuses), seconds=spent, body_bytes=size)


def started(line: Line, waiting: Iterator[bytes], selector: selectors.BaseSelector) -> bool:
    """Send the first request of a connection, if there is one for it."""
    request = next(waiting, None)
    if request is None:
        return False
    selector.register(line.socket, selectors.EVENT_READ, line)
    line.send(request)
    return True
