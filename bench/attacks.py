"""Attacks on a server, and how long other clients wait meanwhile: one row for each attack.

During each attack a light client keeps requesting a user's agenda, and another both health checks.
"""

import argparse
import http.client
import json
import multiprocessing
import os
import resource
import signal
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, nullcontext, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from socket import create_connection, socket
from typing import NamedTuple

import psycopg
from rich.progress import Progress

from bench.plan import Plan
from bench.postgres_store import PostgresStore
from bench.processes import family
from bench.requests import RequestSource
from bench.rows import KALENDS as OWN_DATA
from bench.rows import user_id
from bench.servers import KALENDS, Contestant, new_token
from bench.sqlite_store import SqliteStore
from bench.stores import FOLDER

SILENT, HALF_BODIES, SLOW_READERS, HEAVY = 1_200, 400, 300, 10
PATIENCE_S = 120
LIGHT_P99_MS = 200
LIVE_MS = 20
READY_MS = 500


class Waits(NamedTuple):
    """Milliseconds that requests took, and the number of server errors."""

    light: list[float]
    live: list[float]
    ready: list[float]
    failed: list[int]


class Target(NamedTuple):
    """The server under attack."""

    server: Contestant
    token: str
    url: str
    database_server: int | None
    """The main process of a database server."""
    people: list[str]
    day: str
    later: str

    def head(self, method: str, path: str, *lines: str) -> bytes:
        """Return the head of a request with a token, without the empty line after it."""
        own = ("Host: kalends", f"Authorization: Bearer {self.token}", *lines)
        return "\r\n".join((f"{method} {path} HTTP/1.1", *own, "")).encode()


Attack = Callable[[Target, ExitStack], object]


def connections(target: Target, stack: ExitStack, count: int, sent: bytes) -> list[socket]:
    """Open connections that send some bytes and then wait."""
    opened = [stack.enter_context(create_connection(("127.0.0.1", target.server.port))) for _ in range(count)]
    for one in opened:
        one.sendall(sent)
    return opened


def silent(target: Target, stack: ExitStack) -> object:
    return connections(target, stack, SILENT, b"")


def half_heads(target: Target, stack: ExitStack) -> object:
    return connections(target, stack, SILENT, b"GET /health/live HTTP/1.1\r\nX-Slow: ")


