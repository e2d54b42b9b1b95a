"""SQLite: one file in WAL mode; the writers of a process queue, and each thread may have a connection to read."""

# pyright: reportUnknownMemberType=false
# (apsw names types of Python 3.12 in its signatures, which are unknown to 3.11)

import math
import time
from collections.abc import Generator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import cast

import apsw
from sqlalchemy import Connection, NullPool, create_engine, event

from kalends.errors import BadSetting, TooExpensive, Unavailable
from kalends.settings import Settings
from kalends.store.fair_lock import FairLock
from kalends.store.json_text import LARGEST_TEXT_BYTES
from kalends.store.private_files import create_private, new_private_file
from kalends.store.retry import Contended, driver_errors
from kalends.store.sqlite_dialect import ApswDialect, DbapiConnection
from kalends.store.writer_lock import WriterLock, poll_until, writer_lock_path

CACHED_STATEMENTS = 512
CACHE_KIB = 8_000
"""The page cache of each connection; there is one for each thread, and one to write."""

LOOKASIDE = (1_200, 100)
"""Size in bytes and number of the slots of each connection for small values; SQLite's default is 40 slots."""

TAKEN = (apsw.SQLITE_CONSTRAINT_UNIQUE, apsw.SQLITE_CONSTRAINT_PRIMARYKEY)
"""Extended result codes of a violated unique constraint (sqlite.org/rescode.html); all others are primary ones."""

LOCKED = (apsw.SQLITE_BUSY, apsw.SQLITE_LOCKED, apsw.SQLITE_PROTOCOL)
UNUSABLE = (
    apsw.SQLITE_CANTOPEN,
    apsw.SQLITE_CORRUPT,
    apsw.SQLITE_FULL,
    apsw.SQLITE_IOERR,
    apsw.SQLITE_NOMEM,
    apsw.SQLITE_NOTADB,
    apsw.SQLITE_PERM,
    apsw.SQLITE_READONLY,
)
FILE_ADVICE = "Check the database file, its rights and the disk: kalends doctor."
MOVED = "The database file was deleted or replaced while it was in use."
MOVED_ADVICE = "Restore the file, or restart the server to use the one that is there now."
KEPT_BUSY = "Another process keeps the database busy."

PROBE_S = 0.1
"""How long the test write waits for other writers; if they keep writing, the database is writable."""

STEPS_BETWEEN_CHECKS = 20_000
"""Instructions of SQLite's virtual machine, about 0.5 ms, between two checks of a read's deadline."""


def tune_library() -> None:
    """Switch off SQLite's memory statistics, which lock a mutex for each value, and give small values more slots.

    A list then takes 0.82 of the time (docs/performance.md). This works only while SQLite is not in use: if a program
    has opened connections before it imports this module, the library stays as it is.
    """
    if not apsw.connections():
        apsw.shutdown()
        apsw.config(apsw.SQLITE_CONFIG_MEMSTATUS, False)
        apsw.config(apsw.SQLITE_CONFIG_LOOKASIDE, *LOOKASIDE)
        apsw.initialize()


tune_library()


class SqliteSession:
    """A connection in use."""

    too_large = (apsw.TooBigError,)

    def __init__(self, connection: apsw.Connection, read_timeout: float = math.inf) -> None:
        self.connection = connection
        self.cursor = connection.cursor()
        self.deadline = math.inf
        self._read_timeout = read_timeout
        connection.set_progress_handler(self._is_late, STEPS_BETWEEN_CHECKS)

    @property
    def rowcount(self) -> int:
        """Return how many rows the last change touched."""
        return self.connection.changes()

    @property
    def backend_pid(self) -> int:
        """Return 0: there is no server."""
        return 0

    def snapshot(self) -> None:
        """Begin a read transaction unless one is open: in WAL it sees one state of the database."""
        if not self.connection.in_transaction:
            self.connection.execute("BEGIN")

    def renew(self) -> None:
        """Restart the time limit of a read."""
        self.deadline = time.monotonic() + self._read_timeout

    def _is_late(self) -> bool:
        """Return whether to interrupt the statement that runs."""
        return time.monotonic() > self.deadline


