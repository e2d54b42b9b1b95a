"""Finding a time, compared with the reference implementation and in single cases."""

from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from kalends.model import Span, UserId
from kalends.rules.intervals import HOUR, MINUTE
from kalends.rules.meeting import Calendar, Group, MeetingRequest, Search, Slot, best_slots, search_of
from kalends.rules.no_slot import finer_step, obstacles, relaxations
from tests.cast import instant
from tests.rules.meeting_oracle import (
    CASES,
    PEOPLE,
    Case,
    all_slots,
    check_obstacles,
    date_at,
    expected_finer_step,
    expected_relaxations,
    expected_slots,
    is_covered,
)
from tests.rules.spans import span

ALL = 100_000


@pytest.mark.slow
@settings(max_examples=1_000)
@given(CASES, st.integers(1, 8))
def test_the_search_agrees_with_the_oracle(case, most):
    search = case.search
    every = all_slots(case)
    assert [span(start, start + case.meeting.duration) for start in search.starts] == every
    expected = expected_slots(case, every)
    assert best_slots(search, ALL) == expected
    assert best_slots(search, most) == expected[:most]
    if not expected:
        assert relaxations(search, most) == expected_relaxations(case, every, most)
        assert finer_step(search) == expected_finer_step(case)
        check_obstacles(case, every, obstacles(search))


@pytest.mark.slow
@settings(max_examples=200)
@given(CASES, st.integers(0, 300), st.integers(0, 300), st.integers(0, 300), st.randoms())
def test_a_wider_window_never_loses_a_slot_and_the_order_of_naming_does_not_matter(case, before, after, sooner, random):
    meeting = case.meeting
    slots = best_slots(case.search, ALL)
    wider = [span(one.start - before * MINUTE, one.end + after * MINUTE) for one in meeting.between]
    required, optional = list(meeting.required), list(meeting.optional.items())
    for names in (wider, required, optional):
        random.shuffle(names)
    earlier = None if meeting.not_before is None else meeting.not_before - sooner * MINUTE
    other = case.changed(required=tuple(required), optional=dict(optional), between=tuple(wider), not_before=earlier)
    widened = best_slots(other.search, ALL)
    assert [slot for slot in widened if is_covered(slot.span, meeting)] == slots, (
        "all of before, in the order of before"
    )


@given(CASES)
@example(
    Case(
        ZoneInfo("America/St_Johns"),
        date(2006, 10, 28),
        MeetingRequest(
            (PEOPLE[0],), {}, (), HOUR, 15 * MINUTE, (span(instant("2006-10-28T00:00Z"), instant("2006-10-30T00:00Z")),)
        ),
        {PEOPLE[0]: Calendar((), ())},
    )
)
def test_every_slot_lies_within_one_local_day_and_within_working_hours(case):
    for slot in best_slots(case.search, ALL):
        assert date_at(slot.span.start, case.zone) == date_at(slot.span.end - 1, case.zone)
        for person in (*slot.free, *slot.tentative):
            working = case.calendars[person].working
            assert working is None or any(one.start <= slot.span.start and slot.span.end <= one.end for one in working)


# ---- cases to talk about
A, B, C = PEOPLE[:3]
NINE = instant("2026-03-09T09:00+01:00")
MORNING = span(NINE, NINE + 3 * HOUR)
BERLIN = ZoneInfo("Europe/Berlin")
FREE = Calendar((), ())


def hours(first: float, last: float) -> Span:
    """Return the time between two hours after nine."""
    return span(NINE + int(first * HOUR), NINE + int(last * HOUR))


def search(calendars: dict[UserId, Calendar], **details: Any) -> Search:
    details = {
        "required": (),
        "optional": {},
        "groups": (),
        "duration": HOUR,
        "step": HOUR,
        "between": (MORNING,),
    } | details
    return search_of(MeetingRequest(**details), BERLIN, calendars)


def found(calendars: dict[UserId, Calendar], **details: Any) -> list[Slot]:
    return best_slots(search(calendars, **details), ALL)


def test_touching_is_no_conflict():
    busy = Calendar([hours(0, 1), hours(2, 3)], ())
    assert [slot.span for slot in found({A: busy}, required=(A,))] == [hours(1, 2)]


