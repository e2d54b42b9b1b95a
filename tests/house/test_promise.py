"""The promise, in one process: of many concurrent requests for the same user's time, exactly one succeeds."""

import itertools
import random
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from kalends.actions.events import change_event, create_event, transfer_event
from kalends.actions.holds import extend_hold, place_hold, release_hold
from kalends.actions.participants import add_participants, answer_invitation, change_role, set_participant
from kalends.actions.user_deletion import HostedEvents, delete_user
from kalends.drafts import EventCreate, EventUpdate, ParticipantCreate, ResponseUpdate
from kalends.errors import BookingConflict, Invalid, KalendsError
from kalends.model import Event, Role, ShowAs, Span
from kalends.rules.zones import read_time
from tests.cast import BERLIN, Cast, check_consistency, instant
from tests.house.overlaps import overlaps
from tests.threads import race

pytestmark = pytest.mark.unmeasured

MANY = 50
ROUNDS = 3
SLOT = Span(instant("2026-03-09T14:00+01:00"), instant("2026-03-09T15:00+01:00"))


@pytest.fixture(autouse=True)
def before_the_event(clock):
    clock.set_to(instant("2026-03-09T08:00+01:00"))


def overlapping(number: int) -> dict[str, Any]:
    """Return different times that all overlap each other."""
    return {
        "start": read_time(f"2026-03-09T{14 + number // 60:02}:{number % 60:02}"),
        "end": read_time("2026-03-09T16:00"),
    }


def elsewhen(number: int) -> dict[str, Any]:
    """Return times that do not overlap each other."""
    day, hour = divmod(number, 20)
    return {
        "start": read_time(f"2026-03-{day + 12}T{hour:02}:00"),
        "end": read_time(f"2026-03-{day + 12}T{hour + 1:02}:00"),
    }


def of_nobody(cast: Cast, number: int, **details: Any) -> Event:
    """Create an event that takes nobody's time, at one of the overlapping times."""
    return cast.event(**overlapping(number) | {"host_attends": False} | details)


def draft(cast: Cast, number: int, **details: Any) -> EventCreate:
    """Return the data of an event that needs the guest."""
    guests = [ParticipantCreate(user_id=cast.guest.id)]
    wanted: dict[str, Any] = {"host_id": cast.host.id, "host_attends": False, "title": "Mine", "participants": guests}
    wanted |= {"time_zone": BERLIN} | overlapping(number) | details
    return EventCreate(**wanted)


def creating(cast: Cast, number: int) -> Callable[[], Any]:
    return partial(cast.do, create_event, draft(cast, number))


def hosting(cast: Cast, number: int) -> Callable[[], Any]:
    return partial(
        cast.do, create_event, draft(cast, number, host_id=cast.guest.id, host_attends=True, participants=[])
    )


def adding(cast: Cast, number: int) -> Callable[[], Any]:
    event = of_nobody(cast, number)
    return partial(cast.do, add_participants, event.id, [ParticipantCreate(user_id=cast.guest.id)])


def putting(cast: Cast, number: int) -> Callable[[], Any]:
    event = of_nobody(cast, number)
    return partial(cast.do, set_participant, event.id, cast.guest.id, Role.required)


def moving(cast: Cast, number: int) -> Callable[[], Any]:
    event = of_nobody(cast, number, **elsewhen(number), participants=[ParticipantCreate(user_id=cast.guest.id)])
    return partial(cast.do, change_event, event.id, EventUpdate(**overlapping(number)))


def showing(cast: Cast, number: int) -> Callable[[], Any]:
    event = of_nobody(cast, number, show_as=ShowAs.free, participants=[ParticipantCreate(user_id=cast.guest.id)])
    return partial(cast.do, change_event, event.id, EventUpdate(show_as=ShowAs.busy))


def optional(cast: Cast, number: int) -> Event:
    return of_nobody(cast, number, participants=[ParticipantCreate(user_id=cast.guest.id, role=Role.optional)])


def accepting(cast: Cast, number: int) -> Callable[[], Any]:
    event = optional(cast, number)
    return partial(cast.do, answer_invitation, event.id, cast.guest.id, ResponseUpdate(response="accepted"))


def needing(cast: Cast, number: int) -> Callable[[], Any]:
    event = optional(cast, number)
    return partial(cast.do, change_role, event.id, cast.guest.id, Role.required)


def transferring(cast: Cast, number: int) -> Callable[[], Any]:
    event = of_nobody(cast, number, host_attends=True, host_id=cast.person().id)
    return partial(cast.do, transfer_event, event.id, cast.guest.id)


def inheriting(cast: Cast, number: int) -> Callable[[], Any]:
    leaver = cast.person()
    of_nobody(cast, number, host_attends=True, host_id=leaver.id)
    return partial(cast.do, delete_user, leaver.id, hosted=HostedEvents.transfer, to=cast.guest.id)


def holding(cast: Cast, number: int) -> Callable[[], Any]:
    return partial(cast.do, place_hold, [cast.guest.id], SLOT, 600)


WAYS = (
    creating,
    hosting,
    adding,
    putting,
    moving,
    showing,
    accepting,
    needing,
    transferring,
    inheriting,
    holding,
)


