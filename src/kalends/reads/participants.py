"""Reading the participants of an event."""

import sqlalchemy as sa
from sqlalchemy import bindparam

from kalends.errors import NotFound
from kalends.limits import MAX_PARTICIPANTS
from kalends.model import Actor, Event, EventId, Participant, UserId
from kalends.reads.paging import Page, first_column, key_values, paged, read_page
from kalends.rules.access import (
    AccessLevel,
    access_level_of,
    delegators_of,
    hides_participants,
    is_operator,
    refuse_unless,
)
from kalends.store.database import ReadTx, Row
from kalends.store.events import COLUMNS, event_from, find_event
from kalends.store.participants import WITH_PERSON, participant_from, participants_among
from kalends.store.query import Query
from kalends.store.tables import event, participant, user
from kalends.store.visibility import CONCERNED, DELEGATE, tie_values

WITH_USER = sa.join(participant, user, participant.c.user_id == user.c.id)
PAGE = Query(
    paged(
        sa.select(*WITH_PERSON)
        .select_from(WITH_USER)
        .where(participant.c.organization_id == bindparam("org"), participant.c.event_id == bindparam("event_id")),
        participant.c.user_id,
        continued=True,
    )
)
WITH_TIES = Query(
    sa.select(*COLUMNS, CONCERNED, DELEGATE).where(
        event.c.organization_id == bindparam("org"), event.c.id == bindparam("id")
    )
)


def list_participants(
    tx: ReadTx, actor: Actor, event_id: EventId, limit: int, after: int | None = None
) -> Page[Participant, int]:
    """Return a page of an event's participants, in the order of their ids. Raise NotFound or Forbidden.

    Hidden participants are left out.
    """
    event, access_level = event_to_read(tx, actor, event_id)
    if hides_participants(access_level, hides=event.hide_participants):
        return Page(participants_among(tx, actor, event, participants_not_hidden(actor, event.host_id)), None)

    def shown(row: Row) -> Participant:
        return participant_from(row, event_id, event.host_id)

    values = {"org": actor.organization_id, "event_id": event_id, **key_values(after or 0)}
    return read_page(tx, PAGE, limit, shown, first_column, **values)


def list_all_participants(tx: ReadTx, actor: Actor, event: Event) -> list[Participant]:
    """Return all participants of an event that the actor may change, in the order of their ids."""
    values = key_values(0)
    rows = tx.rows(PAGE, org=actor.organization_id, event_id=event.id, count=MAX_PARTICIPANTS, **values)
    return [participant_from(row, event.id, event.host_id) for row in rows]


def read_participant(tx: ReadTx, actor: Actor, event_id: EventId, user_id: UserId) -> Participant:
    """Return one participant of an event. Raise NotFound, also if they are hidden, or Forbidden."""
    event, access_level = event_to_read(tx, actor, event_id)
    found = participants_among(tx, actor, event, [user_id])
    hides = hides_participants(access_level, hides=event.hide_participants)
    if not found or (hides and user_id not in participants_not_hidden(actor, event.host_id)):
        raise NotFound("participant", user_id)
    return found[0]


def event_to_read(tx: ReadTx, actor: Actor, event_id: EventId) -> tuple[Event, AccessLevel]:
    """Return an event of which the actor may see all, and begin a snapshot. Raise NotFound or Forbidden."""
    tx.snapshot()
    event, access_level = visible_event(tx, actor, event_id)
    refuse_unless(access_level >= AccessLevel.read, "You can only see the title and the time of this event")
    return event, access_level


def visible_event(tx: ReadTx, actor: Actor, event_id: EventId) -> tuple[Event, AccessLevel]:
    """Return an event that the actor may see, and how much of it, in one statement. Raise NotFound."""
    found, access_level = None, AccessLevel.busy
    if is_operator(actor):
        found, access_level = find_event(tx, actor, event_id), AccessLevel.write
    else:
        row = tx.row(WITH_TIES, org=actor.organization_id, id=event_id, **tie_values(actor))
        if row is not None:
            found, access_level = seen_from(actor, row)
    if found is None or access_level is AccessLevel.busy:
        raise NotFound("event", event_id)
    return found, access_level


def seen_from(actor: Actor, row: Row) -> tuple[Event, AccessLevel]:
    """Return the event of a row, whose last columns are both ties, and how much of it the actor may see."""
    found = event_from(row[: len(COLUMNS)])
    concerned, delegate = row[-2:]
    return found, access_level_of(
        actor, found.host_id, found.visibility, concerned=bool(concerned), delegate=bool(delegate)
    )


def participants_not_hidden(actor: Actor, host_id: UserId) -> list[UserId]:
    """Return the people whom an actor sees in an event that hides its participants: host, actor and delegators."""
    return sorted({host_id, actor.user_id or host_id, *delegators_of(actor)})
