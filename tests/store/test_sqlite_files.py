"""SQLite files: who may read them, where they are created, and errors if they cannot be used."""

import os
import stat
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from kalends.errors import BadSetting, Unavailable
from kalends.http.front import READY_TIMEOUT_S
from kalends.reads.health import check_readiness
from kalends.store.database import Database, WriteTx
from kalends.store.schema import migrate
from tests.databases import full_disk
from tests.store.conftest import Opener, engine_of
from tests.store.names import INSERT, add, count, new_name

NOBODY = 65534


@contextmanager
def ordinary_user() -> Iterator[Path]:
    """Yield a folder, as a user whom file permissions restrict, unlike root."""
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        if os.geteuid():
            yield Path(folder)
            return
        os.chown(folder, NOBODY, NOBODY)
        os.seteuid(NOBODY)
        try:
            yield Path(folder)
        finally:
            os.seteuid(0)


def test_nobody_else_may_read_the_files_whatever_the_umask(path: Path, opened: Opener) -> None:
    before = os.umask(0)
    try:
        database = opened(f"sqlite:///{path}")
        migrate(database)
        database.write(lambda tx: add(tx, new_name()))
        modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()}
    finally:
        os.umask(before)
    assert modes == {f"kalends.db{end}": 0o600 for end in ("", "-wal", "-shm", "-turn")}


def test_a_full_disk_is_reported_and_changes_nothing(sqlite: Database) -> None:
    name = new_name()
    sqlite.write(lambda tx: add(tx, new_name()))
    writer = engine_of(sqlite)._writer
    assert writer is not None
    pages = writer.connection.pragma("page_count")
    writer.connection.execute(f"PRAGMA max_page_count = {pages}").fetchone()

    def work(tx: WriteTx) -> None:
        add(tx, name)
        tx.run(INSERT, id=tx.new_id(), name="x" * 100_000, created_at=0)

    with pytest.raises(Unavailable, match="full") as refused:
        sqlite.write(work)
    assert refused.value.retry_after == 10
    writer.connection.execute("PRAGMA max_page_count = 4294967294").fetchone()
    assert sqlite.read(lambda tx: count(tx, name)) == 0
    assert sqlite.write(lambda tx: add(tx, name))


def test_a_file_that_may_not_be_written_can_be_read(opened: Opener) -> None:
    with ordinary_user() as folder:
        path = folder / "kalends.db"
        migrate(opened(f"sqlite:///{path}"))
        path.chmod(0o400)
        database = opened(f"sqlite:///{path}")
        assert database.read(lambda tx: count(tx, "default")) == 1
        with pytest.raises(Unavailable, match="readonly"):
            database.write(lambda tx: add(tx, new_name()))


def test_a_file_that_may_no_longer_be_written_is_found_before_anybody_writes(opened: Opener) -> None:
    with ordinary_user() as folder:
        path = folder / "kalends.db"
        database = opened(f"sqlite:///{path}")
        migrate(database)
        database.write(lambda tx: add(tx, new_name()))  # it stays connected, as a server does
        path.chmod(0o400)
        with pytest.raises(Unavailable, match="readonly"):
            database.check_writable()
        path.chmod(0o600)
        database.check_writable()


def test_a_disk_without_room_for_the_log_is_found_before_anybody_writes(sqlite: Database, path: Path) -> None:
    name = new_name()
    sqlite.write(lambda tx: add(tx, new_name()))
    with full_disk(path):
        for attempt in (sqlite.check_writable, lambda: sqlite.write(lambda tx: add(tx, name))):
            with pytest.raises(Unavailable, match="disk"):
                attempt()
    sqlite.check_writable()
    sqlite.write(lambda tx: add(tx, name))
    assert sqlite.read(lambda tx: count(tx, name)) == 1


