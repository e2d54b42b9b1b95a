"""Looking at the server's side of a connection, and ending it."""

import threading
from collections.abc import Callable
from typing import Any

import psycopg

from kalends.store.database import Database, ReadTx
from kalends.store.postgresql import PostgresEngine
from tests.store.names import PROCESS


def engine_of(database: Database) -> PostgresEngine:
    assert isinstance(database._engine, PostgresEngine)
    return database._engine


def process_of(tx: ReadTx) -> int:
    return tx.rows(PROCESS)[0][0]


def until(true: Callable[[], Any]) -> None:
    """Wait until a condition is true."""
    paused = threading.Event()
    for _ in range(2_000):
        if true():
            return
        paused.wait(0.01)
    raise AssertionError("it never came true")


def end_process(url: str, process: int) -> None:
    """Terminate the server process of a connection, as an administrator or a restart does."""
    with psycopg.connect(url, autocommit=True) as admin:
        admin.execute("SELECT pg_terminate_backend(%s)", (process,))
        still_there = "SELECT 1 FROM pg_stat_activity WHERE pid = %s"
        until(lambda: not admin.execute(still_there, (process,)).fetchone())
