"""What tests of the command line share: commands called in this process, on a database of each test's own."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from click.testing import CliRunner, Result

from kalends.cli import kalends
from kalends.settings import Settings
from kalends.store.database import Database
from kalends.store.schema import migrate

Call = Callable[..., Result]


def call_with(**environment: str) -> Call:
    """Give a function that calls a command with these variables in its environment."""

    def call(*arguments: object, code: int = 0) -> Result:
        result = CliRunner(env=environment).invoke(kalends, [str(argument) for argument in arguments])
        assert result.exit_code == code, (result.output, result.exception)
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exc_info
        return result

    return call


@pytest.fixture
def call(empty_url: str) -> Call:
    """Call a command on an empty database: `call("db", "check", code=1)`."""
    return call_with(KALENDS_DATABASE_URL=empty_url)


@pytest.fixture
def database(empty_url: str, call: Call) -> Iterator[Database]:
    """The database that the commands of this test work on, migrated."""
    own = Database(Settings(database_url=empty_url))
    migrate(own)
    yield own
    own.close()


def one_line(result: Any) -> str:
    """Give the only line on stderr, where nothing is on stdout."""
    assert result.stdout == ""
    (line,) = result.stderr.splitlines()
    return line
