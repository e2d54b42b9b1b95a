"""A PostgreSQL database of each test's own, and a server that may be stopped."""

import itertools
from collections.abc import Iterator

import pytest

from kalends.store.database import Database
from kalends.store.schema import migrate
from tests.postgres import Postgres, create_database
from tests.store.conftest import Opener

numbers = itertools.count(1)


@pytest.fixture
def url(postgres_url: str) -> str:
    """A new, empty database."""
    return create_database(postgres_url, f"kalends_apart_{next(numbers)}")


@pytest.fixture
def database(url: str, opened: Opener) -> Database:
    made = opened(url, busy_timeout_ms=2_000)
    migrate(made)
    return made


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgres]:
    """A server that may be stopped."""
    own = Postgres(tmp_path_factory.mktemp("stoppable"))
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
