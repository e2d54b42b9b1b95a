"""The floor: only the statements of a request and as many bytes as its answer has, behind the same server.

No authentication, no reading of a request, no writing of an answer: nothing that answers these requests with these
tables, this driver and this server could be cheaper. Run with the URL of the database, a port, the sizes as JSON, and
the driver for SQLite: apsw, which Kalends uses, or sqlite3, Python's own with the machine's library.
"""

import json
import sqlite3
import sys
import threading
from collections.abc import Callable, Iterable
from functools import partial
from itertools import count
from typing import Any

import apsw
import psycopg
from granian.constants import Interfaces
from granian.http import HTTP1Settings
from granian.log import LogLevels
from granian.server import Server

from bench.floor_sql import AGENDA_PAGE, ASKED, BY_ID, CONCERNED, CREATE, FREE_BUSY, POOL, Texts, texts_for
from bench.plan import DAY, HALF_HOUR, MINUTE
from bench.rows import ORGANIZATION, local
from kalends.cli.serving import HEADER_TIMEOUT_MS, LARGEST_HEAD_BYTES
from kalends.store.sqlite import CACHE_KIB, CACHED_STATEMENTS
from kalends.store.zone_data import load_zone_data

LONGEST = 25 * 60 * MINUTE
FIRST_NEW = 900_000_000_000_000_000
THREADS = 4

Numbers = list[int]
Work = Callable[["Desk", Numbers, str], None]


class Desk:
    """The connection of a thread."""

    def __init__(self, url: str, texts: Texts, driver: str) -> None:
        self.texts = texts
        self.sqlite = url.startswith("sqlite")
        self._connection = connected(url, driver)
        self.cursor: Any = self._connection.cursor()
        self.array: Callable[[Numbers], Any] = json.dumps if self.sqlite else list

    def rows(self, name: str, *values: Any) -> list[Any]:
        """Run a statement and return its rows."""
        self.cursor.execute(self.texts[name], values)
        return self.cursor.fetchall()

    def run(self, name: str, *values: Any) -> None:
        """Run a statement that changes rows."""
        self.cursor.execute(self.texts[name], values)

    def run_many(self, name: str, values: list[tuple[Any, ...]]) -> None:
        """Run a statement that changes rows several times."""
        self.cursor.executemany(self.texts[name], values)

    def say(self, word: str) -> None:
        """Begin or end a transaction."""
        self.cursor.execute(word)


def connected(url: str, driver: str) -> Any:
    """Open a connection, set up as Kalends does it."""
    if not url.startswith("sqlite"):
        return psycopg.connect(url, autocommit=True, options="-c enable_bitmapscan=off")
    path = url.removeprefix("sqlite:///")
    connection: Any = (
        apsw.Connection(path, statementcachesize=CACHED_STATEMENTS)
        if driver == "apsw"
        else sqlite3.connect(path, timeout=10, isolation_level=None, cached_statements=CACHED_STATEMENTS)
    )
    for pragma in ("synchronous = FULL", "foreign_keys = ON", f"cache_size = -{CACHE_KIB}"):
        connection.execute(f"PRAGMA {pragma}")
    if driver == "apsw":
        connection.config(apsw.SQLITE_DBCONFIG_ENABLE_QPSG, 1)
    return connection


def page(desk: Desk, numbers: Numbers, *, expand: bool) -> None:
    """Read a person's agenda, with participants in the same snapshot."""
    _, start, person = numbers
    if expand:
        desk.say(desk.texts["snapshot"])
    events = desk.rows(AGENDA_PAGE, ORGANIZATION, person, start - LONGEST, start, 51)
    if expand:
        desk.rows(CONCERNED, ORGANIZATION, desk.array([row[0] for row in events[:50]]))
        desk.say("COMMIT")


def one(desk: Desk, numbers: Numbers, _: str) -> None:
    """Read an event and its participants."""
    desk.say(desk.texts["snapshot"])
    desk.rows(BY_ID, ORGANIZATION, numbers[0])
    desk.rows(CONCERNED, ORGANIZATION, desk.array(numbers[:1]))
    desk.say("COMMIT")


new_ids = count(FIRST_NEW)


