"""Busy times of users, read with one statement, and the search for a time."""

from datetime import date

import pytest

from kalends.actions.booking import OnConflict
from kalends.actions.events import cancel_event, create_event
from kalends.actions.holds import place_hold
from kalends.actions.hours import clear_working_hours, set_working_hours
from kalends.actions.participants import answer_invitation
from kalends.actions.user_deletion import delete_user
from kalends.drafts import EventCreate, ParticipantCreate, ResponseUpdate
from kalends.model import Conflict, Role, ShowAs, Strength, UserId
from kalends.reads.availability import PersonBusyTimes, busy_times, find_time
from kalends.rules.hours import Window, WorkingHours
from kalends.rules.intervals import DAY, HOUR
from kalends.rules.meeting import Group, MeetingRequest
from kalends.rules.no_slot import Reason, ReasonCode
from kalends.rules.periods import Period, merge_by_strength
from kalends.rules.zones import read_time
from kalends.store.commitments import blocking_commitments
from tests.cast import BERLIN, Cast, assemble, instant
from tests.multitude import FIRST_START, HALF_HOUR, fill
from tests.rules.spans import span

AFTERNOON = span(instant("2026-03-09T14:00+01:00"), instant("2026-03-09T15:00+01:00"))
WEEK = span(instant("2026-03-09T00:00+01:00"), instant("2026-03-16T00:00+01:00"))
NINE_TO_FIVE = WorkingHours(((Window(540, 1020),),) * 5 + ((), ()), {date(2026, 3, 10): ()})
NOBODY = UserId(2**62)


@pytest.fixture(autouse=True)
def before_it_all(clock):
    clock.set_to(instant("2026-03-01T00:00Z"))


def time_of(cast: Cast, who, window=WEEK) -> PersonBusyTimes:
    return cast.ask(busy_times, [who.id], window)[who.id]


def test_unknown_users_are_left_out(cast, database, clock):
    gone, other = cast.person(), assemble(database).guest
    cast.event(gone)
    clock.set_to(AFTERNOON.end)
    cast.do(delete_user, gone.id)
    assert gone.id in {row[1] for row in cast.rows()["agenda"]}, "who took part is remembered"
    found = cast.ask(busy_times, [cast.guest.id, gone.id, other.id, NOBODY, cast.guest.id], WEEK)
    assert found == {cast.guest.id: PersonBusyTimes(BERLIN, None, [], [])}
    assert found[cast.guest.id].working(WEEK) is None
    assert cast.ask(busy_times, [], WEEK) == {}


@pytest.mark.parametrize("response", ["needs_action", "accepted", "tentative", "declined"])
@pytest.mark.parametrize("role", Role)
def test_every_answer_is_shown_and_blocks_as_the_contract_says(cast, role, response):
    draft = {
        "time_zone": BERLIN,
        "host_id": cast.host.id,
        "title": "It",
        "start": read_time("2026-03-09T14:00"),
        "end": read_time("2026-03-09T15:00"),
    }
    event = cast.do(
        create_event, EventCreate(**draft, participants=[ParticipantCreate(user_id=cast.guest.id, role=role)])
    )
    if response != "needs_action":
        cast.do(answer_invitation, event.id, cast.guest.id, ResponseUpdate(response=response))
    shown = {"accepted": Strength.busy, "declined": Strength.free}.get(response, Strength.tentative)
    blocks = response != "declined" and (role is Role.required or response == "accepted")
    time = time_of(cast, cast.guest)
    assert time.periods == ([] if shown is Strength.free else [Period(AFTERNOON, shown)])
    assert time.blocked == ([AFTERNOON] if blocks else [])
    conflicts = cast.ask(blocking_commitments, [cast.guest.id], [AFTERNOON])[AFTERNOON]
    assert [(conflict.span, conflict.strength) for conflict in conflicts] == ([(AFTERNOON, shown)] if blocks else [])
    own = {"event_id": event.id}
    assert cast.ask(blocking_commitments, [cast.guest.id], [AFTERNOON], **own) == {AFTERNOON: []}


def test_free_and_cancelled_events_are_not_shown(cast):
    cast.event(cast.guest, show_as=ShowAs.free)
    cast.do(cancel_event, cast.event(cast.guest).id)
    cast.event(host_attends=False)
    assert time_of(cast, cast.guest).periods == time_of(cast, cast.host).periods == []


