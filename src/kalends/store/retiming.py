"""Statements that move many events at once, with their agenda rows, and that find double bookings."""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy import bindparam

from kalends.model import Block, EventId, Instant, OrganizationId, Span, UserId
from kalends.rules.audit import AuditAction
from kalends.rules.intervals import LONGEST_BLOCK
from kalends.store.database import ReadTx, Row, WriteTx
from kalends.store.query import AnyOf, Query
from kalends.store.tables import agenda, audit, event, participant, user

BLOCK = (
    event.c.id,
    event.c.organization_id,
    event.c.host_id,
    event.c.starts_at,
    event.c.ends_at,
    event.c.time_zone,
    event.c.start_local,
    event.c.end_local,
)
UNFINISHED = Query(
    sa.select(*BLOCK)
    .where(event.c.id > bindparam("after"), event.c.ends_at > bindparam("now"))
    .order_by(event.c.id)
    .limit(bindparam("count", type_=sa.Integer))
)
LOCK = Query(sa.select(*BLOCK).where(AnyOf(event.c.id, "ids")).order_by(event.c.id).with_for_update())
PARTICIPATES = Query(
    sa.select(participant.c.event_id, participant.c.user_id).where(AnyOf(participant.c.event_id, "ids"))
)
MOVE_EVENT = Query(
    sa.update(event)
    .where(event.c.id == bindparam("at"))
    .values(
        starts_at=bindparam("start"),
        ends_at=bindparam("end"),
        start_local=bindparam("start_text"),
        end_local=bindparam("end_text"),
        version=event.c.version + 1,
        updated_at=bindparam("now"),
    )
)
MOVE_AGENDA = Query(
    sa.update(agenda)
    .where(
        agenda.c.user_id == bindparam("at_user"),
        agenda.c.starts_at == bindparam("at_start"),
        agenda.c.event_id == bindparam("at_event"),
    )
    .values(starts_at=bindparam("start"), ends_at=bindparam("end"), exclusive=sa.false())
)
"""A moved row is not exclusive until all are moved: rows may overlap meanwhile that do not in the end."""

KEY = (agenda.c.user_id, agenda.c.starts_at, agenda.c.event_id)
other = agenda.alias("other")
IS_OVERLAPPED = sa.and_(
    other.c.user_id == agenda.c.user_id,
    other.c.starts_at > agenda.c.starts_at - LONGEST_BLOCK,
    other.c.starts_at < agenda.c.ends_at,
    other.c.ends_at > agenda.c.starts_at,
    other.c.event_id != agenda.c.event_id,
    other.c.blocking,
)
IS_LOOSE = sa.and_(agenda.c.blocking, ~agenda.c.exclusive, agenda.c.ends_at > bindparam("now"))
LOOSE = Query(
    sa.select(*KEY, sa.exists().where(IS_OVERLAPPED))
    .where(IS_LOOSE, sa.tuple_(*KEY) > sa.tuple_(*(bindparam(f"after_{c.name}", type_=c.type) for c in KEY)))
    .order_by(*KEY)
    .limit(bindparam("count", type_=sa.Integer))
)
TIGHTEN = Query(
    sa.update(agenda)
    .where(
        agenda.c.user_id == bindparam("at_user"),
        agenda.c.starts_at == bindparam("at_start"),
        agenda.c.event_id == bindparam("at_event"),
    )
    .values(exclusive=sa.true())
)
mine, others = event.alias("mine"), event.alias("others")
CROSSING = Query(
    sa.select(
        agenda.c.organization_id,
        user.c.name,
        mine.c.id,
        mine.c.title,
        mine.c.start_local,
        agenda.c.starts_at,
        agenda.c.ends_at,
        others.c.id,
        others.c.title,
        others.c.start_local,
        other.c.starts_at,
        other.c.ends_at,
    )
    .select_from(agenda)
    .join(other, IS_OVERLAPPED)
    .join(user, user.c.id == agenda.c.user_id)
    .join(mine, mine.c.id == agenda.c.event_id)
    .join(others, others.c.id == other.c.event_id)
    .where(
        AnyOf(agenda.c.user_id, "people"),
        AnyOf(agenda.c.event_id, "events"),
        IS_LOOSE,
        sa.or_(other.c.exclusive, agenda.c.event_id < other.c.event_id),  # a pair is named once
    )
    .order_by(agenda.c.user_id, agenda.c.starts_at, agenda.c.event_id, other.c.starts_at, other.c.event_id)
)
MOVES = Query(
    sa.select(audit.c.object_id, audit.c.before, audit.c.after)
    .where(
        AnyOf(audit.c.organization_id, "organizations"),
        AnyOf(audit.c.object_id, "events"),
        audit.c.action == AuditAction.retimed.value,
    )
    .order_by(audit.c.id)
)


