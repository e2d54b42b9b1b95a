"""JSON that the database writes: rows become the text of an answer, without Python objects in between.

A page of 50 events has 1,250 values: turning them into Python objects, these into the model and that into JSON took
more time than the whole statement. Both engines fill a template, `printf` on SQLite and `format` on PostgreSQL, and
return a list as one row: sqlite3 let other threads run for every row that it fetched.
"""

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Boolean, Column, ColumnElement, FunctionElement, Select, String, Text, TypeDecorator
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler

from kalends.model import Identifier

SEPARATOR = "\x1e"
"""The separator of JSON texts in one row: JSON text cannot contain it (RFC 7464 section 2)."""

LARGEST_TEXT_BYTES = 16 * 1_024 * 1_024
"""The largest text that is read; the largest page of events is read in two statements (reads/events.py)."""

Piece = tuple[str, list[str]]
"""A part of a template, and the SQL of the value for each `%s` (or `%016x`) in it."""


class JsonText(TypeDecorator[str]):
    """Text that is JSON already."""

    impl = Text
    cache_ok = True


class JsonElement(FunctionElement[str]):
    """SQL that returns JSON text; Query compiles it once, so SQLAlchemy need not cache it."""

    type = JsonText()


class JsonId(JsonElement):
    """An id as callers see it."""

    def __init__(self, kind: type[Identifier], column: ColumnElement[int]) -> None:
        super().__init__(column)
        self.prefix = kind.prefix


class JsonWord(JsonElement):
    """Text that needs no escapes: a value of an enumeration, the name of a time zone, a rendered time."""


class JsonMoment(JsonElement):
    """An instant after 1970 in UTC (RFC 3339), or null; with microseconds only if they are not zero."""


class OmittedIfNull(JsonElement):
    """A text or an id that is left out of its object if it is null; it cannot be the first member."""


class OmittedIfFalse(JsonElement):
    """A boolean that is left out of its object if it is false; it cannot be the first member."""


class JsonObject(JsonElement):
    """An object: text is quoted or null, JsonText stays as it is, and numbers and booleans are never null."""

    def __init__(self, members: Mapping[str, ColumnElement[Any]]) -> None:
        super().__init__(*members.values())
        self.names = tuple(members)


class JsonArray(JsonElement):
    """An array of values, written as in a JsonObject."""


class NoneIfTooLarge(JsonElement):
    """A text, or null if it is larger than LARGEST_TEXT_BYTES."""


class Joined(JsonElement):
    """The texts of a column of all rows, joined in the order of the rows."""

    def __init__(self, column: ColumnElement[str], separator: str) -> None:
        super().__init__(column)
        self.separator = separator


def json_list(statement: Select[str]) -> ColumnElement[str]:
    """Return an array of the JsonText that a statement selects, in the statement's order."""
    (text,) = statement.subquery("items").c
    items = sa.select(Joined(text, ",")).scalar_subquery()
    return JsonArray(sa.func.coalesce(items, sa.literal_column("''", JsonText())))


def in_one_row(statement: Select[str, str]) -> Select[str, str]:
    """Return all rows of a statement of two JsonTexts as one row: the texts of each column, joined by SEPARATOR.

    If the first is larger than LARGEST_TEXT_BYTES, it alone is null; SQLite stops before (see `SqliteEngine`).
    """
    left, right = statement.subquery("page").c
    return sa.select(NoneIfTooLarge(Joined(left, SEPARATOR)), Joined(right, SEPARATOR))


@compiles(NoneIfTooLarge)
def none_if_too_large(element: NoneIfTooLarge, compiler: SQLCompiler, **options: Any) -> str:
    """Return the SQL of a text that a server does not send if it is too large."""
    text = compiler.process(element.clauses, **options)
    return text if on_sqlite(compiler) else f"CASE WHEN octet_length({text}) <= {LARGEST_TEXT_BYTES} THEN {text} END"


@compiles(Joined)
def joined(element: Joined, compiler: SQLCompiler, **options: Any) -> str:
    """Return the SQL of joined texts, in the order of the rows."""
    function = "group_concat" if on_sqlite(compiler) else "string_agg"
    separator = compiler.render_literal_value(element.separator, String())
    return f"{function}({compiler.process(element.clauses, **options)}, {separator})"


