import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from kalends.errors import SchemaMismatch
from kalends.settings import Settings
from kalends.store import tables
from kalends.store.database import Database, refuse_other_schema
from kalends.store.query import Query
from kalends.store.revision import EMPTY, MIGRATIONS, NEEDED, REVISIONS, VERSION_TABLE
from kalends.store.schema import migrate
from tests.store.conftest import Opener
from tests.store.names import add, count
from tests.threads import race

MIGRATE = """
import sys
from kalends.settings import Settings
from kalends.store.database import Database
from kalends.store.schema import migrate
database = Database(Settings(database_url=sys.argv[1]))
print("ready", flush=True)
sys.stdin.readline()
print(migrate(database)[0])
database.close()
"""
STOP_HALFWAY = """
import sys
from kalends.settings import Settings
from kalends.store.database import Database
from kalends.store.schema import upgrade
database = Database(Settings(database_url=sys.argv[1]))

def work(connection):
    upgrade(connection)
    print("halfway", flush=True)
    sys.stdin.readline()

database.change_schema(work)
"""


INSERT_USER = """
INSERT INTO "user" (id, organization_id, name, email, email_folded, search_text, time_zone, metadata, version,
    created_at, updated_at) VALUES (1, 1, 'x', 'x', 'x', 'x', 'UTC', '{}', 1, 0, 0)
"""
INSERT_EVENT = """
INSERT INTO event (id, organization_id, host_id, title, description, location, search_text, time_zone, starts_at,
    ends_at, start_local, end_local, status, show_as, visibility, metadata, required_count, optional_count,
    accepted_count, declined_count, tentative_count, needs_action_count, version, created_at, updated_at)
    VALUES ({0}, 1, 1, 'x', '', '', 'x', 'UTC', 0, 1, '2026-03-09T10:00:00{1}', '2026-03-09T11:00:00{2}', 'confirmed',
    'busy', 'default', '{{}}', 0, 0, 0, 0, 0, 0, 1, 0, 0)
"""


def migrate_to(database: Database, revision: str) -> None:
    """Migrate a database to an older schema."""

    def work(connection: sa.Connection) -> None:
        config = Config()
        config.set_main_option("script_location", str(MIGRATIONS))
        config.attributes["connection"] = connection
        command.upgrade(config, revision)

    database.change_schema(work)


def run(database: Database, *statements: str) -> None:
    def work(connection: sa.Connection) -> None:
        for statement in statements:
            connection.exec_driver_sql(statement)

    database.change_schema(work)


def table_names(database: Database) -> set[str]:
    return database.change_schema(lambda connection: set(sa.inspect(connection).get_table_names()))


def parts_of(text: str) -> list[str]:
    """Split a CREATE statement at its commas outside parentheses; columns that were added later come last."""
    head, _, rest = text.partition("(")
    body, _, tail = rest.rpartition(")")
    parts, depth = [""], 0
    for letter in body:
        depth += {"(": 1, ")": -1}.get(letter, 0)
        if letter == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += letter
    return [" ".join(part.split()) for part in (head, *parts, tail)]


def shape(connection: sa.Connection) -> dict[str, Any]:
    """Return everything that the engine knows of its tables, without the order of their parts."""
    if connection.dialect.name == "sqlite":
        texts = connection.execute(sa.text("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL"))
        return {name: sorted(parts_of(text)) for name, text in texts if name != VERSION_TABLE}
    queries = {
        "columns": "SELECT table_name, column_name, data_type, collation_name, is_nullable, column_default "
        "FROM information_schema.columns WHERE table_schema = 'public'",
        "indexes": "SELECT tablename, indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'",
        "constraints": "SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint "
        "WHERE connamespace = 'public'::regnamespace",
        "persistence": "SELECT relname, relpersistence FROM pg_class "
        "WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'",
    }
    return {
        kind: sorted(tuple(map(str, row)) for row in connection.execute(sa.text(query)) if row[0] != VERSION_TABLE)
        for kind, query in queries.items()
    }


