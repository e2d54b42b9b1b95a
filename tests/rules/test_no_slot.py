"""Why there is no slot, who is not free, and whether the suggested relaxations help."""

from typing import Any

import pytest
from hypothesis import assume, given, settings

from kalends.model import UserId
from kalends.rules.intervals import HOUR, MINUTE
from kalends.rules.meeting import Calendar, Group, best_slots, count_slots
from kalends.rules.no_slot import (
    Obstacle,
    Reason,
    ReasonCode,
    Relaxation,
    finer_step,
    obstacles,
    reasons,
    relaxations,
)
from tests.rules.meeting_oracle import CASES, Case
from tests.rules.spans import span
from tests.rules.test_meeting import ALL, FREE, NINE, A, B, C, hours, search


@pytest.mark.slow
@settings(max_examples=300)
@given(CASES)
def test_suggested_relaxations_help(case):
    """The relaxed search finds exactly as many slots as were promised."""
    assume(not best_slots(case.search, 1))
    for offer in relaxations(case.search, 5):
        assert count_slots(relaxed(case, offer).search) == offer.slots > 0
    finer = finer_step(case.search)
    if finer is not None:
        assert count_slots(case.changed(step=finer.step).search) == finer.slots > 0


def relaxed(case: Case, offer: Relaxation) -> Case:
    """Return the search with a suggested relaxation applied."""
    meeting = case.meeting
    optional = dict.fromkeys((*offer.without, *(p for group in meeting.groups for p in group.people)), 1)
    groups = (Group(one.people, one.need - offer.fewer_of.count(place)) for place, one in enumerate(meeting.groups))
    return case.changed(
        required=tuple(person for person in meeting.required if person not in offer.without),
        optional=optional | dict(meeting.optional),
        groups=tuple(groups),
    )


@pytest.mark.slow
@settings(max_examples=300)
@given(CASES)
def test_there_is_always_a_reason(case):
    assume(not best_slots(case.search, 1))
    found = reasons(case.search, finer_step(case.search))
    assert found
    assert [one.code for one in found].count(ReasonCode.people_away) == bool(case.search.starts)


def why(calendars: dict[UserId, Calendar], **details: Any) -> list[Reason]:
    found = search(calendars, **details)
    assert best_slots(found, ALL) == []
    return reasons(found, finer_step(found))


def test_a_window_shorter_than_the_meeting():
    window = hours(0, 0.75)
    assert why({A: FREE}, required=(A,), between=(window,)) == [Reason(ReasonCode.window_too_short, window)]


def test_a_window_without_a_step():
    """The only hour begins at 9:05: a step of half an hour misses it, one of five minutes would find it."""
    window = span(NINE + 5 * MINUTE, NINE + 65 * MINUTE)
    details: dict[str, Any] = {"required": (A,), "between": (window,), "step": HOUR // 2}
    assert why({A: FREE}, **details) == [
        Reason(ReasonCode.no_step_in_window, window, span(window.start, window.start)),
        Reason(ReasonCode.step_too_coarse),
    ]
    assert finer_step(search({A: FREE}, **details)) == Relaxation((), (), 1, step=5 * MINUTE)
    assert why({A: Calendar([hours(0.5, 0.75)], ())}, **details) == [
        Reason(ReasonCode.no_step_in_window, window, span(window.start, window.start))
    ], "no step would help"


def test_a_gap_that_the_step_misses():
    """The gap lasts from the start of the window at 9:10 until 10:15: steps of 30 minutes miss it, of 10 find it."""
    window = span(NINE + 10 * MINUTE, NINE + 3 * HOUR)
    details: dict[str, Any] = {"required": (A,), "between": (window,), "step": HOUR // 2}
    busy = {A: Calendar([hours(1.25, 3)], ())}
    assert why(busy, **details) == [Reason(ReasonCode.step_too_coarse), Reason(ReasonCode.people_away)]
    assert finer_step(search(busy, **details)) == Relaxation((), (), 1, step=15 * MINUTE)
    busy = {A: Calendar([span(NINE + 70 * MINUTE, NINE + 3 * HOUR)], ())}
    assert finer_step(search(busy, **details)) == Relaxation((), (), 1, step=10 * MINUTE)
    assert finer_step(search(busy, **details | {"step": 10 * MINUTE, "duration": HOUR + 1})) is None
    odd = span(NINE + 10 * MINUTE + 1, NINE + 3 * HOUR)
    assert finer_step(search(busy, **details | {"between": (odd,)})) is None, "the hour from then on is not free"
    busy = {A: Calendar([span(NINE + 70 * MINUTE + 2, NINE + 3 * HOUR)], ())}
    assert finer_step(search(busy, **details | {"between": (odd,)})) is None, "it is, but no step begins there"


def test_a_window_in_the_past_or_almost():
    details: dict[str, Any] = {"required": (A,), "between": (hours(0, 1), hours(2, 4))}
    first, second = (Reason(ReasonCode.in_the_past, window) for window in details["between"])
    assert why({A: FREE}, **details, not_before=NINE + 5 * HOUR) == [first, second]
    assert why({A: FREE}, **details, not_before=NINE + 3 * HOUR + 1) == [first, second]
    assert why({A: Calendar([hours(2, 4)], ())}, **details, not_before=NINE + 1) == [
        first,
        Reason(ReasonCode.people_away),
    ]


def test_a_meeting_that_no_day_of_the_window_holds():
    night = span(NINE + 13 * HOUR, NINE + 17 * HOUR)
    assert why({A: FREE}, required=(A,), between=(night,), duration=3 * HOUR) == [Reason(ReasonCode.not_one_day, night)]


def test_a_result_without_slots_says_what_blocks_whom_and_what_to_relax():
    calendars = {A: Calendar([hours(0, 3)], ()), B: Calendar([hours(0.5, 0.75)], ()), C: Calendar([hours(1, 3)], ())}
    found = search(calendars, required=(A, B), groups=(Group((C, B), 2),))
    assert best_slots(found, ALL) == []
    assert relaxations(found, 5) == [
        Relaxation((A,), (0,), 3),  # at ten, at eleven, and where B becomes free
        Relaxation((A, B), (0,), 4),  # these, and the one in which B is away as well
    ]
    assert obstacles(found) == [
        Obstacle(A, 4, (hours(0, 3),)),
        Obstacle(C, 3, (hours(1, 3),)),
        Obstacle(B, 1, (hours(0.5, 0.75),)),
    ]


def test_a_relaxation_counts_the_slots_that_lack_only_a_part_of_it():
    """All pairs are equally frequent, but only one has both of the people who block other slots alone."""
    people = [UserId(number) for number in range(1, 41)]
    pairs = [(UserId(40), UserId(39)), *zip(people[:38:2], people[1:38:2], strict=True)]
    away = [{40}, {39}, *map(set, pairs)]
    calendars = {
        who: Calendar([hours(place, place + 1) for place, out in enumerate(away) if who in out], ()) for who in people
    }
    found = search(calendars, required=tuple(people), between=tuple(hours(n, n + 1) for n in range(14)))
    assert len(found.starts) == 14
    ways = relaxations(found, 3)
    assert ways[:2] == [Relaxation((UserId(39),), (), 1), Relaxation((UserId(40),), (), 1)]
    assert ways[2] == Relaxation((UserId(39), UserId(40)), (), 3)
    assert relaxations(found, 2) == ways[:2]