def test_slots_are_ordered_by_weight_then_tentative_people_then_time():
    calendars = {A: FREE, B: Calendar([hours(0, 1)], [hours(0, 2)]), C: Calendar([hours(1, 3)], ())}
    slots = found(calendars, required=(A,), optional={B: 2, C: 1})
    assert [(slot.span, slot.weight) for slot in slots] == [(hours(2, 3), 2), (hours(1, 2), 2), (hours(0, 1), 1)]
    assert slots[0] == Slot(hours(2, 3), (A, B), (), (C,), 2)
    assert slots[1] == Slot(hours(1, 2), (A,), (B,), (C,), 2)
    assert slots[2] == Slot(hours(0, 1), (A, C), (), (B,), 1), "who is away is missing, not unsure"


def test_a_group_needs_some_of_its_people_whoever_they_are():
    calendars = {A: Calendar([hours(0, 1)], ()), B: Calendar([hours(1, 2)], ()), C: Calendar([hours(0, 2)], ())}
    one_of = found(calendars, groups=(Group((A, B), 1),))
    assert [slot.span for slot in one_of] == [hours(0, 1), hours(1, 2), hours(2, 3)]
    assert [slot.span for slot in found(calendars, groups=(Group((A, B), 2),))] == [hours(2, 3)]
    assert found(calendars, groups=(Group((A, B), 1),), between=(hours(0, 2),), required=(C,)) == []


def test_touching_windows_are_one():
    assert found({A: FREE}, required=(A,), duration=4 * HOUR) == []
    assert len(found({A: FREE}, required=(A,), between=(hours(0, 2), hours(2, 4)), duration=4 * HOUR)) == 1


def starts_of(slots: list[Slot]) -> list[float]:
    """Return the starts of slots, in minutes after nine."""
    return [(slot.span.start - NINE) / MINUTE for slot in slots]


def test_a_slot_also_begins_where_somebody_becomes_free():
    """Whether they are required or optional, as they make the slot better."""
    busy = Calendar([hours(0, 0.25), hours(0.2, 5 / 12), hours(2.5, 3)], ())
    assert starts_of(found({A: busy}, required=(A,))) == [25, 60]
    assert starts_of(found({A: busy, B: FREE}, required=(B,), optional={A: 1})) == [25, 60, 0, 120]
    assert starts_of(found({A: busy}, groups=(Group((A,), 1),), duration=2 * HOUR)) == [25]
    away_anyhow = {A: busy, B: Calendar([hours(0, 3)], ())}
    assert found(away_anyhow, required=(A, B)) == []


def test_a_slot_begins_where_a_working_day_does():
    """Kathmandu is 4:45 ahead of Berlin, so working days do not begin on the hours of Berlin."""
    kathmandu = Calendar((), (), [hours(0.25, 2.25)])
    assert starts_of(found({A: kathmandu}, required=(A,))) == [15, 60]


def test_no_slot_lies_in_working_hours_that_are_too_short():
    part_time = Calendar((), (), [hours(0, 0.5), hours(1, 2.5)])
    assert [slot.span for slot in found({A: part_time}, required=(A,))] == [hours(1, 2)]


def test_no_slot_begins_where_a_gap_is_too_short_or_a_window_begins():
    busy = Calendar([hours(0, 0.5), hours(1.25, 3)], ())
    assert found({A: busy}, required=(A,)) == []
    assert found({A: FREE}, required=(A,), between=(hours(0.1, 1.5),)) == []


def test_somebody_who_becomes_free_at_the_start_of_the_window_makes_a_slot():
    """A commitment that ends there is outside the window, but a wider window has the same slot."""
    busy, off = Calendar([hours(-1, 0.5)], ()), Calendar((), (), [hours(0.5, 3)])
    for calendar in (busy, off):
        narrow = search({A: calendar}, required=(A,), between=(hours(0.5, 1.5),))
        assert starts_of(best_slots(narrow, ALL)) == [30]
        assert narrow.meeting.horizon == span(NINE + 30 * MINUTE - 1, NINE + 90 * MINUTE)


def test_no_slot_begins_before_not_before():
    assert starts_of(found({A: FREE}, required=(A,), not_before=NINE + 1)) == [60, 120]
    assert found({A: FREE}, required=(A,), not_before=NINE + 3 * HOUR) == []
    assert starts_of(found({A: FREE}, required=(A,), not_before=NINE - HOUR)) == [0, 60, 120]
