"""The database, on either engine: nothing else begins or commits a transaction.

A read sees one consistent snapshot if it requests one. A write is one transaction, which is repeated if it loses a
race; its work must therefore have no effect outside of the transaction.
"""

import random
import secrets
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Protocol, TypeVar

from sqlalchemy import Connection, Dialect

from kalends.errors import BadSetting, TooExpensive, Unavailable
from kalends.model import Instant
from kalends.settings import Settings
from kalends.store import revision
from kalends.store.query import Query
from kalends.store.retry import Contended

Row = tuple[Any, ...]
Result = TypeVar("Result")

LONGEST_PAUSE_S = 0.5
"""The longest pause between two attempts, before jitter; the first is 10 ms, and each is twice the one before."""

WRITABLE_S = 5
"""For how long a successful test write shows that the database can be written to."""

ID_EPOCH_MS = 1_577_836_800_000
"""Ids count milliseconds since 2020-01-01 in 41 bits, which overflow in 2089; earlier times count from the end."""

ID_TIME_BITS = 41
ID_RANDOM_BITS = 22
LARGEST_ID = (1 << ID_TIME_BITS + ID_RANDOM_BITS) - 1


class Cursor(Protocol):
    """The interface of the cursors of both drivers."""

    def execute(self, query: Any, params: Any = ..., /) -> object:
        """Run a statement."""
        ...

    def executemany(self, query: Any, params: Any, /) -> object:
        """Run a statement once for each set of parameters."""
        ...

    def fetchall(self) -> list[Any]:
        """Return all remaining rows of the last statement."""
        ...


class Session(Protocol):
    """A connection in use: a cursor to run statements on, and a way to fix the state that it sees."""

    @property
    def cursor(self) -> Cursor:
        """Return the cursor that all statements run on."""
        ...

    @property
    def backend_pid(self) -> int:
        """Return the process of the server that was announced when the connection was made; 0 without a server."""
        ...

    @property
    def rowcount(self) -> int:
        """Return how many rows the last change touched."""
        ...

    @property
    def too_large(self) -> tuple[type[Exception], ...]:
        """Return the exceptions that the driver raises for a text larger than LARGEST_TEXT_BYTES."""
        ...

    def snapshot(self) -> None:
        """Make all statements that follow see the same state of the database."""
        ...

    def renew(self) -> None:
        """Restart the time limit of a read."""
        ...


class Engine(Protocol):
    """The interface of a database engine: its properties, connections to read on, and transactions that write."""

    @property
    def dialect(self) -> Dialect:
        """Return the dialect of its SQL."""
        ...

    @property
    def description(self) -> str:
        """Return what people call the database, without a password."""
        ...

    @property
    def path(self) -> Path | None:
        """Return the file that holds the database; None where a server does."""
        ...

    @property
    def one_writer(self) -> bool:
        """Return whether transactions that write wait for each other, so that they need to lock no rows."""
        ...

    @property
    def schema_known_s(self) -> float:
        """Return the seconds for which a process that writes need not check the schema of the database again."""
        ...

    def reading(self) -> AbstractContextManager[Session]:
        """Provide a connection to read on."""
        ...

    def writing(self, *, keep: bool) -> AbstractContextManager[Session]:
        """Provide a connection in a transaction that is committed at the end if `keep` is true, else rolled back."""
        ...

    def probe_writing(self) -> None:
        """Try a write that changes nothing, without waiting for other writers. Raise Unavailable if it fails."""
        ...

    def migrating(self) -> AbstractContextManager[Connection]:
        """Provide a connection in the only transaction that may change the schema."""
        ...

    def backup(self, target: str) -> None:
        """Save a consistent copy to a new file."""
        ...

    def close(self) -> None:
        """Close all connections."""
        ...