@compiles(JsonObject)
@compiles(JsonArray)
@compiles(JsonId)
def compiled(element: ColumnElement[Any], compiler: SQLCompiler, **options: Any) -> str:
    """Return the SQL that fills the template of all parts."""
    template, values = piece(element, compiler, options)
    text = compiler.render_literal_value(template, String())
    return f"{'printf' if on_sqlite(compiler) else 'format'}({', '.join([text, *values])})"


def piece(element: ColumnElement[Any], compiler: SQLCompiler, options: dict[str, Any]) -> Piece:
    """Return the part of the template for a value, and the SQL that fills it."""
    if isinstance(element, JsonObject):
        return object_piece(element, compiler, options)
    if isinstance(element, JsonArray):
        parts = [piece(value, compiler, options) for value in element.clauses]
        return f"[{','.join(text for text, _ in parts)}]", [value for _, values in parts for value in values]
    if isinstance(element, JsonId):
        column = compiler.process(element.clauses, **options)
        if on_sqlite(compiler):
            return f'"{element.prefix}%016x"', [column]
        return f'"{element.prefix}%s"', [f"lpad(to_hex({column}), 16, '0')"]
    if isinstance(element, JsonWord):
        return '"%s"', [compiler.process(element.clauses, **options)]
    return "%s", [value_text(element, compiler, options)]


def object_piece(element: JsonObject, compiler: SQLCompiler, options: dict[str, Any]) -> Piece:
    """Return the template of an object, and the SQL that fills it."""
    template: list[str] = []
    filling: list[str] = []
    for name, value in zip(element.names, element.clauses, strict=True):
        if isinstance(value, OmittedIfNull | OmittedIfFalse):
            template.append("%s")
            filling.append(member_or_nothing(name, value, compiler, options))
            continue
        text, values = piece(value, compiler, options)
        template.append(f'{"," if template else ""}"{name}":{text}')
        filling += values
    return f"{{{''.join(template)}}}", filling


def member_or_nothing(
    name: str, value: OmittedIfNull | OmittedIfFalse, compiler: SQLCompiler, options: dict[str, Any]
) -> str:
    """Return the SQL of a member that may be omitted, with the comma before it."""
    (element,) = value.clauses
    is_id = isinstance(element, JsonId)
    column = compiler.process(element.clauses if is_id else element, **options)
    if isinstance(value, OmittedIfFalse):
        return f"CASE WHEN {column} THEN ',\"{name}\":true' ELSE '' END"
    text = compiler.process(element, **options) if is_id else quoted(column, compiler)
    return f"CASE WHEN {column} IS NULL THEN '' ELSE ',\"{name}\":' || {text} END"


def value_text(element: ColumnElement[Any], compiler: SQLCompiler, options: dict[str, Any]) -> str:
    """Return the SQL of a single value as JSON text."""
    if isinstance(element, JsonMoment):
        (element,) = element.clauses
        instant = compiler.process(element, **options)
        return or_null(moment_text(instant, compiler), instant, element)
    column = compiler.process(element, **options)
    if isinstance(element.type, Boolean):
        return f"CASE WHEN {column} THEN 'true' ELSE 'false' END"
    if isinstance(element.type, JsonText) or not isinstance(element.type, String):
        return column
    return or_null(quoted(column, compiler), column, element)


def quoted(column: str, compiler: SQLCompiler) -> str:
    """Return the SQL of text as a JSON string."""
    return f"json_quote({column})" if on_sqlite(compiler) else f"to_json({column})::text"


def or_null(text: str, value: str, element: ColumnElement[Any]) -> str:
    """Return the SQL of JSON text that is null if the value is."""
    if isinstance(element, Column) and not element.nullable:
        return text
    return f"CASE WHEN {value} IS NULL THEN 'null' ELSE {text} END"


def moment_text(instant: str, compiler: SQLCompiler) -> str:
    """Return the SQL of an instant as JSON text."""
    if on_sqlite(compiler):
        rest = f"({instant} % 1000000)"
        day_and_time = f"replace(datetime({instant} / 1000000, 'unixepoch'), ' ', 'T')"
        fraction = f"printf('.%06d', {rest})"
    else:
        rest = f"mod({instant}, 1000000)"
        day_and_time = f"to_char(to_timestamp({instant} / 1000000) AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS')"
        fraction = f"'.' || lpad({rest}::text, 6, '0')"
    return f"'\"' || {day_and_time} || CASE {rest} WHEN 0 THEN '' ELSE {fraction} END || 'Z\"'"


def on_sqlite(compiler: SQLCompiler) -> bool:
    """Return whether a statement is compiled for SQLite."""
    return compiler.dialect.name == "sqlite"
