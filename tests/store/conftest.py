"""Fixtures for tests of the store: a database for each test, which may be stopped, filled up or broken."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from kalends.settings import Settings
from kalends.store.database import Database
from kalends.store.schema import migrate
from kalends.store.sqlite import SqliteEngine

Opener = Callable[..., Database]


@pytest.fixture
def opened() -> Iterator[Opener]:
    """Yield a function that opens databases by URL; they are closed after the test."""
    databases: list[Database] = []

    def opener(url: str, **values: Any) -> Database:
        databases.append(Database(Settings(database_url=url, **values)))
        return databases[-1]

    yield opener
    for database in databases:
        database.close()


@pytest.fixture
def fresh(migrated_url: str, opened: Opener) -> Database:
    """Return a migrated database for this test alone."""
    return opened(migrated_url)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "kalends.db"


@pytest.fixture
def sqlite(path: Path, opened: Opener) -> Database:
    database = opened(f"sqlite:///{path}", busy_timeout_ms=200, pool_size=2)
    migrate(database)
    return database


def engine_of(database: Database) -> SqliteEngine:
    assert isinstance(database._engine, SqliteEngine)
    return database._engine
