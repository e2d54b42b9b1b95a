"""Data in SQLite: a file each."""

import contextlib
import json
import shutil
from datetime import datetime
from pathlib import Path
from typing import Any

import apsw
from rich.progress import Progress

from bench.memory_lock import MemoryLock
from bench.plan import Plan
from bench.rows import Batch, Family
from bench.stores import cache_name, laid_out, poured

FAST = ("journal_mode = OFF", "synchronous = OFF", "foreign_keys = OFF", "cache_size = -500000", "temp_store = FILE")
CLUSTERED = {"agenda": "user_id, starts_at, event_id"}
"""Keys of tables whose rows are created in another order and have to be sorted first."""

OWN_INDEXES = """
SELECT name, sql FROM sqlite_master
WHERE type = 'index' AND sql IS NOT NULL AND tbl_name IN (SELECT value FROM json_each(?))
"""


class SqliteStore:
    """SQLite: a file each."""

    engine = "sqlite"
    root: int | None = None

    def __init__(self, folder: Path) -> None:
        self._folder = folder.resolve()
        self._folder.mkdir(parents=True, exist_ok=True)
        self._memory = MemoryLock()

    def data(self, family: Family, plan: Plan, progress: Progress, *, only_read: bool = False) -> str:  # noqa: ARG002
        """Return the URL of the data, which is created if it does not exist; `only_read` makes no difference here."""
        path = self._folder / f"{cache_name(family, plan)}.db"
        if not path.exists():
            making = path.with_name("making.db")
            remove(making)
            laid_out(family, f"sqlite:///{making}")
            with contextlib.closing(apsw.Connection(str(making))) as connection:
                fill(connection, family, plan, progress)
            making.rename(path)
            remove(making)
        return f"sqlite:///{path}"

    def copied(self, url: str, name: str) -> str:
        """Return the URL of a copy to write to."""
        path = self._folder / f"run_{name}.db"
        remove(path)
        shutil.copyfile(url.removeprefix("sqlite:///"), path)
        return f"sqlite:///{path}"

    def lock_in_memory(self, url: str) -> bool:
        """Lock the data in memory until it is discarded; return whether that worked."""
        return self._memory.hold(url, [Path(url.removeprefix("sqlite:///"))])

    def discard(self, url: str) -> None:
        """Remove a copy."""
        self._memory.release(url)
        remove(Path(url.removeprefix("sqlite:///")))

    def size(self, url: str) -> int:
        """Return the size of the data on the disk in bytes."""
        return Path(url.removeprefix("sqlite:///")).stat().st_size

    def close(self) -> None:
        """Do nothing, as nothing was started."""


def remove(path: Path) -> None:
    """Remove a database with all its files."""
    for end in ("", "-wal", "-shm", "-journal", "-turn"):
        path.with_name(path.name + end).unlink(missing_ok=True)


def fill(connection: apsw.Connection, family: Family, plan: Plan, progress: Progress) -> None:
    """Insert rows in the order of their keys, and then create the indexes."""
    connection.convert_binding = moment_as_text
    for pragma in FAST:
        connection.execute(f"PRAGMA {pragma}")
    indexes = connection.execute(OWN_INDEXES, [json.dumps(list(family.tables))]).fetchall()
    for name, _ in indexes:
        connection.execute(f'DROP INDEX "{name}"')
    for table in CLUSTERED.keys() & family.tables.keys():
        connection.execute(f'CREATE TEMP TABLE "unsorted_{table}" AS SELECT * FROM "{table}"')

    def write(batch: Batch) -> None:
        connection.execute("BEGIN")
        for table, rows in batch.items():
            connection.executemany(insertion(table, family.tables[table]), rows)
        connection.execute("COMMIT")

    poured(family, plan, progress, "SQLite", write)
    for table in CLUSTERED.keys() & family.tables.keys():
        connection.execute(f'INSERT INTO "{table}" SELECT * FROM "unsorted_{table}" ORDER BY {CLUSTERED[table]}')
    for _, text in indexes:
        connection.execute(text)
    connection.execute("ANALYZE")
    connection.execute("PRAGMA journal_mode = WAL")


def moment_as_text(_: object, place: int, value: object) -> str:
    """Format a datetime as SQLAlchemy does, for the tables of the peers."""
    if isinstance(value, datetime):
        return value.replace(tzinfo=None).isoformat(" ", "microseconds")
    raise TypeError(f"parameter {place} is a {type(value)}")


def insertion(table: str, columns: tuple[str, ...]) -> str:
    """Return the statement that inserts a row."""
    into: Any = f"unsorted_{table}" if table in CLUSTERED else table
    return f'INSERT INTO "{into}" ({", ".join(columns)}) VALUES ({", ".join("?" * len(columns))})'
