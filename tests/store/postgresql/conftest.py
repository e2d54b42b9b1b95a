"""A PostgreSQL database for each test, and a server that may be stopped."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from kalends.store.database import Database
from kalends.store.schema import migrate
from tests.databases import Databases
from tests.postgres import Postgres
from tests.store.conftest import Opener


@pytest.fixture
def url(postgresql_databases: Databases) -> Iterator[str]:
    """Yield the URL of a new database with all tables."""
    with postgresql_databases.migrated() as made:
        yield made


@pytest.fixture
def database(url: str, opened: Opener) -> Database:
    return opened(url, busy_timeout_ms=2_000)


@pytest.fixture(scope="module")
def server(scratch: Path) -> Iterator[Postgres]:
    """Yield a server that the test may stop."""
    own = Postgres(scratch / "stoppable")
    own.start()
    yield own
    own.remove()


@pytest.fixture
def stoppable(server: Postgres, opened: Opener) -> Iterator[Database]:
    made = opened(server.url, busy_timeout_ms=300, pool_size=4)
    migrate(made)
    yield made
    if not server.is_running():
        server.start()
