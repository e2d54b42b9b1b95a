"""Concurrent calls: threads whose errors are not lost, and ways to see that a writer waits for another."""

import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from typing import Any

import sqlalchemy as sa

from kalends.store.database import Database
from kalends.store.fair_lock import FairLock
from kalends.store.query import Query
from kalends.store.sqlite import SqliteEngine

PATIENCE_S = 30
BLOCKED = Query(
    sa.text(
        "SELECT count(*) FROM pg_stat_activity "
        "WHERE datname = current_database() AND wait_event_type = 'Lock' AND state = 'active'"
    )
)


class Task:
    """A call that a thread makes once it is started."""

    def __init__(self, work: Callable[[], Any]) -> None:
        self._future: Future[Any] = Future()
        self._thread = threading.Thread(target=self._run, args=(work,), daemon=True)

    def start(self) -> None:
        """Start the thread, unless it has been started."""
        if not self._thread.ident:
            self._thread.start()

    def result(self, patience_s: float = PATIENCE_S) -> Any:
        """Wait for the end; return the result or raise the error."""
        return self._future.result(patience_s)

    def _run(self, work: Callable[[], Any]) -> None:
        try:
            self._future.set_result(work())
        except BaseException as error:  # noqa: BLE001 (whoever asks for the result gets it)
            self._future.set_exception(error)


def at_once(work: Callable[[], Any]) -> Task:
    """Return a task that calls a function in a thread."""
    return Task(work)


def race(works: Iterable[Callable[[], Any]]) -> list[Any]:
    """Run all calls at once, each in a thread; return their results or errors in order."""
    works = list(works)
    ready = threading.Barrier(len(works))

    def run(work: Callable[[], Any]) -> Any:
        ready.wait(PATIENCE_S)
        return work()

    tasks = [Task(lambda work=work: run(work)) for work in works]
    for task in tasks:
        task.start()
    return [outcome(task) for task in tasks]


def outcome(task: Task) -> Any:
    """Return the result of a task, or its error."""
    try:
        return task.result()
    except Exception as error:  # noqa: BLE001 (it is looked at by the test)
        return error


def waiting_writers(database: Database, count: int) -> None:
    """Wait until so many writers wait for one that has not finished."""
    deadline = time.monotonic() + PATIENCE_S
    while writers_in_line(database) < count:
        assert time.monotonic() < deadline, "nobody waits"
        time.sleep(0.002)


def writers_in_line(database: Database) -> int:
    """Count the writers that wait for another one."""
    if isinstance(database._engine, SqliteEngine):
        return len(database._engine._write_queue._waiting)
    return database.read(lambda tx: tx.rows(BLOCKED)[0][0])


def in_line(lock: FairLock, waiting: int) -> None:
    """Wait until so many threads wait for a lock."""
    paused = threading.Event()
    for _ in range(5_000):
        if len(lock._waiting) == waiting:
            return
        paused.wait(0.001)
    raise AssertionError("nobody waits")
