"""Data in PostgreSQL: one server with its own files, a database each."""

from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
from psycopg import sql
from rich.progress import Progress

from bench.memory_lock import MemoryLock
from bench.plan import Plan
from bench.rows import Batch, Family
from bench.stores import cache_name, laid_out, poured
from tests.postgres import VERSION, Postgres, create_database

SETTINGS = {"shared_buffers": "4GB", "max_wal_size": "4GB", "maintenance_work_mem": "512MB"}
"""What an operator would set on a machine of 16 GB; commits wait for the disk."""

CONSTRAINTS = """
SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid)
FROM pg_constraint WHERE conrelid = ANY (%s::regclass[]) AND contype IN ('p', 'u', 'f', 'x')
ORDER BY contype = 'f'
"""
INDEXES = """
SELECT indexrelid::regclass::text, pg_get_indexdef(indexrelid)
FROM pg_index WHERE indrelid = ANY (%s::regclass[])
AND NOT EXISTS (SELECT 1 FROM pg_constraint WHERE conindid = indexrelid)
"""
SEQUENCES = """
SELECT attrelid::regclass::text, pg_get_serial_sequence(attrelid::regclass::text, attname) FROM pg_attribute
WHERE attrelid = ANY (%s::regclass[]) AND attname = 'id'
"""
ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})


class PostgresStore:
    """PostgreSQL: one server, a database each."""

    engine = "postgresql"

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._server = Postgres(folder / VERSION, durable=True, keep=True, more=SETTINGS)
        self._server.start()
        self.root: int | None = self._server.pid
        self._memory = MemoryLock()

    def data(self, family: Family, plan: Plan, progress: Progress, *, only_read: bool = False) -> str:
        """Return the URL of the data, which is created if it does not exist.

        What is only read may be without the constraint against double bookings, which no read uses: to check it over
        the agenda of ten million events was not done after 40 minutes.
        """
        name = cache_name(family, plan)
        if only_read and not self._exists(name):
            name += "_only_read"
        url = self._url(name)
        if not self._exists(name):
            self._drop("making")
            making = create_database(self._server.url, "making")
            laid_out(family, making)
            with psycopg.connect(making, autocommit=True) as connection:
                fill(connection, family, plan, progress, exclusion=not only_read)
            self._run("ALTER DATABASE making RENAME TO {}", name)
        return url

    def copied(self, url: str, name: str) -> str:
        """Return the URL of a copy to write to."""
        fresh = f"run_{name}"
        self._drop(fresh)
        self._run("CREATE DATABASE {} TEMPLATE {} STRATEGY FILE_COPY", fresh, urlsplit(url).path[1:])
        return self._url(fresh)

    def lock_in_memory(self, url: str) -> bool:
        """Lock the data in memory until it is discarded; return whether that worked."""
        with psycopg.connect(url) as connection:
            row = connection.execute("SELECT oid FROM pg_database WHERE datname = current_database()").fetchone()
        return row is not None and self._memory.hold(url, (self._server.home / f"data/base/{row[0]}").iterdir())

    def discard(self, url: str) -> None:
        """Remove a copy."""
        self._memory.release(url)
        self._drop(urlsplit(url).path[1:])

    def size(self, url: str) -> int:
        """Return the size of the data on the disk in bytes."""
        with psycopg.connect(url) as connection:
            row = connection.execute("SELECT pg_database_size(current_database())").fetchone()
        return row[0] if row else 0

    def close(self) -> None:
        """End the server; its data stays."""
        self._server.end()

    def _url(self, name: str) -> str:
        return urlsplit(self._server.url)._replace(path=f"/{name}").geturl()

    def _exists(self, name: str) -> bool:
        with psycopg.connect(self._server.url) as connection:
            return connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone() is not None

    def _drop(self, name: str) -> None:
        self._run("DROP DATABASE IF EXISTS {} WITH (FORCE)", name)

    def _run(self, text: Any, *names: str) -> None:
        with psycopg.connect(self._server.url, autocommit=True) as connection:
            connection.execute(sql.SQL(text).format(*map(sql.Identifier, names)))


def fill(
    connection: psycopg.Connection[Any], family: Family, plan: Plan, progress: Progress, *, exclusion: bool
) -> None:
    """Copy the rows into the tables, and then create keys and indexes."""
    named = [f'"{table}"' for table in family.tables]
    constraints = connection.execute(CONSTRAINTS, [named]).fetchall()
    indexes = connection.execute(INDEXES, [named]).fetchall()
    for table, name, _ in reversed(constraints):
        connection.execute(f"ALTER TABLE {table} DROP CONSTRAINT IF EXISTS {name} CASCADE")
    for name, _ in indexes:
        connection.execute(f"DROP INDEX {name}")

    def write(batch: Batch) -> None:
        for table, rows in batch.items():
            into: Any = f'COPY "{table}" ({", ".join(family.tables[table])}) FROM STDIN'
            with connection.cursor() as cursor, cursor.copy(into) as copy:
                copy.write("".join(map(line, rows)))

    poured(family, plan, progress, "PostgreSQL", write)
    for _, text in indexes:
        connection.execute(text)
    for table, name, text in constraints:
        if exclusion or not text.startswith("EXCLUDE"):
            connection.execute(f"ALTER TABLE {table} ADD CONSTRAINT {name} {text}")
    for table, sequence in connection.execute(SEQUENCES, [named]).fetchall():
        if sequence:  # the peers' ids are counted by the database
            connection.execute(f"SELECT setval('{sequence}', (SELECT max(id) FROM {table}))")
    connection.execute("VACUUM (ANALYZE)")
    connection.execute("CHECKPOINT")


def line(row: tuple[Any, ...]) -> str:
    """Format a row for COPY."""
    return "\t".join(map(field, row)) + "\n"


def field(value: Any) -> str:
    """Format a value for COPY."""
    if isinstance(value, str):
        return value.translate(ESCAPES)
    if value is None:
        return "\\N"
    return value.isoformat() if isinstance(value, datetime) else str(value)
