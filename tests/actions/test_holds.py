"""Holds: they block time, expire by the clock, are extended once, are released, or become an event."""

from typing import Any

import pytest
from msgspec import structs

from kalends.actions.booking import OnConflict
from kalends.actions.events import create_event
from kalends.actions.holds import extend_hold, place_hold, release_hold
from kalends.actions.participants import add_participants
from kalends.actions.user_deletion import delete_user
from kalends.drafts import EventCreate, ParticipantCreate
from kalends.errors import BookingConflict, Fault, Forbidden, HoldExtended, Invalid, NotFound
from kalends.limits import MAX_HELD_HOURS
from kalends.model import Conflict, HoldId, Role, Span, Strength, UserId
from kalends.reads.availability import busy_times
from kalends.reads.explanation import HoldReason, explain_booking
from kalends.reads.holds import list_holds, read_hold
from kalends.reads.users import list_users
from kalends.rules.intervals import HOUR, MINUTE, SECOND
from kalends.rules.periods import Period
from kalends.rules.zones import read_time
from tests.cast import BERLIN, Cast, assemble, codes, instant
from tests.rules.spans import span

MORNING = instant("2026-03-09T08:00+01:00")
SLOT = span(instant("2026-03-09T14:00+01:00"), instant("2026-03-09T15:00+01:00"))
NOBODY = UserId(2**62)


@pytest.fixture(autouse=True)
def on_the_morning(clock):
    clock.set_to(MORNING)
    return clock


def hold(cast: Cast, *people, at=SLOT, seconds=300):
    return cast.do(place_hold, [who.id for who in people or (cast.guest,)], at, seconds)


def draft(cast: Cast, **details: Any) -> EventCreate:
    fixed: dict[str, Any] = {
        "host_id": cast.guest.id,
        "title": "It",
        "start": read_time("2026-03-09T14:00"),
        "end": read_time("2026-03-09T15:00"),
    }
    details = fixed | {"time_zone": BERLIN} | details
    return EventCreate(**details)


def test_a_hold_is_read_as_it_was_placed(cast):
    placed = hold(cast, cast.stranger, cast.guest)
    assert placed.user_ids == tuple(sorted([cast.guest.id, cast.stranger.id]))
    assert (placed.span, placed.created_at, placed.extended) == (SLOT, MORNING, False)
    assert placed.expires_at == MORNING + 300 * SECOND
    assert cast.ask(read_hold, placed.id) == placed


def test_a_hold_blocks_everything_that_takes_time(cast):
    placed = hold(cast)
    conflict = Conflict(cast.guest.id, SLOT, Strength.busy, None, needed=True)
    with cast.refused(BookingConflict) as caught:
        cast.do(create_event, draft(cast))
    assert caught.value.conflicts == (conflict,)
    with cast.refused(BookingConflict) as caught:
        hold(cast, cast.stranger, cast.guest, at=span(SLOT.end - MINUTE, SLOT.end + HOUR))
    assert caught.value.conflicts == (structs.replace(conflict, span=span(SLOT.end - MINUTE, SLOT.end)),)
    event = cast.event()
    with cast.refused(BookingConflict):
        cast.do(add_participants, event.id, [ParticipantCreate(user_id=cast.guest.id)])
    optional = [ParticipantCreate(user_id=cast.guest.id, role=Role.optional)]
    assert [warning.event_id for warning in cast.save(add_participants, event.id, optional).warnings] == [None]
    assert cast.save(create_event, draft(cast), on_conflict=OnConflict.allow).conflicts == (conflict,)
    assert cast.ask(read_hold, placed.id) == placed, "what is booked over a hold leaves it alone"


def test_a_hold_is_shown_as_busy_everywhere(cast):
    placed = hold(cast)
    time = cast.ask(busy_times, [cast.guest.id], SLOT)[cast.guest.id]
    assert (time.periods, time.blocked) == ([Period(SLOT, Strength.busy)], [SLOT])
    assert cast.guest.id not in {user.id for user in cast.ask(list_users, 10, free=SLOT).items}
    explained = cast.ask(explain_booking, cast.guest.id, SLOT)
    assert explained.holds == [HoldReason(SLOT, placed.id)]
    assert not explained.bookable


def test_a_hold_needs_everybody_to_be_free(cast):
    event = cast.event(cast.guest)
    with cast.refused(BookingConflict) as caught:
        hold(cast, cast.host, cast.guest, cast.stranger, at=span(SLOT.start - HOUR, SLOT.start + 1 * MINUTE))
    assert caught.value.conflicts == (
        Conflict(cast.host.id, SLOT, Strength.busy, event.id, needed=True),
        Conflict(cast.guest.id, SLOT, Strength.tentative, event.id, needed=True),
    )
    hold(cast, cast.guest, at=span(SLOT.start - HOUR, SLOT.start))
    hold(cast, cast.guest, at=span(SLOT.end, SLOT.end + HOUR))