def test_whether_writes_work_is_tested_once_in_a_while(
    sqlite: Database, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = path.with_name(f"{path.name}-wal")
    sizes = []
    sqlite.read(lambda tx: count(tx, "default"))  # as long as somebody is connected, the log stays
    monkeypatch.setattr("kalends.store.database.WRITABLE_S", 60)
    for until in (0, None, 0):
        if until is not None:
            sqlite._writable_until = until
        sqlite.check_writable()
        sizes.append(log.stat().st_size)
    assert sizes[0] == sizes[1] < sizes[2]


def test_a_concurrent_writer_does_not_make_a_database_unwritable(sqlite: Database) -> None:
    def work(tx: WriteTx) -> None:
        began = time.monotonic()
        sqlite.check_writable()
        assert time.monotonic() - began < READY_TIMEOUT_S
        add(tx, new_name())

    assert sqlite.write(work) is None


def test_a_file_that_cannot_be_created_or_read_is_reported(opened: Opener) -> None:
    with ordinary_user() as folder:
        (folder / "secret.db").touch(mode=0)
        (folder / "locked").mkdir(mode=0o500)
        for name, reason in (
            ("secret.db", "unable to open"),
            ("locked/new.db", "cannot be created"),
            ("missing/new.db", "cannot be created"),
            ("locked", "unable to open"),
        ):
            database = opened(f"sqlite:///{folder / name}")
            for attempt in (database.read, database.write):
                with pytest.raises(Unavailable, match="unable to open"):
                    attempt(lambda tx: count(tx, "default"))
            with pytest.raises(Unavailable, match=reason):
                migrate(database)


def test_a_file_that_is_missing_is_created_by_a_migration_alone(path: Path, opened: Opener) -> None:
    database = opened(f"sqlite:///{path}")
    for attempt in (database.read, database.write):
        with pytest.raises(Unavailable, match="unable to open"):
            attempt(lambda tx: count(tx, "default"))
    assert not path.exists()
    migrate(database)
    assert database.read(lambda tx: count(tx, "default")) == 1


def test_a_file_of_something_else_is_left_alone(path: Path, opened: Opener) -> None:
    path.write_text("Dear diary, " * 1_000)
    database = opened(f"sqlite:///{path}")
    for attempt in (database.read, database.write):
        with pytest.raises(Unavailable, match="not a database"):
            attempt(lambda tx: count(tx, "default"))
    with pytest.raises(Unavailable, match="not a database"):
        migrate(database)
    assert path.read_text() == "Dear diary, " * 1_000


def test_a_damaged_file_is_reported(sqlite: Database, path: Path, opened: Opener) -> None:
    sqlite.write(lambda tx: [add(tx, "x" * 500) for _ in range(200)])
    sqlite.close()
    data = bytearray(path.read_bytes())
    data[4096:] = b"\xa5" * (len(data) - 4096)
    path.write_bytes(data)
    with pytest.raises(Unavailable, match="malformed"):
        opened(f"sqlite:///{path}").read(lambda tx: count(tx, "default"))


@pytest.mark.parametrize("url", ["sqlite:///:memory:", "sqlite:///a.db?mode=ro", "sqlite:////", "sqlite://host/a.db"])
def test_only_a_file_can_be_named(url: str, opened: Opener) -> None:
    if url == "sqlite:////":
        with pytest.raises(Unavailable):
            opened(url).read(lambda tx: count(tx, "default"))
    else:
        with pytest.raises(BadSetting, match="KALENDS_DATABASE_URL"):
            opened(url)


def test_a_relative_path_is_one(tmp_path: Path, opened: Opener, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    migrate(opened("sqlite:///here.db"))
    assert (tmp_path / "here.db").exists()


@pytest.mark.parametrize("replaced", [False, True])
def test_a_file_that_is_deleted_or_replaced_takes_nothing_more_until_it_is_back(
    sqlite: Database, path: Path, *, replaced: bool
) -> None:
    sqlite.write(lambda tx: add(tx, "before"))
    sqlite.read(lambda tx: count(tx, "before"))
    away = path.with_name("away.db")

    def lose_the_file(tx: WriteTx) -> None:
        add(tx, "meanwhile")
        path.rename(away)
        if replaced:
            path.write_bytes(away.read_bytes())

    with pytest.raises(Unavailable, match="deleted or replaced"):
        sqlite.write(lose_the_file)
    for attempt in (lambda: sqlite.write(lambda tx: add(tx, "after")), lambda: sqlite.read(check_readiness)):
        with pytest.raises(Unavailable, match="Restore the file, or restart the server"):
            attempt()
    assert path.exists() == replaced, "no new database is made in its place"
    away.rename(path)
    sqlite.write(lambda tx: add(tx, "back"))
    names = ("before", "meanwhile", "after", "back")
    assert sqlite.read(lambda tx: [count(tx, name) for name in names]) == [1, 0, 0, 1]