def create(desk: Desk, numbers: Numbers, _: str) -> None:
    """Check who is free, and store an event with its participations and agenda rows."""
    _, start, *people = numbers
    key, end = next(new_ids), start + HALF_HOUR
    desk.say(desk.texts["begin"])
    desk.rows("people", ORGANIZATION, desk.array(people))
    desk.rows("blocked", ORGANIZATION, start - LONGEST, end, start, desk.array(people))
    times = (start, end, local(start, "UTC"), local(end, "UTC"))
    title, about = "Planning of the next steps", "What was done, what is next and who needs help with it."
    desk.run(CREATE, key, ORGANIZATION, people[0], title, about, "Room 12", f"{title}\n{about}", "UTC", *times)
    said = ["accepted", *["needs_action"] * 5]
    participations = sorted(zip(people, said, strict=True))
    desk.run_many("participation", [(ORGANIZATION, key, who, word) for who, word in participations])
    desk.run_many(
        "agenda",
        [
            (ORGANIZATION, who, start, key, end, who == people[0], word, "busy" if word == "accepted" else "tentative")
            for who, word in participations
        ],
    )
    desk.say("COMMIT")


def answer(desk: Desk, numbers: Numbers, word: str) -> None:
    """Find the participation with its event and user, and store its new state."""
    key, _, person = numbers
    desk.say(desk.texts["begin"])
    [(starts_at, *_)] = desk.rows(ASKED, ORGANIZATION, key, person)
    desk.run("count_answer", int(word == "accepted"), int(word == "tentative"), starts_at, key)
    desk.run("answer_participation", word, starts_at, key, person)
    desk.run("answer_agenda", word, "busy" if word == "accepted" else "tentative", person, starts_at, key)
    desk.say("COMMIT")


def free_busy(desk: Desk, numbers: Numbers, _: str) -> None:
    """Read users and their commitments in a week."""
    _, start, *people = numbers
    desk.rows("people", ORGANIZATION, desk.array(people))
    desk.rows(FREE_BUSY, ORGANIZATION, start - LONGEST, start + 7 * DAY, start, desk.array(people))


def pool(desk: Desk, numbers: Numbers, _: str) -> None:
    """Read who is free in an hour."""
    start = numbers[1]
    desk.rows(POOL, ORGANIZATION, start - LONGEST, start + 60 * MINUTE, start, 51)


WORKS: dict[str, Work] = {
    "list": lambda desk, numbers, _: page(desk, numbers, expand=False),
    "list_participants": lambda desk, numbers, _: page(desk, numbers, expand=True),
    "one": one,
    "create": create,
    "answer": answer,
    "free_busy": free_busy,
    "find_time": free_busy,
    "pool": pool,
}


def app_of(url: str, sizes: dict[str, int], driver: str) -> Callable[[dict[str, Any], Any], Iterable[bytes]]:
    """Return the WSGI application."""
    load_zone_data()
    texts = texts_for(url)
    bodies = {kind: b"x" * size for kind, size in sizes.items()}
    writing = threading.Lock() if url.startswith("sqlite") else None
    desks = threading.local()

    def app(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        _, kind, *rest = environ["PATH_INFO"].split("/")
        body = bodies.get(kind, b"ready")
        if kind in bodies:
            desk = getattr(desks, "own", None)
            if desk is None:
                desk = desks.own = Desk(url, texts, driver)
            numbers = [int(number) for number in rest[1].split(",")]
            if writing and kind in ("create", "answer"):
                with writing:
                    WORKS[kind](desk, numbers, rest[0])
            else:
                WORKS[kind](desk, numbers, rest[0])
        start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
        return [body]

    return app


def main() -> None:
    url, port, sizes, driver = sys.argv[1:]
    server = Server(
        "bench.floor",
        address="127.0.0.1",
        port=int(port),
        interface=Interfaces.WSGI,
        workers=1,
        blocking_threads=THREADS,
        websockets=False,
        http1_settings=HTTP1Settings(header_read_timeout=HEADER_TIMEOUT_MS, max_buffer_size=LARGEST_HEAD_BYTES),
        log_level=LogLevels.warning,
    )
    server.serve(target_loader=partial(app_of_worker, url, sizes, driver), wrap_loader=False)


def app_of_worker(url: str, sizes: str, driver: str) -> Any:
    """Return the application of a server process."""
    return app_of(url, json.loads(sizes), driver)


if __name__ == "__main__":
    main()
