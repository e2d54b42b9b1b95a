"""Reading events: one by its id, or page by page along somebody's agenda."""

from functools import lru_cache
from typing import Any, NamedTuple

import sqlalchemy as sa
from msgspec import Struct, structs
from sqlalchemy import bindparam as given

from kalends.errors import Fault, Invalid
from kalends.model import Actor, Event, EventId, Instant, Participant, Response, Role, Status, UserId
from kalends.reads.participants import event_in_sight, participants_of_events, seen_from
from kalends.rules.access import Sight, is_operator, sight_of
from kalends.rules.intervals import earliest_start
from kalends.rules.text import like_pattern
from kalends.store.database import ReadTx
from kalends.store.events import COLUMNS, event_from
from kalends.store.query import Query
from kalends.store.sight import is_deputy, is_part_visible, is_seated, is_visible, sight_values
from kalends.store.tables import agenda, event

Key = tuple[int, int]
"""Where a page ended: start (microseconds) and id of its last event."""


class EventFilter(Struct, frozen=True, kw_only=True):
    """Which events to list; all that is given has to hold. `response` and `role` speak of the person named."""

    user_id: UserId | None = None
    """Host or participant."""
    host_id: UserId | None = None
    participant_id: UserId | None = None
    since: Instant | None = None
    until: Instant | None = None
    """Events that overlap `[since, until)`."""
    response: Response | None = None
    role: Role | None = None
    status: Status | None = None
    """Without it, everything but cancelled events."""
    text: str | None = None
    after: Key | None = None
    """The key of the last event of the page before."""


NEEDS_ALL = ("participant_id", "response", "role", "text")
"""Filters by what is not seen of an event of which somebody sees the title alone."""


class EventPage(Struct, frozen=True):
    """Some events in the order of start and id; `next_key` is None on the last page."""

    events: list[Event]
    sights: list[Sight]
    """How much is seen of each, at least."""
    participants: dict[EventId, list[Participant]] | None
    next_key: Key | None


class SeenEvent(NamedTuple):
    """An event as far as somebody sees it; participants if they were asked for and are seen."""

    event: Event
    sight: Sight
    participants: list[Participant] | None


def read_event(tx: ReadTx, actor: Actor, event_id: EventId, *, expand: bool) -> SeenEvent:
    """Give an event and, expanded, its participants. Raises NotFound."""
    if expand:
        tx.snapshot()
    found, sight = event_in_sight(tx, actor, event_id)
    people = participants_of_events(tx, actor, [(found, sight)]) if expand else {}
    return SeenEvent(found, sight, people.get(event_id))


def list_events(tx: ReadTx, actor: Actor, wanted: EventFilter, limit: int, *, expand: bool) -> EventPage:
    """Give a page of events that somebody sees: one statement, and one more for the participants of all of them.

    By a person they see only what they are shown this person takes part in; by text, role and response only events of
    which they see all.

    Raises Invalid if `response` or `role` is given and nobody is named whose it could be.
    """
    wanted = own_unless_named(actor, wanted)
    refuse_nobodys(wanted)
    if expand:
        tx.snapshot()
    filters = frozenset(name for name in EventFilter.__struct_fields__ if getattr(wanted, name) is not None)
    values = {"org": actor.organization_id, "count": limit + 1, **values_of(wanted)}
    if is_operator(actor) or {wanted.participant_id, wanted.user_id} - {None} == {actor.user_id}:
        rows = tx.rows(listing(filters), **values)
        seen = [(event, sight_of_own(actor, event)) for event in map(event_from, rows[:limit])]
    else:
        least = Sight.title if filters.isdisjoint(NEEDS_ALL) else Sight.whole
        rows = tx.rows(listing(filters, seen=True), **values, **sight_values(actor, least))
        seen = [seen_from(actor, row) for row in rows[:limit]]
    events, sights = [event for event, _ in seen], [sight for _, sight in seen]
    last = events[-1] if len(rows) > limit else None
    participants = participants_of_events(tx, actor, seen) if expand else None
    return EventPage(events, sights, participants, (last.block.span.start, last.id) if last else None)


def sight_of_own(actor: Actor, event: Event) -> Sight:
    """Tell how much is seen of an event that concerns who asks: all of it, and more matters only where guests hide."""
    if not event.hide_participants:
        return Sight.whole
    return sight_of(actor, event.host_id, event.visibility, seated=True, deputy=False)


