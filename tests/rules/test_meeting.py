"""Finding a time against an oracle: slot by slot, person by person, with nothing clever in it."""

import itertools
from datetime import UTC, date, datetime, timedelta
from functools import cache
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from kalends.model import Instant, Span, UserId
from kalends.rules.intervals import DAY, HOUR, MINUTE
from kalends.rules.meeting import (
    Calendar,
    Group,
    Obstacle,
    Relaxation,
    Slot,
    Wish,
    best_slots,
    obstacles,
    relaxations,
    slot_starts,
)
from kalends.rules.zones import to_instant
from tests.cast import instant
from tests.rules.spans import holds, span

ALL = 100_000
WEEKS = [
    ("Europe/Berlin", date(2026, 3, 9)),
    ("Europe/Berlin", date(2026, 3, 28)),  # 23 hours
    ("Europe/Berlin", date(2026, 10, 24)),  # 25 hours
    ("Australia/Lord_Howe", date(2026, 4, 4)),  # 24.5 hours
    ("Antarctica/Troll", date(2026, 3, 28)),  # 22 hours
    ("Pacific/Apia", date(2011, 12, 29)),  # a day that is skipped
    ("America/St_Johns", date(2006, 10, 28)),  # an evening that comes again after midnight
    ("America/Havana", date(2026, 10, 31)),
    ("Africa/Cairo", date(2026, 4, 23)),
]
PEOPLE = [UserId(number) for number in range(1, 7)]


class Case(NamedTuple):
    """A search."""

    zone: ZoneInfo
    monday: date
    wish: Wish
    calendars: dict[UserId, Calendar]


# ---- the oracle
@cache
def openings(zone: ZoneInfo, first: date) -> list[tuple[date, int]]:
    """Give every date of five days around, with the first minute at which a calendar on the wall shows it."""
    start = int(datetime(first.year, first.month, first.day, tzinfo=UTC).timestamp()) // 60 - 2 * 1440
    seen: dict[date, int] = {}
    for minute in range(start, start + 8 * 1440):
        seen.setdefault(datetime.fromtimestamp(minute * 60, zone).date(), minute * MINUTE)
    return sorted(seen.items(), key=lambda pair: pair[1])


def all_slots(case: Case) -> list[Span]:
    """Give every slot, whoever is free: on the day's steps, in the windows, on one date."""
    result: list[Span] = []
    for (_, opening), (_, closing) in itertools.pairwise(openings(case.zone, case.monday)):
        for start in range(opening, closing - case.wish.duration + 1, case.wish.step):
            slot = span(start, start + case.wish.duration)
            if is_covered(slot, case.wish.between) and date_at(slot.start, case.zone) == date_at(
                slot.end - 1, case.zone
            ):
                result.append(slot)
    return result


def is_covered(slot: Span, windows: tuple[Span, ...]) -> bool:
    """Tell whether a slot lies in windows: it begins in one, and wherever one ends on the way there is another."""
    edges = [slot.start, *(one.end for one in windows if slot.start < one.end < slot.end)]
    return all(holds(windows, edge) for edge in edges)


