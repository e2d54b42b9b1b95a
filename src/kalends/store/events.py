"""Rows of events."""

from collections import defaultdict
from collections.abc import Iterable
from functools import lru_cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy import bindparam

from kalends.model import (
    Actor,
    Block,
    Event,
    EventId,
    Instant,
    ParticipantCounts,
    ShowAs,
    Span,
    Status,
    UserId,
    Visibility,
)
from kalends.rules.text import searchable
from kalends.store.database import ReadTx, Row, WriteTx
from kalends.store.query import AnyOf, Query
from kalends.store.tables import event

COLUMNS = (
    event.c.id,
    event.c.host_id,
    event.c.title,
    event.c.description,
    event.c.location,
    event.c.starts_at,
    event.c.ends_at,
    event.c.time_zone,
    event.c.start_local,
    event.c.end_local,
    event.c.status,
    event.c.show_as,
    event.c.visibility,
    event.c.hide_participants,
    event.c.cancel_reason,
    event.c.metadata,
    event.c.required_count,
    event.c.optional_count,
    event.c.accepted_count,
    event.c.declined_count,
    event.c.tentative_count,
    event.c.needs_action_count,
    event.c.version,
    event.c.created_at,
    event.c.updated_at,
    event.c.pending_host_id,
)

BY_ID = sa.select(*COLUMNS).where(event.c.organization_id == bindparam("org"), event.c.id == bindparam("id"))
FIND = Query(BY_ID)
FIND_TO_CHANGE = Query(BY_ID.with_for_update())
LOCK_SEVERAL = Query(
    sa.select(*COLUMNS)
    .where(event.c.organization_id == bindparam("org"), AnyOf(event.c.id, "ids"))
    .order_by(event.c.id)
    .with_for_update()
)
OFFERED = Query(
    sa.select(*COLUMNS)
    .where(event.c.organization_id == bindparam("org"), event.c.pending_host_id == bindparam("id"))
    .order_by(event.c.starts_at, event.c.id)
)
INSERT = Query(sa.insert(event))
DELETE = Query(sa.delete(event).where(event.c.id == bindparam("at")))


def event_from(row: Row) -> Event:
    """Make an event of the row that COLUMNS name."""
    return Event(
        id=EventId(row[0]),
        host_id=UserId(row[1]),
        title=row[2],
        description=row[3],
        location=row[4],
        block=Block(Span(Instant(row[5]), Instant(row[6])), row[7], row[8], row[9]),
        status=Status(row[10]),
        show_as=ShowAs(row[11]),
        visibility=Visibility(row[12]),
        hide_participants=bool(row[13]),
        cancel_reason=row[14],
        metadata=row[15],
        counts=ParticipantCounts(*row[16:22]),
        version=row[22],
        created_at=Instant(row[23]),
        updated_at=Instant(row[24]),
        pending_host_id=None if row[25] is None else UserId(row[25]),
    )


def find_event(tx: ReadTx, actor: Actor, event_id: EventId) -> Event | None:
    """Give an event."""
    row = tx.row(FIND, org=actor.organization_id, id=event_id)
    return event_from(row) if row else None


def lock_event(tx: WriteTx, actor: Actor, event_id: EventId) -> Event | None:
    """Give an event and keep everybody else from changing it or its participations until the transaction ends."""
    row = tx.row(FIND_TO_CHANGE, org=actor.organization_id, id=event_id)
    return event_from(row) if row else None


def lock_events(tx: WriteTx, actor: Actor, ids: list[EventId]) -> list[Event]:
    """Give several events, locked in the order of their ids."""
    return [event_from(row) for row in tx.rows(LOCK_SEVERAL, org=actor.organization_id, ids=ids)]


def events_offered_to(tx: ReadTx, actor: Actor, user_id: UserId) -> list[Event]:
    """Return the events that somebody is asked to host, in the order of start and id."""
    return [event_from(row) for row in tx.rows(OFFERED, org=actor.organization_id, id=user_id)]


def insert_events(tx: WriteTx, actor: Actor, events: Iterable[Event]) -> None:
    """Store new events; their participations and agenda rows are stored by modules of their own."""
    own = {"organization_id": actor.organization_id}
    many = [own | {"id": new.id, "created_at": new.created_at} | event_values(new) for new in events]
    tx.run_many(INSERT, many)


def update_events(tx: WriteTx, versions: Iterable[tuple[Event, Event]]) -> None:
    """Store the new versions of events, each given with the one before.

    Only the columns that differ: SQLite writes an index anew for each of its columns that a statement names.
    """
    alike: dict[frozenset[str], list[dict[str, Any]]] = defaultdict(list)
    for before, after in versions:
        old, new = event_values(before), event_values(after)
        changed = {name: value for name, value in new.items() if value != old[name]}
        alike[frozenset(changed)].append(changed | {"at": after.id})
    for names, many in alike.items():
        tx.run_many(updating(names), many)


@lru_cache(maxsize=256)
def updating(names: frozenset[str]) -> Query:
    """Compose the statement that changes some columns."""
    changes: dict[str, Any] = {name: bindparam(name) for name in sorted(names)}
    return Query(sa.update(event).where(event.c.id == bindparam("at")).values(changes))


def delete_event_row(tx: WriteTx, event_id: EventId) -> None:
    """Remove an event; its participants go with it."""
    tx.run(DELETE, at=event_id)


def event_values(happening: Event) -> dict[str, Any]:
    """Give what may change in an event's row."""
    block, counts = happening.block, happening.counts
    return {
        "host_id": happening.host_id,
        "title": happening.title,
        "description": happening.description,
        "location": happening.location,
        "search_text": event_text(happening.title, happening.location, happening.description),
        "time_zone": block.time_zone,
        "starts_at": block.span.start,
        "ends_at": block.span.end,
        "start_local": block.start_local,
        "end_local": block.end_local,
        "status": happening.status.value,
        "show_as": happening.show_as.value,
        "visibility": happening.visibility.value,
        "hide_participants": happening.hide_participants,
        "cancel_reason": happening.cancel_reason,
        "metadata": happening.metadata,
        "required_count": counts.required,
        "optional_count": counts.optional,
        "accepted_count": counts.accepted,
        "declined_count": counts.declined,
        "tentative_count": counts.tentative,
        "needs_action_count": counts.needs_action,
        "version": happening.version,
        "updated_at": happening.updated_at,
        "pending_host_id": happening.pending_host_id,
    }


def event_text(title: str, location: str, description: str) -> str:
    """Return what an event is found by."""
    return searchable(title, location, description)
