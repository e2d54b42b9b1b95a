"""Rows of the agenda: one for each event and each person whom it concerns, written together with the event."""

from collections.abc import Set as AbstractSet
from typing import Any

import sqlalchemy as sa
from sqlalchemy import bindparam

from kalends.model import Actor, EventId, Instant, UserId
from kalends.rules.participation import AgendaRow
from kalends.store.database import WriteTx
from kalends.store.query import Query
from kalends.store.tables import agenda

INSERT = Query(sa.insert(agenda))
AT = (
    agenda.c.user_id == bindparam("at_user"),
    agenda.c.starts_at == bindparam("at_start"),
    agenda.c.event_id == bindparam("at_event"),
)
CHANGED = [column for column in agenda.c if not column.primary_key and column is not agenda.c.organization_id]
UPDATE = Query(sa.update(agenda).where(*AT).values({column.name: bindparam(column.name) for column in CHANGED}))
DELETE = Query(sa.delete(agenda).where(*AT))

AgendaKey = tuple[UserId, Instant, EventId]


def store_agenda(
    tx: WriteTx,
    actor: Actor,
    before: AbstractSet[AgendaRow],
    after: AbstractSet[AgendaRow],
    booked_twice: AbstractSet[tuple[EventId, UserId]] = frozenset(),
) -> None:
    """Store the difference between two states of agenda rows; people booked twice on purpose get no exclusive row.

    If a row would book somebody twice in spite of the locks, PostgreSQL refuses it and the transaction is repeated
    (Contended).
    """
    gone = {key_of(row): row for row in before - after}
    come = {key_of(row): row for row in after - before}
    tx.run_many(DELETE, [at(key) for key in sorted(gone.keys() - come.keys())])
    tx.run_many(UPDATE, [at(key) | agenda_values(come[key], booked_twice) for key in sorted(come.keys() & gone.keys())])
    own = {"organization_id": actor.organization_id}
    new = sorted(come.keys() - gone.keys())
    tx.run_many(INSERT, [own | named(key) | agenda_values(come[key], booked_twice) for key in new])


def key_of(row: AgendaRow) -> AgendaKey:
    """Return the key of a row."""
    return row.user_id, row.span.start, row.event_id


def named(key: AgendaKey) -> dict[str, Any]:
    """Return the columns of a key."""
    return {"user_id": key[0], "starts_at": key[1], "event_id": key[2]}


def at(key: AgendaKey) -> dict[str, Any]:
    """Return the parameters of AT."""
    return {"at_user": key[0], "at_start": key[1], "at_event": key[2]}


def agenda_values(row: AgendaRow, booked_twice: AbstractSet[tuple[EventId, UserId]]) -> dict[str, Any]:
    """Return the columns that may change while the key stays."""
    return {
        "ends_at": row.span.end,
        "hosting": row.hosting,
        "role": row.role and row.role.value,
        "response": row.response and row.response.value,
        "status": row.status.value,
        "shown": row.shown.value,
        "blocking": row.blocking,
        "exclusive": row.blocking and (row.event_id, row.user_id) not in booked_twice,
    }
