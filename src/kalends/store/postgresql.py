"""PostgreSQL, for several machines. Connections are pooled; a lost one causes at most one answer 503."""

import math
import os
import shutil
import subprocess
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import sqlalchemy as sa
from psycopg import errors as pg
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.types.numeric import Int8BinaryDumper, Int8Dumper
from psycopg_pool import ConnectionPool, PoolTimeout
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg

from kalends.errors import BadSetting, OutcomeUnknown, TooExpensive, Unavailable
from kalends.model import Identifier, Instant
from kalends.settings import Settings
from kalends.store.pooler import POOLER_ADVICE, SETTINGS_LOST, without_pooler
from kalends.store.private_files import new_private_file
from kalends.store.retry import Contended, driver_errors
from kalends.store.session_settings import SESSION_SETTINGS, local_settings, session_options, settings_in
from kalends.store.watchdog import CircuitBreaker, Watch, Watchdog

CONNECT_TIMEOUT_S = 2
SILENCE_TIMEOUT_MS = 2_000
"""A peer that acknowledges nothing for this time counts as lost; by default that takes hours."""

SILENCE_S = SILENCE_TIMEOUT_MS / 1_000

STATEMENT_TIMEOUT_MS = 15_000
"""The limit of a statement in a transaction that writes, and of every statement if reads have no limit."""

MIXED_UP = (pg.DuplicatePreparedStatement, pg.InvalidSqlStatementName)
"""Errors that only a pooler causes: a statement is prepared on one connection and executed on another."""

LOCK_A_ROW = "SELECT 1 FROM zone_data FOR UPDATE SKIP LOCKED"
"""A statement that needs the right to write, and waits for no other lock."""

MIGRATION_LOCK = 5_494_612_907_321
"""The number of the advisory lock; no other program may use it in the same database."""

MIGRATION_LOCK_TIMEOUT_MS = 200
"""While a migration waits for a lock, all other transactions wait, too: so it gives up soon and tries again."""

MIGRATION_ATTEMPTS = 60
"""They take about 40 seconds in all."""

RECONNECT_TIMEOUT_S = 4
"""After this long the pool stops trying; the next caller makes it start again, with short pauses."""

NOT_REPLICATED_TEXT = "canceling wait for synchronous replication"
NOT_REPLICATED_PLACE = "SyncRepWaitForLSN"
"""The notice that a commit did not reach the replica has no code of its own: we compare its English text, and the
function in the server that it comes from, which is the same in any language."""

LOST_RACES = (pg.SerializationFailure, pg.DeadlockDetected, pg.UniqueViolation, pg.ExclusionViolation)
TOOK_TOO_LONG = (pg.QueryCanceled, pg.LockNotAvailable, pg.IdleInTransactionSessionTimeout)
LOST_CONNECTION = (psycopg.OperationalError, psycopg.InterfaceError)

REACH_ADVICE = "Check that the server runs and that the URL of the database is right."
PRIMARY_ADVICE = "Try again later, or name the primary server in the URL of the database."
DISK_ADVICE = "Make room on the disk of the database server."
DUMP_ADVICE = "Check that pg_dump is not older than the server, and what its user may read."

LIMITS = {"connect_timeout": CONNECT_TIMEOUT_S, "tcp_user_timeout": SILENCE_TIMEOUT_MS}
"""The settings of every connection, unless the URL sets others."""

for number in (Identifier, Instant):
    for dumper in (Int8Dumper, Int8BinaryDumper):  # by itself psycopg takes a list of them for as wide as its last one
        psycopg.adapters.register_dumper(number, dumper)

Connection = psycopg.Connection[tuple[Any, ...]]


class WatchedCursor(psycopg.Cursor[tuple[Any, ...]]):
    """A cursor that restarts its watch with each statement."""

    def __init__(self, connection: Connection, watch: Watch) -> None:
        super().__init__(connection)
        self._watch = watch

    def execute(self, query: Any, params: Any = None, **options: Any) -> "WatchedCursor":
        """Run a statement."""
        self._watch.renew()
        super().execute(query, params, **options)
        return self

    def executemany(self, query: Any, params_seq: Any, *, returning: bool = False) -> None:
        """Run a statement once for each set of parameters."""
        self._watch.renew(len(params_seq))
        super().executemany(query, params_seq, returning=returning)


