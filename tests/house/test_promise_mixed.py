"""The promise over HTTP: sixteen clients send random calls; nobody is booked twice, and answers are true.

KALENDS_TEST_OPERATIONS says how many calls there are, on each engine; 20,000 take about a minute.
"""

import logging
import os
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from itertools import cycle
from pathlib import Path

import pytest

from kalends.model import EventId, UserId
from kalends.settings import Settings
from kalends.store.database import Database
from tests.caller import OPERATOR, Caller, new_token
from tests.house.ledger import Client, Ledger, check_ledgers, common_events, people_for
from tests.house.overlaps import overlaps
from tests.served import Server, serving
from tests.threads import Task, race

pytestmark = pytest.mark.slow

OPERATIONS = int(os.environ.get("KALENDS_TEST_OPERATIONS", "2000"))
CLIENTS = 16
PEOPLE = 40
COMMON = 4
MANY = 50
LONGEST_S = 3_600
LOG = logging.getLogger(__name__)
"""Logs the figures (pytest --log-cli-level=INFO)."""


@contextmanager
def servers_of(processes: list[int], url: str, folder: Path) -> Iterator[list[Server]]:
    """Run servers on one database, each with so many processes."""
    with ExitStack() as stack:
        servers = [
            stack.enter_context(
                serving(
                    folder,
                    *("serve", "--port", "0", "--processes", str(count), "--threads", "4"),
                    log=f"server-{number}.log",
                    KALENDS_DATABASE_URL=url,
                )
            )
            for number, count in enumerate(processes)
        ]
        yield servers
        assert [server.end() for server in servers] == [0] * len(servers)
        assert [server.logged_errors() for server in servers] == [[]] * len(servers)


def test_sixteen_clients_who_mix_everything_book_nobody_twice(migrated_url: str, tmp_path: Path):
    database = Database(Settings(database_url=migrated_url, read_timeout_ms=0))
    with servers_of([1], migrated_url, tmp_path) as servers:
        mix(database, servers, OPERATIONS, [])
    database.close()


def test_several_servers_keep_one_promise(engine: str, migrated_url: str, tmp_path: Path):
    """There are two servers on one SQLite file, or one with four processes on PostgreSQL."""
    database = Database(Settings(database_url=migrated_url, read_timeout_ms=0))
    with servers_of([1, 1] if engine == "sqlite" else [4], migrated_url, tmp_path) as servers:
        events = settle(database, servers)
        mix(database, servers, OPERATIONS // 4, events)
    database.close()


def settle(database: Database, servers: list[Server]) -> list[int]:
    """Add one user to fifty simultaneous events from fifty clients; check that one gets 201 and the others 409."""
    wanted, *hosts = people_for(database, MANY + 1, "racer")
    token = new_token(database)
    with ExitStack() as stack:
        callers = [stack.enter_context(Caller(server, token)) for _, server in zip(hosts, cycle(servers), strict=False)]
        events = [event for caller, host in zip(callers, hosts, strict=True) for event in common_events(caller, [host])]

        def add(caller: Caller, event: int) -> int:
            body = {"user_id": str(UserId(wanted)), "role": "required"}
            return caller.call("POST", f"/v1/events/{EventId(event)}/participants", body)[0]

        answers = race([partial(add, caller, event) for caller, event in zip(callers, events, strict=True)])
    assert sorted(answers) == [201] + [409] * (MANY - 1)
    assert overlaps(database, OPERATOR) == []
    return events


def mix(database: Database, servers: list[Server], operations: int, others: list[int]) -> None:
    """Run sixteen clients with a total number of calls, and compare the database with their ledgers.

    `others` are events that there are besides.
    """
    people, token = people_for(database, PEOPLE, "person"), new_token(database)
    with Caller(servers[0], token) as caller:
        common = common_events(caller, people[:COMMON])
    clients = [
        Client(f"client {number}", Caller(server, token), people, common, keys=False)
        for number, server in zip(range(CLIENTS), cycle(servers), strict=False)
    ]
    began = time.monotonic()
    tasks = [Task(partial(client.work, operations // CLIENTS)) for client in clients]
    for task in tasks:
        task.start()
    ledgers: list[Ledger] = [task.result(LONGEST_S) for task in tasks]
    took = time.monotonic() - began
    answers = sum((ledger.answers for ledger in ledgers), Counter[int]())
    LOG.info("%s: %s answers in %.1f s: %s", database.dialect.name, answers.total(), took, dict(answers))
    assert answers.total() >= operations // CLIENTS * CLIENTS
    assert answers[409] > answers.total() // 20, "nobody wanted the same time"
    assert sum(answers[status] for status in (200, 201, 204)) > answers.total() // 4, "hardly anything was done"
    check_ledgers(database, ledgers, common + others)