def test_a_hold_lapses_when_its_time_is_up(cast, clock):
    placed = hold(cast)
    clock.set_to(placed.expires_at - 1)
    assert cast.ask(read_hold, placed.id) == placed
    with cast.refused(BookingConflict):
        hold(cast)
    clock.set_to(placed.expires_at)
    for gone in (
        lambda: cast.ask(read_hold, placed.id),
        lambda: cast.do(extend_hold, placed.id, 60),
        lambda: cast.do(release_hold, placed.id),
    ):
        with cast.refused(NotFound):
            gone()
    assert cast.ask(busy_times, [cast.guest.id], SLOT)[cast.guest.id].periods == []
    assert cast.ask(explain_booking, cast.guest.id, SLOT).bookable
    assert cast.guest.id in {user.id for user in cast.ask(list_users, 10, free=SLOT).items}
    assert len(cast.rows()["held_time"]) == 1, "its rows are there all the same"
    cast.do(create_event, draft(cast))


def test_placing_a_hold_deletes_lapsed_ones(cast, clock):
    old = [hold(cast, at=span(SLOT.start + n * HOUR, SLOT.end + n * HOUR)) for n in range(3)]
    clock.set_to(old[0].expires_at + 1)
    new = hold(cast)
    assert [row[0] for row in cast.rows()["hold"]] == [new.id]
    assert len(cast.rows()["held_time"]) == 1


def test_a_hold_is_extended_once(cast, clock):
    placed = hold(cast)
    clock.set_to(MORNING + MINUTE)
    extended = cast.do(extend_hold, placed.id, 300)
    assert (extended.expires_at, extended.extended) == (MORNING + MINUTE + 300 * SECOND, True)
    assert cast.ask(read_hold, placed.id) == extended
    with cast.refused(HoldExtended):
        cast.do(extend_hold, placed.id, 300)
    clock.set_to(placed.expires_at + 1)
    with cast.refused(BookingConflict):
        cast.do(create_event, draft(cast))
    clock.set_to(extended.expires_at)
    cast.do(create_event, draft(cast))


def test_extending_never_makes_a_hold_shorter(cast):
    placed = hold(cast, seconds=600)
    assert cast.do(extend_hold, placed.id, 1).expires_at == placed.expires_at


def test_extending_a_hold_too_late_fails_if_its_time_is_taken(cast, clock):
    """The clock goes back to when the request began; it then waited for the lock."""
    placed = hold(cast, cast.guest, cast.stranger)
    clock.set_to(placed.expires_at)
    event = cast.do(create_event, draft(cast))
    clock.set_to(placed.expires_at - 1)
    with cast.refused(BookingConflict) as caught:
        cast.do(extend_hold, placed.id, 300)
    assert caught.value.conflicts == (Conflict(cast.guest.id, SLOT, Strength.busy, event.id, needed=True),)


def test_a_released_slot_is_free_at_once(cast):
    placed = hold(cast)
    cast.do(release_hold, placed.id)
    assert cast.rows()["held_time"] == []
    with cast.refused(NotFound):
        cast.do(release_hold, placed.id)
    cast.do(create_event, draft(cast))


def test_a_hold_becomes_an_event_in_one_transaction(cast):
    placed = hold(cast, cast.guest, cast.stranger)
    guests = [ParticipantCreate(user_id=cast.stranger.id)]
    _, *found = cast.save(create_event, draft(cast, participants=guests), hold_id=placed.id)
    assert found == [(), ()]
    assert cast.rows()["hold"] == cast.rows()["held_time"] == []
    assert all(row[-1] for row in cast.rows()["agenda"]), "and has the time to itself"
    with cast.refused(Invalid) as caught:
        cast.do(create_event, draft(cast), hold_id=placed.id)
    assert codes(caught) == ["hold_lapsed"]


def test_an_event_that_cannot_be_created_leaves_the_hold_unchanged(cast):
    placed = hold(cast)
    event = cast.event(cast.stranger)
    with cast.refused(BookingConflict) as caught:
        cast.do(
            create_event,
            draft(cast, participants=[ParticipantCreate(user_id=cast.stranger.id)]),
            hold_id=placed.id,
        )
    assert [conflict.event_id for conflict in caught.value.conflicts] == [event.id]
    with cast.refused(Invalid):
        cast.do(create_event, draft(cast, host_id=NOBODY), hold_id=placed.id)
    assert cast.ask(read_hold, placed.id) == placed


def test_a_hold_cannot_be_used_for_another_time_or_other_people(cast):
    placed = hold(cast)
    for other in (
        {"start": read_time("2026-03-10T14:00"), "end": read_time("2026-03-10T15:00")},
        {"host_id": cast.stranger.id},
    ):
        with cast.refused(Invalid) as caught:
            cast.do(create_event, draft(cast, **other), hold_id=placed.id)
        assert codes(caught) == ["hold_elsewhere"]
    assert cast.ask(read_hold, placed.id) == placed