class StoredBlock(NamedTuple):
    """The block of an event as it is stored, and its organization."""

    event_id: EventId
    organization_id: OrganizationId
    host_id: UserId
    block: Block


class LooseKey(NamedTuple):
    """The key of an agenda row that blocks and is not exclusive."""

    user_id: int
    starts_at: int
    event_id: int


class Booked(NamedTuple):
    """One event of a double booking."""

    event_id: EventId
    title: str
    start_local: str
    span: Span


class DoubleBooking(NamedTuple):
    """Two events that block one person at once."""

    organization_id: OrganizationId
    name: str
    first: Booked
    second: Booked


def stored_block(row: Row) -> StoredBlock:
    """Return the block of a row of BLOCK."""
    event_id, organization_id, host_id, start, end, time_zone, start_local, end_local = row
    block = Block(Span(Instant(start), Instant(end)), time_zone, start_local, end_local)
    return StoredBlock(EventId(event_id), OrganizationId(organization_id), UserId(host_id), block)


def unfinished_blocks(tx: ReadTx, after: int, count: int) -> list[StoredBlock]:
    """Return events of all organizations that have not ended, in the order of their ids."""
    return [stored_block(row) for row in tx.rows(UNFINISHED, after=after, now=tx.now, count=count)]


def lock_blocks(tx: WriteTx, ids: list[EventId]) -> list[StoredBlock]:
    """Return the current blocks of events, and lock the events until the transaction ends."""
    return [stored_block(row) for row in tx.rows(LOCK, ids=ids)]


def move_events(tx: WriteTx, moves: Sequence[tuple[StoredBlock, Block]]) -> None:
    """Store the new blocks of events in their own rows and in the agenda, where they are not exclusive yet."""
    people = {(old.event_id, old.host_id) for old, _ in moves}
    people |= {
        (EventId(row[0]), UserId(row[1])) for row in tx.rows(PARTICIPATES, ids=[old.event_id for old, _ in moves])
    }
    spans = {old.event_id: (old.block.span, new.span) for old, new in moves}
    tx.run_many(MOVE_EVENT, [event_values(old.event_id, new, tx.now) for old, new in moves])
    tx.run_many(
        MOVE_AGENDA, [agenda_values(user_id, event_id, *spans[event_id]) for event_id, user_id in sorted(people)]
    )


def event_values(event_id: EventId, block: Block, now: Instant) -> dict[str, Any]:
    """Return the parameters of MOVE_EVENT."""
    span = block.span
    texts = {"start_text": block.start_local, "end_text": block.end_local}
    return {"at": event_id, "start": span.start, "end": span.end, "now": now, **texts}


def agenda_values(user_id: UserId, event_id: EventId, old: Span, new: Span) -> dict[str, Any]:
    """Return the parameters of MOVE_AGENDA."""
    return {"at_user": user_id, "at_start": old.start, "at_event": event_id, "start": new.start, "end": new.end}


def loose_rows(tx: ReadTx, after: LooseKey, count: int) -> list[tuple[LooseKey, bool]]:
    """Return agenda rows that block and are not exclusive, by their keys, and whether others overlap them."""
    keys = {f"after_{name}": value for name, value in after._asdict().items()}
    return [(LooseKey(*row[:3]), bool(row[3])) for row in tx.rows(LOOSE, now=tx.now, count=count, **keys)]


def make_exclusive(tx: WriteTx, keys: Iterable[LooseKey]) -> None:
    """Make rows exclusive, so that nobody can be booked twice at their time."""
    rows = [{"at_user": key.user_id, "at_start": key.starts_at, "at_event": key.event_id} for key in keys]
    tx.run_many(TIGHTEN, rows)


def double_bookings(tx: ReadTx, keys: Sequence[LooseKey]) -> list[DoubleBooking]:
    """Return the pairs of events that block one person at once, where one of the two rows has one of the keys."""
    people, events = sorted({key.user_id for key in keys}), sorted({key.event_id for key in keys})
    return [
        DoubleBooking(OrganizationId(row[0]), row[1], booked(row[2:7]), booked(row[7:12]))
        for row in tx.rows(CROSSING, people=people, events=events, now=tx.now)
    ]


def booked(row: Row) -> Booked:
    """Return one event of a pair."""
    event_id, title, start_local, start, end = row
    return Booked(EventId(event_id), title, start_local, Span(Instant(start), Instant(end)))


def latest_moves(tx: ReadTx, pairs: Iterable[DoubleBooking]) -> dict[EventId, tuple[str, str]]:
    """Return the snapshots, before and after, of the latest move of each event to other zone data, as JSON."""
    pairs = list(pairs)
    events = sorted({one.event_id for pair in pairs for one in (pair.first, pair.second)})
    organizations = sorted({pair.organization_id for pair in pairs})
    rows = tx.rows(MOVES, organizations=organizations, events=events)
    return {EventId(event_id): (before, after) for event_id, before, after in rows}
