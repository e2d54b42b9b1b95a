"""Rows of events."""

from collections import defaultdict
from collections.abc import Iterable
from enum import Enum
from functools import lru_cache
from typing import Any, get_type_hints

import sqlalchemy as sa
from sqlalchemy import bindparam

from kalends.model import (
    DETAILS,
    Actor,
    Block,
    Event,
    EventDetails,
    EventId,
    Instant,
    ParticipantCounts,
    Span,
    Status,
    UserId,
)
from kalends.rules.text import searchable
from kalends.store import tables
from kalends.store.database import ReadTx, Row, WriteTx
from kalends.store.query import AnyOf, Query

DETAIL_TYPES: dict[str, type] = get_type_hints(EventDetails)
ENUMERATIONS = [name for name, kind in DETAIL_TYPES.items() if issubclass(kind, Enum)]
"""The details that are stored by their value."""

COUNTS = {name: f"{name}_count" for name in ParticipantCounts.__struct_fields__}
"""The column of each count."""

NAMES = (
    *DETAILS,
    *("id", "host_id", "starts_at", "ends_at", "time_zone", "start_local", "end_local", "status", "cancel_reason"),
    *("metadata", "version", "created_at", "updated_at", "pending_host_id"),
    *COUNTS.values(),
)
COLUMNS = tuple(tables.event.c[name] for name in NAMES)

BY_ID = sa.select(*COLUMNS).where(
    tables.event.c.organization_id == bindparam("org"), tables.event.c.id == bindparam("id")
)
FIND = Query(BY_ID)
FIND_TO_CHANGE = Query(BY_ID.with_for_update())
LOCK_SEVERAL = Query(
    sa.select(*COLUMNS)
    .where(tables.event.c.organization_id == bindparam("org"), AnyOf(tables.event.c.id, "ids"))
    .order_by(tables.event.c.id)
    .with_for_update()
)
WITH_PENDING_HOST = Query(
    sa.select(*COLUMNS)
    .where(tables.event.c.organization_id == bindparam("org"), tables.event.c.pending_host_id == bindparam("id"))
    .order_by(tables.event.c.starts_at, tables.event.c.id)
)
INSERT = Query(sa.insert(tables.event))
DELETE = Query(sa.delete(tables.event).where(tables.event.c.id == bindparam("at")))


def event_from(row: Row) -> Event:
    """Return the event of a row of COLUMNS."""
    found = dict(zip(NAMES, row, strict=True))
    return Event(
        id=EventId(found["id"]),
        host_id=UserId(found["host_id"]),
        block=Block(
            Span(Instant(found["starts_at"]), Instant(found["ends_at"])),
            found["time_zone"],
            found["start_local"],
            found["end_local"],
        ),
        status=Status(found["status"]),
        cancel_reason=found["cancel_reason"],
        metadata=found["metadata"],
        counts=ParticipantCounts(*(found[column] for column in COUNTS.values())),
        version=found["version"],
        created_at=Instant(found["created_at"]),
        updated_at=Instant(found["updated_at"]),
        pending_host_id=None if found["pending_host_id"] is None else UserId(found["pending_host_id"]),
        **{name: kind(found[name]) for name, kind in DETAIL_TYPES.items()},
    )


def find_event(tx: ReadTx, actor: Actor, event_id: EventId) -> Event | None:
    """Return an event."""
    row = tx.row(FIND, org=actor.organization_id, id=event_id)
    return event_from(row) if row else None


def lock_event(tx: WriteTx, actor: Actor, event_id: EventId) -> Event | None:
    """Return an event, and lock it with its participations until the transaction ends."""
    row = tx.row(FIND_TO_CHANGE, org=actor.organization_id, id=event_id)
    return event_from(row) if row else None


def lock_events(tx: WriteTx, actor: Actor, ids: list[EventId]) -> list[Event]:
    """Return several events, locked in the order of their ids."""
    return [event_from(row) for row in tx.rows(LOCK_SEVERAL, org=actor.organization_id, ids=ids)]


def events_with_pending_host(tx: ReadTx, actor: Actor, user_id: UserId) -> list[Event]:
    """Return the events that a person is asked to host, in the order of start and id."""
    return [event_from(row) for row in tx.rows(WITH_PENDING_HOST, org=actor.organization_id, id=user_id)]


def insert_events(tx: WriteTx, actor: Actor, events: Iterable[Event]) -> None:
    """Store new events; their participations and agenda rows are stored by modules of their own."""
    own = {"organization_id": actor.organization_id}
    many = [own | {"id": new.id, "created_at": new.created_at} | event_values(new) for new in events]
    tx.run_many(INSERT, many)


def update_events(tx: WriteTx, versions: Iterable[tuple[Event, Event]]) -> None:
    """Store the new versions of events, each given with the previous one.

    Only columns that differ are written: SQLite rewrites an index if a statement names one of its columns.
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
    """Return the statement that changes some columns."""
    changes: dict[str, Any] = {name: bindparam(name) for name in sorted(names)}
    return Query(sa.update(tables.event).where(tables.event.c.id == bindparam("at")).values(changes))


def delete_event_row(tx: WriteTx, event_id: EventId) -> None:
    """Remove an event; its participants go with it."""
    tx.run(DELETE, at=event_id)


def event_values(event: Event) -> dict[str, Any]:
    """Return the columns of an event's row that may change."""
    block, values = event.block, event.details()
    for name in ENUMERATIONS:
        values[name] = values[name].value
    for name, column in COUNTS.items():
        values[column] = getattr(event.counts, name)
    return values | {
        "host_id": event.host_id,
        "search_text": event_text(event.title, event.location, event.description),
        "time_zone": block.time_zone,
        "starts_at": block.span.start,
        "ends_at": block.span.end,
        "start_local": block.start_local,
        "end_local": block.end_local,
        "status": event.status.value,
        "cancel_reason": event.cancel_reason,
        "metadata": event.metadata,
        "version": event.version,
        "updated_at": event.updated_at,
        "pending_host_id": event.pending_host_id,
    }


def event_text(title: str, location: str, description: str) -> str:
    """Return the text in which an event is searched."""
    return searchable(title, location, description)
