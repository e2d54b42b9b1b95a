"""The database commands."""

import stat
import subprocess
import threading
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest
import sqlalchemy as sa

from kalends.actions.users import create_user
from kalends.cli.opening import OPERATOR
from kalends.cli.sample import add_sample
from kalends.drafts import UserCreate
from kalends.model import Email
from kalends.rules.zones import from_instant
from kalends.settings import Settings
from kalends.store.database import Database, WriteTx
from kalends.store.query import Query
from kalends.store.revision import NEEDED, VERSION_TABLE
from tests.cast import rows_of
from tests.cli.conftest import call_with, one_line
from tests.cli.test_import import VILLAGE
from tests.postgres import PACKAGE, VERSION

SPOILED_COUNT = Query(
    sa.text("UPDATE event SET required_count = required_count + 1 WHERE id = (SELECT min(id) FROM event)")
)
NEWER = Query(sa.text(f"UPDATE {VERSION_TABLE} SET version_num = '9999'"))


def furnish(database: Database) -> None:
    """Fill a database with the sample of the demo."""
    database.write(lambda tx: add_sample(tx, OPERATOR, from_instant(tx.now).date()))


def postgres_programs() -> Path:
    """Return the folder with the PostgreSQL programs of the tests' server."""
    spec = find_spec(PACKAGE)
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent / VERSION / "bin"


@pytest.fixture
def programs(monkeypatch: pytest.MonkeyPatch) -> Path:
    """Put the PostgreSQL programs first on the path."""
    monkeypatch.setenv("PATH", str(postgres_programs()), prepend=":")
    return postgres_programs()


def test_migrating_reports_what_it_did_and_migrating_again_does_nothing(call):
    assert one_line(call("db", "migrate")) == f"Migrated from empty to {NEEDED}."
    assert one_line(call("db", "migrate")) == f"Already at schema {NEEDED}."


@pytest.mark.parametrize(
    "words",
    ["serve --port 0", "token create", "org create School", f"import {VILLAGE}", "doctor"],
)
def test_a_database_that_is_gone_is_not_created_anew(tmp_path, words):
    path = tmp_path / "lost.db"
    call = call_with(KALENDS_DATABASE_URL=f"sqlite:///{path}")
    call("token", "create")
    path.unlink()
    done = call(*words.split(), code=1)
    assert f"there is no file {path}, but lost.db-turn beside it shows that there was one; restore it" in done.output
    assert not path.exists()
    assert one_line(call("db", "migrate")) == f"Migrated from empty to {NEEDED}."
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_an_empty_database_is_not_checked_but_explained(call, url):
    if url.startswith("sqlite"):
        Path(url.removeprefix("sqlite:///")).touch()
    said = one_line(call("db", "check", code=1))
    message = f"The database is at schema empty, and this version of Kalends needs {NEEDED}: run: kalends db migrate."
    assert said == f"Error: {message}"


@pytest.mark.parametrize("words", ["serve --port 0", "db migrate", "db check", "token create", "token list"])
def test_a_newer_database_is_refused(call, database, words):
    database.write(lambda tx: tx.run(NEWER))
    said = one_line(call(*words.split(), code=1))
    assert said.startswith(f"Error: The database is at schema 9999, and this version of Kalends needs {NEEDED}: ")
    assert "install" in said


def test_a_check_finds_nothing_in_a_sound_database(call, database):
    furnish(database)
    assert one_line(call("db", "check")) == f"Schema {NEEDED}, contents consistent."


def test_a_check_says_what_is_wrong_on_stdout(call, database):
    furnish(database)
    database.write(lambda tx: tx.run(SPOILED_COUNT))
    checked = call("db", "check", code=1)
    assert checked.stdout == "Events whose counts of participants are wrong: 1.\n"
    assert checked.stderr == ""


def restored(copy: Path, urls: Iterator[str], programs: Path) -> str:
    """Restore a backup as the README says, and return the URL of the database."""
    fresh = next(urls)
    if fresh.startswith("sqlite"):
        return f"sqlite:///{copy}"
    subprocess.run([str(programs / "pg_restore"), f"--dbname={fresh}", str(copy)], check=True, timeout=60)
    return fresh


def test_a_backup_opens_as_a_database_with_the_same_rows(call, database, empty_urls, programs, tmp_path):
    furnish(database)
    copy = tmp_path / "copy"
    assert one_line(call("db", "backup", copy)) == f"Saved {copy}."
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    assert [file.name for file in tmp_path.iterdir()] == ["copy"]
    url = restored(copy, empty_urls, programs)
    other = Database(Settings(database_url=url))
    assert rows_of(other, OPERATOR) == rows_of(database, OPERATOR)
    other.close()
    call_with(KALENDS_DATABASE_URL=url)("db", "check")


def test_a_backup_made_while_others_write_is_consistent(call, database, empty_urls, programs, tmp_path):
    furnish(database)
    enough, written = threading.Event(), []

    def add_one(tx: WriteTx) -> int:
        draft = UserCreate(name="Somebody", email=Email(f"somebody{len(written)}@example.org"))
        return create_user(tx, OPERATOR, draft).id

    def keep_writing() -> None:
        while not enough.is_set():
            written.append(database.write(add_one))

    writer = threading.Thread(target=keep_writing)
    writer.start()
    try:
        while not written:
            enough.wait(0.001)
        before = len(written)
        call("db", "backup", tmp_path / "copy")
        after = len(written)
    finally:
        enough.set()
        writer.join()
    url = restored(tmp_path / "copy", empty_urls, programs)
    other = Database(Settings(database_url=url))
    copied = {row[0] for row in rows_of(other, OPERATOR)["user"]} & set(written)
    other.close()
    assert before <= len(copied) <= after + 1
    assert copied == set(written[: len(copied)])
    call_with(KALENDS_DATABASE_URL=url)("db", "check")


def test_a_backup_replaces_no_file(call, database, programs, tmp_path):
    (tmp_path / "copy").write_text("precious")
    said = one_line(call("db", "backup", tmp_path / "copy", code=1))
    assert said.endswith("the file exists already: name a new one.")
    assert (tmp_path / "copy").read_text() == "precious"
    assert "is a directory" in call("db", "backup", tmp_path, code=2).stderr
    assert "it cannot be created" in one_line(call("db", "backup", tmp_path / "no" / "copy", code=1))


def test_a_backup_of_postgresql_needs_pg_dump(postgres_url, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", "")
    call = call_with(KALENDS_DATABASE_URL=postgres_url)
    assert "pg_dump is not usable: it is not on the PATH" in one_line(call("db", "backup", tmp_path / "x", code=1))
    monkeypatch.setenv("PATH", str(postgres_programs()))
    elsewhere = call_with(KALENDS_DATABASE_URL=postgres_url.replace("/postgres?", "/nothing?"))
    said = one_line(elsewhere("db", "backup", tmp_path / "x", code=1))
    assert "pg_dump reports: " in said
    assert 'database "nothing" does not exist' in said
    assert not list(tmp_path.iterdir())