def test_using_one_hold_does_not_override_another(cast):
    own = hold(cast)
    hold(cast, at=span(SLOT.end, SLOT.end + HOUR))
    with cast.refused(BookingConflict) as caught:
        cast.do(create_event, draft(cast, end=read_time("2026-03-09T15:01")), hold_id=own.id)
    assert [conflict.span for conflict in caught.value.conflicts] == [span(SLOT.end, SLOT.end + MINUTE)]


@pytest.mark.parametrize("later", [0, 1])
def test_a_lapsed_hold_cannot_be_used(cast, clock, later):
    placed = hold(cast)
    clock.set_to(placed.expires_at + later)
    with cast.refused(Invalid) as caught:
        cast.do(create_event, draft(cast), on_conflict=OnConflict.allow, hold_id=placed.id)
    assert caught.value.faults[0].where == ("hold",)
    assert codes(caught) == ["hold_lapsed"]


def test_holds_of_other_organizations_are_not_found(cast, database):
    placed = hold(cast)
    other = assemble(database)
    for action, *more in ((extend_hold, 60), (release_hold,)):
        with cast.refused(NotFound):
            other.do(action, placed.id, *more)
    with cast.refused(NotFound):
        other.ask(read_hold, placed.id)
    with cast.refused(Invalid):
        other.do(create_event, draft(other), hold_id=placed.id)
    with cast.refused(NotFound):
        cast.do(extend_hold, HoldId(5), 60)


def test_all_faults_of_a_hold_are_reported_together(cast):
    gone = cast.person()
    cast.do(delete_user, gone.id)
    people = [cast.guest.id, NOBODY, gone.id, cast.guest.id]
    expected = [
        (("user_ids", 1), "unknown_user"),
        (("user_ids", 2), "user_inactive"),
        (("user_ids", 3), "duplicate_user"),
    ]
    for at, fault in (
        (span(SLOT.start, SLOT.start), (("end",), "end_before_start")),
        (span(SLOT.start, SLOT.start + MINUTE - 1), (("end",), "too_short")),
        (span(SLOT.start, SLOT.start + 32 * HOUR), (("end",), "not_one_day")),
        ([Fault(("start",), "invalid_time", "what?")], (("start",), "invalid_time")),
    ):
        with cast.refused(Invalid) as caught:
            cast.do(place_hold, people, at, 300)
        assert [(one.where, one.code) for one in caught.value.faults] == [*expected, fault]


def over(day: int, hours: int) -> Span:
    """Return the hours of a day in March."""
    start = instant(f"2026-03-{day:02}T00:00+01:00")
    return span(start, start + hours * HOUR)


def test_the_holds_of_a_person_are_limited(cast, clock):
    people = [cast.person() for _ in range(10)]
    mine, other = cast.as_person(cast.host), cast.as_person(cast.stranger)
    first = hold(mine, *people, at=over(10, 10))
    hold(mine, *people, at=over(11, 9))
    hold(mine, *people[:9], at=over(12, 1))
    with cast.refused(Invalid) as caught:
        hold(mine, *people[:1], at=span(over(13, 1).start, over(13, 1).end + MINUTE))
    assert [(fault.where, fault.code) for fault in caught.value.faults] == [((), "too_much_held")]
    assert str(caught.value) == (
        "your holds keep 199.00 hours of people's time and would keep 200.02 with this one, and 200 is the most: "
        "hold fewer people or less time, or release a hold first"
    )
    hold(mine, *people[:1], at=over(13, 1))
    hold(other, *people, at=over(14, 20))
    hold(cast, *people, at=over(15, 21))
    with cast.refused(Invalid):
        hold(mine, cast.guest, at=over(16, 1))
    mine.do(release_hold, first.id)
    again = hold(mine, *people, at=over(10, 10))
    clock.set_to(again.expires_at)
    hold(mine, *people, at=over(16, 20))
    assert MAX_HELD_HOURS == 200


def test_exceeding_the_limit_of_holds_is_reported_with_all_other_faults(cast):
    mine = cast.as_person(cast.host)
    people = [*(cast.person().id for _ in range(7)), NOBODY]
    with cast.refused(Invalid) as caught:
        mine.do(place_hold, people, over(10, 30), 300)
    assert codes(caught) == ["unknown_user", "too_much_held"]
    with cast.refused(Invalid) as caught:
        mine.do(place_hold, [*people[:3], people[0]], over(10, 30), 300)
    assert codes(caught) == ["duplicate_user"], "who is named twice is one person"


