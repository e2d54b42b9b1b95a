"""What tests of the store share: a database of a test's own, where it may be stopped, filled up or broken."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from kalends.settings import Settings
from kalends.store.database import Database

Opener = Callable[..., Database]


@pytest.fixture
def opened() -> Iterator[Opener]:
    """Open databases by URL; they are closed after the test."""
    databases: list[Database] = []

    def opener(url: str, **values: Any) -> Database:
        databases.append(Database(Settings(database_url=url, **values)))
        return databases[-1]

    yield opener
    for database in databases:
        database.close()


@pytest.fixture
def fresh(migrated_url: str, opened: Opener) -> Database:
    """A migrated database for this test alone."""
    return opened(migrated_url)
