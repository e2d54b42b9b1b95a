import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import apsw
import pytest
import sqlalchemy as sa

from kalends.errors import Unavailable
from kalends.model import UserId
from kalends.settings import Settings
from kalends.store.database import Database, ReadTx, WriteTx
from kalends.store.query import Query
from kalends.store.revision import EMPTY
from kalends.store.schema import migrate
from kalends.store.sqlite import SqliteSession, ran
from tests.store.conftest import engine_of
from tests.store.names import NAME, add, count, new_name
from tests.threads import at_once, in_line

HOLD_THE_LOCK = """
import apsw, sys
connection = apsw.Connection(sys.argv[1])
connection.execute("BEGIN IMMEDIATE")
print("held", flush=True)
sys.stdin.readline()
connection.execute("ROLLBACK")
"""


def pragmas(tx: ReadTx) -> dict[str, Any]:
    names = ("journal_mode", "synchronous", "foreign_keys")
    return {name: tx.rows(Query(sa.text(f"PRAGMA {name}")))[0][0] for name in names}


def test_every_connection_writes_ahead_waits_for_the_disk_and_keeps_foreign_keys(sqlite: Database) -> None:
    wanted = {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1}
    assert sqlite.read(pragmas) == sqlite.write(pragmas) == wanted


def test_a_reference_to_nothing_is_refused(sqlite: Database) -> None:
    stray = Query(
        sa.text(
            "INSERT INTO token (id, organization_id, name, hint, hash, created_at) "
            "VALUES (1, 77, 'name', 'hint', x'00', 0)"
        )
    )
    with pytest.raises(apsw.ConstraintError, match="FOREIGN KEY"):
        sqlite.write(lambda tx: tx.run(stray))


def test_a_write_holds_the_lock_of_the_file_before_its_first_statement(sqlite: Database, path: Path) -> None:
    def work(tx: WriteTx) -> None:
        with (
            closing(apsw.Connection(str(path))) as other,
            pytest.raises(apsw.BusyError, match="locked"),
        ):
            other.execute("BEGIN IMMEDIATE")

    sqlite.write(work)
    with closing(apsw.Connection(str(path))) as other:
        other.execute("BEGIN IMMEDIATE")


