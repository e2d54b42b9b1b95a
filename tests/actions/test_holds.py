"""Keeping a slot for a moment: it blocks, lapses by the clock, is extended once, released, or becomes an event."""

from functools import partial
from typing import Any

import pytest
from msgspec import structs

from kalends.actions.booking import Guard, OnConflict
from kalends.actions.departure import delete_user
from kalends.actions.events import create_event
from kalends.actions.holds import extend_hold, place_hold, release_hold
from kalends.actions.participants import add_participants
from kalends.drafts import EventDraft, Invitation
from kalends.errors import Conflict, Fault, HoldExtended, Invalid, NotFound
from kalends.model import Busy, Clash, HoldId, Role, TimeText, UserId
from kalends.reads.availability import peoples_time
from kalends.reads.explanation import HoldReason, explain_booking
from kalends.reads.holds import read_hold
from kalends.reads.users import list_users
from kalends.rules.intervals import HOUR, MINUTE, SECOND
from kalends.rules.periods import Period
from tests.cast import BERLIN, Cast, assemble, codes, instant
from tests.rules.spans import span

MORNING = instant("2026-03-09T08:00+01:00")
SLOT = span(instant("2026-03-09T14:00+01:00"), instant("2026-03-09T15:00+01:00"))
ALLOW = partial(Guard, OnConflict.allow)
NOBODY = UserId(2**62)


@pytest.fixture(autouse=True)
def on_the_morning(clock):
    clock.set_to(MORNING)
    return clock


def hold(cast: Cast, *people, at=SLOT, seconds=300):
    return cast.do(place_hold, [who.id for who in people or (cast.guest,)], at, seconds)


def draft(cast: Cast, **details: Any) -> EventDraft:
    fixed: dict[str, Any] = {
        "host_id": cast.guest.id,
        "title": "It",
        "start": TimeText("2026-03-09T14:00"),
        "end": TimeText("2026-03-09T15:00"),
    }
    details = fixed | {"time_zone": BERLIN} | details
    return EventDraft(**details)


def test_a_hold_is_read_as_it_was_placed(cast):
    placed = hold(cast, cast.stranger, cast.guest)
    assert placed.user_ids == tuple(sorted([cast.guest.id, cast.stranger.id]))
    assert (placed.span, placed.created_at, placed.extended) == (SLOT, MORNING, False)
    assert placed.expires_at == MORNING + 300 * SECOND
    assert cast.ask(read_hold, placed.id) == placed


def test_a_slot_that_is_held_blocks_whatever_takes_time(cast):
    placed = hold(cast)
    clash = Clash(cast.guest.id, SLOT, Busy.busy, None, needed=True)
    with cast.refused(Conflict) as caught:
        cast.do(create_event, draft(cast))
    assert caught.value.clashes == (clash,)
    with cast.refused(Conflict) as caught:
        hold(cast, cast.stranger, cast.guest, at=span(SLOT.end - MINUTE, SLOT.end + HOUR))
    assert caught.value.clashes == (structs.replace(clash, span=span(SLOT.end - MINUTE, SLOT.end)),)
    event = cast.event()
    with cast.refused(Conflict):
        cast.do(add_participants, event.id, [Invitation(user_id=cast.guest.id)])
    guard = Guard()
    cast.do(add_participants, event.id, [Invitation(user_id=cast.guest.id, role=Role.optional)], guard=guard)
    assert [warning.event_id for warning in guard.warnings] == [None]
    guard = ALLOW()
    cast.do(create_event, draft(cast), guard=guard)
    assert guard.conflicts == [clash]
    assert cast.ask(read_hold, placed.id) == placed, "what is booked over a hold leaves it alone"


def test_a_slot_that_is_held_is_shown_busy_everywhere(cast):
    placed = hold(cast)
    time = cast.ask(peoples_time, [cast.guest.id], SLOT)[cast.guest.id]
    assert (time.periods, time.blocked) == ([Period(SLOT, Busy.busy)], [SLOT])
    assert cast.guest.id not in {user.id for user in cast.ask(list_users, 10, free=SLOT).users}
    explained = cast.ask(explain_booking, cast.guest.id, SLOT)
    assert explained.holds == [HoldReason(SLOT, placed.id)]
    assert not explained.bookable


def test_nobody_is_held_who_is_not_free(cast):
    event = cast.event(cast.guest)
    with cast.refused(Conflict) as caught:
        hold(cast, cast.host, cast.guest, cast.stranger, at=span(SLOT.start - HOUR, SLOT.start + 1 * MINUTE))
    assert caught.value.clashes == (
        Clash(cast.host.id, SLOT, Busy.busy, event.id, needed=True),
        Clash(cast.guest.id, SLOT, Busy.tentative, event.id, needed=True),
    )
    hold(cast, cast.guest, at=span(SLOT.start - HOUR, SLOT.start))
    hold(cast, cast.guest, at=span(SLOT.end, SLOT.end + HOUR))


