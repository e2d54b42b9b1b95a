"""SQLite: embedded, one file, WAL; one fair queue of writers in a process and as many readers as there are threads."""

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
"""Of each connection, of which there is one for each thread and one to write."""

LOOKASIDE = (1_200, 100)
"""Bytes and number of the slots that each connection sets aside for small values, where SQLite's own are 40."""

TAKEN = (apsw.SQLITE_CONSTRAINT_UNIQUE, apsw.SQLITE_CONSTRAINT_PRIMARYKEY)
"""Extended result codes of a broken unique constraint (sqlite.org/rescode.html); what follows are primary ones."""

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
MOVED_ADVICE = "Put the file back, or restart the server to use what is there now."
KEPT_BUSY = "Another process keeps the database busy."

PROBE_S = 0.1
"""How long finding out whether anything can be written waits for others who write, which shows it as well."""

STEPS_BETWEEN_LOOKS = 20_000
"""Instructions of SQLite's virtual machine, some 0.5 ms of them, between two looks at a read's deadline."""


def tune_library() -> None:
    """Stop SQLite from counting its memory, which takes a lock with each value, and set more aside for small ones.

    A list costs 0.82 of what it does otherwise (docs/performance.md). It has to be done while SQLite is not in use: a
    program that has opened connections of its own before it imports this keeps the library as it is.
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
        connection.set_progress_handler(self._is_late, STEPS_BETWEEN_LOOKS)

    @property
    def rowcount(self) -> int:
        """Return how many rows the last change touched."""
        return self.connection.changes()

    @property
    def promised_process(self) -> int:
        """Return 0: there is no server."""
        return 0

    def snapshot(self) -> None:
        """Begin a read transaction unless one is open: in WAL it sees one state of the database."""
        if not self.connection.in_transaction:
            self.connection.execute("BEGIN")

    def renew(self) -> None:
        """Begin anew the time that a read may take."""
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
        self._most_readers = settings.pool_size
        self._turn = FairLock()
        self._writer: SqliteSession | None = None
        self._writer_lock: WriterLock | None = None
        self._closed = False
        self._file: tuple[int, int] | None = None
        """Device and number of the file that was opened first."""

    @contextmanager
    def reading(self) -> Generator[SqliteSession]:
        """Lend a connection; an open snapshot ends with the block. Raise TooExpensive after the time for a read."""
        self._refuse_other_file()
        try:
            session = self._readers.pop()
        except IndexError:
            with translated():
                session = self._connect()
        session.renew()
        try:
            yield session
        except apsw.InterruptError:  # the statement was reset, and the connection is as good as before
            self._give_back(session)
            with translated():
                raise
        except (apsw.Error, UnicodeError):
            session.connection.close()  # a statement that was left half-read would hold on to an old snapshot
            with translated():
                raise
        except BaseException:
            self._give_back(session)
            raise
        self._give_back(session)

    @contextmanager
    def writing(self, *, keep: bool) -> Generator[SqliteSession]:
        """Wait for this writer's turn, begin, and commit at the end of the block (or roll back, if not to keep).

        BEGIN IMMEDIATE takes the file's write lock before anything is read: what a transaction checks stays true
        until it commits. A deferred one goes stale and loses with an error (measured: 167,324 errors in 6 s).
        """
        deadline = time.monotonic() + self._timeout
        if not self._turn.acquire(self._timeout):
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
            self._turn.release()

    def probe_writing(self) -> None:
        """Commit a page of the file as it is. Raise Unavailable if that fails; it is left undone while others write.

        Only what is written to the log shows that a disk is full, so a rollback is not enough. The log is not
        synchronized for it, as a slow disk is not a full one. A connection of its own waits for no turn.
        """
        session = self._connect_writer()
        with closing(session.connection) as connection, translated():
            connection.execute("PRAGMA synchronous = NORMAL")
            if poll_until(lambda: ran(connection, "BEGIN IMMEDIATE"), time.monotonic() + PROBE_S):
                connection.execute("PRAGMA user_version = 0; COMMIT")  # nothing uses it: it is 0 in any case

    @contextmanager
    def migrating(self) -> Generator[Connection]:
        """Open one transaction for a change of schema, alone from its first statement on; create the file if needed."""
        engine = create_engine(
            "sqlite+apsw://", creator=lambda: DbapiConnection(self._create_and_connect()), poolclass=NullPool
        )
        event.listen(engine, "begin", begin_immediately)
        with translated(), driver_errors(), engine.begin() as connection:
            yield connection

    def backup(self, target: str) -> None:
        """Write a compact copy: VACUUM INTO holds no writer up (the stepwise backup never ends under writes)."""
        with new_private_file(Path(target)) as fresh, self.reading() as session:
            session.deadline = math.inf
            session.cursor.execute("VACUUM INTO ?", (str(fresh),))

    def close(self) -> None:
        """Close every connection; one that is in use, or opened later, is closed when its work is done."""
        self._closed = True
        if self._turn.acquire(self._timeout):
            self._close_writer()
            self._turn.release()
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
        if len(self._readers) < self._most_readers and not self._closed:
            self._readers.append(session)
        else:
            session.connection.close()

    def _roll_back(self, session: SqliteSession) -> None:
        """Leave no transaction open; a connection that cannot even roll back is not used again."""
        try:
            if session.connection.in_transaction:
                session.connection.execute("ROLLBACK")
        except apsw.Error:
            session.connection.close()
            self._writer = None

    def _begin(self, session: SqliteSession, deadline: float) -> None:
        """Begin, after whichever processes wait already. Raises Unavailable when the deadline passes before."""
        writer_lock = self._writer_lock = self._writer_lock or WriterLock(writer_lock_path(self.path))
        with writer_lock.acquired(deadline) as inside:
            if not inside or not poll_until(lambda: ran(session.connection, "BEGIN IMMEDIATE"), deadline):
                raise Unavailable(KEPT_BUSY)

    def _connect_writer(self) -> SqliteSession:
        """Open a connection that waits for the file's write lock in `_begin`, and nowhere else."""
        session = self._connect()
        session.connection.set_busy_timeout(0)
        return session

    def _refuse_other_file(self) -> None:
        """Raise Unavailable if the file was deleted or replaced: what is written to the old one is lost with it."""
        if self._file and self._file != identity_of(self.path):
            raise Unavailable(MOVED, retry_after=10, advice=MOVED_ADVICE)

    def _create_and_connect(self) -> apsw.Connection:
        """Connect to change the schema, which alone may create the file: a server that lost its volume must not."""
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
        # The first process to come turns a new file into WAL, and SQLite lets none of the others wait for that.
        deadline = time.monotonic() + self._timeout
        if not poll_until(lambda: ran(connection, "PRAGMA journal_mode = WAL"), deadline):
            raise Unavailable(KEPT_BUSY)
        # FULL: of 400 simulated power cuts it lost nothing, NORMAL lost acknowledged commits in 317.
        # A cache and no mmap: that made a mixed load no faster, and every page that was ever looked at, up to the whole
        # file, counted as memory of the process (decision 0018).
        for pragma in ("synchronous = FULL", "foreign_keys = ON", f"cache_size = -{CACHE_KIB}"):
            connection.execute(f"PRAGMA {pragma}")
        # Plans that do not depend on what is bound, as a statement is else compiled anew whenever that changes: of the
        # look at who is busy, which comes with every booking, it was three quarters of the cost.
        connection.config(apsw.SQLITE_DBCONFIG_ENABLE_QPSG, 1)


