"""Reading whether what is derived still equals what it is derived from: counts of participants, and the agenda."""

import sqlalchemy as sa

from kalends.model import Response, Role
from kalends.store.database import ReadTx
from kalends.store.query import Query
from kalends.store.tables import agenda, event, participant


def counted(condition: sa.ColumnElement[bool]) -> sa.ColumnElement[int]:
    """Count the participants of an event that meet a condition."""
    rows = sa.select(sa.func.count()).where(participant.c.event_id == event.c.id, condition)
    return rows.scalar_subquery()


ROLES = [event.c[f"{role}_count"] != counted(participant.c.role == role.value) for role in Role]
RESPONSES = [event.c[f"{said}_count"] != counted(participant.c.response == said.value) for said in Response]
AGENDA_OF_SEAT = sa.and_(
    agenda.c.user_id == participant.c.user_id,
    agenda.c.event_id == participant.c.event_id,
    agenda.c.starts_at == event.c.starts_at,
    agenda.c.ends_at == event.c.ends_at,
    agenda.c.status == event.c.status,
    agenda.c.role == participant.c.role,
    agenda.c.response == participant.c.response,
    agenda.c.hosting == (event.c.host_id == participant.c.user_id),
)
AGENDA_OF_HOST = sa.and_(
    agenda.c.user_id == event.c.host_id,
    agenda.c.event_id == event.c.id,
    agenda.c.starts_at == event.c.starts_at,
    agenda.c.hosting,
)
IN_USE = sa.or_(
    sa.exists().where(event.c.id == agenda.c.event_id, event.c.host_id == agenda.c.user_id),
    sa.exists().where(participant.c.event_id == agenda.c.event_id, participant.c.user_id == agenda.c.user_id),
)

CHECKS = {
    "events whose counts of participants are wrong": Query(
        sa.select(sa.func.count()).select_from(event).where(sa.or_(*ROLES, *RESPONSES))
    ),
    "participants who miss the event in their agenda": Query(
        sa.select(sa.func.count())
        .select_from(sa.join(participant, event, participant.c.event_id == event.c.id))
        .where(~sa.exists().where(AGENDA_OF_SEAT))
    ),
    "hosts who miss the event in their agenda": Query(
        sa.select(sa.func.count()).select_from(event).where(~sa.exists().where(AGENDA_OF_HOST))
    ),
    "agenda rows of nobody's event": Query(sa.select(sa.func.count()).select_from(agenda).where(~IN_USE)),
}
"""What to count, over all organizations; each count has to be nought."""


def find_inconsistencies(tx: ReadTx) -> list[str]:
    """Say everything that is inconsistent, in whole sentences; an empty list is good news."""
    tx.snapshot()
    counts = {what: (tx.row(query) or (0,))[0] for what, query in CHECKS.items()}
    return [f"There are {count} {what}." for what, count in counts.items() if count]
