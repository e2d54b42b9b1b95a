"""The promise while the server is killed: it loses nothing that it acknowledged, and leaves nothing half done.

KALENDS_TEST_KILLS says how often it is killed, on each engine; twenty times take about a minute.
"""

import logging
import os
import random
import threading
import time
from collections import Counter
from functools import partial
from pathlib import Path

import pytest

from kalends.settings import Settings
from kalends.store.database import Database
from tests.caller import Caller, new_token
from tests.house.ledger import Client, Ledger, check_ledgers, people_for
from tests.served import PATIENCE_S, Server
from tests.threads import Task

pytestmark = pytest.mark.slow

KILLS = int(os.environ.get("KALENDS_TEST_KILLS", "3"))
CLIENTS = 16
PEOPLE = 40
LONGEST_S = 3_600
LOG = logging.getLogger(__name__)
"""Logs the figures (pytest --log-cli-level=INFO)."""


class Gate:
    """A gate at which clients wait while the server is down."""

    def __init__(self) -> None:
        self.open = threading.Event()
        self.lost = 0

    def wait(self) -> None:
        """Wait until the server is running again."""
        self.lost += 1
        assert self.open.wait(PATIENCE_S)


def test_a_server_that_is_killed_again_and_again_keeps_its_promise(engine: str, migrated_url: str, tmp_path: Path):
    database = Database(Settings(database_url=migrated_url, read_timeout_ms=0))
    people, token = people_for(database, PEOPLE), new_token(database)
    gate, choice = Gate(), random.Random(KILLS)
    server = Server(tmp_path, "serve", "--port", "0", "--threads", "4", KALENDS_DATABASE_URL=migrated_url)
    clients = [Client(f"client {n}", Caller(server, token), people, [], keys=True) for n in range(CLIENTS)]
    over = threading.Event()
    tasks = [Task(partial(client.work_until, over, gate.wait)) for client in clients]
    try:
        server.start()
        gate.open.set()
        for task in tasks:
            task.start()
        for _ in range(KILLS):
            answered(clients, choice.randrange(50, 200))
            gate.open.clear()
            server.kill()
            server.start()
            gate.open.set()
        answered(clients, 100)
        over.set()
        ledgers: list[Ledger] = [task.result() for task in tasks]
        assert server.end() == 0
    finally:
        over.set()
        gate.open.set()
        server.kill()
    answers = sum((ledger.answers for ledger in ledgers), Counter[int]())
    doubtful = sum(len(ledger.doubtful) + len(ledger.doubtful_creations) for ledger in ledgers)
    LOG.info("%s: %s kills, %s lost calls, %s doubtful: %s", engine, KILLS, gate.lost, doubtful, dict(answers))
    assert gate.lost >= KILLS, "no call was under way when the server was killed"
    check_ledgers(database, ledgers, [])
    assert server.logged_errors() == []
    database.close()


def answered(clients: list[Client], more: int) -> None:
    """Wait until so many more calls have been answered."""
    deadline = time.monotonic() + PATIENCE_S
    enough = count(clients) + more
    while count(clients) < enough:
        assert time.monotonic() < deadline, "nothing is answered any more"
        time.sleep(0.002)


def count(clients: list[Client]) -> int:
    return sum(client.answered for client in clients)