class ReadTx:
    """A transaction that reads rows and has a time, but cannot write. `statements` counts the statements."""

    def __init__(self, session: Session, dialect: Dialect, now: Instant) -> None:
        self._session = session
        self._cursor = session.cursor
        self._dialect = dialect
        self.now = now
        self.statements = 0

    def snapshot(self) -> None:
        """Make all following statements see the database as of now; reads of more than one statement need this."""
        self._session.snapshot()

    def renew(self) -> None:
        """Restart the time limit of the read; a read in pages calls it before each page."""
        self._session.renew()

    @property
    def backend_pid(self) -> int:
        """Return the process of the server that was announced when the connection was made; 0 without a server."""
        return self._session.backend_pid

    def rows(self, query: Query, **params: Any) -> list[Row]:
        """Run a query and return all its rows. Raise TooExpensive, `by_size`, if a text would be too large."""
        try:
            self._execute(query, params)
            return self._cursor.fetchall()
        except self._session.too_large as error:  # the statement was reset, so the connection can be used further
            raise TooExpensive(by_size=True) from error

    def row(self, query: Query, **params: Any) -> Row | None:
        """Run a query and return its first row, if any.

        All rows are fetched: on SQLite a query that is not read to its end would keep an old snapshot open for the next
        user of the connection.
        """
        return next(iter(self.rows(query, **params)), None)

    def _execute(self, query: Query, params: dict[str, Any]) -> None:
        sql, constants = query.compiled(self._dialect)
        self.statements += 1
        self._cursor.execute(sql, constants | params if constants else params)


class WriteTx(ReadTx):
    """A transaction that writes: it can read, too, and its changes are saved together or not at all.

    `alone` is true if there is no other writer until the transaction ends. `locked` has the people whose rows this
    transaction has locked, with their zone and whether they are deleted, or None for somebody who does not exist: no
    other transaction can change that until this one ends.
    """

    def __init__(self, session: Session, engine: Engine, now: Instant) -> None:
        super().__init__(session, engine.dialect, now)
        self.alone = engine.one_writer
        self.locked: dict[int, tuple[str, bool] | None] = {}

    def snapshot(self) -> None:
        """Do nothing: a write has to see what others committed before it got its locks."""

    def run(self, query: Query, **params: Any) -> int:
        """Run a change and return the number of rows that it touched."""
        self._execute(query, params)
        return self._session.rowcount

    def run_many(self, query: Query, many: Sequence[dict[str, Any]]) -> None:
        """Run a change once for each set of parameters."""
        if len(many) == 1:
            self.run(query, **many[0])
        elif many:
            sql, constants = query.compiled(self._dialect)
            self.statements += 1
            self._cursor.executemany(sql, [constants | params for params in many] if constants else many)

    def new_id(self) -> int:
        """Return a new 64-bit id, larger than all that this process has made before."""
        return next(new_ids)


def refuse_other_schema(tx: ReadTx) -> None:
    """Raise SchemaMismatch unless the database has exactly the schema that this version of Kalends needs."""
    known = tx.row(revision.HAS_VERSION)
    found = tx.row(revision.VERSION_QUERY) if known and known[0] else None
    revision.refuse_other_revision(found[0] if found else revision.EMPTY)


