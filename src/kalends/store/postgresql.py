"""PostgreSQL: for when one machine is outgrown. Connections are pooled and mended; a lost one costs a 503 at most."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
from psycopg import errors as pg
from psycopg.conninfo import conninfo_to_dict, make_conninfo
import sqlalchemy as sa
from psycopg_pool import ConnectionPool, PoolTimeout
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg

from kalends.errors import BadSetting, OutcomeUnknown, Unavailable
from kalends.settings import Settings
from kalends.store.retry import Contended
from kalends.store.sqlite import new_private_file

CONNECT_TIMEOUT_S = 2
SILENCE_TIMEOUT_MS = 2_000
"""A peer that says nothing for this long is taken for dead: a black hole costs seconds, not hours."""

SESSION_SETTINGS = (
    "-c timezone=UTC -c statement_timeout=15s -c idle_in_transaction_session_timeout=30s"
    # Every list is one ordered range scan along an index; what a bitmap finds would have to be sorted.
    " -c enable_bitmapscan=off"
)
MIGRATION_LOCK = 5_494_612_907_321
"""Any number will do that no other program takes as advisory lock in the same database."""

MIGRATION_LOCK_TIMEOUT_MS = 200
"""A migration that waits for a lock makes everybody else wait behind it: it gives up and tries again instead."""

ONE_NODE_ONLY = "canceling wait for synchronous replication"

LOST_RACES = (pg.SerializationFailure, pg.DeadlockDetected, pg.UniqueViolation)

Connection = psycopg.Connection[tuple[Any, ...]]


class PostgresSession:
    """A connection in use; `one_node_only` tells that the server committed without its replica."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.cursor = connection.cursor()
        self.one_node_only = False
        self._holding = False

    def snapshot(self) -> None:
        """Begin a read-only transaction that sees one state of the database; elsewhere each statement stands alone."""
        if not self._holding:
            self.connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
            self._holding = True

    def release(self) -> None:
        """End the snapshot, if there is one."""
        if self._holding:
            self.connection.execute("COMMIT")
            self._holding = False


class PostgresEngine:
    """One PostgreSQL database behind a pool."""

    def __init__(self, settings: Settings) -> None:
        self.dialect = PGDialect_psycopg()
        self._url = settings.database_url
        self._timeout = settings.busy_timeout_ms / 1_000
        self._pool: ConnectionPool[Connection] = ConnectionPool(
            settings.database_url,
            min_size=1,
            max_size=settings.pool_size,
            open=False,
            timeout=min(self._timeout, CONNECT_TIMEOUT_S * 2),
            kwargs=connection_options() | {"autocommit": True, "options": session_options(settings)},
            name="kalends",
        )
        self._pool.open()

    @contextmanager
    def reading(self) -> Iterator[PostgresSession]:
        """Lend a connection in autocommit: a single statement needs no transaction around it (991 to 620 us)."""
        with self._translated(), self._pool.connection() as connection:
            session = PostgresSession(connection)
            try:
                yield session
            finally:
                if not connection.broken:
                    session.release()

    @contextmanager
    def writing(self, *, keep: bool) -> Iterator[PostgresSession]:
        """Begin, and commit at the end of the block (or roll back, if not to keep).

        READ COMMITTED with explicit row locks: every action locks what it decides about before it looks.
        """
        with self._translated(), self._pool.connection() as connection:
            session = PostgresSession(connection)

            def notice(diagnostic: pg.Diagnostic) -> None:
                session.one_node_only |= ONE_NODE_ONLY in (diagnostic.message_primary or "")

            connection.add_notice_handler(notice)
            try:
                connection.execute("BEGIN")
                try:
                    yield session
                except BaseException:
                    if not connection.broken:
                        connection.execute("ROLLBACK")
                    raise
                finish(session, keep=keep)
            finally:
                connection.remove_notice_handler(notice)

    @contextmanager
    def migrating(self) -> Iterator[sa.Connection]:
        """Open one transaction for a change of schema, alone, and never making others wait long behind its locks."""
        engine = sa.create_engine("postgresql+psycopg://", creator=self._connect_alone, poolclass=sa.NullPool)
        with self._translated(), engine.begin() as connection:
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(MIGRATION_LOCK)))
            connection.execute(sa.text(f"SET LOCAL lock_timeout = '{MIGRATION_LOCK_TIMEOUT_MS}ms'"))
            yield connection

    def _connect_alone(self) -> Connection:
        return psycopg.connect(self._url, **connection_options())

    def backup(self, target: str) -> None:
        """Have pg_dump write its custom format, for pg_restore."""
        program = shutil.which("pg_dump")
        if program is None:
            raise BadSetting("pg_dump", "it is not on the PATH; it comes with PostgreSQL's client programs")
        with new_private_file(Path(target)) as fresh:
            # The password goes by the environment: a command's arguments are there for everybody to see.
            parts = conninfo_to_dict(self._url)
            password = {"PGPASSWORD": str(parts.pop("password"))} if parts.get("password") else {}
            command = [program, "--format=custom", f"--file={fresh}", f"--dbname={make_conninfo('', **parts)}"]
            done = subprocess.run(  # noqa: S603 (a fixed program, no shell)
                command, env=os.environ | password, capture_output=True, text=True, check=False
            )
            if done.returncode:
                raise Unavailable(f"pg_dump says: {done.stderr.strip()}")

    def close(self) -> None:
        """Close every connection."""
        self._pool.close()

    @contextmanager
    def _translated(self) -> Iterator[None]:
        """Turn the driver's errors into what the house knows; a lost connection makes the pool look at the others."""
        try:
            yield
        except LOST_RACES as error:
            raise Contended("The database is busy.") from error
        except PoolTimeout as error:
            raise Unavailable("No connection to PostgreSQL could be had in time.", retry_after=5) from error
        except (pg.QueryCanceled, pg.LockNotAvailable) as error:
            raise Unavailable("The database took too long.", retry_after=5) from error
        except (psycopg.OperationalError, psycopg.InterfaceError) as error:
            self._pool.check()
            raise Contended("The connection to PostgreSQL was lost.") from error


def finish(session: PostgresSession, *, keep: bool) -> None:
    """Commit, or roll back if not to keep. Raises OutcomeUnknown when nobody can say whether it was saved."""
    connection = session.connection
    if not keep:
        connection.execute("ROLLBACK")
        return
    try:
        connection.execute("COMMIT")
    except (psycopg.OperationalError, psycopg.InterfaceError) as error:
        if connection.broken:
            raise OutcomeUnknown("The connection broke.") from error
        raise
    if session.one_node_only:
        connection.close()
        raise OutcomeUnknown("It was saved on one node only.")


def connection_options() -> dict[str, Any]:
    """Give the time limits of every connection."""
    return {"connect_timeout": CONNECT_TIMEOUT_S, "tcp_user_timeout": SILENCE_TIMEOUT_MS}


def session_options(settings: Settings) -> str:
    """Give the settings of every session: limits that keep one stuck caller from holding up all others."""
    return f"{SESSION_SETTINGS} -c lock_timeout={settings.busy_timeout_ms}ms"