class SqliteEngine:
    """One SQLite file."""

    one_writer = True
    schema_known_s = 0.0

    def __init__(self, settings: Settings) -> None:
        self.dialect = ApswDialect(paramstyle="named")
        self.path = sqlite_path(settings.database_url)
        self.description = str(self.path)
        self._timeout = settings.busy_timeout_ms / 1_000
        self._read_timeout = settings.read_timeout_ms / 1_000 or math.inf
        self._readers: list[SqliteSession] = []
        self._max_readers = settings.pool_size
        self._write_queue = FairLock()
        self._writer: SqliteSession | None = None
        self._writer_lock: WriterLock | None = None
        self._closed = False
        self._file: tuple[int, int] | None = None
        """Device and inode of the file that was opened first."""

    @contextmanager
    def reading(self) -> Generator[SqliteSession]:
        """Provide a connection; a snapshot ends with the block. Raise TooExpensive when the time limit is over."""
        self._refuse_other_file()
        try:
            session = self._readers.pop()
        except IndexError:
            with translated():
                session = self._connect()
        session.renew()
        try:
            yield session
        except apsw.InterruptError:  # the statement was reset, so the connection can be used further
            self._give_back(session)
            with translated():
                raise
        except (apsw.Error, UnicodeError):
            session.connection.close()  # a statement that was not read to its end would keep an old snapshot open
            with translated():
                raise
        except BaseException:
            self._give_back(session)
            raise
        self._give_back(session)

    @contextmanager
    def writing(self, *, keep: bool) -> Generator[SqliteSession]:
        """Wait in the queue, begin, and commit at the end of the block, or roll back unless `keep`.

        BEGIN IMMEDIATE takes the file's write lock before anything is read: what a transaction checks stays true
        until it commits. A deferred transaction fails if another one wrote meanwhile (measured: 167,324 errors in 6 s).
        """
        deadline = time.monotonic() + self._timeout
        if not self._write_queue.acquire(self._timeout):
            raise Unavailable("Too many writes are waiting.")
        try:
            with translated():
                session = self._writer = self._writer or self._connect_writer()
                try:
                    self._begin(session, deadline)
                    yield session
                    self._refuse_other_file()
                    session.connection.execute("COMMIT" if keep else "ROLLBACK")
                except BaseException:
                    self._roll_back(session)
                    raise
        finally:
            if self._closed:
                self._close_writer()
            self._write_queue.release()

    def probe_writing(self) -> None:
        """Commit an unchanged page of the file, unless others are writing. Raise Unavailable if that fails.

        A full disk shows only when the log is written, so a rollback would not do. The log is not synchronized, as a
        slow disk is no failure. A connection of its own does not wait in the queue.
        """
        session = self._connect_writer()
        with closing(session.connection) as connection, translated():
            connection.execute("PRAGMA synchronous = NORMAL")
            if poll_until(lambda: ran(connection, "BEGIN IMMEDIATE"), time.monotonic() + PROBE_S):
                connection.execute("PRAGMA user_version = 0; COMMIT")  # which nothing uses, so it is 0 already

    @contextmanager
    def migrating(self) -> Generator[Connection]:
        """Provide a transaction to change the schema, which has the write lock; create the file if needed."""
        engine = create_engine(
            "sqlite+apsw://", creator=lambda: DbapiConnection(self._create_and_connect()), poolclass=NullPool
        )
        event.listen(engine, "begin", begin_immediately)
        with translated(), driver_errors(), engine.begin() as connection:
            yield connection

    def backup(self, target: str) -> None:
        """Write a compact copy. VACUUM INTO does not block writers; the backup API would never end while they write."""
        with new_private_file(Path(target)) as fresh, self.reading() as session:
            session.deadline = math.inf
            session.cursor.execute("VACUUM INTO ?", (str(fresh),))

    def close(self) -> None:
        """Close all connections; one that is in use, or opened later, is closed when its work is done."""
        self._closed = True
        if self._write_queue.acquire(self._timeout):
            self._close_writer()
            self._write_queue.release()
        while self._readers:
            self._readers.pop().connection.close()

    def _close_writer(self) -> None:
        if self._writer:
            self._writer.connection.close()
            self._writer = None
        if self._writer_lock:
            self._writer_lock.close()
            self._writer_lock = None

    def _give_back(self, session: SqliteSession) -> None:
        if session.connection.in_transaction:
            with translated():
                session.connection.execute("ROLLBACK")
        if len(self._readers) < self._max_readers and not self._closed:
            self._readers.append(session)
        else:
            session.connection.close()

    def _roll_back(self, session: SqliteSession) -> None:
        """Roll back; a connection on which that fails is not used again."""
        try:
            if session.connection.in_transaction:
                session.connection.execute("ROLLBACK")
        except apsw.Error:
            session.connection.close()
            self._writer = None

    def _begin(self, session: SqliteSession, deadline: float) -> None:
        """Begin a transaction after the processes that already wait. Raise Unavailable if the deadline passes."""
        writer_lock = self._writer_lock = self._writer_lock or WriterLock(writer_lock_path(self.path))
        with writer_lock.acquired(deadline) as held:
            if not held or not poll_until(lambda: ran(session.connection, "BEGIN IMMEDIATE"), deadline):
                raise Unavailable(KEPT_BUSY)

    def _connect_writer(self) -> SqliteSession:
        """Open a connection that waits for the file's write lock only in `_begin`."""
        session = self._connect()
        session.connection.set_busy_timeout(0)
        return session

    def _refuse_other_file(self) -> None:
        """Raise Unavailable if the file was deleted or replaced: changes to the old one would be lost."""
        if self._file and self._file != identity_of(self.path):
            raise Unavailable(MOVED, retry_after=10, advice=MOVED_ADVICE)

    def _create_and_connect(self) -> apsw.Connection:
        """Connect to change the schema. Nothing else creates the file: a server must not replace a lost one."""
        self._refuse_other_file()
        create_private(self.path)
        return self._connect().connection

    def _connect(self) -> SqliteSession:
        self._refuse_other_file()
        with translated():
            connection = apsw.Connection(
                str(self.path), flags=apsw.SQLITE_OPEN_READWRITE, statementcachesize=CACHED_STATEMENTS
            )
        connection.set_busy_timeout(round(self._timeout * 1_000))
        connection.convert_binding = list_as_json
        connection.limit(apsw.SQLITE_LIMIT_LENGTH, LARGEST_TEXT_BYTES)
        try:
            self._set_up(connection)
        except (apsw.Error, Unavailable):
            connection.close()
            raise
        self._file = self._file or identity_of(self.path)
        return SqliteSession(connection, self._read_timeout)

    def _set_up(self, connection: apsw.Connection) -> None:
        # The first process switches a new file to WAL mode; SQLite does not make the others wait for it.
        deadline = time.monotonic() + self._timeout
        if not poll_until(lambda: ran(connection, "PRAGMA journal_mode = WAL"), deadline):
            raise Unavailable(KEPT_BUSY)
        # FULL: of 400 simulated power cuts it lost nothing, NORMAL lost acknowledged commits in 317.
        # A cache instead of mmap, which made a mixed load no faster, and counted all pages ever read, up to the whole
        # file, as memory of the process (decision 0018).
        for pragma in ("synchronous = FULL", "foreign_keys = ON", f"cache_size = -{CACHE_KIB}"):
            connection.execute(f"PRAGMA {pragma}")
        # Plans that do not depend on parameters: else SQLite recompiles statements when they change, which took three
        # quarters of the time of a conflict check.
        connection.config(apsw.SQLITE_DBCONFIG_ENABLE_QPSG, 1)