class Database:
    """The database that a URL names. Threads may share an instance; a forked process needs its own."""

    def __init__(self, settings: Settings, clock: Callable[[], int] = time.time_ns) -> None:
        self._engine = engine_for(settings)
        self._clock = clock
        self._writable_until = 0.0
        self._schema_known_until = 0.0

    @property
    def dialect(self) -> Dialect:
        """Return the dialect of its SQL."""
        return self._engine.dialect

    @property
    def description(self) -> str:
        """Return what people call the database, without a password."""
        return self._engine.description

    @property
    def path(self) -> Path | None:
        """Return the file that holds the database; None where a server does."""
        return self._engine.path

    def read(self, work: Callable[[ReadTx], Result]) -> Result:
        """Return what `work` returns. Raise Unavailable, or TooExpensive if it takes longer than the settings allow."""
        return self._attempt(lambda: self._read_once(work))

    def write(self, work: Callable[[WriteTx], Result], *, dry_run: bool = False) -> Result:
        """Return the result of `work` after its changes are saved; a dry run saves nothing.

        Raise Unavailable, or SchemaMismatch if another version has migrated the database meanwhile.
        """
        return self._attempt(lambda: self._write_once(work, dry_run=dry_run))

    def check_writable(self) -> None:
        """Raise Unavailable if a test write, which changes nothing, fails."""
        if time.monotonic() >= self._writable_until:
            self._attempt(self._engine.probe_writing)
            self._writable_until = time.monotonic() + WRITABLE_S

    def change_schema(self, work: Callable[[Connection], Result]) -> Result:
        """Return the result of `work` after its change of the schema is saved; no other process changes it meanwhile.

        Raise Unavailable.
        """
        return self._attempt(lambda: self._change_schema_once(work))

    def backup(self, target: str) -> None:
        """Save a consistent copy to a new file while others read and write. Raise BadSetting or Unavailable."""
        self._engine.backup(target)

    def close(self) -> None:
        """Close all connections."""
        self._engine.close()

    def now(self) -> Instant:
        """Return the time of transactions that begin now."""
        return Instant(self._clock() // 1_000)

    def _read_once(self, work: Callable[[ReadTx], Result]) -> Result:
        with self._engine.reading() as session:
            return work(ReadTx(session, self._engine.dialect, self.now()))

    def _write_once(self, work: Callable[[WriteTx], Result], *, dry_run: bool) -> Result:
        with self._engine.writing(keep=not dry_run) as session:
            began = time.monotonic()
            if began >= self._schema_known_until:
                refuse_other_schema(ReadTx(session, self._engine.dialect, self.now()))
                self._schema_known_until = began + self._engine.schema_known_s
            return work(WriteTx(session, self._engine, self.now()))

    def _change_schema_once(self, work: Callable[[Connection], Result]) -> Result:
        with self._engine.migrating() as connection:
            return work(connection)

    def _attempt(self, once: Callable[[], Result]) -> Result:
        pause, attempt = 0.01, 1
        while True:
            try:
                return once()
            except Contended as error:
                if attempt >= error.attempts:
                    raise Unavailable(error.reason, advice=error.advice) from error
            time.sleep(random.uniform(0.5, 1.5) * pause)  # noqa: S311 (jitter, not a secret)
            pause, attempt = min(pause * 2, LONGEST_PAUSE_S), attempt + 1


def engine_for(settings: Settings) -> Engine:
    """Return the engine of the URL; the other one is not loaded, which saves 13 MB and 0.1 s. Raise BadSetting."""
    scheme = settings.database_url.partition("://")[0]
    if scheme == "sqlite":
        from kalends.store.sqlite import SqliteEngine

        return SqliteEngine(settings)
    if scheme in ("postgresql", "postgres"):
        from kalends.store.postgresql import PostgresEngine

        return PostgresEngine(settings)
    raise BadSetting("KALENDS_DATABASE_URL", "it must begin with sqlite:/// or postgresql://")


def id_stream() -> Iterator[int]:
    """Yield ids of 41 bits of milliseconds and 22 random bits, each larger than the last, for one thread at a time.

    When the milliseconds overflow, ids start again from 1.
    """
    last = 0
    while True:
        moment = (time.time_ns() // 1_000_000 - ID_EPOCH_MS) % (1 << ID_TIME_BITS)
        fresh = moment << ID_RANDOM_BITS | secrets.randbits(ID_RANDOM_BITS)
        begins_anew = last - fresh > LARGEST_ID // 2
        last = fresh if begins_anew else max(fresh, last + 1)
        last = last if 0 < last <= LARGEST_ID else 1
        yield last


class LockedIterator:
    """An endless iterator that threads may share."""

    def __init__(self, source: Iterator[int]) -> None:
        self._source = source
        self._lock = threading.Lock()

    def __next__(self) -> int:
        with self._lock:
            return next(self._source)


new_ids = LockedIterator(id_stream())
