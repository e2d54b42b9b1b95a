"""Keyset pages stay right while rows come, move and go between them."""

import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from kalends.actions.events import change_event, delete_event
from kalends.actions.participants import add_participants, answer_invitation, remove_participant
from kalends.actions.user_deletion import delete_user
from kalends.actions.users import change_user
from kalends.drafts import EventUpdate, ParticipantCreate, ResponseUpdate, UserUpdate
from kalends.errors import TooExpensive
from kalends.model import SharingLevel
from kalends.reads import events
from kalends.reads.events import EventFilter
from kalends.reads.participants import list_participants
from kalends.reads.users import list_users
from kalends.rules.text import sort_key
from tests.cast import assemble, instant
from tests.reads.worlds import random_event, random_times, random_world
from tests.seen import list_events

NAMES = ("Ada", "ada", "Ärmel", "Zoë", "Émile", "李", "a", "A", "Åse", "\U0001d49c")


@pytest.fixture(autouse=True)
def before_the_events(clock):
    clock.set_to(instant("2026-03-08T08:00+01:00"))


def test_events_that_start_together_come_in_the_order_of_their_ids(cast):
    made = [cast.event(cast.guest) for _ in range(7)]
    guest, host = cast.guest.id, cast.host.id
    for wanted in (
        EventFilter(),
        EventFilter(user_id=guest),
        EventFilter(host_id=host),
        EventFilter(participant_id=guest),
    ):
        seen = []
        while True:
            page = cast.ask(list_events, wanted, 2, expand=False)
            seen += page.events
            if page.next_key is None:
                break
            wanted = structs.replace(wanted, after=page.next_key)  # noqa: PLW2901 (the next page of the same list)
            assert page.next_key == (page.events[-1].block.span.start, page.events[-1].id)
        assert seen == made
        assert [event.id for event in seen] == sorted(event.id for event in made)


@pytest.mark.parametrize("expand", [False, True])
def test_hidden_participants_and_events_do_not_end_a_page(cast, monkeypatch, expand):
    """Neither events of which only the title is seen, nor responses of hidden participants."""
    monkeypatch.setattr(events, "MAX_PAGE_BYTES", 6_000)
    cast.share(cast.host, cast.stranger, SharingLevel.titles)
    talker, answer = cast.person(), ResponseUpdate(response="declined", comment="x" * 1_000)
    for _ in range(4):
        event = cast.event(cast.guest, talker, hide_participants=True, description="" if expand else "x" * 3_000)
        cast.force(answer_invitation, event.id, talker.id, answer)
    asked = [(cast.as_person(cast.stranger), EventFilter(host_id=cast.host.id))]
    asked += [(cast.as_person(cast.guest), EventFilter())] if expand else []
    for asking, wanted in asked:
        page = asking.ask(list_events, wanted, 50, expand=expand)
        assert len(page.events) == 4
        assert page.next_key is None
    assert len(cast.ask(list_events, EventFilter(), 50, expand=expand).events) < 4, "to an operator"


def test_the_last_page_says_so(cast):
    assert cast.ask(list_events, EventFilter(), 5, expand=True).next_key is None
    for _ in range(3):
        cast.event()
    assert cast.ask(list_events, EventFilter(), 3, expand=False).next_key is None
    assert cast.ask(list_events, EventFilter(), 2, expand=False).next_key is not None


@pytest.mark.slow
@settings(max_examples=12)
@given(seed=st.integers(0, 2**32), kind=st.sampled_from(["", "user_id", "host_id", "participant_id"]))
def test_no_event_that_stays_put_is_missed_or_doubled(database, seed, kind):
    world, choice = random_world(assemble(database), seed, 16), random.Random(seed)
    named: dict[str, Any] = {kind: world.people[0]} if kind else {}
    wanted = EventFilter(**named)
    still = {event.id for event in world.expected(wanted)}
    seen = []
    while True:
        page = world.cast.ask(list_events, wanted, 3, expand=choice.random() < 0.5)
        seen += [(event.block.span.start, event.id) for event in page.events]
        if page.next_key is None:
            break
        wanted = structs.replace(wanted, after=page.next_key)
        for _ in range(2):
            still.discard(disturb(world, choice))
    assert seen == sorted(set(seen))
    counts = [event_id for _, event_id in seen]
    assert {event_id: counts.count(event_id) for event_id in still} == dict.fromkeys(still, 1)


def disturb(world, choice):
    """Create, move or delete an event, and return its id."""
    event_id = choice.choice(list(world.events))
    event, participations = world.events[event_id]
    match choice.randrange(4):
        case 0:
            return random_event(world, choice).id
        case 1 if event.status != "cancelled":
            world.cast.force(change_event, event_id, EventUpdate(**random_times(choice)))
        case 2 if participations and event.status != "cancelled":
            world.cast.do(remove_participant, event_id, next(iter(participations)))
        case _:
            world.cast.do(delete_event, event_id)
            del world.events[event_id]
            return event_id
    world.note(event_id)
    return event_id


@settings(max_examples=12)
@given(seed=st.integers(0, 2**32))
def test_no_user_who_stays_put_is_missed_or_doubled(database, seed):
    cast, choice = assemble(database), random.Random(seed)
    people = [cast.host, cast.guest, cast.stranger, *(cast.person(choice.choice(NAMES)) for _ in range(14))]
    still = {person.id for person in people}
    seen, after = [], None
    while True:
        page = cast.ask(list_users, 3, after=after)
        seen += [(user.name, user.id) for user in page.items]
        if page.next_key is None:
            break
        after = page.next_key
        moved = choice.choice([person for person in people if person.id in still])
        still.discard(moved.id)
        if choice.random() < 0.5:
            cast.do(change_user, moved.id, UserUpdate(name=choice.choice(NAMES)))
        else:
            cast.do(delete_user, moved.id)
            cast.person(choice.choice(NAMES))
    assert seen == sorted(set(seen), key=lambda key: (sort_key(key[0]).encode(), key[1]))
    assert still <= {user_id for _, user_id in seen}
    assert all([user_id for _, user_id in seen].count(user_id) == 1 for user_id in still)


def test_no_participant_who_stays_is_missed_or_doubled(cast):
    crowd = sorted(cast.person().id for _ in range(11))
    event = cast.event(*crowd[:9])
    first = cast.ask(list_participants, event.id, 4)
    assert [guest.participation.user_id for guest in first.items] == [cast.host.id, *crowd[:3]]
    cast.do(remove_participant, event.id, crowd[1])
    cast.do(remove_participant, event.id, crowd[3])
    cast.force(add_participants, event.id, [ParticipantCreate(user_id=crowd[10])])
    second = cast.ask(list_participants, event.id, 4, first.next_key)
    assert [guest.participation.user_id for guest in second.items] == crowd[4:8]
    last = cast.ask(list_participants, event.id, 4, second.next_key)
    assert [guest.participation.user_id for guest in last.items] == [crowd[8], crowd[10]]
    assert last.next_key is None


def test_a_page_that_took_too_long_is_not_read_a_second_time(cast, monkeypatch):
    """A page that is too large is read again, with fewer events."""
    asked = []

    def read_page(tx, actor, wanted, limit, *, expand):
        asked.append(limit)
        raise TooExpensive

    monkeypatch.setattr(events, "read_page", read_page)
    with pytest.raises(TooExpensive):
        cast.ask(list_events, EventFilter(), 50, expand=False)
    assert asked == [50]
