"""Fixtures that run tests of other folders through a PgBouncer, if it is installed."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from kalends.settings import Settings
from kalends.store.database import Database
from kalends.store.schema import migrate
from tests.conftest import Clock, shared_by_all
from tests.databases import Databases
from tests.pgbouncer import PROGRAM, PgBouncer
from tests.postgres import Postgres
from tests.store.conftest import Opener


class PooledDatabases(Databases):
    """Databases of a server, by URLs that lead through a pooler."""

    def __init__(self, direct: Databases, pooler: PgBouncer) -> None:
        super().__init__()
        self._direct = direct
        self._pooler = pooler

    @contextmanager
    def empty(self) -> Iterator[str]:
        with self._direct.empty() as url:
            yield self._pooler.url(url)

    @contextmanager
    def migrated(self) -> Iterator[str]:
        with self._direct.migrated() as url:
            yield self._pooler.url(url)

    def refusing_writes(self, url: str) -> AbstractContextManager[None]:
        raise NotImplementedError

    def _create(self, number: int) -> str:
        raise NotImplementedError

    def _copy(self, url: str, number: int) -> str:
        raise NotImplementedError

    def _drop(self, url: str) -> None:
        raise NotImplementedError


class Poolers:
    """A pooler for each server, started when it is needed."""

    def __init__(self) -> None:
        self._by_server: dict[str, PgBouncer] = {}

    def of(self, server_url: str) -> PgBouncer:
        """Return the pooler for the server of a URL."""
        (home,) = parse_qs(urlsplit(server_url).query)["host"]
        if home not in self._by_server:
            self._by_server[home] = PgBouncer(server_url)
        return self._by_server[home]

    def end(self) -> None:
        """End all poolers."""
        for pooler in self._by_server.values():
            pooler.end()


@pytest.fixture(scope="session")
def poolers() -> Iterator[Poolers]:
    if PROGRAM is None:
        pytest.skip("PgBouncer is not installed: what goes through a transaction pooler is left out")
    made = Poolers()
    yield made
    made.end()


@pytest.fixture(scope="session")
def pgbouncer_databases(postgresql_databases: Databases, postgres_url: str, poolers: Poolers) -> Databases:
    """Return new databases behind a pooler, on which tests with the engine `pgbouncer` run."""
    return PooledDatabases(postgresql_databases, poolers.of(postgres_url))


@pytest.fixture(scope="session")
def pgbouncer_database(pgbouncer_databases: Databases, session_clock: Clock) -> Iterator[Database]:
    """Yield the database behind a pooler that tests share."""
    with shared_by_all(pgbouncer_databases, session_clock) as database:
        yield database


# ------------------------------------------------------------------------- for the tests of one engine, in tests/store


@pytest.fixture
def url(postgresql_databases: Databases) -> Iterator[str]:
    """Yield the URL of a migrated database on the server itself, for tests that look at the server's side."""
    with postgresql_databases.migrated() as made:
        yield made


@pytest.fixture
def opened(poolers: Poolers) -> Iterator[Opener]:
    """Yield a function that opens databases of a server through a pooler; they are closed after the test."""
    databases: list[Database] = []

    def opener(url: str, **values: Any) -> Database:
        databases.append(Database(Settings(database_url=poolers.of(url).url(url), **values)))
        return databases[-1]

    yield opener
    for database in databases:
        database.close()


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
