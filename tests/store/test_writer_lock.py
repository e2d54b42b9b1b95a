"""Two databases on one SQLite file, as in two processes: the one that waits comes next."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from kalends.errors import Unavailable
from kalends.settings import Settings
from kalends.store.database import Database
from kalends.store.schema import migrate
from kalends.store.writer_lock import WriterLock
from tests.threads import PATIENCE_S, at_once, waiting_writers


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'shared.db'}"


@pytest.fixture
def ours(url: str) -> Iterator[Database]:
    database = Database(Settings(database_url=url))
    migrate(database)
    yield database
    database.close()


@pytest.fixture
def theirs(url: str, ours: Database) -> Iterator[Database]:
    database = Database(Settings(database_url=url))
    yield database
    database.close()


@pytest.fixture
def writer_lock(tmp_path: Path, ours: Database) -> Iterator[WriterLock]:
    """Yield a writer lock on the file of both databases."""
    ours.write(lambda tx: None)
    made = WriterLock(tmp_path / "shared.db-turn")
    yield made
    made.close()


def somebody_waits(writer_lock: WriterLock) -> None:
    """Wait until somebody has waited for the writer lock for more than a moment."""
    deadline = time.monotonic() + PATIENCE_S
    while True:
        with writer_lock.acquired(0) as inside:
            if not inside:
                return
        assert time.monotonic() < deadline, "nobody waits"
        time.sleep(0.002)


def test_a_process_that_has_written_queues_behind_one_that_waits(
    ours: Database, theirs: Database, writer_lock: WriterLock
) -> None:
    order: list[str] = []
    they_wait = at_once(lambda: theirs.write(lambda tx: order.append("they")))
    we_again = at_once(lambda: ours.write(lambda tx: order.append("we again")))

    def first(tx: object) -> None:
        order.append("we")
        they_wait.start()
        somebody_waits(writer_lock)
        we_again.start()
        waiting_writers(ours, 1)

    ours.write(first)
    they_wait.result()
    we_again.result()
    assert order == ["we", "they", "we again"]


def test_a_process_that_waits_too_long_behind_another_is_unavailable(
    ours: Database, theirs: Database, writer_lock: WriterLock, url: str
) -> None:
    hasty = Database(Settings(database_url=url, busy_timeout_ms=50))
    they_wait = at_once(lambda: theirs.write(lambda tx: None))

    def first(tx: object) -> None:
        they_wait.start()
        somebody_waits(writer_lock)
        with pytest.raises(Unavailable, match="Another process"):
            hasty.write(lambda tx: None)

    ours.write(first)
    they_wait.result()
    hasty.write(lambda tx: None)
    hasty.close()


def test_the_file_of_the_writer_lock_is_private(writer_lock: WriterLock, tmp_path: Path) -> None:
    assert (tmp_path / "shared.db-turn").stat().st_mode & 0o777 == 0o600