class PostgresSession:
    """A connection in use; `not_replicated` is set when the server has committed without its replica."""

    too_large = ()  # statements check the size before they send a text (`NoneIfTooLarge`)

    def __init__(self, connection: Connection, settings: str, watch: Watch) -> None:
        self.connection = connection
        self.cursor = WatchedCursor(connection, watch)
        self.not_replicated = False
        self._settings = settings
        self._is_open = False
        self._has_snapshot = False

    @property
    def backend_pid(self) -> int:
        """Return the process that was announced when the connection was made; a pooler's does not exist."""
        return self.connection.info.backend_pid

    def begin(self, mode: str = "") -> None:
        """Begin a transaction and apply the settings that it needs, in one message."""
        self.connection.execute("; ".join(filter(None, (f"BEGIN {mode}".strip(), self._settings))).encode())
        self._is_open = True

    @property
    def rowcount(self) -> int:
        """Return how many rows the last change touched."""
        return self.cursor.rowcount

    def snapshot(self) -> None:
        """Begin a read-only transaction that sees one state of the database, unless there is one."""
        if not self._has_snapshot:
            self.release()
            self.begin("ISOLATION LEVEL REPEATABLE READ READ ONLY")
            self._has_snapshot = True

    def renew(self) -> None:
        """Do nothing: the limit is one for each statement."""

    def release(self) -> None:
        """End the transaction of a read, if there is one."""
        if self._is_open:
            self.connection.execute("COMMIT")
            self._is_open = self._has_snapshot = False