@pytest.mark.parametrize(
    ("first", "last", "found"),
    [(-HOUR, 0, False), (-HOUR, 1, True), (HOUR, 2 * HOUR, False), (HOUR - 1, HOUR, True), (1, 2, True)],
)
def test_commitments_that_overlap_the_window_are_returned_whole(cast, first, last, found):
    cast.event()
    window = span(AFTERNOON.start + first, AFTERNOON.start + last)
    assert time_of(cast, cast.host, window).blocked == ([AFTERNOON] if found else [])


def test_a_person_has_events_holds_and_hours_in_one_statement(cast):
    cast.event(cast.guest)
    held = span(AFTERNOON.start + 2 * HOUR, AFTERNOON.end + 2 * HOUR)
    cast.do(place_hold, [cast.guest.id], held, 300)
    cast.do(set_working_hours, cast.guest.id, NINE_TO_FIVE)

    def read(tx):
        found = busy_times(tx, cast.actor, [cast.guest.id, cast.host.id, cast.stranger.id], WEEK, hours=True)
        assert tx.statements == 1
        return found

    found = cast.database.read(read)
    assert found[cast.guest.id] == PersonBusyTimes(
        BERLIN, NINE_TO_FIVE, [Period(AFTERNOON, Strength.tentative), Period(held, Strength.busy)], [AFTERNOON, held]
    )
    assert found[cast.host.id] == PersonBusyTimes(BERLIN, None, [Period(AFTERNOON, Strength.busy)], [AFTERNOON])
    assert found[cast.stranger.id] == PersonBusyTimes(BERLIN, None, [], [])
    monday = span(instant("2026-03-09T09:00+01:00"), instant("2026-03-09T17:00+01:00"))
    working = found[cast.guest.id].working(WEEK)
    assert working is not None
    assert working[:2] == [monday, span(monday.start + 2 * DAY, monday.end + 2 * DAY)], "Tuesday is off"
    cast.do(clear_working_hours, cast.guest.id)
    assert time_of(cast, cast.guest).working(WEEK) is None


def test_commitments_that_block_are_found_in_each_of_several_spans(cast):
    event = cast.event(cast.guest)
    held = span(AFTERNOON.start + 2 * HOUR, AFTERNOON.end + 2 * HOUR)
    hold = cast.do(place_hold, [cast.guest.id], held, 300)
    before = span(AFTERNOON.start - HOUR, AFTERNOON.start)
    people, every = [cast.guest.id, cast.host.id], [WEEK, before, AFTERNOON, held]
    in_each = cast.ask(blocking_commitments, people, every, event_id=event.id)
    assert in_each == {WEEK: in_each[held], before: [], AFTERNOON: [], held: in_each[held]}
    assert in_each[held] == [Conflict(cast.guest.id, held, Strength.busy, None, needed=True)]
    for options in ({}, {"event_id": event.id}, {"hold_id": hold.id}):
        for whose in (cast, cast.as_person(cast.stranger), cast.as_person(cast.guest)):
            one_by_one = [whose.ask(blocking_commitments, people, [one], **options) for one in every]
            assert whose.ask(blocking_commitments, people, every, **options) == {
                one: conflicts for found in one_by_one for one, conflicts in found.items()
            }
    assert cast.ask(blocking_commitments, people, []) == {}
    first_second = span(0, 1_000_000)
    assert cast.ask(blocking_commitments, people, [AFTERNOON, first_second])[first_second] == []


def test_double_bookings_are_one_period(cast):
    cast.event(cast.guest)
    accepted = cast.event(cast.guest, end=read_time("2026-03-09T14:30"))
    answer = ResponseUpdate(response="accepted")
    cast.do(answer_invitation, accepted.id, cast.guest.id, answer, on_conflict=OnConflict.allow)
    half = AFTERNOON.start + HALF_HOUR
    assert merge_by_strength(time_of(cast, cast.guest).periods, WEEK) == [
        Period(span(AFTERNOON.start, half), Strength.busy),
        Period(span(half, AFTERNOON.end), Strength.tentative),
    ]