def test_a_hold_lapses_by_the_clock(cast, clock):
    placed = hold(cast)
    clock.set_to(placed.expires_at - 1)
    assert cast.ask(read_hold, placed.id) == placed
    with cast.refused(Conflict):
        hold(cast)
    clock.set_to(placed.expires_at)
    for gone in (
        lambda: cast.ask(read_hold, placed.id),
        lambda: cast.do(extend_hold, placed.id, 60),
        lambda: cast.do(release_hold, placed.id),
    ):
        with cast.refused(NotFound):
            gone()
    assert cast.ask(peoples_time, [cast.guest.id], SLOT)[cast.guest.id].periods == []
    assert cast.ask(explain_booking, cast.guest.id, SLOT).bookable
    assert cast.guest.id in {user.id for user in cast.ask(list_users, 10, free=SLOT).users}
    assert len(cast.rows()["held_time"]) == 1, "its rows are there all the same"
    cast.do(create_event, draft(cast))


def test_lapsed_holds_are_tidied_away_by_the_next(cast, clock):
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
    with cast.refused(Conflict):
        cast.do(create_event, draft(cast))
    clock.set_to(extended.expires_at)
    cast.do(create_event, draft(cast))


def test_extending_never_makes_a_hold_shorter(cast):
    placed = hold(cast, seconds=600)
    assert cast.do(extend_hold, placed.id, 1).expires_at == placed.expires_at


def test_who_comes_too_late_to_extend_finds_the_slot_taken(cast, clock):
    """The clock goes back to when the request began, which then waited for its turn."""
    placed = hold(cast, cast.guest, cast.stranger)
    clock.set_to(placed.expires_at)
    event = cast.do(create_event, draft(cast))
    clock.set_to(placed.expires_at - 1)
    with cast.refused(Conflict) as caught:
        cast.do(extend_hold, placed.id, 300)
    assert caught.value.clashes == (Clash(cast.guest.id, SLOT, Busy.busy, event.id, needed=True),)


def test_a_released_slot_is_free_at_once(cast):
    placed = hold(cast)
    cast.do(release_hold, placed.id)
    assert cast.rows()["held_time"] == []
    with cast.refused(NotFound):
        cast.do(release_hold, placed.id)
    cast.do(create_event, draft(cast))


def test_a_hold_becomes_an_event_in_one_transaction(cast):
    placed = hold(cast, cast.guest, cast.stranger)
    guests = [Invitation(user_id=cast.stranger.id)]
    guard = Guard(hold_id=placed.id)
    cast.do(create_event, draft(cast, participants=guests), guard=guard)
    assert (guard.conflicts, guard.warnings) == ([], [])
    assert cast.rows()["hold"] == cast.rows()["held_time"] == []
    assert all(row[-1] for row in cast.rows()["agenda"]), "and has the time to itself"
    with cast.refused(Invalid) as caught:
        cast.do(create_event, draft(cast), guard=Guard(hold_id=placed.id))
    assert codes(caught) == ["hold_lapsed"]


def test_an_event_that_cannot_be_made_leaves_the_hold_alone(cast):
    placed = hold(cast)
    event = cast.event(cast.stranger)
    with cast.refused(Conflict) as caught:
        cast.do(
            create_event,
            draft(cast, participants=[Invitation(user_id=cast.stranger.id)]),
            guard=Guard(hold_id=placed.id),
        )
    assert [clash.event_id for clash in caught.value.clashes] == [event.id]
    with cast.refused(Invalid):
        cast.do(create_event, draft(cast, host_id=NOBODY), guard=Guard(hold_id=placed.id))
    assert cast.ask(read_hold, placed.id) == placed


def test_a_hold_becomes_no_event_at_another_time_or_of_other_people(cast):
    placed = hold(cast)
    for other in (
        {"start": TimeText("2026-03-10T14:00"), "end": TimeText("2026-03-10T15:00")},
        {"host_id": cast.stranger.id},
    ):
        with cast.refused(Invalid) as caught:
            cast.do(create_event, draft(cast, **other), guard=Guard(hold_id=placed.id))
        assert codes(caught) == ["hold_elsewhere"]
    assert cast.ask(read_hold, placed.id) == placed


def test_a_hold_helps_against_no_other_hold(cast):
    own = hold(cast)
    hold(cast, at=span(SLOT.end, SLOT.end + HOUR))
    with cast.refused(Conflict) as caught:
        cast.do(create_event, draft(cast, end=TimeText("2026-03-09T15:01")), guard=Guard(hold_id=own.id))
    assert [clash.span for clash in caught.value.clashes] == [span(SLOT.end, SLOT.end + MINUTE)]


@pytest.mark.parametrize("later", [0, 1])
def test_a_lapsed_hold_becomes_nothing(cast, clock, later):
    placed = hold(cast)
    clock.set_to(placed.expires_at + later)
    with cast.refused(Invalid) as caught:
        cast.do(create_event, draft(cast), guard=Guard(OnConflict.allow, placed.id))
    assert caught.value.faults[0].where == ("hold",)
    assert codes(caught) == ["hold_lapsed"]


def test_another_organization_has_no_such_hold(cast, database):
    placed = hold(cast)
    other = assemble(database)
    for action, *more in ((extend_hold, 60), (release_hold,)):
        with cast.refused(NotFound):
            other.do(action, placed.id, *more)
    with cast.refused(NotFound):
        other.ask(read_hold, placed.id)
    with cast.refused(Invalid):
        other.do(create_event, draft(other), guard=Guard(hold_id=placed.id))
    with cast.refused(NotFound):
        cast.do(extend_hold, HoldId(5), 60)


def test_everything_wrong_with_a_hold_is_said_at_once(cast):
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