def test_the_migrations_create_the_schema_that_the_code_expects(fresh: Database) -> None:
    def difference(connection: sa.Connection) -> list[Any]:
        options = {"version_table": VERSION_TABLE, "compare_type": True, "compare_server_default": True}
        return compare_metadata(MigrationContext.configure(connection, opts=options), tables.metadata)

    assert fresh.change_schema(difference) == []


def test_the_migrations_create_exactly_what_the_metadata_creates(
    fresh: Database, opened: Opener, empty_urls: Any
) -> None:
    other = opened(next(empty_urls))
    other.change_schema(tables.metadata.create_all)
    migrated, created = fresh.change_schema(shape), other.change_schema(shape)
    assert migrated == created
    assert "deleted_at IS NULL" in str(migrated)
    assert len(migrated) >= 3


def test_migrating_once_more_changes_nothing(empty_url: str, opened: Opener) -> None:
    database = opened(empty_url)
    assert migrate(database) == (EMPTY, NEEDED)
    before = database.change_schema(shape)
    assert migrate(database) == (NEEDED, NEEDED)
    assert database.change_schema(shape) == before
    assert database.read(lambda tx: count(tx, "default")) == 1
    database.read(refuse_other_schema)


def test_the_needed_version_is_the_last_of_the_history() -> None:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    history = ScriptDirectory.from_config(config)
    assert history.get_heads() == [NEEDED]
    assert {revision.revision for revision in history.walk_revisions()} == REVISIONS


def test_threads_that_migrate_at_once_do_it_once(empty_url: str) -> None:
    def start() -> str:
        database = Database(Settings(database_url=empty_url))
        try:
            return migrate(database)[0]
        finally:
            database.close()

    assert sorted(race([start] * 6)) == sorted([EMPTY] + [NEEDED] * 5)


