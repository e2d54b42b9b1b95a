"""Random worlds with private events and shares: everybody is shown what the pure rules say."""

import random
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from msgspec import structs

from kalends.errors import Forbidden, NotFound
from kalends.model import Event, EventId, Instant, Participation, Response, Role, Span, UserId
from kalends.reads.events import EventFilter
from kalends.reads.explanation import explain_booking
from kalends.reads.participants import list_participants, read_participant
from kalends.reads.users import list_available_users
from kalends.rules.access import AccessLevel
from kalends.rules.busy import strength_of
from kalends.rules.intervals import MINUTE
from kalends.store.commitments import blocking_commitments
from kalends.store.database import Database
from tests.cast import assemble, instant
from tests.conftest import Clock
from tests.reads.onlookers import Onlooker, participations_shown, world_with_secrets
from tests.reads.worlds import HALF_HOUR, SEARCHED
from tests.rules.spans import holds
from tests.seen import list_events, read_event

pytestmark = pytest.mark.slow

EVENTS = 30
LISTS = 20
TIMES = 8
CELL = 15 * MINUTE
BY_PERSON = ("user_id", "host_id", "participant_id", "pending_host_id")
MORE = ("response", "role", "text", "status")
NEVER = settings(max_examples=2, phases=[Phase.explicit, Phase.generate])  # no seed is simpler than another


@pytest.fixture
def yesterday(clock: Clock) -> None:
    """Set the clock to the day before the events."""
    clock.set_to(instant("2026-03-08T08:00+01:00"))


@NEVER
@given(seed=st.integers(0, 2**32 - 1))
def test_everybody_is_shown_what_the_rules_say(database: Database, yesterday: None, seed: int) -> None:
    choice = random.Random(seed)
    world, onlookers = world_with_secrets(assemble(database), choice, EVENTS)
    listed = 0
    for onlooker in onlookers:
        for event_id in world.events:
            check_event(onlooker, event_id)
        for person in world.people:
            check_time(onlooker, person, choice)
        for wanted in (*filters_of_each_person(onlooker, choice), *random_filters(onlooker, choice)):
            listed += check_list(onlooker, wanted, choice.randrange(3, 9))
    assert listed > LISTS, "the filters do find something"


def check_event(onlooker: Onlooker, event_id: EventId) -> None:
    """Compare what is shown of one event and its participants with the rules."""
    cast, shown = onlooker.cast, onlooker.shown(event_id)
    _, participations = onlooker.world.events[event_id]
    if shown.access_level is AccessLevel.busy:
        for read in (read_event, list_participants, list_available_users, read_participant):
            assert refusal(cast.ask, read, event_id, **arguments_of(read, onlooker)) is NotFound
        return
    found = cast.ask(read_event, event_id, expand=True)
    assert (found.event, found.access_level) == (shown.event, shown.access_level)
    assert (found.participants and [one.participation for one in found.participants]) == participations_shown(
        participations, shown.people
    )
    if shown.people is None:
        assert refusal(cast.ask, list_participants, event_id, 50) is Forbidden
    else:
        assert [one.participation.user_id for one in pages(cast, event_id, 2)] == shown.people
    hidden = shown.people is not None and len(shown.people) < len(participations)
    event = onlooker.world.events[event_id][0]
    pool_is_shown = shown.people is not None and not (
        event.hide_participants and shown.access_level < AccessLevel.write
    )
    assert (refusal(cast.ask, list_available_users, event_id, 50) is None) is pool_is_shown
    assert not (hidden and pool_is_shown)
    for person in onlooker.world.people:
        expected = Forbidden if shown.people is None else None if person in shown.people else NotFound
        assert refusal(cast.ask, read_participant, event_id, person) is expected


def arguments_of(read: Callable[..., Any], onlooker: Onlooker) -> dict[str, Any]:
    """Return the other arguments of a read of an event."""
    if read is read_event:
        return {"expand": True}
    return {"user_id": onlooker.world.people[0]} if read is read_participant else {"limit": 50}


def pages(cast: Any, event_id: EventId, limit: int) -> Iterator[Any]:
    """Yield the participants of an event, read page by page."""
    after = None
    while True:
        page = cast.ask(list_participants, event_id, limit, after)
        yield from page.items
        after = page.next_key
        if after is None:
            return


