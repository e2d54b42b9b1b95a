"""Rows of the agenda: what every event is in the time of everybody it concerns, rewritten with the event."""

from collections.abc import Set as AbstractSet

import sqlalchemy as sa
from sqlalchemy import bindparam as given

from kalends.model import Actor, AgendaRow, UserId
from kalends.store.database import WriteTx
from kalends.store.query import Query
from kalends.store.tables import agenda

INSERT = Query(sa.insert(agenda))
DELETE = Query(
    sa.delete(agenda).where(
        agenda.c.user_id == given("at_user"),
        agenda.c.starts_at == given("at_start"),
        agenda.c.event_id == given("at_event"),
    )
)


def store_agenda(
    tx: WriteTx,
    actor: Actor,
    before: AbstractSet[AgendaRow],
    after: AbstractSet[AgendaRow],
    booked_twice: AbstractSet[UserId] = frozenset(),
) -> None:
    """Store the difference between two states of some agenda rows; who is booked twice on purpose has no exclusive row.

    On PostgreSQL a row that would book somebody twice after all, in spite of every lock, makes the transaction begin
    again (Contended).
    """
    gone = sorted(before - after, key=lambda row: row.user_id)
    come = sorted(after - before, key=lambda row: row.user_id)
    tx.run_many(
        DELETE, [{"at_user": row.user_id, "at_start": row.span.start, "at_event": row.event_id} for row in gone]
    )
    tx.run_many(
        INSERT,
        [
            {
                "organization_id": actor.organization_id,
                "user_id": row.user_id,
                "starts_at": row.span.start,
                "event_id": row.event_id,
                "ends_at": row.span.end,
                "hosting": row.hosting,
                "role": row.role and row.role.value,
                "response": row.response and row.response.value,
                "status": row.status.value,
                "shown": row.shown.value,
                "blocking": row.blocking,
                "exclusive": row.blocking and row.user_id not in booked_twice,
            }
            for row in come
        ],
    )
