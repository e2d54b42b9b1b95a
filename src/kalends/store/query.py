"""Statements written with SQLAlchemy Core and compiled once for each engine; their text runs on the driver's cursor.

Core's work for a call (0.05 to 0.35 ms) is most of the time of a short read, so it is done once for each statement.
"""

from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    ColumnElement,
    Dialect,
    SelectBase,
    TextClause,
    UpdateBase,
    bindparam,
    column,
    literal,
)
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.sql.selectable import TableValuedAlias


class Query:
    """A statement with named parameters; its compiled text is cached for each engine."""

    __slots__ = ("_compiled", "statement")

    def __init__(self, statement: SelectBase | UpdateBase | TextClause) -> None:
        self.statement = statement
        self._compiled: dict[str, tuple[str, dict[str, Any]]] = {}

    def compiled(self, dialect: Dialect) -> tuple[str, dict[str, Any]]:
        """Return the text for an engine and the values of its constants."""
        known = self._compiled.get(dialect.name)
        if known is None:
            compiled = self.statement.compile(dialect=dialect)
            constants = {name: value for name, value in (compiled.params or {}).items() if value is not None}
            known = self._compiled[dialect.name] = (str(compiled), constants)
        return known


class AnyOf(ColumnElement[bool]):
    """A condition that a 64-bit column equals an item of a bound list: one statement text for any length of list."""

    inherit_cache = True
    type = Boolean()

    def __init__(self, column: ColumnElement[Any], name: str) -> None:
        self.column = column
        self.bound = bindparam(name, type_=ARRAY(BigInteger))

    def self_group(self, against: Any = None) -> "AnyOf":  # noqa: ARG002 (as SQLAlchemy calls it)
        """Return the condition as it is: SQLAlchemy would write `… = 1` for SQLite, which then uses no index."""
        return self


@compiles(AnyOf, "sqlite")
def any_of_on_sqlite(element: AnyOf, compiler: SQLCompiler, **options: Any) -> str:
    """Return the SQL for SQLite, which has no arrays: the list is bound as JSON text (see the adapter in sqlite.py)."""
    column, bound = compiler.process(element.column, **options), compiler.process(element.bound, **options)
    return f"({column} IN (SELECT value FROM json_each({bound})))"  # noqa: S608 (of a column and a parameter)


@compiles(AnyOf, "postgresql")
def any_of_on_postgresql(element: AnyOf, compiler: SQLCompiler, **options: Any) -> str:
    """Return the SQL for PostgreSQL: the list is bound as an array."""
    column, bound = compiler.process(element.column, **options), compiler.process(element.bound, **options)
    return f"({column} = ANY ({bound}))"


class SpanList(FunctionElement[Any]):
    """A table of spans, whose starts and ends are bound as two lists: one statement text for any number of them."""

    inherit_cache = True
    name = "spans"

    def __init__(self) -> None:
        super().__init__(*(bindparam(name, type_=ARRAY(BigInteger)) for name in ("starts", "ends")))


@compiles(SpanList, "sqlite")
def span_list_on_sqlite(element: SpanList, compiler: SQLCompiler, **options: Any) -> str:
    """Return the SQL for SQLite: the lists are JSON text, and items of the second are found by their place."""
    starts, ends = (compiler.process(bound, **options) for bound in element.clauses)
    end = f"json_extract({ends}, '$[' || key || ']')"
    return f"(SELECT value AS starts_at, {end} AS ends_at FROM json_each({starts}))"  # noqa: S608 (of parameters)


@compiles(SpanList, "postgresql")
def span_list_on_postgresql(element: SpanList, compiler: SQLCompiler, **options: Any) -> str:
    """Return the SQL for PostgreSQL: the lists are arrays."""
    starts, ends = (compiler.process(bound, **options) for bound in element.clauses)
    return f"(SELECT * FROM unnest({starts}, {ends}) AS pair(starts_at, ends_at))"  # noqa: S608 (of parameters)


def span_list() -> TableValuedAlias:
    """Return the spans whose starts and ends are bound as `starts` and `ends`, with columns starts_at and ends_at."""
    return SpanList().table_valued(column("starts_at", BigInteger), column("ends_at", BigInteger), name="span")


class TableExists(ColumnElement[bool]):
    """A condition that statements would find a table by its name."""

    inherit_cache = True
    type = Boolean()

    def __init__(self, table: str) -> None:
        self.bound = literal(table)


@compiles(TableExists, "sqlite")
def table_exists_on_sqlite(element: TableExists, compiler: SQLCompiler, **options: Any) -> str:
    """Return the SQL for SQLite, which lists its tables in a table."""
    bound = compiler.process(element.bound, **options)
    return f"EXISTS (SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = {bound})"  # noqa: S608 (a parameter)


@compiles(TableExists, "postgresql")
def table_exists_on_postgresql(element: TableExists, compiler: SQLCompiler, **options: Any) -> str:
    """Return the SQL for PostgreSQL: it searches the search path, where indexes and sequences have names, too."""
    bound = compiler.process(element.bound, **options)
    return f"EXISTS (SELECT 1 FROM pg_class WHERE oid = to_regclass({bound}) AND relkind IN ('r', 'p'))"  # noqa: S608