def list_as_json(_: object, place: int, value: object) -> str:
    """Bind a list of ids as JSON text, which `AnyOf` unfolds with json_each. Raises TypeError for anything else."""
    if isinstance(value, list):
        return repr(cast("list[int]", value))  # whole numbers are written the same
    raise TypeError(f"parameter {place} is of a type that SQLite does not know: {type(value)}")


def identity_of(path: Path) -> tuple[int, int] | None:
    """Return device and number of a file, which no other file has; None if there is none."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino


def ran(connection: apsw.Connection, statement: str) -> bool:
    """Run a statement that needs the file's write lock; return whether nobody else had it."""
    try:
        connection.execute(statement)
    except apsw.Error as error:
        if primary_code(getattr(error, "extendedresult", apsw.SQLITE_ERROR)) in LOCKED:
            return False
        raise
    return True


def begin_immediately(connection: Connection) -> None:
    """Begin a transaction of SQLAlchemy's, which begins none on this driver by itself."""
    connection.exec_driver_sql("BEGIN IMMEDIATE")


@contextmanager
def translated() -> Generator[None]:
    """Raise the errors of this package in place of the driver's.

    A broken unique constraint is worth another try: actions look before they write, so on the next try the
    row that won the race is seen and named. Any other constraint is a defect of ours and stays as it is.
    """
    try:
        yield
    except apsw.Error as error:
        extended: int = getattr(error, "extendedresult", apsw.SQLITE_ERROR)  # misuse found by the driver has none
        primary = primary_code(extended)
        if extended in TAKEN:
            raise Contended("Too many writers want the same name.") from error
        if primary in LOCKED:
            raise Unavailable(KEPT_BUSY) from error
        if primary in UNUSABLE:
            raise Unavailable(f"SQLite says: {error}.", retry_after=10, advice=FILE_ADVICE) from error
        if primary in (apsw.SQLITE_INTERRUPT, apsw.SQLITE_TOOBIG):
            raise TooExpensive from error
        raise


def primary_code(extended: int) -> int:
    """Return the primary result code, which is the low byte of an extended one."""
    return extended & 0xFF


def sqlite_path(url: str) -> Path:
    """Give the file that `sqlite:///relative.db` or `sqlite:////absolute.db` names. Raises BadSetting."""
    path = url.removeprefix("sqlite:///")
    if path == url or not path or "?" in path or ":memory:" in path:
        raise BadSetting("KALENDS_DATABASE_URL", "SQLite needs a file: sqlite:///relative.db or sqlite:////absolute.db")
    return Path(path)