def test_while_another_process_writes_reads_succeed_and_writes_are_unavailable(sqlite: Database, path: Path) -> None:
    command = [sys.executable, "-c", HOLD_THE_LOCK, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        with pytest.raises(Unavailable, match="Another process"):
            sqlite.write(lambda tx: add(tx, new_name()))
        with pytest.raises(Unavailable, match="Another process"):
            sqlite.change_schema(lambda connection: None)
        assert sqlite.read(lambda tx: count(tx, new_name())) == 0
        process.communicate("\n")
    assert sqlite.write(lambda tx: add(tx, new_name()))


def test_writers_that_wait_too_long_are_unavailable(sqlite: Database) -> None:
    def work(tx: WriteTx) -> None:
        waiting = at_once(lambda: sqlite.write(lambda other: add(other, new_name())))
        waiting.start()
        with pytest.raises(Unavailable, match="Too many writes"):
            waiting.result()

    sqlite.write(work)
    assert sqlite.write(lambda tx: add(tx, new_name()))


def test_text_that_the_driver_cannot_decode_is_an_error_of_its_own(sqlite: Database) -> None:
    broken = Query(sa.text("SELECT CAST(x'ff' AS TEXT)"))
    for attempt in (sqlite.read, sqlite.write):
        with pytest.raises(UnicodeDecodeError):
            attempt(lambda tx: tx.rows(broken))
    assert sqlite.write(lambda tx: add(tx, new_name()))


def test_as_many_readers_are_kept_as_the_pool_has_room_for(sqlite: Database) -> None:
    def nested(depth: int) -> int:
        return sqlite.read(lambda tx: nested(depth - 1) + count(tx, "default") if depth else 0)

    assert nested(5) == 5
    assert len(engine_of(sqlite)._readers) == 2
    sqlite.close()
    assert engine_of(sqlite)._readers == []


def test_a_connection_that_failed_is_not_lent_again(sqlite: Database) -> None:
    sqlite.read(lambda tx: count(tx, "default"))
    failed: list[Any] = []

    def work(tx: ReadTx) -> None:
        failed.append(tx._session)
        tx.rows(Query(sa.text("SELECT nonsense")))

    with pytest.raises(apsw.SQLError, match="nonsense"):
        sqlite.read(work)
    assert sqlite.read(lambda tx: tx._session) is not failed[0]
    with pytest.raises((apsw.ConnectionClosedError, apsw.CursorClosedError), match="closed"):
        failed[0].connection.execute("SELECT 1")


def test_a_writer_that_cannot_roll_back_is_replaced(sqlite: Database) -> None:
    name = new_name()

    def work(tx: WriteTx) -> None:
        add(tx, name)
        writer = engine_of(sqlite)._writer
        assert writer is not None
        writer.connection.close()
        count(tx, name)

    with pytest.raises((apsw.ConnectionClosedError, apsw.CursorClosedError), match="closed"):
        sqlite.write(work)
    assert sqlite.write(lambda tx: count(tx, name)) == 0


def test_a_list_of_ids_survives_as_numbers(sqlite: Database) -> None:
    numbers = [UserId(2**63 - 1), UserId(7)]
    rows = sqlite.read(lambda tx: tx.rows(Query(sa.text("SELECT value FROM json_each(:ids)")), ids=numbers))
    assert rows == [(2**63 - 1,), (7,)]


def test_closing_lets_a_writer_finish_and_opens_again_on_demand(sqlite: Database) -> None:
    made: list[int] = []

    def work(tx: WriteTx) -> None:
        made.append(add(tx, "last"))
        closing_down.start()
        in_line(engine_of(sqlite)._write_queue, 1)

    closing_down = at_once(sqlite.close)
    sqlite.write(work)
    closing_down.result()
    assert sqlite.read(lambda tx: tx.row(NAME, id=made[0])) == ("last",)


def test_closing_does_not_wait_for_ever(sqlite: Database) -> None:
    def work(tx: WriteTx) -> int:
        sqlite.close()
        return add(tx, new_name())

    assert sqlite.write(work)


def test_connections_in_use_are_closed_after_their_work(sqlite: Database) -> None:
    """So are connections that are opened later, which nobody else would close."""
    engine = engine_of(sqlite)
    used: list[apsw.Connection] = []

    def work(tx: ReadTx) -> None:
        assert isinstance(tx._session, SqliteSession)
        used.append(tx._session.connection)
        sqlite.close()

    def write(tx: WriteTx) -> None:
        work(tx)
        add(tx, new_name())

    for _ in ("open", "closed"):
        sqlite.read(work)
        sqlite.write(write)
    assert (engine._readers, engine._writer, engine._writer_lock) == ([], None, None)
    for connection in used:
        with pytest.raises(apsw.ConnectionClosedError):
            connection.execute("SELECT 1")


def test_only_a_lock_is_waited_for(path: Path) -> None:
    """Other errors are raised at once: here, that there is a transaction already."""
    connection = apsw.Connection(str(path))
    assert ran(connection, "BEGIN IMMEDIATE")
    with pytest.raises(apsw.SQLError, match="within a transaction"):
        ran(connection, "BEGIN IMMEDIATE")
    connection.close()


def test_a_new_file_that_stays_locked_is_reported_as_busy(tmp_path: Path) -> None:
    """The file is not in WAL mode yet, and the change to WAL has to wait."""
    path = tmp_path / "new.db"
    other = apsw.Connection(str(path))
    other.execute("BEGIN EXCLUSIVE")
    database = Database(Settings(database_url=f"sqlite:///{path}", busy_timeout_ms=20))
    with pytest.raises(Unavailable, match="Another process"):
        migrate(database)
    other.execute("ROLLBACK")
    assert migrate(database)[0] == EMPTY
    database.close()
    other.close()


def test_there_is_no_server_process(sqlite: Database) -> None:
    assert sqlite.read(lambda tx: tx._session.backend_pid) == 0