def test_one_statement_whatever_the_number_of_people_and_commitments(database):
    actor, first = fill(database, people=50, events=1_000)
    whole = span(FIRST_START, FIRST_START + 1_000 * HALF_HOUR)
    for people, window in ((1, span(FIRST_START, FIRST_START + 5 * HALF_HOUR)), (3, whole), (50, whole)):
        ids = [UserId(first + number) for number in range(people)]

        def read(tx, ids=ids, window=window):
            found = busy_times(tx, actor, ids, window)
            assert tx.statements == 1
            blocking_commitments(tx, actor, ids, [window])
            assert tx.statements == 2
            blocking_commitments(tx, actor, ids, [window, window])
            assert tx.statements == 3
            return found

        found = database.read(read)
        assert [*sorted(found)] == ids
        if window is whole:
            assert all(len(time.blocked) == 1_000 * 4 // 50 for time in found.values())


def test_find_time_considers_everybodys_commitments_and_hours(cast):
    """Hanna and Gustav meet at two on Monday; Gustav works from nine to five, but not on Tuesday."""
    cast.event(cast.guest)
    cast.do(set_working_hours, cast.guest.id, NINE_TO_FIVE)
    tuesday_evening = span(instant("2026-03-09T13:00+01:00"), instant("2026-03-11T10:00+01:00"))
    meeting = MeetingRequest((cast.host.id, cast.guest.id), {cast.stranger.id: 2}, (), HOUR, HOUR, (tuesday_evening,))
    people = cast.ask(busy_times, meeting.people, tuesday_evening, hours=True)
    found = find_time(people, meeting, BERLIN, 50, within_working_hours=True)
    starts = [instant(f"2026-03-{text}:00+01:00") for text in ("09T13", "09T15", "09T16", "11T09")]
    assert [slot.span.start for slot in found.slots] == starts
    assert (found.reasons, found.obstacles, found.relaxations) == ([], [], [])
    assert {slot.weight for slot in found.slots} == {2}
    whenever = find_time(people, meeting, BERLIN, 50, within_working_hours=False)
    assert len(whenever.slots) == 44, "45 hours but one"


def test_find_time_without_a_slot_says_why_and_what_to_do(cast):
    cast.event(cast.guest)
    meeting = MeetingRequest(
        (cast.host.id,), {}, (Group((cast.guest.id, cast.stranger.id), 2),), HOUR, HOUR, (AFTERNOON,)
    )
    people = cast.ask(busy_times, meeting.people, AFTERNOON)
    found = find_time(people, meeting, BERLIN, 5, within_working_hours=False)
    assert found.slots == []
    assert {(one.user_id, one.slots, one.blocked) for one in found.obstacles} == {
        (cast.host.id, 1, (AFTERNOON,)),
        (cast.guest.id, 1, (AFTERNOON,)),
    }
    assert [(one.without, one.fewer_of, one.slots) for one in found.relaxations] == [((cast.host.id,), (0,), 1)]
    short = MeetingRequest((cast.host.id,), {}, (), 2 * HOUR, HOUR, (AFTERNOON,))
    nothing = find_time(people, short, BERLIN, 5, within_working_hours=False)
    assert (nothing.slots, nothing.obstacles, nothing.relaxations) == ([], [], [])
    assert nothing.reasons == [Reason(ReasonCode.window_too_short, AFTERNOON)]
    over = MeetingRequest((cast.host.id,), {}, (), HOUR, HOUR, (AFTERNOON,), AFTERNOON.end)
    past = find_time(people, over, BERLIN, 5, within_working_hours=True)
    assert (past.starts, past.slots, past.reasons) == (0, [], [Reason(ReasonCode.in_the_past, AFTERNOON)])


def test_commitments_that_end_at_the_start_of_the_window_are_read(cast):
    """Gustav is busy until half past two; the slot from then on is no step, but the beginning of a gap."""
    cast.event(cast.guest, end=read_time("2026-03-09T14:30"))
    half_past = span(AFTERNOON.start + HALF_HOUR, AFTERNOON.end + HALF_HOUR)
    meeting = MeetingRequest((cast.guest.id,), {}, (), HOUR, HOUR, (half_past,))
    assert meeting.horizon is not None
    people = cast.ask(busy_times, meeting.people, meeting.horizon)
    (slot,) = find_time(people, meeting, BERLIN, 5, within_working_hours=False).slots
    assert slot.span == half_past


def test_who_answers_tentatively_counts_against_a_slot_only_if_they_can_be_booked(cast):
    optional = [ParticipantCreate(user_id=cast.guest.id, role=Role.optional)]
    cast.event(participants=optional)
    assert time_of(cast, cast.guest).blocked == []
    day = span(AFTERNOON.start, AFTERNOON.end + HOUR)
    meeting = MeetingRequest((cast.guest.id,), {}, (), HOUR, HOUR, (day,))
    found = find_time(cast.ask(busy_times, meeting.people, day), meeting, BERLIN, 5, within_working_hours=False)
    assert [(slot.span.start, slot.tentative) for slot in found.slots] == [
        (AFTERNOON.end, ()),
        (AFTERNOON.start, (cast.guest.id,)),
    ]