def settle(cast: Cast, works: list[Callable[[], Any]]) -> list[Any]:
    """Run tasks at once; check that one succeeds, all others get BookingConflict, and the database is consistent."""
    results = race(works)
    losers: list[Any] = [result for result in results if isinstance(result, Exception)]
    assert {type(loser) for loser in losers} == {BookingConflict}, losers
    assert len(losers) == len(works) - 1
    assert {conflict.user_id for loser in losers for conflict in loser.conflicts} == {cast.guest.id}
    assert overlaps(cast.database, cast.actor) == []
    check_consistency(cast.database, cast.actor)
    return results


@pytest.mark.parametrize("way", WAYS)
def test_of_fifty_who_need_one_person_at_once_exactly_one_succeeds(cast, way):
    settle(cast, [way(cast, number) for number in range(MANY)])


@pytest.mark.parametrize("seed", range(ROUNDS))
def test_of_fifty_who_need_one_person_in_different_ways_exactly_one_succeeds(cast, seed):
    works = [way(cast, number) for number, way in zip(range(MANY), itertools.cycle(WAYS), strict=False)]
    random.Random(seed).shuffle(works)
    settle(cast, works)


def test_one_hold_becomes_one_event_however_many_consume_it_and_whoever_else_wants_the_slot(cast):
    hold = cast.do(place_hold, [cast.guest.id], SLOT, 600)

    def consume() -> Event:
        return cast.do(create_event, draft(cast, 0), hold_id=hold.id)

    works = [consume if number % 2 else creating(cast, number) for number in range(MANY)]
    results = race(works)
    won = [result for result in results if not isinstance(result, Exception)]
    lost: list[Any] = [result for result in results[1::2] if isinstance(result, Exception)]
    assert len(won) == 1
    assert won[0] in results[1::2], "somebody took a slot under a hold"
    assert {(type(error), *(fault.code for fault in error.faults)) for error in lost} == {(Invalid, "hold_lapsed")}
    assert {type(result) for result in results[::2]} == {BookingConflict}
    assert overlaps(cast.database, cast.actor) == []


def test_a_slot_whose_hold_lapses_goes_to_one_even_while_others_extend_it(cast, clock):
    for turn in range(ROUNDS):
        day = turn + 10
        span = Span(instant(f"2026-03-{day}T14:00+01:00"), instant(f"2026-03-{day}T15:00+01:00"))
        times = {"start": read_time(f"2026-03-{day}T14:00"), "end": read_time(f"2026-03-{day}T15:00")}
        hold = cast.do(place_hold, [cast.guest.id], span, 1)
        moments = itertools.cycle((hold.expires_at - 1, hold.expires_at))

        def late(work: Callable[[], Any], moments=moments) -> Any:
            clock.set_to(next(moments))
            return work()

        extend = partial(cast.do, extend_hold, hold.id, 600)
        create = partial(cast.do, create_event, draft(cast, 0, **times))
        results = race([partial(late, extend if number % 2 else create) for number in range(20)])
        clock.set_to(hold.expires_at)
        results += race([create])  # by now, the slot is theirs unless somebody else got it
        assert sum(not isinstance(result, Exception) for result in results) == 1, results
        assert {type(error) for error in results if isinstance(error, Exception)} <= set(KalendsError.__subclasses__())
        assert overlaps(cast.database, cast.actor) == []


def test_people_needed_together_in_any_order_are_never_booked_twice(cast):
    people = [cast.person() for _ in range(6)]
    guests = [random.Random(number).sample(people, 3) for number in range(MANY)]

    def create(number: int) -> Event:
        invited = [ParticipantCreate(user_id=person.id) for person in guests[number]]
        return cast.do(create_event, draft(cast, number, participants=invited))

    results = race([partial(create, number) for number in range(MANY)])
    assert {type(error) for error in results if isinstance(error, Exception)} == {BookingConflict}
    assert 1 <= sum(isinstance(result, Event) for result in results) <= 2
    assert overlaps(cast.database, cast.actor) == []
    check_consistency(cast.database, cast.actor)


def test_concurrent_holds_of_one_person_do_not_exceed_the_limit(cast):
    mine = cast.as_person(cast.host)
    people = [cast.person().id for _ in range(40)]
    day = Span(instant("2026-03-10T00:00+01:00"), instant("2026-03-10T20:00+01:00"))
    works = [partial(mine.do, place_hold, people[2 * number : 2 * number + 2], day, 600) for number in range(20)]
    results = race(works)
    lost: list[Any] = [result for result in results if isinstance(result, Exception)]
    assert {(type(error), *(fault.code for fault in error.faults)) for error in lost} == {(Invalid, "too_much_held")}
    assert len(results) - len(lost) == 5, "40 hours each, and 200 are the most"
    assert len(cast.rows()["held_time"]) == 10


def test_a_hold_is_gone_once_all_have_left_it_at_once(cast):
    for _ in range(ROUNDS):
        people = [cast.person() for _ in range(10)]
        hold = cast.do(place_hold, [person.id for person in people], SLOT, 600)
        assert race([partial(cast.as_person(person).do, release_hold, hold.id) for person in people]) == [None] * 10
        assert cast.rows()["hold"] == cast.rows()["held_time"] == []