class PostgresEngine:
    """One PostgreSQL database behind a pool."""

    path = None
    one_writer = False
    schema_known_s = 1.0

    def __init__(self, settings: Settings) -> None:
        self.dialect = PGDialect_psycopg()
        self._url, self._is_pooled = without_pooler(settings.database_url)
        given = url_parameters(self._url)
        self.description = f"PostgreSQL database {given.get('dbname', '')} at {given.get('host', 'this machine')}"
        self._limits: dict[str, Any] = {name: limit for name, limit in LIMITS.items() if name not in given}
        self._read_timeout_ms = settings.read_timeout_ms
        own_options = given.get("options", "")
        session_settings = SESSION_SETTINGS | {
            "lock_timeout": f"{settings.busy_timeout_ms}ms",
            "statement_timeout": f"{settings.read_timeout_ms or STATEMENT_TIMEOUT_MS}ms",
        }
        writer_settings = {"statement_timeout": f"{STATEMENT_TIMEOUT_MS}ms"}
        if self._is_pooled:
            # A prepared statement, or a setting of a session, would remain on a connection that others use next.
            self._limits |= {"prepare_threshold": None, "options": ""}
            session_settings |= settings_in(own_options)
            self._reader_settings = local_settings(session_settings)
            self._writer_settings = local_settings(session_settings | writer_settings | settings_in(own_options))
            options = ""
        else:
            self._reader_settings = ""
            self._writer_settings = "" if "statement_timeout" in own_options else local_settings(writer_settings)
            options = f"{session_options(session_settings)} {own_options}"
        self._pool: ConnectionPool[Connection] = ConnectionPool(
            self._url,
            min_size=1,
            max_size=settings.pool_size,
            open=False,
            timeout=min(settings.busy_timeout_ms / 1_000, CONNECT_TIMEOUT_S * 2),
            reconnect_timeout=RECONNECT_TIMEOUT_S,
            kwargs=self._limits | {"autocommit": True, "options": options},
            configure=None if self._is_pooled else refuse_undeclared_pooler,
            name="kalends",
        )
        self._pool.open()
        self._breaker = CircuitBreaker()
        self._watchdog = Watchdog()

    @contextmanager
    def reading(self) -> Generator[PostgresSession]:
        """Provide a connection in autocommit: a single statement needs no transaction (991 to 620 us).

        Behind a pooler it does, as settings are lost between transactions. Raise TooExpensive if a statement takes
        longer than a read may.
        """
        with self._translated(), self._connection(self._read_timeout_ms) as (connection, watch):
            session = PostgresSession(connection, self._reader_settings, watch)
            try:
                if self._is_pooled:
                    session.begin()
                yield session
            except pg.QueryCanceled as error:
                if self._read_timeout_ms:
                    raise TooExpensive from error
                raise
            finally:
                if not connection.broken:
                    session.release()

    @contextmanager
    def writing(self, *, keep: bool) -> Generator[PostgresSession]:
        """Begin, and commit at the end of the block, or roll back unless `keep`.

        READ COMMITTED with explicit row locks: actions lock the rows that they decide about before they read them.
        """
        with self._translated(), self._connection(STATEMENT_TIMEOUT_MS) as (connection, watch):
            session = PostgresSession(connection, self._writer_settings, watch)

            def notice(diagnostic: pg.Diagnostic) -> None:
                text, place = diagnostic.message_primary or "", diagnostic.source_function
                session.not_replicated |= NOT_REPLICATED_TEXT in text or place == NOT_REPLICATED_PLACE

            connection.add_notice_handler(notice)
            try:
                session.begin()
                try:
                    yield session
                except pg.ReadOnlySqlTransaction:
                    connection.close()  # not the primary any more: the pool has to connect to the new one
                    raise
                except BaseException:
                    if not connection.broken:
                        connection.execute("ROLLBACK")
                    raise
                finish(session, keep=keep)
            finally:
                connection.remove_notice_handler(notice)

    def probe_writing(self) -> None:
        """Lock the one row of a table and roll back. Raise Unavailable or Contended if the server takes no writes.

        A standby and a read-only database refuse that. A full disk shows only when a table has to grow; if there is no
        space for the log, the server stops.
        """
        with self.writing(keep=False) as session:
            session.cursor.execute(LOCK_A_ROW)

    @contextmanager
    def migrating(self) -> Generator[sa.Connection]:
        """Provide the only transaction that changes the schema; others never wait long for its locks."""
        engine = sa.create_engine("postgresql+psycopg://", creator=self._connect_alone, poolclass=sa.NullPool)
        with self._translated():
            try:
                with driver_errors(), engine.begin() as connection:
                    connection.execute(sa.select(sa.func.pg_advisory_xact_lock(MIGRATION_LOCK)))
                    connection.execute(sa.text(f"SET LOCAL lock_timeout = '{MIGRATION_LOCK_TIMEOUT_MS}ms'"))
                    yield connection
            except pg.LockNotAvailable as error:
                raise Contended("Other connections lock the tables for too long.", MIGRATION_ATTEMPTS) from error

    def _connect_alone(self) -> Connection:
        try:
            return psycopg.connect(self._url, **self._limits)
        except psycopg.OperationalError as error:
            raise Contended(f"PostgreSQL cannot be reached: {error}.", advice=REACH_ADVICE) from error

    def backup(self, target: str) -> None:
        """Run pg_dump, which writes its custom format for pg_restore."""
        if self._is_pooled:
            # pg_dump clears the search_path of its session; behind a pooler, others would use that session next.
            raise BadSetting("KALENDS_DATABASE_URL", "a backup must not go through a pooler: name the server itself")
        program = shutil.which("pg_dump")
        if program is None:
            raise BadSetting("pg_dump", "it is not on the PATH; install PostgreSQL's client programs")
        with new_private_file(Path(target)) as fresh:
            # The password is passed in the environment: all users of the machine can read the arguments of a command.
            parts = url_parameters(self._url)
            password = {"PGPASSWORD": str(parts.pop("password"))} if parts.get("password") else {}
            command = [program, "--format=custom", f"--file={fresh}", f"--dbname={make_conninfo('', **parts)}"]
            done = subprocess.run(  # noqa: S603 (a fixed program, no shell)
                command,
                env=os.environ | password,  # noqa: TID251 (passed on unchanged; nothing is read from it)
                capture_output=True,
                text=True,
                check=False,
            )
            if done.returncode:
                raise Unavailable(f"pg_dump reports: {done.stderr.strip()}.", advice=DUMP_ADVICE)

    def close(self) -> None:
        """Close every connection."""
        self._pool.close()
        self._watchdog.close()

    @contextmanager
    def _connection(self, statement_ms: int) -> Generator[tuple[Connection, Watch]]:
        """Provide a connection, and shut it down if a statement exceeds its limit by far: the server does not answer.

        Commands read without a limit, and wait for as long as it takes.
        """
        self._breaker.check(self._pool.timeout)
        try:
            connection = self._pool.getconn()
        except PoolTimeout:
            if not self._watchdog.watched:  # else all connections may just be in use
                self._breaker.record(reached=False)
            raise
        self._breaker.record(reached=True)
        try:
            limit_s = statement_ms / 1_000 + SILENCE_S if self._read_timeout_ms else math.inf
            watch = Watch(connection.fileno(), limit_s)
            with self._watchdog.watching(watch):
                yield connection, watch
        finally:
            self._pool.putconn(connection)

    @contextmanager
    def _translated(self) -> Generator[None]:
        """Raise errors of this package instead of the driver's; after a lost connection, replace all idle ones."""
        try:
            yield
        except LOST_RACES as error:
            raise Contended("The database is busy.") from error
        except PoolTimeout as error:
            raise Unavailable("No connection to PostgreSQL became available in time.", retry_after=5) from error
        except TOOK_TOO_LONG as error:
            raise Unavailable("The database took too long to answer.", retry_after=5) from error
        except MIXED_UP as error:
            raise Unavailable("A pooler mixes up prepared statements.", advice=POOLER_ADVICE) from error
        except pg.ReadOnlySqlTransaction as error:
            raise Contended("The database server accepts no writes.", advice=PRIMARY_ADVICE) from error
        except pg.DiskFull as error:
            raise Unavailable("The disk of the database server is full.", retry_after=10, advice=DISK_ADVICE) from error
        except LOST_CONNECTION as error:
            self._pool.drain()
            raise Contended("The connection to PostgreSQL was lost.") from error