def own_unless_named(actor: Actor, wanted: EventFilter) -> EventFilter:
    """Let a person who names nobody ask for what concerns themselves."""
    if actor.user_id is None or wanted.user_id or wanted.host_id or wanted.participant_id:
        return wanted
    return structs.replace(wanted, user_id=actor.user_id)


def refuse_nobodys(wanted: EventFilter) -> None:
    """Raise Invalid if a filter speaks of a person and none is named."""
    if wanted.participant_id is None and wanted.user_id is None:
        faults = [
            Fault((name,), "person_required", f"{name} speaks of a person: name one with participant_id or user_id")
            for name in ("response", "role")
            if getattr(wanted, name) is not None
        ]
        if faults:
            raise Invalid(*faults)


@lru_cache(maxsize=1024)
def listing(given_filters: frozenset[str], *, seen: bool = False) -> Query:
    """Compose the statement for a set of filters: one range scan along the index that the filters name, never a sort.

    A person's events are read along their agenda, a host's and everybody's along the event table's own indexes. Only
    those that `me` sees, with what ties them to `me` behind the columns, if `seen` is asked for.
    """
    person = next((name for name in ("participant_id", "user_id") if name in given_filters), None)
    if person:
        source, scanned, key = sa.join(agenda, event, agenda.c.event_id == event.c.id), agenda, agenda.c.event_id
    else:
        source, scanned, key = event, event, event.c.id
    where = [scanned.c.organization_id == given("org")]
    if person:
        where.append(agenda.c.user_id == given(person))
    filters = conditions(scanned, key, person, seen=seen)
    where += [condition for name, condition in filters.items() if name in given_filters]
    if "status" not in given_filters:
        where.append(scanned.c.status != Status.cancelled.value)
    if "since" in given_filters and "after" not in given_filters:
        where.append(scanned.c.starts_at > given("earliest"))
    columns: list[Any] = [*COLUMNS]
    if seen:
        where.append(is_part_visible(agenda) if person else is_visible(scanned.c.starts_at, key))
        columns += [is_seated(scanned.c.starts_at, key), is_deputy(scanned.c.starts_at, key)]
    statement = sa.select(*columns).select_from(source).where(*where)
    return Query(statement.order_by(scanned.c.starts_at, key).limit(given("count", type_=sa.Integer)))


def conditions(
    scanned: sa.Table, key: sa.ColumnElement[int], person: str | None, *, seen: bool
) -> dict[str, sa.ColumnElement[bool]]:
    """Give the condition of each filter on the rows that are scanned."""
    return {
        "participant_id": agenda.c.role.is_not(None),
        "user_id": also_concerns(seen=seen) if person == "participant_id" else sa.true(),
        "host_id": event.c.host_id == given("host_id"),
        "since": scanned.c.ends_at > given("since"),
        "until": scanned.c.starts_at < given("until"),
        "response": agenda.c.response == given("response"),
        "role": agenda.c.role == given("role"),
        "status": scanned.c.status == given("status"),
        "text": event.c.search_text.like(given("pattern"), escape="\\"),
        "after": sa.tuple_(scanned.c.starts_at, key) > sa.tuple_(given("after_start"), given("after_id")),
    }


def also_concerns(*, seen: bool) -> sa.ColumnElement[bool]:
    """Tell whether the event is on the agenda of `user_id`, too, and `me` is shown that, if it is to be `seen`."""
    other = agenda.alias("other")
    return sa.exists().where(
        other.c.user_id == given("user_id"),
        other.c.starts_at == agenda.c.starts_at,
        other.c.event_id == agenda.c.event_id,
        is_part_visible(other) if seen else sa.true(),
    )


def values_of(wanted: EventFilter) -> dict[str, object]:
    """Give the parameters of the filters that are given."""
    values: dict[str, object] = {}
    for name in ("user_id", "host_id", "participant_id", "since", "until"):
        if (value := getattr(wanted, name)) is not None:
            values[name] = int(value)
    for name in ("response", "role", "status"):
        if (value := getattr(wanted, name)) is not None:
            values[name] = value.value
    if wanted.since is not None and wanted.after is None:
        values["earliest"] = earliest_start(wanted.since)
    if wanted.text is not None:
        values["pattern"] = like_pattern(wanted.text)
    if wanted.after is not None:
        values["after_start"], values["after_id"] = wanted.after
    return values
