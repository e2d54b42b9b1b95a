"""Fixtures for tests of the command line: commands called in this process, with a database for each test."""

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from kalends.cli import kalends
from kalends.settings import Settings
from kalends.store.database import Database
from tests.databases import Databases
from tests.served import PATIENCE_S, Server, serving

Call = Callable[..., Result]

on_sqlite = pytest.mark.parametrize("engine", ["sqlite"], indirect=True, scope="session")
"""For tests in which the database plays no part."""

on_postgresql = pytest.mark.parametrize("engine", ["postgresql"], indirect=True, scope="session")
"""For tests in which several processes make a difference: only servers on PostgreSQL have them."""


def call_with(**environment: str) -> Call:
    """Return a function that calls a command with these variables in its environment."""

    def call(*arguments: object, code: int = 0) -> Result:
        result = CliRunner(env=environment).invoke(kalends, [str(argument) for argument in arguments])
        assert result.exit_code == code, (result.output, result.exception)
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exc_info
        return result

    return call


@pytest.fixture
def url(databases: Databases, request: pytest.FixtureRequest) -> Iterator[str]:
    """Yield the URL of the database that commands use: empty, unless the test takes `database`."""
    new = databases.migrated if "database" in request.fixturenames else databases.empty
    with new() as made:
        yield made


@pytest.fixture
def call(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Call:
    """Return a function that runs a command on that database, where no demo runs: `call("db", "check", code=1)`."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return call_with(KALENDS_DATABASE_URL=url)


@pytest.fixture
def database(url: str, call: Call) -> Iterator[Database]:
    """Yield the database that the commands of this test use, with all tables."""
    own = Database(Settings(database_url=url, read_timeout_ms=0))
    yield own
    own.close()


@pytest.fixture
def server(engine: str, url: str, tmp_path: Path) -> Iterator[Server]:
    """Yield a server of an empty database, with two processes on PostgreSQL."""
    processes = "1" if engine == "sqlite" else "2"
    words = ("serve", "--port", "0", "--processes", processes, "--threads", "4")
    patient = {"KALENDS_BUSY_TIMEOUT_MS": str(PATIENCE_S * 1_000)}
    with serving(tmp_path, *words, KALENDS_DATABASE_URL=url, **patient) as started:
        yield started


@pytest.fixture
def bearer(server: Server, call) -> dict[str, str]:
    """Return the header with a valid token of the server."""
    return {"Authorization": f"Bearer {call('token', 'create').stdout.strip()}"}


def listed(call: Call, kind: str, *options: str) -> list[list[str]]:
    """Return the rows that `kalends KIND list` prints below its header."""
    _, *rows = call(kind, "list", *options).stdout.splitlines()
    return [row.split("\t") for row in rows]


def one_line(result: Any) -> str:
    """Return the only line on stderr, and check that stdout is empty."""
    assert result.stdout == ""
    (line,) = result.stderr.splitlines()
    return line
