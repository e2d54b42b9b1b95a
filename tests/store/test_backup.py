import os
import stat
import subprocess
import threading
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest
import sqlalchemy as sa

from kalends.errors import BadSetting, Unavailable
from kalends.store import tables
from kalends.store.database import Database, WriteTx, refuse_other_schema
from kalends.store.private_files import create_private, new_private_file
from kalends.store.query import Query
from tests.cast import assemble
from tests.postgres import PACKAGE, VERSION
from tests.store.conftest import Opener
from tests.store.names import add, count, new_name
from tests.threads import at_once


def postgres_programs() -> Path:
    spec = find_spec(PACKAGE)
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent / VERSION / "bin"


@pytest.fixture(autouse=True)
def programs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Find the pg_dump that belongs to the server before any other."""
    monkeypatch.setenv("PATH", f"{postgres_programs()}{os.pathsep}{os.environ['PATH']}")


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "copies" / "kalends.backup"


@pytest.fixture(autouse=True)
def folder(target: Path) -> Iterator[Path]:
    """Yield the folder of the copy; check that no partial copy is left in it."""
    target.parent.mkdir()
    yield target.parent
    assert [file.name for file in target.parent.iterdir() if file.name != target.name] == []


def contents(database: Database) -> dict[str, list[tuple[object, ...]]]:
    queries = {name: Query(sa.select(table)) for name, table in tables.metadata.tables.items()}
    return {name: sorted(database.read(lambda tx, q=query: tx.rows(q)), key=repr) for name, query in queries.items()}


def restored(engine: str, target: Path, opened: Opener, empty_urls: Iterator[str]) -> Database:
    if engine == "sqlite":
        return opened(f"sqlite:///{target}")
    url = next(empty_urls)
    command = [str(postgres_programs() / "pg_restore"), f"--dbname={url}", "--exit-on-error", str(target)]
    subprocess.run(command, check=True, capture_output=True)
    return opened(url)


def test_a_copy_holds_everything(
    fresh: Database, engine: str, target: Path, opened: Opener, empty_urls: Iterator[str]
) -> None:
    cast = assemble(fresh)
    cast.event(cast.guest, cast.stranger)
    fresh.backup(str(target))
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    copy = restored(engine, target, opened, empty_urls)
    copy.read(refuse_other_schema)
    assert contents(copy) == contents(fresh)
    assert contents(copy)["event"]


def test_a_copy_that_is_made_while_others_write_is_consistent(
    fresh: Database, engine: str, target: Path, opened: Opener, empty_urls: Iterator[str]
) -> None:
    name, done, written = new_name(), threading.Event(), threading.Event()
    pairs = [0]

    def pair(tx: WriteTx) -> None:
        add(tx, name)
        add(tx, name)

    def write() -> None:
        while not done.is_set():
            fresh.write(pair)
            pairs[0] += 1
            written.set()

    writing = at_once(write)
    writing.start()
    assert written.wait(10)
    before = pairs[0]
    fresh.backup(str(target))
    after = pairs[0]
    done.set()
    writing.result()
    found = restored(engine, target, opened, empty_urls).read(lambda tx: count(tx, name))
    assert found % 2 == 0
    assert 2 * before <= found <= 2 * (after + 1)
    assert after > before


def test_an_existing_file_is_never_overwritten(fresh: Database, target: Path) -> None:
    target.write_text("precious")
    with pytest.raises(BadSetting, match="already"):
        fresh.backup(str(target))
    assert target.read_text() == "precious"


def test_a_missing_folder_is_reported(fresh: Database, tmp_path: Path) -> None:
    with pytest.raises(BadSetting, match="No such file"):
        fresh.backup(str(tmp_path / "nowhere" / "kalends.backup"))
    with pytest.raises(BadSetting, match="too long"):
        fresh.backup(str(tmp_path / ("x" * 400)))


def test_a_copy_of_a_database_that_cannot_be_reached_leaves_nothing(
    engine: str, target: Path, tmp_path: Path, opened: Opener
) -> None:
    urls = {"sqlite": f"sqlite:///{tmp_path / 'no' / 'such.db'}", "postgresql": f"postgresql:///x?host={tmp_path}"}
    with pytest.raises(Unavailable):
        opened(urls[engine]).backup(str(target))
    assert not target.exists()


def test_without_pg_dump_the_error_names_the_setting(
    opened: Opener, target: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(BadSetting, match="PATH"):
        opened(f"postgresql:///x?host={tmp_path}").backup(str(target))
    assert not target.exists()


def test_a_password_is_not_shown_to_everybody_on_the_machine(
    opened: Opener, target: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "pg_dump"
    program.write_text(
        '#!/bin/sh\nfor a; do case "$a" in --file=*) f="${a#--file=}";; esac; done\necho "$@ / $PGPASSWORD" > "$f"\n'
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    opened(f"postgresql://me:s3cret@/x?host={tmp_path}").backup(str(target))
    arguments, _, password = target.read_text().partition(" / ")
    assert password.strip() == "s3cret"
    assert "s3cret" not in arguments
    assert "user=me" in arguments


def test_two_copies_under_one_name_do_not_mix(target: Path) -> None:
    def copy() -> None:
        with new_private_file(target) as slow:
            with new_private_file(target) as fast:
                assert fast != slow
                fast.write_text("whole")
            slow.write_text("ha")

    with pytest.raises(BadSetting, match="already"):
        copy()
    assert target.read_text() == "whole"


def test_a_copy_that_breaks_off_never_bears_the_name(target: Path) -> None:
    def copy() -> None:
        with new_private_file(target) as fresh:
            fresh.write_text("ha")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        copy()
    assert not target.exists()


def test_an_existing_file_keeps_its_contents(target: Path) -> None:
    target.write_text("precious")
    create_private(target)
    assert target.read_text() == "precious"
