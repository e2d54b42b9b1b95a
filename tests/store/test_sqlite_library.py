"""The SQLite library of apsw: its configuration, its errors, and interrupted reads."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import apsw
import pytest
import sqlalchemy as sa

from kalends.errors import TooExpensive, Unavailable
from kalends.rules.zones import read_time
from kalends.store.database import Database, ReadTx
from kalends.store.retry import Contended
from kalends.store.schema import migrate
from kalends.store.sqlite import translated
from tests.cast import assemble
from tests.store.conftest import Opener, engine_of
from tests.store.names import ENDLESS, NAME, count


def test_a_read_that_is_stopped_leaves_its_connection_usable(path: Path, opened: Opener) -> None:
    hasty = opened(f"sqlite:///{path}", read_timeout_ms=20)
    migrate(hasty)
    sessions: list[Any] = []

    def endless(tx: ReadTx) -> None:
        sessions.append(tx._session)
        tx.snapshot()
        tx.rows(ENDLESS)

    with pytest.raises(TooExpensive):
        hasty.read(endless)
    assert hasty.read(lambda tx: (tx._session, count(tx, "default"))) == (sessions[0], 1)
    assert not sessions[0].connection.in_transaction


def test_a_value_of_a_type_that_sqlite_does_not_know_is_a_defect(sqlite: Database) -> None:
    with pytest.raises(TypeError, match="parameter 1 is of a type that SQLite does not know: <class 'set'>"):
        sqlite.read(lambda tx: tx.rows(NAME, id={1}))


def test_a_migration_may_read_rows_one_by_one_in_parts_or_all_at_once(sqlite: Database) -> None:
    numbers = sa.text(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 6) SELECT i AS number FROM n"
    )
    with engine_of(sqlite).migrating() as connection:
        found = connection.execute(numbers)
        assert list(found.keys()) == ["number"]
        assert (found.fetchone(), found.fetchmany(3), found.fetchall()) == ((1,), [(2,), (3,), (4,)], [(5,), (6,)])


def test_no_statement_is_compiled_anew_because_other_values_are_bound(sqlite: Database) -> None:
    cast = assemble(sqlite)

    def book(day: int) -> None:
        cast.event(cast.guest, start=read_time(f"2031-05-{day:02}T09:00Z"), end=read_time(f"2031-05-{day:02}T10:00Z"))

    book(1)
    writer = engine_of(sqlite)._writer
    assert writer
    compiled: list[int] = []

    def note(action: int, *_: str | None) -> int:
        compiled.append(action)
        return apsw.SQLITE_OK

    writer.connection.authorizer = note  # SQLite asks it whenever it compiles a statement
    book(2)
    assert apsw.SQLITE_INSERT in compiled, "whatever was compiled before is compiled once more"
    compiled.clear()
    book(3)
    assert compiled == []


@pytest.mark.parametrize("is_open", [False, True])
def test_the_library_is_tuned_unless_it_is_in_use(tmp_path: Path, *, is_open: bool) -> None:
    script = f"""
import apsw
other = apsw.Connection({str(tmp_path / "other.db")!r}) if {is_open} else None
import kalends.store.sqlite
apsw.Connection(":memory:").execute("CREATE TABLE filled AS SELECT zeroblob(100000)")
print(apsw.memory_high_water() > 100_000)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == f"{is_open}\n"


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("SQLITE_CONSTRAINT_UNIQUE", Contended),
        ("SQLITE_CONSTRAINT_PRIMARYKEY", Contended),
        ("SQLITE_CONSTRAINT_FOREIGNKEY", apsw.ConstraintError),
        ("SQLITE_CONSTRAINT_NOTNULL", apsw.ConstraintError),
        ("SQLITE_BUSY", Unavailable),
        ("SQLITE_BUSY_SNAPSHOT", Unavailable),
        ("SQLITE_BUSY_RECOVERY", Unavailable),
        ("SQLITE_LOCKED", Unavailable),
        ("SQLITE_PROTOCOL", Unavailable),
        ("SQLITE_FULL", Unavailable),
        ("SQLITE_READONLY_DBMOVED", Unavailable),
        ("SQLITE_IOERR_FSYNC", Unavailable),
        ("SQLITE_CORRUPT_INDEX", Unavailable),
        ("SQLITE_CANTOPEN_ISDIR", Unavailable),
        ("SQLITE_NOTADB", Unavailable),
        ("SQLITE_NOMEM", Unavailable),
        ("SQLITE_INTERRUPT", TooExpensive),
        ("SQLITE_TOOBIG", TooExpensive),
        ("SQLITE_ERROR", apsw.SQLError),
    ],
)
def test_result_codes_are_translated_into_errors(code: str, error: type[Exception]) -> None:
    with pytest.raises(error), translated():
        raise apsw.exception_for(getattr(apsw, code))