def date_at(at: int, zone: ZoneInfo) -> date:
    return datetime.fromtimestamp(at // 1_000_000, zone).date()


def meets(slot: Span, spans: Any) -> bool:
    return any(slot.start < one.end and one.start < slot.end for one in spans)


def is_away(slot: Span, calendar: Calendar) -> bool:
    at_work = calendar.working is None or any(
        one.start <= slot.start and slot.end <= one.end for one in calendar.working
    )
    return not at_work or meets(slot, calendar.blocked)


def lacking(case: Case, slot: Span) -> list[tuple[int, int, int]]:
    """Say what a slot lacks: required people, and for each group every person it is short of."""
    wish = case.wish
    lacks = [(0, int(person), 0) for person in wish.required if is_away(slot, case.calendars[person])]
    for number, group in enumerate(wish.groups):
        free = [person for person in group.people if not is_away(slot, case.calendars[person])]
        lacks += [(1, number, nth) for nth in range(group.need - len(free))]
    return sorted(lacks)


def expected_slots(case: Case, every: list[Span]) -> list[Slot]:
    fitting: list[Slot] = []
    everybody = sorted({*case.wish.required, *case.wish.optional, *(p for g in case.wish.groups for p in g.people)})
    for slot in every:
        if lacking(case, slot):
            continue
        missing = tuple(person for person in everybody if is_away(slot, case.calendars[person]))
        unsure = tuple(p for p in everybody if p not in missing and meets(slot, case.calendars[p].unsure))
        free = tuple(person for person in everybody if person not in missing and person not in unsure)
        weight = sum(weight for person, weight in case.wish.optional.items() if person not in missing)
        fitting.append(Slot(slot, free, unsure, missing, weight))
    return sorted(fitting, key=lambda slot: (-slot.weight, len(slot.tentative), slot.span.start))


def expected_relaxations(case: Case, slots: list[Span], most: int) -> list[Relaxation]:
    every = [lacking(case, slot) for slot in slots]
    offers = []
    for lacks in {tuple(lacks) for lacks in every}:
        won = sum(set(others) <= set(lacks) for others in every)
        offers.append((len(lacks), -won, lacks))
    return [
        Relaxation(
            tuple(UserId(who) for kind, who, _ in lacks if kind == 0),
            tuple(group for kind, group, _ in lacks if kind == 1),
            -won,
        )
        for _, won, lacks in sorted(offers)[:most]
    ]


def check_obstacles(case: Case, every: list[Span], found: list[Obstacle]) -> None:
    """Hold obstacles against every slot, and what blocks people against every five minutes."""
    away = {
        person: sum(is_away(slot, case.calendars[person]) for slot in every)
        for person in {*case.wish.required, *(person for group in case.wish.groups for person in group.people)}
    }
    expected = sorted((-slots, person) for person, slots in away.items() if slots)
    assert [(-one.slots, one.user_id) for one in found] == expected
    first, last = min(one.start for one in case.wish.between), max(one.end for one in case.wish.between)
    for one in found:
        assert list(one.blocked) == sorted(one.blocked)
        for tick in range(first, last, 5 * MINUTE):
            blocked = holds(case.wish.between, tick) and holds(case.calendars[one.user_id].blocked, tick)
            assert holds(one.blocked, tick) is blocked


# ---- cases at random
TICK = 5 * MINUTE


def some_spans(most: int, *, least: int = 0, longest: int = 1_000) -> st.SearchStrategy[list[tuple[int, int]]]:
    """Give start and length of spans around three days, in steps of five minutes, many of them short."""
    length = st.sampled_from([6, 12, 24]) | st.integers(1, longest)
    return st.lists(st.tuples(st.integers(-60, 864), length), min_size=least, max_size=most)


TIMES = st.tuples(some_spans(3), some_spans(2), st.none() | some_spans(3))
SHAPES = st.tuples(
    st.sampled_from(WEEKS),
    st.lists(st.sampled_from(PEOPLE), max_size=3, unique=True),
    st.dictionaries(st.sampled_from(PEOPLE), st.integers(1, 3), max_size=3),
    st.lists(
        st.tuples(st.lists(st.sampled_from(PEOPLE), min_size=1, max_size=4, unique=True), st.integers(0, 3)), max_size=2
    ),
    st.sampled_from([5, 30, 60, 90, 240, 1_440]),
    st.sampled_from([10, 15, 30, 45, 60, 210]),
    some_spans(2, least=1, longest=500),
    st.lists(TIMES, min_size=len(PEOPLE), max_size=len(PEOPLE)),
)
"""What a case is made of; strategies that are built once, as building them costs more than the search."""


def case_of(shape: Any) -> Case:
    (name, monday), required, optional, teams, duration, step, between, times = shape
    zone = ZoneInfo(name)
    midnight = to_instant(datetime(monday.year, monday.month, monday.day, tzinfo=zone))

    def placed(spans: list[tuple[int, int]]) -> list[Span]:
        return [span(midnight + start * TICK, midnight + (start + length) * TICK) for start, length in spans]

    calendars = {
        person: Calendar(
            placed(blocked), placed(blocked + unsure), None if working is None else disjoint(placed(working))
        )
        for person, (blocked, unsure, working) in zip(PEOPLE, times, strict=True)
    }
    groups = tuple(Group(tuple(people), 1 + more % len(people)) for people, more in teams)
    others = {person: weight for person, weight in optional.items() if person not in required}
    wish = Wish(tuple(required), others, groups, duration * MINUTE, step * MINUTE, tuple(placed(between)))
    return Case(zone, monday, wish, calendars)


CASES = SHAPES.map(case_of)


def disjoint(spans: list[Span]) -> list[Span]:
    """Give those that neither overlap nor touch one before, in order: what working hours are like."""
    result: list[Span] = []
    for one in sorted(spans):
        if not result or one.start > result[-1].end:
            result.append(one)
    return result


@settings(max_examples=1_000)
@given(CASES, st.integers(1, 8))
def test_the_search_agrees_with_the_oracle(case, most):
    starts = slot_starts(case.wish, case.zone)
    every = all_slots(case)
    assert [span(start, start + case.wish.duration) for start in starts] == every
    expected = expected_slots(case, every)
    assert best_slots(case.wish, case.calendars, starts, ALL) == expected
    assert best_slots(case.wish, case.calendars, starts, most) == expected[:most]
    if not expected:
        assert relaxations(case.wish, case.calendars, starts, most) == expected_relaxations(case, every, most)
        check_obstacles(case, every, obstacles(case.wish, case.calendars, starts))


@settings(max_examples=200)
@given(CASES, st.integers(0, 300), st.integers(0, 300), st.randoms())
def test_a_wider_window_never_loses_a_slot_and_the_order_of_naming_does_not_matter(case, before, after, random):
    wish = case.wish
    slots = best_slots(wish, case.calendars, slot_starts(wish, case.zone), ALL)
    wider = [span(one.start - before * MINUTE, one.end + after * MINUTE) for one in wish.between]
    required, optional = list(wish.required), list(wish.optional.items())
    for names in (wider, required, optional):
        random.shuffle(names)
    other = Wish(tuple(required), dict(optional), wish.groups, wish.duration, wish.step, tuple(wider))
    widened = best_slots(other, case.calendars, slot_starts(other, case.zone), ALL)
    assert {slot.span for slot in slots} <= {slot.span for slot in widened}
    assert [slot for slot in widened if slot in slots] == slots, "and those of before keep their order"


@given(CASES)
@example(
    Case(
        ZoneInfo("America/St_Johns"),
        date(2006, 10, 28),
        Wish(
            (PEOPLE[0],), {}, (), HOUR, 15 * MINUTE, (span(instant("2006-10-28T00:00Z"), instant("2006-10-30T00:00Z")),)
        ),
        {PEOPLE[0]: Calendar((), ())},
    )
)
def test_every_slot_lies_within_one_local_day_and_within_working_hours(case):
    for slot in best_slots(case.wish, case.calendars, slot_starts(case.wish, case.zone), ALL):
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
    """Give the time between two hours after nine."""
    return span(NINE + int(first * HOUR), NINE + int(last * HOUR))


def search(**details: Any) -> tuple[Wish, list[Instant]]:
    details = {
        "required": (),
        "optional": {},
        "groups": (),
        "duration": HOUR,
        "step": HOUR,
        "between": (MORNING,),
    } | details
    wish = Wish(**details)
    return wish, slot_starts(wish, BERLIN)


def found(calendars: dict[UserId, Calendar], most: int = ALL, **details: Any) -> list[Slot]:
    wish, starts = search(**details)
    return best_slots(wish, calendars, starts, most)


def test_touching_is_no_clash():
    busy = Calendar([hours(0, 1), hours(2, 3)], ())
    assert [slot.span for slot in found({A: busy}, required=(A,))] == [hours(1, 2)]


def test_weight_comes_first_then_who_is_unsure_then_the_hour():
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


def test_when_nothing_fits_it_says_what_blocks_whom_and_what_to_give_up():
    calendars = {A: Calendar([hours(0, 3)], ()), B: Calendar([hours(0.5, 0.75)], ()), C: Calendar([hours(1, 3)], ())}
    wish, starts = search(required=(A, B), groups=(Group((C, B), 2),))
    assert best_slots(wish, calendars, starts, ALL) == []
    assert relaxations(wish, calendars, starts, 5) == [
        Relaxation((A,), (0,), 2),
        Relaxation((A, B), (0,), 3),  # the two of before, and the one in which B is away as well
    ]
    assert obstacles(wish, calendars, starts) == [
        Obstacle(A, 3, (hours(0, 3),)),
        Obstacle(C, 2, (hours(1, 3),)),
        Obstacle(B, 1, (hours(0.5, 0.75),)),
    ]


def test_a_way_out_counts_the_slots_that_lack_only_a_part_of_what_is_given_up():
    """All pairs come equally often, but only one pair holds both of the people who are alone in the way elsewhere."""
    people = [UserId(number) for number in range(1, 41)]
    pairs = [(UserId(40), UserId(39)), *zip(people[:38:2], people[1:38:2], strict=True)]
    away = [{40}, {39}, *map(set, pairs)]
    calendars = {
        who: Calendar([hours(place, place + 1) for place, out in enumerate(away) if who in out], ()) for who in people
    }
    wish, starts = search(required=tuple(people), between=tuple(hours(n, n + 1) for n in range(14)))
    assert len(starts) == 14
    ways = relaxations(wish, calendars, starts, 3)
    assert ways[:2] == [Relaxation((UserId(39),), (), 1), Relaxation((UserId(40),), (), 1)]
    assert ways[2] == Relaxation((UserId(39), UserId(40)), (), 3)


def test_windows_too_short_for_the_meeting_hold_no_slots():
    assert found({A: FREE}, required=(A,), duration=4 * HOUR) == []
    assert len(found({A: FREE}, required=(A,), between=(hours(0, 2), hours(2, 4)), duration=4 * HOUR)) == 1, (
        "they touch"
    )


@pytest.mark.parametrize(("day", "slots"), [("2026-03-28", 24), ("2026-03-29", 23), ("2026-10-25", 25)])
def test_a_day_has_as_many_hours_as_it_has(day, slots):
    start = instant(f"{day}T00:00+0{2 if '10' in day else 1}:00")
    _, starts = search(between=(span(start, start + slots * HOUR),))
    assert len(starts) == slots


def test_slots_begin_on_steps_from_local_midnight_wherever_the_window_begins():
    slots = found({A: FREE}, required=(A,), step=45 * MINUTE, between=(span(NINE + 1, NINE + DAY),), most=1)
    midnight = instant("2026-03-09T00:00+01:00")
    assert (slots[0].span.start - midnight) % (45 * MINUTE) == 0
    assert slots[0].span.start == NINE + 45 * MINUTE


def test_dates_of_openings():
    """The oracle itself knows the strange days."""
    apia = dict(openings(ZoneInfo("Pacific/Apia"), date(2011, 12, 29)))
    assert date(2011, 12, 30) not in apia
    assert apia[date(2011, 12, 31)] - apia[date(2011, 12, 29)] == DAY
    johns = dict(openings(ZoneInfo("America/St_Johns"), date(2006, 10, 28)))
    assert johns[date(2006, 10, 30)] - johns[date(2006, 10, 29)] == 25 * HOUR
    assert timedelta(microseconds=johns[date(2006, 10, 29)]) % timedelta(hours=24) == timedelta(hours=2, minutes=30)
