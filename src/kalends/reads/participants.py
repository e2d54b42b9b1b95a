"""Reading the participants of an event, or of all events of a page at once."""

import sqlalchemy as sa
from msgspec import Struct
from sqlalchemy import bindparam as given

from kalends.errors import NotFound
from kalends.model import Actor, Event, EventId, Participant, UserId
from kalends.store.database import ReadTx
from kalends.store.events import find_event
from kalends.store.participants import WITH_PERSON, participant_from, participants_among
from kalends.store.query import Among, Query
from kalends.store.tables import participant, user

SEATED = sa.join(participant, user, participant.c.user_id == user.c.id)
OF_EVENTS = Query(
    sa.select(participant.c.event_id, *WITH_PERSON)
    .select_from(SEATED)
    .where(participant.c.organization_id == given("org"), Among(participant.c.event_id, "ids"))
    .order_by(participant.c.event_id, participant.c.user_id)
)
PAGE = Query(
    sa.select(*WITH_PERSON)
    .select_from(SEATED)
    .where(
        participant.c.organization_id == given("org"),
        participant.c.event_id == given("event_id"),
        participant.c.user_id > given("after"),
    )
    .order_by(participant.c.user_id)
    .limit(given("count", type_=sa.Integer))
)


class ParticipantPage(Struct, frozen=True):
    """Some participants of an event in the order of their ids; `next_key` is None on the last page."""

    participants: list[Participant]
    next_key: int | None


def participants_of_events(tx: ReadTx, actor: Actor, events: list[Event]) -> dict[EventId, list[Participant]]:
    """Give the participants of several events in one statement, each list in the order of the people's ids."""
    found: dict[EventId, list[Participant]] = {event.id: [] for event in events}
    if not found:
        return found
    hosts = {event.id: event.host_id for event in events}
    for event_id, *row in tx.rows(OF_EVENTS, org=actor.organization_id, ids=list(found)):
        found[event_id].append(participant_from(tuple(row), event_id, hosts[event_id]))
    return found


def list_participants(
    tx: ReadTx, actor: Actor, event_id: EventId, limit: int, after: int | None = None
) -> ParticipantPage:
    """Give a page of an event's participants. Raises NotFound."""
    event = event_to_read(tx, actor, event_id)
    rows = tx.rows(PAGE, org=actor.organization_id, event_id=event_id, after=after or 0, count=limit + 1)
    page = [participant_from(row, event_id, event.host_id) for row in rows[:limit]]
    return ParticipantPage(page, page[-1].seat.user_id if len(rows) > limit else None)


def read_participant(tx: ReadTx, actor: Actor, event_id: EventId, user_id: UserId) -> Participant:
    """Give one participant of an event. Raises NotFound."""
    found = participants_among(tx, actor, event_to_read(tx, actor, event_id), [user_id])
    if not found:
        raise NotFound("participant", user_id)
    return found[0]


def event_to_read(tx: ReadTx, actor: Actor, event_id: EventId) -> Event:
    """Give an event and hold still what follows. Raises NotFound."""
    tx.snapshot()
    event = find_event(tx, actor, event_id)
    if event is None:
        raise NotFound("event", event_id)
    return event
