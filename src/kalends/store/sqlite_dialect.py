"""What SQLAlchemy and Alembic need of apsw: a dialect, and connections that look as PEP 249 has them.

Migrations run on the same SQLite library as everything else. Two libraries on one file in one process would be a
danger to it: when either closes the file, the system drops the locks of both (sqlite.org/howtocorrupt.html, 2.2.1).
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
        """Return the names that SQLAlchemy looks for in the module of a driver."""
        return SimpleNamespace(paramstyle="named", Error=apsw.Error, sqlite_version_info=LIBRARY_VERSION)

    def _get_server_version_info(self, connection: Connection) -> tuple[int, ...]:  # noqa: ARG002 (SQLAlchemy asks so)
        return LIBRARY_VERSION


registry.register("sqlite.apsw", __name__, ApswDialect.__name__)


class DbapiCursor:
    """A cursor as PEP 249 has it."""

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
        """Leave the rest of the rows."""
        self._cursor.close()

    def _describe(self, cursor: apsw.Cursor, *_: object) -> bool:
        """Note the columns before the first row is fetched: after the last one they are gone."""
        self.description = [(name, *[None] * 6) for name, _ in cursor.get_description()] or None
        return True


class DbapiConnection:
    """A connection as PEP 249 has it; SQLAlchemy says when transactions begin."""

    def __init__(self, connection: apsw.Connection) -> None:
        self._connection = connection
        self.close = connection.close

    def cursor(self) -> DbapiCursor:
        """Return a new cursor."""
        return DbapiCursor(self._connection)

    def commit(self) -> None:
        """Commit, if there is anything to."""
        self._end("COMMIT")

    def rollback(self) -> None:
        """Roll back, if there is anything to."""
        self._end("ROLLBACK")

    def _end(self, statement: str) -> None:
        if self._connection.in_transaction:
            self._connection.execute(statement)
