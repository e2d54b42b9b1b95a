"""Rows of holds, with one row of held time for each person."""

from typing import Any

import sqlalchemy as sa
from msgspec import json
from sqlalchemy import bindparam

from kalends.model import Actor, Hold, HoldId, Instant, Span, UserId
from kalends.store.database import ReadTx, Row, WriteTx
from kalends.store.json_text import JsonText, json_list
from kalends.store.query import Query
from kalends.store.tables import held_time, hold

LIVE = (hold.c.organization_id == bindparam("org"), hold.c.expires_at > bindparam("now"))
OF_PERSON = sa.or_(
    hold.c.placed_by == bindparam("user_id"),
    hold.c.id.in_(sa.select(held_time.c.hold_id).where(held_time.c.user_id == bindparam("user_id"))),
)
"""The condition for holds that a person placed or that keep their time."""

NAMES = ("id", "starts_at", "ends_at", "expires_at", "extended", "created_at", "placed_by")


def columns_of(holds: sa.FromClause) -> list[sa.ColumnElement[Any]]:
    """Return the columns that `hold_from` needs; the people are looked up hold by hold."""
    people = sa.select(sa.cast(held_time.c.user_id, JsonText())).where(held_time.c.hold_id == holds.c.id)
    return [*(holds.c[name] for name in NAMES), json_list(people.order_by(held_time.c.user_id).correlate(holds))]


COLUMNS = columns_of(hold)
FIND = Query(sa.select(*COLUMNS).where(*LIVE, hold.c.id == bindparam("id")))
LOCK = Query(
    sa.select(hold.c.id)
    .where(hold.c.organization_id == bindparam("org"), hold.c.id == bindparam("id"))
    .with_for_update()
)
CONCERNING = Query(sa.select(*COLUMNS).where(*LIVE, OF_PERSON).order_by(hold.c.id))
HELD_BY = Query(
    sa.select(sa.func.sum(held_time.c.ends_at - held_time.c.starts_at))
    .join_from(hold, held_time, held_time.c.hold_id == hold.c.id)
    .where(*LIVE, hold.c.placed_by == bindparam("user_id"))
)
INSERT = Query(sa.insert(hold))
INSERT_TIME = Query(sa.insert(held_time))
EXTEND = Query(
    sa.update(hold).where(hold.c.id == bindparam("at")).values(expires_at=bindparam("until"), extended=sa.true())
)
EXTEND_TIME = Query(
    sa.update(held_time).where(held_time.c.hold_id == bindparam("at")).values(expires_at=bindparam("until"))
)
DELETE = Query(sa.delete(hold).where(hold.c.id == bindparam("at")))
DELETE_TIME = Query(
    sa.delete(held_time).where(held_time.c.hold_id == bindparam("at"), held_time.c.user_id == bindparam("at_user"))
)
LAPSED = (
    sa.select(hold.c.id)
    .where(hold.c.organization_id == bindparam("org"), hold.c.expires_at <= bindparam("now"))
    .limit(sa.literal_column("100"))
    .with_for_update(skip_locked=True)  # else two transactions that remove expired holds could deadlock
)
DELETE_LAPSED = Query(sa.delete(hold).where(hold.c.id.in_(LAPSED)))


def find_hold(tx: ReadTx, actor: Actor, hold_id: HoldId) -> Hold | None:
    """Return a hold that has not expired."""
    row = tx.row(FIND, org=actor.organization_id, id=hold_id, now=tx.now)
    return hold_from(row) if row else None


def lock_hold(tx: WriteTx, actor: Actor, hold_id: HoldId) -> Hold | None:
    """Return a hold that has not expired, and lock it until the transaction ends.

    A second statement reads its people, so that it sees who was removed while this one waited for the lock.
    """
    if not tx.alone:
        tx.rows(LOCK, org=actor.organization_id, id=hold_id)
    return find_hold(tx, actor, hold_id)


def hold_from(row: Row) -> Hold:
    """Return the hold of a row of `columns_of`."""
    hold_id, start, end, expires_at, extended, created_at, placed_by, people = row
    user_ids = tuple(UserId(user_id) for user_id in json.decode(people, type=list[int]))
    span = Span(Instant(start), Instant(end))
    by = None if placed_by is None else UserId(placed_by)
    return Hold(HoldId(hold_id), user_ids, span, Instant(expires_at), bool(extended), Instant(created_at), by)


def holds_concerning(tx: ReadTx, actor: Actor, user_id: UserId) -> list[Hold]:
    """Return the holds that a person placed or that keep their time, and that have not expired."""
    return [hold_from(row) for row in tx.rows(CONCERNING, org=actor.organization_id, user_id=user_id, now=tx.now)]


def time_held_by(tx: ReadTx, actor: Actor, user_id: UserId) -> int:
    """Return the time that all holds of a person keep, as the sum over all held people, in microseconds."""
    return int(tx.rows(HELD_BY, org=actor.organization_id, user_id=user_id, now=tx.now)[0][0] or 0)


def insert_hold(tx: WriteTx, actor: Actor, made: Hold) -> None:
    """Store a new hold, and remove some that have expired."""
    tx.run(DELETE_LAPSED, org=actor.organization_id, now=tx.now)
    period = {"starts_at": made.span.start, "ends_at": made.span.end, "expires_at": made.expires_at}
    own = {"organization_id": actor.organization_id} | period
    tx.run(INSERT, **own, id=made.id, extended=made.extended, created_at=made.created_at, placed_by=made.placed_by)
    tx.run_many(INSERT_TIME, [own | {"user_id": user_id, "hold_id": made.id} for user_id in made.user_ids])


def extend_hold_rows(tx: WriteTx, hold_id: HoldId, until: Instant) -> None:
    """Set when a hold expires."""
    tx.run(EXTEND, at=hold_id, until=until)
    tx.run(EXTEND_TIME, at=hold_id, until=until)


def delete_hold_row(tx: WriteTx, hold_id: HoldId) -> None:
    """Remove a hold and its held time."""
    tx.run(DELETE, at=hold_id)


def delete_held_time(tx: WriteTx, hold_id: HoldId, user_id: UserId) -> None:
    """Remove one person from a hold."""
    tx.run(DELETE_TIME, at=hold_id, at_user=user_id)
