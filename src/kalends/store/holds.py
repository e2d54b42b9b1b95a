"""Rows of holds: slots kept for a moment, with one row of time for each person."""

from collections.abc import Sequence
from itertools import groupby
from operator import itemgetter

import sqlalchemy as sa
from sqlalchemy import bindparam as given

from kalends.model import Actor, Hold, HoldId, Instant, Span, UserId
from kalends.store.database import ReadTx, Row, WriteTx
from kalends.store.query import Query
from kalends.store.tables import held_time, hold

COLUMNS = (
    hold.c.id,
    hold.c.starts_at,
    hold.c.ends_at,
    hold.c.expires_at,
    hold.c.extended,
    hold.c.created_at,
    hold.c.placed_by,
    held_time.c.user_id,
)

BY_ID = (
    sa.select(*COLUMNS)
    .join_from(hold, held_time, held_time.c.hold_id == hold.c.id)
    .where(hold.c.organization_id == given("org"), hold.c.id == given("id"), hold.c.expires_at > given("now"))
    .order_by(held_time.c.user_id)
)
FIND = Query(BY_ID)
FIND_TO_CHANGE = Query(BY_ID.with_for_update(of=hold))
CONCERNING = Query(
    sa.select(*COLUMNS)
    .join_from(hold, held_time, held_time.c.hold_id == hold.c.id)
    .where(
        hold.c.organization_id == given("org"),
        hold.c.expires_at > given("now"),
        sa.or_(
            hold.c.placed_by == given("id"),
            hold.c.id.in_(sa.select(held_time.c.hold_id).where(held_time.c.user_id == given("id"))),
        ),
    )
    .order_by(hold.c.id, held_time.c.user_id)
)
INSERT = Query(sa.insert(hold))
INSERT_TIME = Query(sa.insert(held_time))
EXTEND = Query(sa.update(hold).where(hold.c.id == given("at")).values(expires_at=given("until"), extended=sa.true()))
EXTEND_TIME = Query(sa.update(held_time).where(held_time.c.hold_id == given("at")).values(expires_at=given("until")))
DELETE = Query(sa.delete(hold).where(hold.c.id == given("at")))
LAPSED = (
    sa.select(hold.c.id)
    .where(hold.c.organization_id == given("org"), hold.c.expires_at <= given("now"))
    .limit(sa.literal_column("100"))
    .with_for_update(skip_locked=True)  # two who tidy at once would wait for each other in a circle
)
DELETE_LAPSED = Query(sa.delete(hold).where(hold.c.id.in_(LAPSED)))


def find_hold(tx: ReadTx, actor: Actor, hold_id: HoldId, *, lock: bool = False) -> Hold | None:
    """Give a hold that has not lapsed."""
    rows = tx.rows(FIND_TO_CHANGE if lock else FIND, org=actor.organization_id, id=hold_id, now=tx.now)
    return hold_from(rows) if rows else None


def hold_from(rows: Sequence[Row]) -> Hold:
    """Make a hold of its rows, one for each person, that COLUMNS name."""
    hold_id, start, end, expires_at, extended, created_at, placed_by, _ = rows[0]
    people = tuple(UserId(row[-1]) for row in rows)
    span = Span(Instant(start), Instant(end))
    by = None if placed_by is None else UserId(placed_by)
    return Hold(HoldId(hold_id), people, span, Instant(expires_at), bool(extended), Instant(created_at), by)


def holds_concerning(tx: ReadTx, actor: Actor, user_id: UserId) -> list[Hold]:
    """Give the holds that somebody placed or that keep their time, and that have not lapsed."""
    rows = tx.rows(CONCERNING, org=actor.organization_id, id=user_id, now=tx.now)
    return [hold_from(list(of_one)) for _, of_one in groupby(rows, key=itemgetter(0))]


def insert_hold(tx: WriteTx, actor: Actor, made: Hold) -> None:
    """Store a new hold, and tidy away some that have lapsed."""
    tx.run(DELETE_LAPSED, org=actor.organization_id, now=tx.now)
    period = {"starts_at": made.span.start, "ends_at": made.span.end, "expires_at": made.expires_at}
    own = {"organization_id": actor.organization_id} | period
    tx.run(INSERT, **own, id=made.id, extended=made.extended, created_at=made.created_at, placed_by=made.placed_by)
    tx.run_many(INSERT_TIME, [own | {"user_id": user_id, "hold_id": made.id} for user_id in made.user_ids])


def extend_hold_rows(tx: WriteTx, hold_id: HoldId, until: Instant) -> None:
    """Let a hold lapse later."""
    tx.run(EXTEND, at=hold_id, until=until)
    tx.run(EXTEND_TIME, at=hold_id, until=until)


def delete_hold_row(tx: WriteTx, hold_id: HoldId) -> None:
    """Remove a hold and the time it took."""
    tx.run(DELETE, at=hold_id)