def refuse_undeclared_pooler(connection: Connection) -> None:
    """Raise OperationalError if a pooler that the URL does not name has dropped the settings of the session.

    Statements would then have no time limit, and prepared statements would be mixed up. A pooler is recognized by the
    process of the server, which it cannot know in advance.
    """
    query = "SELECT pg_backend_pid(), current_setting('statement_timeout')"
    (process, timeout), *_ = connection.execute(query).fetchall()
    if process != connection.info.backend_pid and timeout == "0":
        raise psycopg.OperationalError(SETTINGS_LOST)


def finish(session: PostgresSession, *, keep: bool) -> None:
    """Commit, or roll back unless `keep`. Raise OutcomeUnknown if the commit may have failed or not."""
    connection = session.connection
    if not keep:
        connection.execute("ROLLBACK")
        return
    try:
        done = connection.execute("COMMIT")
    except LOST_CONNECTION as error:
        if connection.broken:
            raise OutcomeUnknown("The connection broke.") from error
        raise
    if done.statusmessage != "COMMIT":  # a statement failed before, and its error was ignored
        raise pg.InFailedSqlTransaction("the transaction had failed and was rolled back")
    if session.not_replicated:
        connection.close()
        raise OutcomeUnknown("The change was saved on one node only.")


def url_parameters(url: str) -> dict[str, Any]:
    """Return the parameters in a URL. Raise BadSetting, without quoting the URL: there may be a password in it."""
    try:
        return conninfo_to_dict(url)
    except psycopg.ProgrammingError:
        raise BadSetting(
            "KALENDS_DATABASE_URL", "it must look like postgresql://user:password@host:port/name"
        ) from None
