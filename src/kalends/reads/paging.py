"""Keyset pagination: each page begins after the key of the last row of the previous page."""

from collections.abc import Callable
from typing import Any, Generic, TypeVar

import sqlalchemy as sa
from msgspec import Struct
from sqlalchemy import bindparam

from kalends.store.database import ReadTx, Row
from kalends.store.query import Query

Item = TypeVar("Item")
Key = TypeVar("Key")


class Page(Struct, Generic[Item, Key], frozen=True):
    """Items of a list in its order; `next_key`, the key of the last of them, is None on the last page."""

    items: list[Item]
    next_key: Key | None


def paged(
    statement: sa.Select[*tuple[Any, ...]], *key: sa.ColumnElement[Any], continued: bool, descending: bool = False
) -> sa.Select[*tuple[Any, ...]]:
    """Return the statement of a page in the order of some columns: the first page, or one that continues another."""
    if continued:
        statement = statement.where(follows(*key, descending=descending))
    order = [column.desc() for column in key] if descending else key
    return statement.order_by(*order).limit(bindparam("count", type_=sa.Integer))


def follows(*key: sa.ColumnElement[Any], descending: bool = False) -> sa.ColumnElement[bool]:
    """Return whether a row comes after the key that `key_values` binds."""
    last = [bindparam(f"after_{place}", type_=column.type) for place, column in enumerate(key)]
    return sa.tuple_(*key) < sa.tuple_(*last) if descending else sa.tuple_(*key) > sa.tuple_(*last)


def key_values(key: int | tuple[int | str, ...] | None) -> dict[str, Any]:
    """Return the parameters of a key; none for the first page, which has no key."""
    if key is None:
        return {}
    return {f"after_{place}": part for place, part in enumerate(key if isinstance(key, tuple) else (key,))}


def read_page(
    tx: ReadTx, query: Query, limit: int, item: Callable[[Row], Item], key: Callable[[Row], Key], **values: Any
) -> Page[Item, Key]:
    """Return a page of a `paged` statement. It reads one row more, to know whether another page follows."""
    rows = tx.rows(query, count=limit + 1, **values)
    return Page([item(row) for row in rows[:limit]], key(rows[limit - 1]) if len(rows) > limit else None)


def first_column(row: Row) -> int:
    """Return the first column of a row, which is its key."""
    return row[0]