def check_time(onlooker: Onlooker, person: UserId, choice: random.Random) -> None:
    """Compare what is shown of a user's time with the rules, at the time of some events."""
    for event, _ in choice.sample(list(onlooker.world.events.values()), TIMES):
        span = event.block.span
        levels = onlooker.access_levels(person, span)
        found = onlooker.cast.ask(explain_booking, person, span)
        seen = {
            event_id: access_level for event_id, access_level in levels.items() if access_level is not AccessLevel.busy
        }
        assert {reason.event_id: reason.access_level for reason in found.events} == seen
        later = Span(span.end, Instant(span.end + 3 * (span.end - span.start)))
        blocking = onlooker.cast.ask(blocking_commitments, [person], [span])[span]
        both = onlooker.cast.ask(blocking_commitments, [person], [later, span])
        assert both == onlooker.cast.ask(blocking_commitments, [person], [later]) | {span: blocking}
        assert {conflict.event_id for conflict in blocking} - {None} == {
            reason.event_id for reason in found.events if reason.blocking
        }
        hidden = [onlooker.world.events[event_id] for event_id in levels if event_id not in seen]
        unseen = [event.block.span for event, participations in hidden if blocks(event, participations, person)]
        shown = [reason.span for reason in found.events if reason.blocking]
        cells = {at for at in range(span.start, span.end, CELL) if holds(unseen, at) and not holds(shown, at)}
        assert {at for at in range(span.start, span.end, CELL) if holds(found.unseen, at)} == cells
        assert found.bookable is not bool(cells or shown)


def blocks(event: Event, participations: Mapping[UserId, Participation], person: UserId) -> bool:
    """Return whether an event keeps a person from others."""
    own = participations.get(person)
    return strength_of(event.status, event.show_as, own and own.role, own and own.response)[1]


def check_list(onlooker: Onlooker, wanted: EventFilter, limit: int) -> int:
    """Compare a list, page by page, with the rules; return its length."""
    expected = onlooker.listed(wanted)
    found: list[tuple[Any, ...]] = []
    key = wanted.after
    while True:
        page = onlooker.cast.ask(list_events, structs.replace(wanted, after=key), limit, expand=True)
        for event, access_level in zip(page.events, page.access_levels, strict=True):
            guests = page.participants.get(event.id) if page.participants is not None else None
            found.append((event, access_level, None if guests is None else [one.participation for one in guests]))
        key = page.next_key
        assert len(page.events) == limit or key is None, "a page that is not the last is full"
        if key is None:
            break
    assert found == [
        (
            seen.event,
            min(seen.access_level, AccessLevel.read),
            participations_shown(onlooker.world.events[seen.event.id][1], seen.people),
        )
        for seen in expected
    ], (onlooker.actor, wanted)
    return len(expected)


def filters_of_each_person(onlooker: Onlooker, choice: random.Random) -> Iterator[EventFilter]:
    """Yield filters for each user: alone, and with one more condition; for a host with every one."""
    for person in onlooker.world.people:
        for name in BY_PERSON:
            values: dict[str, Any] = {name: person}
            yield EventFilter(**values)
            few = {"user_id": MORE, "host_id": ("text",), "pending_host_id": ("text",)}
            for more in few.get(name, (choice.choice(MORE),)):
                yield EventFilter(**values | {more: value_of(more, onlooker, choice)})


def random_filters(onlooker: Onlooker, choice: random.Random) -> Iterator[EventFilter]:
    """Yield random filters with a few conditions, and a user where they need one."""
    for _ in range(LISTS):
        names = {*choice.sample(BY_PERSON, choice.randrange(5))}
        names |= {*choice.sample((*MORE, "since", "until", "after"), choice.randrange(3))}
        named = onlooker.actor.user_id is None or names & {"host_id", "pending_host_id"}
        if named and names.isdisjoint({"user_id", "participant_id"}):
            names -= {"response", "role"}
        yield EventFilter(**{name: value_of(name, onlooker, choice) for name in sorted(names)})


def value_of(name: str, onlooker: Onlooker, choice: random.Random) -> Any:
    """Return a value for a filter."""
    event, participations = choice.choice(list(onlooker.world.events.values()))
    participation = choice.choice([*participations.values()] or [None])
    span = event.block.span
    return {
        "user_id": event.host_id if choice.random() < 0.5 else choice.choice(onlooker.world.people),
        "host_id": event.host_id,
        "participant_id": participation.user_id if participation else event.host_id,
        "pending_host_id": event.pending_host_id or choice.choice(onlooker.world.people),
        "since": Instant(span.start + choice.randrange(-1, 2) * HALF_HOUR),
        "until": Instant(span.end + choice.randrange(5, 8) * HALF_HOUR),
        "response": participation.response if participation else Response.accepted,
        "role": participation.role if participation else Role.required,
        "status": event.status,
        "text": choice.choice(("", "e", *SEARCHED)),
        "after": (span.start, event.id),
    }[name]


def refusal(ask: Callable[..., Any], *arguments: Any, **options: Any) -> type[Exception] | None:
    """Return the class of the error that a read raises, None if it succeeds."""
    try:
        ask(*arguments, **options)
    except (NotFound, Forbidden) as error:
        return type(error)
    return None
