"""Rows of participations."""

from collections.abc import Iterable, Mapping
from typing import Any

import sqlalchemy as sa
from msgspec import structs
from sqlalchemy import bindparam

from kalends.model import Actor, Event, EventId, Instant, Participant, Participation, Response, Role, UserId
from kalends.store.database import ReadTx, Row, WriteTx
from kalends.store.query import AnyOf, Query
from kalends.store.tables import agenda, participant, user

COLUMNS = tuple(participant.c[name] for name in Participation.__struct_fields__)

OF_EVENT = Query(
    sa.select(*COLUMNS).where(participant.c.event_id == bindparam("event_id")).order_by(participant.c.user_id)
)
OF_EVENTS = Query(
    sa.select(participant.c.event_id, *COLUMNS)
    .where(participant.c.organization_id == bindparam("org"), AnyOf(participant.c.event_id, "ids"))
    .order_by(participant.c.event_id, participant.c.user_id)
)
OF_PEOPLE = Query(
    sa.select(*COLUMNS).where(participant.c.event_id == bindparam("event_id"), AnyOf(participant.c.user_id, "ids"))
)
WITH_PERSON = (*COLUMNS, user.c.name, user.c.email, user.c.version.label("user_version"))
"""The columns of a participant that callers see, apart from whether they are the host."""

PARTICIPATING_PEOPLE = Query(
    sa.select(*WITH_PERSON)
    .join_from(participant, user, participant.c.user_id == user.c.id)
    .where(
        participant.c.organization_id == bindparam("org"),
        participant.c.event_id == bindparam("event_id"),
        AnyOf(participant.c.user_id, "ids"),
    )
    .order_by(participant.c.user_id)
)
COMMENTED = Query(
    sa.select(agenda.c.event_id)
    .join_from(
        agenda,
        participant,
        sa.and_(participant.c.event_id == agenda.c.event_id, participant.c.user_id == agenda.c.user_id),
    )
    .where(
        agenda.c.organization_id == bindparam("org"),
        agenda.c.user_id == bindparam("id"),
        participant.c.comment.is_not(None),
    )
    .order_by(agenda.c.event_id)
)
INSERT = Query(sa.insert(participant))
AT = (participant.c.event_id == bindparam("at_event"), participant.c.user_id == bindparam("at_user"))
CHANGED = ("role", "response", "comment", "responded_at", "version")
UPDATE = Query(sa.update(participant).where(*AT).values({name: bindparam(name) for name in CHANGED}))
DELETE = Query(sa.delete(participant).where(*AT))

Participations = Mapping[UserId, Participation]


def participation_from(row: Row) -> Participation:
    """Return the participation of a row of COLUMNS."""
    user_id, role, response, comment, responded_at, version = row
    answered = Instant(responded_at) if responded_at is not None else None
    return Participation(UserId(user_id), Role(role), Response(response), comment, answered, version)


def participations_of(tx: ReadTx, event_id: EventId) -> dict[UserId, Participation]:
    """Return all participations of an event; the caller has checked the access to it."""
    return {
        participation.user_id: participation
        for participation in map(participation_from, tx.rows(OF_EVENT, event_id=event_id))
    }


def participations_of_events(
    tx: ReadTx, actor: Actor, events: list[EventId]
) -> dict[EventId, dict[UserId, Participation]]:
    """Return all participations of each of several events."""
    participations: dict[EventId, dict[UserId, Participation]] = {event_id: {} for event_id in events}
    for event_id, *row in tx.rows(OF_EVENTS, org=actor.organization_id, ids=events):
        participation = participation_from(tuple(row))
        participations[EventId(event_id)][participation.user_id] = participation
    return participations


def participations_of_people(tx: ReadTx, event_id: EventId, people: Iterable[UserId]) -> dict[UserId, Participation]:
    """Return the participations of some people in an event; the caller has checked the access to it."""
    rows = tx.rows(OF_PEOPLE, event_id=event_id, ids=list(people))
    return {participation.user_id: participation for participation in map(participation_from, rows)}


def commented_events(tx: ReadTx, actor: Actor, user_id: UserId) -> list[EventId]:
    """Return the ids of the events with a comment of a person, in order."""
    return [EventId(row[0]) for row in tx.rows(COMMENTED, org=actor.organization_id, id=user_id)]


def participants_among(tx: ReadTx, actor: Actor, event: Event, people: list[UserId]) -> list[Participant]:
    """Return the participants of an event who are among some people, in the order of their ids."""
    rows = tx.rows(PARTICIPATING_PEOPLE, org=actor.organization_id, event_id=event.id, ids=people)
    return [participant_from(row, event.id, event.host_id) for row in rows]


def participant_from(row: Row, event_id: EventId, host_id: int) -> Participant:
    """Return the participant of a row of WITH_PERSON."""
    *participation, name, email, user_version = row
    return Participant(event_id, participation_from(tuple(participation)), name, email, row[0] == host_id, user_version)


def store_participations(
    tx: WriteTx, actor: Actor, changes: Iterable[tuple[EventId, Participations, Participations]]
) -> None:
    """Store the difference between two states of some participations, for each of several events."""
    gone: list[dict[str, Any]] = []
    come: list[dict[str, Any]] = []
    changed: list[dict[str, Any]] = []
    for event_id, before, after in changes:
        gone += [at(event_id, user_id) for user_id in sorted(before.keys() - after.keys())]
        own = {"organization_id": actor.organization_id, "event_id": event_id}
        new = sorted(after.keys() - before.keys())
        come += [own | participation_values(after[user_id]) for user_id in new]
        kept = sorted(after.keys() & before.keys())
        changed += [at(event_id, who) | participation_values(after[who]) for who in kept if after[who] != before[who]]
    tx.run_many(DELETE, gone)
    tx.run_many(INSERT, come)
    tx.run_many(UPDATE, changed)


def at(event_id: EventId, user_id: UserId) -> dict[str, Any]:
    """Return the parameters of AT."""
    return {"at_event": event_id, "at_user": user_id}


def participation_values(participation: Participation) -> dict[str, Any]:
    """Return the columns of a participation's row, apart from event and organization."""
    enumerations = {"role": participation.role.value, "response": participation.response.value}
    return structs.asdict(participation) | enumerations