def prefaces(target: Target, stack: ExitStack) -> object:
    return connections(target, stack, SILENT, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")


def half_bodies(target: Target, stack: ExitStack) -> object:
    head = target.head("POST", "/v1/users", "Content-Type: application/json", "Content-Length: 100000")
    return connections(target, stack, HALF_BODIES, head + b"\r\n{")


def slow_readers(target: Target, stack: ExitStack) -> object:
    request = target.head("GET", f"/v1/events?host_id={target.people[0]}&limit=250&expand=participants") + b"\r\n"
    return connections(target, stack, SLOW_READERS, request * 20)


def searches(target: Target, stack: ExitStack) -> object:
    return heavy(target, stack, "GET", f"/v1/events?q={'a' * 199}b&limit=250", None)


def find_times(target: Target, stack: ExitStack) -> object:
    people = target.people[:100]
    groups = [{"user_ids": people, "need": 90} for _ in range(20)]
    window = {"from": target.day, "to": target.later}
    body = {"groups": groups, "duration": 60, "step": 5, "between": [window]}
    return heavy(target, stack, "POST", "/v1/find-time", body)


def free_busy(target: Target, stack: ExitStack) -> object:
    body = {"user_ids": target.people[:200], "from": target.day, "to": target.later, "working_hours": True}
    return heavy(target, stack, "POST", "/v1/free-busy", body)


def pages(target: Target, stack: ExitStack) -> object:
    return heavy(target, stack, "GET", "/v1/events?limit=250&expand=participants", None)


def locked(target: Target, stack: ExitStack) -> object:
    """Hold the writer lock while forty writers wait for it, as another process may."""
    if target.database_server is None:
        path = target.url.removeprefix("sqlite:///")
        holder = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        stack.callback(holder.close)
        holder.execute("BEGIN IMMEDIATE")
    else:
        stack.enter_context(psycopg.connect(target.url)).execute('LOCK TABLE "user" IN EXCLUSIVE MODE')
    body = json.dumps({"name": "Ada"}).encode()
    path = f"/v1/users/{target.people[0]}"
    head = target.head("PATCH", path, "Content-Type: application/json", f"Content-Length: {len(body)}")
    return connections(target, stack, 40, head + b"\r\n" + body)


def frozen(target: Target, stack: ExitStack) -> object:
    """Suspend all processes of a database server, as on a machine that hangs: only health checks can be answered."""
    stopped = family(target.database_server or 0)
    for process in stopped:
        os.kill(process, signal.SIGSTOP)
        stack.callback(os.kill, process, signal.SIGCONT)
    return stopped


def heavy(target: Target, stack: ExitStack, method: str, path: str, body: object) -> object:
    """Send the same expensive request on several connections, again and again."""
    over = threading.Event()

    def ask() -> None:
        while not over.is_set():
            with suppress(OSError, http.client.HTTPException):
                call(target, method, path, body)

    threads = [threading.Thread(target=ask, daemon=True) for _ in range(HEAVY)]
    for one in threads:
        one.start()
    stack.callback(over.set)
    return threads


FROZEN = "the database server is frozen"
ATTACKS: dict[str, Attack | None] = {
    "nobody": None,
    f"{SILENT:,} connections that send nothing": silent,
    f"{SILENT:,} with half a head": half_heads,
    f"{SILENT:,} with the preface of HTTP/2": prefaces,
    f"{HALF_BODIES} bodies of which one byte comes": half_bodies,
    f"{SLOW_READERS} readers of 20 pages who do not read": slow_readers,
    f"{HEAVY} searches at once": searches,
    f"{HEAVY} times find-time, 20 groups of 100, 92 days": find_times,
    f"{HEAVY} times free/busy, 200 people, 92 days": free_busy,
    f"{HEAVY} pages of 250 with participants": pages,
    "another process holds the lock that 40 writers need": locked,
    FROZEN: frozen,
}


@contextmanager
def lasting(attack: Attack, target: Target) -> Iterator[None]:
    """Attack from a separate process with a lower priority, as attackers have their own machines."""
    fork = multiprocessing.get_context("fork")
    begun, over = fork.Event(), fork.Event()

    def last() -> None:
        os.nice(10)
        with ExitStack() as stack:
            attack(target, stack)
            begun.set()
            over.wait()

    attacker = fork.Process(target=last)
    attacker.start()
    begun.wait(PATIENCE_S)
    try:
        yield
    finally:
        over.set()
        attacker.join()


def call(target: Target, method: str, path: str, body: object = None) -> int:
    """Send one request on a connection of its own, and return the status."""
    connection = http.client.HTTPConnection("127.0.0.1", target.server.port, timeout=PATIENCE_S)
    headers = {"Authorization": f"Bearer {target.token}", "Content-Type": "application/json"}
    try:
        connection.request(method, path, None if body is None else json.dumps(body), headers)
        answer = connection.getresponse()
        answer.read()
        return answer.status
    finally:
        connection.close()


def watched(target: Target, seconds: float) -> Waits:
    """Send light requests and health checks for some seconds."""
    waits = Waits([], [], [], [])
    until = time.monotonic() + seconds
    agenda = f"/v1/events?user_id={target.people[-1]}&from={target.day}&limit=50"

    def watch(path: str, into: list[float], pause: float) -> None:
        while time.monotonic() < until:
            began = time.perf_counter()
            status = 0
            with suppress(OSError, http.client.HTTPException):  # that is as good as an error of the server
                status = call(target, "GET", path)
            into.append((time.perf_counter() - began) * 1_000)
            if status >= 500 or not status:
                waits.failed.append(status)
            time.sleep(pause)

    jobs = ((agenda, waits.light, 0.01), ("/health/live", waits.live, 0.05), ("/health/ready", waits.ready, 0.05))
    threads = [threading.Thread(target=watch, args=job) for job in jobs]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    return waits


def at(waits: list[float], share: float) -> float:
    """Return the wait that this share of the requests did not exceed."""
    return sorted(waits)[min(len(waits) - 1, int(len(waits) * share))]


@contextmanager
def under_attack(folder: Path, engine: str) -> Iterator[Target]:
    """Start a server over data of 100,000 events."""
    with ExitStack() as stack, Progress(disable=True) as progress:
        store = (SqliteStore if engine == "sqlite" else PostgresStore)(folder / engine)
        stack.callback(store.close)
        plan = Plan(20_000, 100_000)
        url = store.copied(store.data(OWN_DATA, plan, progress), "attacked")
        stack.callback(store.discard, url)
        token = new_token(url)
        server = Contestant(KALENDS, url, token, folder / "attacked.log")
        stack.callback(server.stop)
        request = RequestSource(plan).next("list")
        day = datetime.fromtimestamp(request.start / 1_000_000, UTC)
        people = [f"usr_{user_id(number):016x}" for number in range(1, 201)]
        yield Target(server, token, url, store.root, people, f"{day:%Y-%m-%d}", f"{day + timedelta(92):%Y-%m-%d}")


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench/attacks.py", description=__doc__)
    parser.add_argument("--seconds", type=float, default=8, help="how long each attack lasts (default: %(default)s)")
    parser.add_argument("--only", default="", metavar="WORD", help="only attacks with this word in their names")
    parser.add_argument("--engine", choices=["sqlite", "postgresql"], default="sqlite", help="(default: %(default)s)")
    options = parser.parse_args()
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    print(ROW.format("ms for a light client: attack", "p50", "p99", "most", "live", "ready", "failed", "MB", "missed"))
    with under_attack(FOLDER, options.engine) as target:
        for name, attack in ATTACKS.items():
            if options.only not in name or (name == FROZEN and target.database_server is None):
                continue
            with lasting(attack, target) if attack else nullcontext():
                waits = watched(target, options.seconds)
            print(row_of(name, waits, target.server.memory().resident), flush=True)
            time.sleep(1)


ROW = "{:<52} {:>7} {:>7} {:>7} {:>7} {:>7} {:>7} {:>5}  {}"


def row_of(name: str, waits: Waits, memory: float) -> str:
    """Return a line of the table: the longest waits of both health checks, and which targets are missed."""
    p99, live, ready = at(waits.light, 0.99), max(waits.live), max(waits.ready)
    limits = (("light", p99, LIGHT_P99_MS), ("live", at(waits.live, 0.99), LIVE_MS), ("ready", ready, READY_MS))
    missed = ", ".join(what for what, found, limit in limits if found > limit)
    figures = (at(waits.light, 0.5), p99, max(waits.light), live, ready)
    return ROW.format(name, *(f"{one:.0f}" for one in figures), len(waits.failed), f"{memory:.0f}", missed)


if __name__ == "__main__":
    main()
