"""Every combination of filters gives what a plain Python filter gives, on both engines."""

import itertools
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from kalends.errors import Invalid
from kalends.model import Instant, Response, Role, Status, UserId
from kalends.reads.events import EventFilter
from kalends.rules.zones import read_time
from tests.cast import assemble, codes, instant
from tests.reads.worlds import HALF_HOUR, MORNING, SEARCHED, World, random_world
from tests.seen import list_events

FILTERS = EventFilter.__struct_fields__
EVENTS = 60
EVERYBODY = EventFilter()


@pytest.fixture(scope="module")
def world(database, session_clock):
    """Yield a world of sixty events of five users, created before the first event begins."""
    session_clock.set_to(instant("2026-03-08T08:00+01:00"))
    yield random_world(assemble(database), 31, EVENTS)
    session_clock.frozen_at = None


def listed(world: World, wanted: EventFilter):
    page = world.cast.ask(list_events, wanted, EVENTS, expand=False)
    assert page.next_key is None
    return page.events


def some_values(world: World, choice: random.Random):
    """Return a value for each filter."""
    event = choice.choice(list(world.events.values()))[0]
    return {
        "user_id": choice.choice(world.people),
        "host_id": choice.choice(world.people),
        "participant_id": choice.choice(world.people),
        "pending_host_id": choice.choice(world.people),
        "since": Instant(MORNING + choice.randrange(-1, 60) * HALF_HOUR),
        "until": Instant(MORNING + choice.randrange(60, 146) * HALF_HOUR),
        "response": choice.choice(list(Response)),
        "role": choice.choice(list(Role)),
        "status": choice.choice(list(Status)),
        "text": choice.choice(SEARCHED),
        "after": (event.block.span.start, event.id),
    }


@pytest.mark.slow
def test_every_combination_of_filters(world):
    choice = random.Random(7)
    found = 0
    for count in range(len(FILTERS) + 1):
        for names in itertools.combinations(FILTERS, count):
            values = some_values(world, choice)
            wanted = EventFilter(**{name: values[name] for name in names})
            if {"response", "role"} & {*names} and not {"user_id", "participant_id"} & {*names}:
                with pytest.raises(Invalid) as error:
                    listed(world, wanted)
                assert set(codes(error)) == {"person_required"}
                continue
            events = listed(world, wanted)
            assert events == world.expected(wanted), names
            found += len(events)
    assert found > 1_000  # the combinations do find something


def test_both_filters_that_need_a_person_are_named(world):
    with pytest.raises(Invalid) as error:
        listed(world, EventFilter(response=Response.accepted, role=Role.required, host_id=world.people[0]))
    assert [fault.where for fault in error.value.faults] == [("response",), ("role",)]


@pytest.mark.slow
@settings(max_examples=150)
@given(data=st.data())
def test_random_filters_page_by_page(world, data):
    person = st.none() | st.sampled_from(world.people)
    edges = sorted(
        {edge for event, _ in world.events.values() for edge in (event.block.span.start, event.block.span.end)}
    )
    edge = st.none() | st.builds(lambda at, by: Instant(at + by), st.sampled_from(edges), st.integers(-1, 1))
    user_id, participant_id = data.draw(person), data.draw(person)
    named = user_id is not None or participant_id is not None
    wanted = EventFilter(
        user_id=user_id,
        participant_id=participant_id,
        host_id=data.draw(person),
        pending_host_id=data.draw(st.none() | person),
        since=data.draw(edge),
        until=data.draw(edge),
        response=data.draw(st.none() | st.sampled_from(Response)) if named else None,
        role=data.draw(st.none() | st.sampled_from(Role)) if named else None,
        status=data.draw(st.none() | st.sampled_from(Status)),
        text=data.draw(st.none() | st.sampled_from(SEARCHED)),
    )
    limit = data.draw(st.integers(1, 20))
    expand = data.draw(st.booleans())
    assert list(walk(world, wanted, limit, expand=expand)) == world.expected(wanted)


def walk(world: World, wanted: EventFilter, limit: int, *, expand: bool):
    """Yield all items of a list, read page by page."""
    while True:
        page = world.cast.ask(list_events, wanted, limit, expand=expand)
        assert len(page.events) == limit or page.next_key is None
        for event in page.events:
            if expand:
                participations = world.events[event.id][1]
                guests = page.participants[event.id]
                assert [guest.participation for guest in guests] == [
                    structs.replace(participations[key], version=0) for key in sorted(participations)
                ]
                assert [guest.participation.user_id for guest in page.participants[event.id] if guest.is_host] == [
                    user_id for user_id in (event.host_id,) if user_id in participations
                ]
            yield event
        if page.next_key is None:
            return
        wanted = structs.replace(wanted, after=page.next_key)


def test_overlap_is_half_open(cast):
    event = cast.event()
    start, end = event.block.span.start, event.block.span.end

    def found(**bounds) -> bool:
        return cast.ask(list_events, EventFilter(user_id=cast.host.id, **bounds), 5, expand=False).events == [event]

    assert not found(since=end)
    assert found(since=Instant(end - 1))
    assert not found(until=start)
    assert found(until=Instant(start + 1))
    assert found(since=start, until=Instant(start + 1))
    assert found(since=Instant(start + 5), until=Instant(start + 6))
    assert found(since=Instant(end - 1), until=end)
    assert not found(since=Instant(start - 9), until=start)


@pytest.mark.parametrize("zone", ["Antarctica/Casey", "Europe/Berlin"])
def test_the_longest_day_is_found_by_its_last_moment(cast, zone):
    day = {"Antarctica/Casey": "2010-03-05", "Europe/Berlin": "2026-10-25"}[zone]
    event = cast.event(start=read_time(f"{day}T00:00"), end=read_time(f"{day}T24:00"), time_zone=zone)
    assert event.block.span.end - event.block.span.start >= 25 * 2 * HALF_HOUR
    for wanted in (EventFilter(), EventFilter(user_id=cast.host.id), EventFilter(host_id=cast.host.id)):
        last_moment = structs.replace(wanted, since=Instant(event.block.span.end - 1))
        assert cast.ask(list_events, last_moment, 5, expand=False).events == [event]


def test_declined_events_are_listed_and_cancelled_ones_only_when_asked_for(world):
    person = world.people[0]
    everything = listed(world, EventFilter(user_id=person))
    declined = listed(world, EventFilter(user_id=person, response=Response.declined))
    assert declined
    assert {event.id for event in declined} < {event.id for event in everything}
    assert all(event.status is not Status.cancelled for event in everything)
    cancelled = listed(world, EventFilter(user_id=person, status=Status.cancelled))
    assert cancelled
    assert all(event.status is Status.cancelled for event in cancelled)


def test_other_organizations_are_never_seen(world, database):
    other = assemble(database)
    own = other.event(other.guest)
    for wanted in (
        EVERYBODY,
        EventFilter(text="plan"),
        EventFilter(since=Instant(MORNING)),
        *(
            EventFilter(**{name: person})
            for name in ("user_id", "host_id", "participant_id")
            for person in world.people
        ),
        EventFilter(user_id=UserId(2**62)),
    ):
        page = other.ask(list_events, wanted, 50, expand=True)
        assert {event.id for event in page.events} <= {own.id}
        assert page.participants.keys() <= {own.id}
        both = EventFilter(user_id=other.host.id, participant_id=world.people[0])
        assert other.ask(list_events, both, 50, expand=False).events == []
