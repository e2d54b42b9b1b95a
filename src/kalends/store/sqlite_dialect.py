"""An adapter from apsw to SQLAlchemy and Alembic: a dialect, and connections with the interface of PEP 249.

Migrations run on the same SQLite library as everything else. Two libraries in one process could corrupt the file: when
either closes it, the system drops the locks of both (sqlite.org/howtocorrupt.html, 2.2.1).
"""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# (apsw names types of Python 3.12 in its signatures, which are unknown to 3.11)

from collections.abc import Mapping, Sequence
from itertools import islice
from types import SimpleNamespace
from typing import Any

import apsw
from sqlalchemy import Connection
from sqlalchemy.dialects import registry
from sqlalchemy.dialects.sqlite.base import SQLiteDialect

LIBRARY_VERSION = tuple(map(int, apsw.sqlite_lib_version().split(".")))
Parameters = Sequence[Any] | Mapping[str, Any]


class ApswDialect(SQLiteDialect):
    """SQLite by apsw."""

    driver = "apsw"
    supports_statement_cache = True

    @classmethod
    def import_dbapi(cls) -> Any:
        """Return the names that SQLAlchemy needs from the module of a driver."""
        return SimpleNamespace(paramstyle="named", Error=apsw.Error, sqlite_version_info=LIBRARY_VERSION)

    def _get_server_version_info(self, connection: Connection) -> tuple[int, ...]:  # noqa: ARG002 (SQLAlchemy asks so)
        return LIBRARY_VERSION


registry.register("sqlite.apsw", __name__, ApswDialect.__name__)


class DbapiCursor:
    """A cursor with the interface of PEP 249."""

    lastrowid = None
    arraysize = 1

    def __init__(self, connection: apsw.Connection) -> None:
        self._connection = connection
        self._cursor = connection.cursor()
        self._cursor.exec_trace = self._describe
        self.description: list[tuple[Any, ...]] | None = None
        self.rowcount = -1

    def execute(self, statement: str, parameters: Parameters = ()) -> None:
        """Run a statement."""
        self._cursor.execute(statement, parameters)
        self.rowcount = self._connection.changes()

    def executemany(self, statement: str, many: Sequence[Parameters]) -> None:
        """Run a statement once for each set of parameters."""
        self._cursor.executemany(statement, many)

    def fetchone(self) -> Any:
        """Return the next row, if any."""
        return self._cursor.fetchone()

    def fetchmany(self, size: int = 1) -> list[Any]:
        """Return some of the rows that are left."""
        return list(islice(self._cursor, size))

    def fetchall(self) -> list[Any]:
        """Return all rows that are left."""
        return self._cursor.fetchall()

    def close(self) -> None:
        """Discard the rows that are left."""
        self._cursor.close()

    def _describe(self, cursor: apsw.Cursor, *_: object) -> bool:
        """Store the columns before the first row is fetched: after the last one apsw does not know them any more."""
        self.description = [(name, *[None] * 6) for name, _ in cursor.get_description()] or None
        return True


class DbapiConnection:
    """A connection with the interface of PEP 249; SQLAlchemy begins the transactions."""

    def __init__(self, connection: apsw.Connection) -> None:
        self._connection = connection
        self.close = connection.close

    def cursor(self) -> DbapiCursor:
        """Return a new cursor."""
        return DbapiCursor(self._connection)

    def commit(self) -> None:
        """Commit the open transaction, if any."""
        self._end("COMMIT")

    def rollback(self) -> None:
        """Roll back the open transaction, if any."""
        self._end("ROLLBACK")

    def _end(self, statement: str) -> None:
        if self._connection.in_transaction:
            self._connection.execute(statement)