def test_a_deleted_user_cannot_be_held(cast):
    gone = cast.person()
    theirs = cast.as_person(gone)
    cast.do(delete_user, gone.id)
    with cast.refused(Invalid) as caught:
        hold(theirs)
    assert [(fault.where, fault.code) for fault in caught.value.faults] == [((), "user_inactive")]


def test_people_in_a_hold_see_who_placed_it_but_not_the_other_people(cast):
    placed = hold(cast.as_person(cast.host), cast.guest, cast.stranger)
    held = cast.as_person(cast.guest)
    shown = structs.replace(placed, user_ids=(cast.guest.id,))
    assert held.ask(read_hold, placed.id) == shown
    assert held.ask(list_holds, 10).items == [shown]
    assert cast.as_person(cast.host).ask(read_hold, placed.id) == cast.ask(read_hold, placed.id) == placed
    other = cast.as_person(cast.person())
    with cast.refused(NotFound):
        other.ask(read_hold, placed.id)
    with cast.refused(Forbidden):
        held.do(extend_hold, placed.id, 60)
    with cast.refused(Invalid) as caught:
        held.do(create_event, draft(cast), hold_id=placed.id)
    assert codes(caught) == ["hold_lapsed"]


def test_people_can_leave_a_hold_in_which_others_stay(cast):
    mine, guest, stranger = (cast.as_person(who) for who in (cast.host, cast.guest, cast.stranger))
    placed = hold(mine, cast.guest, cast.stranger)
    guest.do(release_hold, placed.id)
    left = structs.replace(placed, user_ids=(cast.stranger.id,))
    assert mine.ask(read_hold, placed.id) == stranger.ask(read_hold, placed.id) == left
    for again in (lambda: guest.do(release_hold, placed.id), lambda: guest.ask(read_hold, placed.id)):
        with cast.refused(NotFound):
            again()
    cast.do(create_event, draft(cast))
    extended = mine.do(extend_hold, placed.id, 600)
    assert extended.user_ids == left.user_ids
    with cast.refused(Invalid) as caught:
        mine.do(create_event, draft(cast, host_id=cast.host.id, host_attends=False), hold_id=placed.id)
    assert codes(caught) == ["hold_elsewhere"]
    invited = [ParticipantCreate(user_id=cast.stranger.id)]
    mine.do(create_event, draft(cast, host_id=cast.host.id, participants=invited), hold_id=placed.id)
    assert cast.rows()["hold"] == cast.rows()["held_time"] == []


def test_a_hold_is_released_when_the_last_person_leaves_it(cast):
    placed = hold(cast, cast.guest, cast.stranger)
    cast.as_person(cast.stranger).do(release_hold, placed.id)
    assert cast.ask(read_hold, placed.id).user_ids == (cast.guest.id,)
    cast.as_person(cast.guest).do(release_hold, placed.id)
    assert cast.rows()["hold"] == cast.rows()["held_time"] == []


def test_the_one_who_placed_a_hold_releases_it_for_all(cast):
    mine = cast.as_person(cast.guest)
    mine.do(release_hold, hold(mine, cast.guest, cast.stranger).id)
    assert cast.rows()["hold"] == cast.rows()["held_time"] == []


def test_holds_are_listed_page_by_page_to_those_involved(cast, database, clock):
    mine, held = cast.as_person(cast.host), cast.as_person(cast.guest)
    hold(mine, cast.guest, at=over(9, 1), seconds=1)
    clock.set_to(MORNING + SECOND)
    of_guest = [hold(mine, cast.guest, cast.stranger, at=over(10 + n, 1)) for n in range(2)]
    of_operator = hold(cast, cast.guest, at=over(12, 1))
    of_other = hold(cast.as_person(cast.stranger), cast.person(), at=over(13, 1))
    hold(assemble(database))
    every = [*of_guest, of_operator, of_other]
    assert cast.ask(list_holds, 4).items == every
    assert mine.ask(list_holds, 10).items == of_guest
    assert mine.ask(list_holds, 10, user_id=cast.host.id).items == of_guest
    assert [one.id for one in held.ask(list_holds, 10).items] == [one.id for one in every[:3]]
    assert {one.user_ids for one in held.ask(list_holds, 10).items} == {(cast.guest.id,)}
    assert cast.ask(list_holds, 10, user_id=cast.stranger.id).items == [*of_guest, of_other]
    assert cast.ask(list_holds, 10, user_id=NOBODY).items == []
    for whose in (cast.guest.id, NOBODY):
        with cast.refused(Forbidden):
            mine.ask(list_holds, 10, user_id=whose)
    for seeing, expected in ((cast, every), (held, every[:3])):
        first = seeing.ask(list_holds, 2)
        assert first.next_key == expected[1].id
        second = seeing.ask(list_holds, 2, after=first.next_key)
        assert [one.id for one in first.items + second.items] == [one.id for one in expected]
        assert second.next_key is None