def list_as_json(_: object, place: int, value: object) -> str:
    """Bind a list of ids as JSON text, which `AnyOf` expands with json_each. Raise TypeError for anything else."""
    if isinstance(value, list):
        return repr(cast("list[int]", value))  # whole numbers are written the same
    raise TypeError(f"parameter {place} is of a type that SQLite does not know: {type(value)}")


def identity_of(path: Path) -> tuple[int, int] | None:
    """Return device and inode of a file, which identify it; None if there is none."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino


def ran(connection: apsw.Connection, statement: str) -> bool:
    """Run a statement that needs the file's write lock; return False if another process has it."""
    try:
        connection.execute(statement)
    except apsw.Error as error:
        if primary_code(getattr(error, "extendedresult", apsw.SQLITE_ERROR)) in LOCKED:
            return False
        raise
    return True


def begin_immediately(connection: Connection) -> None:
    """Begin a transaction for SQLAlchemy, which does not begin any with this driver."""
    connection.exec_driver_sql("BEGIN IMMEDIATE")


@contextmanager
def translated() -> Generator[None]:
    """Raise the errors of this package instead of the driver's.

    After a violated unique constraint the transaction is repeated: actions read before they write, so the next attempt
    sees the row that won the race, and reports it. Any other violated constraint is a bug and is passed on.
    """
    try:
        yield
    except apsw.Error as error:
        extended: int = getattr(error, "extendedresult", apsw.SQLITE_ERROR)  # errors of the driver itself have none
        primary = primary_code(extended)
        if extended in TAKEN:
            raise Contended("Too many requests write the same values.") from error
        if primary in LOCKED:
            raise Unavailable(KEPT_BUSY) from error
        if primary in UNUSABLE:
            raise Unavailable(f"SQLite reports: {error}.", retry_after=10, advice=FILE_ADVICE) from error
        if primary in (apsw.SQLITE_INTERRUPT, apsw.SQLITE_TOOBIG):
            raise TooExpensive from error
        raise


def primary_code(extended: int) -> int:
    """Return the primary result code, which is the low byte of an extended one."""
    return extended & 0xFF


def sqlite_path(url: str) -> Path:
    """Return the path in a URL `sqlite:///relative.db` or `sqlite:////absolute.db`. Raise BadSetting."""
    path = url.removeprefix("sqlite:///")
    if path == url or not path or "?" in path or ":memory:" in path:
        raise BadSetting("KALENDS_DATABASE_URL", "SQLite needs a file: sqlite:///relative.db or sqlite:////absolute.db")
    return Path(path)