@pytest.mark.slow
def test_processes_that_migrate_at_once_do_it_once(empty_url: str) -> None:
    command = [sys.executable, "-c", MIGRATE, empty_url]
    processes = [subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
    found = [process.communicate(timeout=30)[0].strip() for process in processes]
    assert sorted(found) == sorted([EMPTY, NEEDED, NEEDED])


def test_databases_that_are_migrated_at_once_do_not_mix(empty_urls: Any) -> None:
    urls = [next(empty_urls) for _ in range(3)]
    found: list[tuple[str, str]] = []
    ready = threading.Barrier(len(urls))

    def start(url: str) -> None:
        database = Database(Settings(database_url=url))
        try:
            ready.wait(10)
            found.append(migrate(database))
            database.read(refuse_other_schema)
        finally:
            database.close()

    assert race([lambda url=url: start(url) for url in urls]) == [None] * len(urls)
    assert found == [(EMPTY, NEEDED)] * len(urls)


@pytest.mark.slow
def test_a_migration_that_is_killed_leaves_nothing_half_made(empty_url: str, opened: Opener) -> None:
    command = [sys.executable, "-c", STOP_HALFWAY, empty_url]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "halfway\n"
        process.kill()
    database = opened(empty_url)
    assert table_names(database) == set()
    assert migrate(database) == (EMPTY, NEEDED)


@pytest.mark.parametrize("version", ["9999", "0000", "zzzz"])
def test_a_database_of_an_unknown_version_is_left_alone(fresh: Database, version: str) -> None:
    run(fresh, f"UPDATE {VERSION_TABLE} SET version_num = '{version}'")
    before = fresh.change_schema(shape)
    with pytest.raises(SchemaMismatch, match="newer version of Kalends") as refused:
        migrate(fresh)
    assert (refused.value.found, refused.value.needed) == (version, NEEDED)
    assert fresh.change_schema(shape) == before
    with pytest.raises(SchemaMismatch, match="migrate" if version < NEEDED else "install") as refused:
        fresh.read(refuse_other_schema)
    assert refused.value.found == version


def test_a_database_that_a_newer_kalends_has_migrated_takes_no_more_writes(fresh: Database) -> None:
    """On SQLite this happens at once; on PostgreSQL a process checks once in a while."""
    fresh.write(lambda tx: add(tx, "before"))
    run(fresh, f"UPDATE {VERSION_TABLE} SET version_num = '9999'")
    fresh._schema_known_until = min(fresh._schema_known_until, time.monotonic())
    for _ in range(2):
        with pytest.raises(SchemaMismatch, match="install") as refused:
            fresh.write(lambda tx: add(tx, "after"))
        assert (refused.value.found, refused.value.needed) == ("9999", NEEDED)
    assert fresh.read(lambda tx: [count(tx, name) for name in ("before", "after")]) == [1, 0]
    run(fresh, f"UPDATE {VERSION_TABLE} SET version_num = '{NEEDED}'")
    fresh.write(lambda tx: add(tx, "after"))


def test_the_schema_version_is_read_once_a_second_at_most_on_postgresql(
    fresh: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[float] = []
    monkeypatch.setattr("kalends.store.database.refuse_other_schema", lambda _: asked.append(time.monotonic()))
    began = time.monotonic()
    for _ in range(20):
        fresh.write(lambda tx: add(tx, "one"), dry_run=True)
    if fresh.dialect.name == "sqlite":
        assert len(asked) == 20
    else:
        assert 1 <= len(asked) <= 1 + time.monotonic() - began


def test_a_database_of_something_else_is_left_alone(empty_url: str, opened: Opener) -> None:
    database = opened(empty_url)
    run(database, 'CREATE TABLE "user" (login TEXT)', """INSERT INTO "user" VALUES ('root')""")
    with pytest.raises(SchemaMismatch, match="another program"):
        migrate(database)
    assert table_names(database) == {"user"}
    assert database.read(lambda tx: tx.rows(Query(sa.text('SELECT login FROM "user"')))) == [("root",)]


def test_other_tables_may_exist_in_the_schema(empty_url: str, opened: Opener) -> None:
    database = opened(empty_url)
    run(database, "CREATE TABLE invoice (total TEXT)")
    assert migrate(database) == (EMPTY, NEEDED)
    assert "invoice" in table_names(database)


def test_an_empty_database_has_to_be_migrated_first(empty_url: str, opened: Opener) -> None:
    database = opened(empty_url)
    for _ in range(2):
        with pytest.raises(SchemaMismatch, match="run: kalends db migrate") as refused:
            database.read(refuse_other_schema)
        assert refused.value.found == EMPTY
        run(database, f"CREATE TABLE IF NOT EXISTS {VERSION_TABLE} (version_num VARCHAR(32) NOT NULL)")
    migrate(database)
    database.read(refuse_other_schema)


def test_a_folder_with_a_percent_sign_works(tmp_path: Path, opened: Opener, monkeypatch: pytest.MonkeyPatch) -> None:
    elsewhere = tmp_path / "100%(here)s"
    elsewhere.symlink_to(MIGRATIONS, target_is_directory=True)
    monkeypatch.setattr("kalends.store.schema.MIGRATIONS", elsewhere)
    database = opened(f"sqlite:///{tmp_path / 'kalends.db'}")
    assert migrate(database) == (EMPTY, NEEDED)


def test_the_offset_zero_that_older_events_were_written_with_becomes_a_z(empty_url: str, opened: Opener) -> None:
    database = opened(empty_url)
    migrate_to(database, "0003")
    times = [("+00:00", "+01:00"), ("+01:00", "+00:00"), ("+00:00", "+00:00"), ("-03:00", "-03:00")]
    run(database, INSERT_USER, *(INSERT_EVENT.format(1 + number, *pair) for number, pair in enumerate(times)))
    migrate(database)
    found = database.read(lambda tx: tx.rows(Query(sa.text("SELECT start_local, end_local FROM event ORDER BY id"))))
    assert [(start[19:], end[19:]) for start, end in found] == [
        tuple(offset.replace("+00:00", "Z") for offset in pair) for pair in times
    ]
    assert {text[:19] for pair in found for text in pair} == {"2026-03-09T10:00:00", "2026-03-09T11:00:00"}
