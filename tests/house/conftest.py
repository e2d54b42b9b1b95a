"""Fixtures for tests of the whole project."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from kalends.settings import Settings
from kalends.store.database import Database
from tests.conftest import Clock
from tests.databases import Databases

PLUGIN = "schemathesis.pytest.plugin"


def pytest_pycollect_makemodule(module_path: Path, parent: pytest.Collector) -> None:
    """Load the plugin of Schemathesis, which takes seconds, for the one module that needs it (see pyproject.toml)."""
    if module_path.name == "test_schemathesis.py":
        parent.config.pluginmanager.import_plugin(PLUGIN)


@pytest.fixture
def both_databases(
    sqlite_databases: Databases, postgresql_databases: Databases, clock: Clock
) -> Iterator[tuple[Database, ...]]:
    """Yield a new database of each engine, with one clock for both."""
    with sqlite_databases.migrated() as one, postgresql_databases.migrated() as other:
        databases = tuple(Database(Settings(database_url=url, read_timeout_ms=0), clock) for url in (one, other))
        yield databases
        for database in databases:
            database.close()
