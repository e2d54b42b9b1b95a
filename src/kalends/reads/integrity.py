"""Checking derived data against its source: counts of participants, agenda, keys."""

import sqlalchemy as sa
from sqlalchemy import bindparam

from kalends.model import Response, Role, ShowAs, Status
from kalends.reads.texts import find_text_troubles
from kalends.rules.busy import strength_of
from kalends.store.database import ReadTx
from kalends.store.query import Query
from kalends.store.tables import agenda, event, participant, user

PARTICIPATIONS = sa.join(participant, event, participant.c.event_id == event.c.id)


def counted(condition: sa.ColumnElement[bool]) -> sa.ColumnElement[int]:
    """Return the number of participants of an event that meet a condition."""
    rows = sa.select(sa.func.count()).where(participant.c.event_id == event.c.id, condition)
    return rows.scalar_subquery()


def count_where(source: sa.FromClause, *conditions: sa.ColumnElement[bool]) -> Query:
    """Return a query for the number of rows that meet all conditions."""
    return Query(sa.select(sa.func.count()).select_from(source).where(*conditions))


ROLES = [event.c[f"{role}_count"] != counted(participant.c.role == role.value) for role in Role]
RESPONSES = [event.c[f"{said}_count"] != counted(participant.c.response == said.value) for said in Response]
OF_EVENT = (
    agenda.c.organization_id == event.c.organization_id,
    agenda.c.event_id == event.c.id,
    agenda.c.starts_at == event.c.starts_at,
    agenda.c.ends_at == event.c.ends_at,
    agenda.c.status == event.c.status,
)
OF_PARTICIPATION = (
    agenda.c.user_id == participant.c.user_id,
    agenda.c.role == participant.c.role,
    agenda.c.response == participant.c.response,
    agenda.c.hosting == (event.c.host_id == participant.c.user_id),
)
HOST_ALONE = (
    agenda.c.user_id == event.c.host_id,
    agenda.c.role.is_(None),
    agenda.c.response.is_(None),
    agenda.c.hosting,
)
PARTICIPATING_HOST = sa.exists().where(participant.c.event_id == event.c.id, participant.c.user_id == event.c.host_id)
IN_PARTICIPATION = (
    sa.exists()
    .select_from(PARTICIPATIONS)
    .where(
        participant.c.event_id == agenda.c.event_id,
        participant.c.user_id == agenda.c.user_id,
        event.c.starts_at == agenda.c.starts_at,
    )
)
HOSTED = sa.exists().where(
    event.c.id == agenda.c.event_id, event.c.host_id == agenda.c.user_id, event.c.starts_at == agenda.c.starts_at
)
UNFINISHED = event.c.ends_at > bindparam("now", type_=sa.BigInteger)
GONE = user.c.deleted_at.is_not(None)

CHECKS = {
    "Events whose counts of participants are wrong": count_where(event, sa.or_(*ROLES, *RESPONSES)),
    "Participants whose event is missing or wrong in their agenda": count_where(
        PARTICIPATIONS, ~sa.exists().where(*OF_EVENT, *OF_PARTICIPATION)
    ),
    "Hosts without a participation whose event is missing or wrong in their agenda": count_where(
        event, ~PARTICIPATING_HOST, ~sa.exists().where(*OF_EVENT, *HOST_ALONE)
    ),
    "Agenda rows of nobody's event": count_where(agenda, ~IN_PARTICIPATION, ~HOSTED),
    "Participants that are newer than their event": count_where(
        PARTICIPATIONS, participant.c.version > event.c.version
    ),
    "Events hosted by somebody of another organization": count_where(
        sa.join(event, user, event.c.host_id == user.c.id), event.c.organization_id != user.c.organization_id
    ),
    "Participants from another organization than their event": count_where(
        sa.join(PARTICIPATIONS, user, participant.c.user_id == user.c.id),
        sa.or_(
            participant.c.organization_id != event.c.organization_id, user.c.organization_id != event.c.organization_id
        ),
    ),
    "Unfinished events hosted by somebody deleted": count_where(
        sa.join(event, user, event.c.host_id == user.c.id), UNFINISHED, GONE, event.c.status != Status.cancelled.value
    ),
    "Deleted people in unfinished events": count_where(
        sa.join(PARTICIPATIONS, user, participant.c.user_id == user.c.id), UNFINISHED, GONE
    ),
}
"""Inconsistencies, counted over all organizations; each count has to be zero."""

KIND = (event.c.status, event.c.show_as, agenda.c.role, agenda.c.response, agenda.c.shown, agenda.c.blocking)
COMMITMENTS = Query(
    sa.select(*KIND, sa.func.count())
    .select_from(sa.join(agenda, event, agenda.c.event_id == event.c.id))
    .group_by(*KIND)
)
"""The numbers of agenda rows of each kind: there are a few dozen kinds, which the rule in Python can check."""


def find_inconsistencies(tx: ReadTx) -> list[str]:
    """Return a line for each kind of inconsistency that was found, with its count."""
    tx.snapshot()
    counts = {what: tx.rows(query, now=tx.now)[0][0] for what, query in CHECKS.items()}
    counts["Agenda rows that show or block what they should not"] = wrong_commitments(tx)
    return [f"{what}: {count}." for what, count in counts.items() if count] + find_text_troubles(tx)


def wrong_commitments(tx: ReadTx) -> int:
    """Return the number of agenda rows that show or block something else than the rule says."""
    wrong = 0
    for status, show_as, role, response, shown, blocking, count in tx.rows(COMMITMENTS):
        right = strength_of(Status(status), ShowAs(show_as), role and Role(role), response and Response(response))
        wrong += 0 if (shown, bool(blocking)) == right else count
    return wrong
