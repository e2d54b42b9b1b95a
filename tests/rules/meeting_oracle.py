"""A reference implementation of finding a time, slot by slot and person by person, and random cases."""

from datetime import UTC, date, datetime
from functools import cache
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from hypothesis import strategies as st
from msgspec import structs

from kalends.model import Instant, Span, UserId
from kalends.rules.intervals import MINUTE
from kalends.rules.meeting import Calendar, Group, MeetingRequest, Search, Slot, search_of
from kalends.rules.no_slot import FINER_STEPS, Obstacle, Relaxation
from kalends.rules.zones import to_instant
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
    ("Africa/Cairo", date(2026, 4, 23)),  # a day that begins at 01:00
    ("America/Santiago", date(2026, 9, 5)),
    ("America/Sao_Paulo", date(2018, 11, 3)),
    ("Asia/Gaza", date(2026, 10, 23)),
    ("Africa/Casablanca", date(2025, 2, 22)),
]
PEOPLE = [UserId(number) for number in range(1, 7)]


class Case(NamedTuple):
    """A random search."""

    zone: ZoneInfo
    monday: date
    meeting: MeetingRequest
    calendars: dict[UserId, Calendar]

    @property
    def search(self) -> Search:
        return search_of(self.meeting, self.zone, self.calendars)

    def changed(self, **details: Any) -> "Case":
        return self._replace(meeting=structs.replace(self.meeting, **details))


# ---- the oracle
@cache
def minutes(zone: ZoneInfo, first: date) -> list[tuple[int, datetime]]:
    """Return every minute of eight days, with the local time."""
    start = int(datetime(first.year, first.month, first.day, tzinfo=UTC).timestamp()) // 60 - 2 * 1440
    return [(minute * MINUTE, datetime.fromtimestamp(minute * 60, zone)) for minute in range(start, start + 8 * 1440)]


@cache
def grid(zone: ZoneInfo, first: date, step: int) -> frozenset[int]:
    """Return the minutes at which the wall clock shows a multiple of the step, and the first one of every date."""
    dates: dict[date, int] = {}
    for at, wall in minutes(zone, first):
        dates.setdefault(wall.date(), at)
    on_steps = (at for at, wall in minutes(zone, first) if (wall.hour * 60 + wall.minute) * MINUTE % step == 0)
    return frozenset(on_steps) | frozenset(dates.values())


def all_slots(case: Case, step: int | None = None) -> list[Span]:
    """Return every slot, whoever is free: on the wall clock's steps or where somebody is free again, on one date."""
    starts = set(grid(case.zone, case.monday, step or case.meeting.step))
    for person in case.meeting.people:
        calendar = case.calendars[person]
        moments = [one.end for one in calendar.blocked] + [one.start for one in calendar.working or ()]
        starts.update(at for at in moments if becomes_free(case, calendar, at))
    earliest, latest = min(one.start for one in case.meeting.between), max(one.end for one in case.meeting.between)
    near = sorted(start for start in starts if earliest <= start < latest)  # the rest begins outside of every window
    slots = [span(start, start + case.meeting.duration) for start in near]
    return [slot for slot in slots if is_covered(slot, case.meeting) and is_one_day(slot, case.zone)]


def becomes_free(case: Case, calendar: Calendar, at: int) -> bool:
    """Return whether a meeting suits somebody, and would not if it began a moment before."""
    length = case.meeting.duration
    return is_away(span(at - 1, at - 1 + length), calendar) and not is_away(span(at, at + length), calendar)


def is_one_day(slot: Span, zone: ZoneInfo) -> bool:
    return date_at(slot.start, zone) == date_at(slot.end - 1, zone)


def is_covered(slot: Span, meeting: MeetingRequest) -> bool:
    """Return whether a slot lies in windows: it begins in one, and wherever one ends on the way there is another."""
    windows = meeting.between
    if meeting.not_before is not None and slot.start < meeting.not_before:
        return False
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
    """Return what a slot lacks: required people, and for each group every person it is short of."""
    meeting = case.meeting
    lacks = [(0, int(person), 0) for person in meeting.required if is_away(slot, case.calendars[person])]
    for number, group in enumerate(meeting.groups):
        free = [person for person in group.people if not is_away(slot, case.calendars[person])]
        lacks += [(1, number, nth) for nth in range(group.need - len(free))]
    return sorted(lacks)


def expected_slots(case: Case, every: list[Span]) -> list[Slot]:
    fitting: list[Slot] = []
    everybody = sorted(
        {*case.meeting.required, *case.meeting.optional, *(p for g in case.meeting.groups for p in g.people)}
    )
    for slot in every:
        if lacking(case, slot):
            continue
        missing = tuple(person for person in everybody if is_away(slot, case.calendars[person]))
        unsure = tuple(p for p in everybody if p not in missing and meets(slot, case.calendars[p].unsure))
        free = tuple(person for person in everybody if person not in missing and person not in unsure)
        weight = sum(weight for person, weight in case.meeting.optional.items() if person not in missing)
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


def expected_finer_step(case: Case) -> Relaxation | None:
    """Return what the first finer step that finds something finds."""
    for step in FINER_STEPS:
        slots = len(expected_slots(case, all_slots(case, step))) if step < case.meeting.step else 0
        if slots:
            return Relaxation((), (), slots, step=step)
    return None


def check_obstacles(case: Case, every: list[Span], found: list[Obstacle]) -> None:
    """Compare obstacles with every slot, and what blocks users with every five minutes."""
    away = {
        person: sum(is_away(slot, case.calendars[person]) for slot in every)
        for person in {*case.meeting.required, *(person for group in case.meeting.groups for person in group.people)}
    }
    expected = sorted((-slots, person) for person, slots in away.items() if slots)
    assert [(-one.slots, one.user_id) for one in found] == expected
    first, last = min(one.start for one in case.meeting.between), max(one.end for one in case.meeting.between)
    earliest = first if case.meeting.not_before is None else case.meeting.not_before
    shown = [span(max(one.start, earliest), one.end) for one in case.meeting.between]
    for one in found:
        assert list(one.blocked) == sorted(one.blocked)
        for tick in range(first, last, 5 * MINUTE):
            blocked = holds(shown, tick) and holds(case.calendars[one.user_id].blocked, tick)
            assert holds(one.blocked, tick) is blocked


# ---- cases at random
TICK = 5 * MINUTE


def some_spans(most: int, *, least: int = 0, longest: int = 1_000) -> st.SearchStrategy[list[tuple[int, int]]]:
    """Return start and length of spans around three days, in steps of five minutes, many of them short."""
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
    st.sampled_from([5, 10, 15, 30, 45, 60, 90, 210, 1_440]),
    some_spans(2, least=1, longest=500),
    st.lists(TIMES, min_size=len(PEOPLE), max_size=len(PEOPLE)),
    st.none() | st.integers(-200, 3_000),
)
"""Strategies for cases that are built once, as building them costs more than the search."""


def case_of(shape: Any) -> Case:
    (name, monday), required, optional, teams, duration, step, between, times, not_before = shape
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
    earliest = None if not_before is None else Instant(midnight + not_before * MINUTE)
    meeting = MeetingRequest(
        tuple(required), others, groups, duration * MINUTE, step * MINUTE, tuple(placed(between)), earliest
    )
    return Case(zone, monday, meeting, calendars)


CASES = SHAPES.map(case_of)


def disjoint(spans: list[Span]) -> list[Span]:
    """Return those that neither overlap nor touch one before, in order: what working hours are like."""
    result: list[Span] = []
    for one in sorted(spans):
        if not result or one.start > result[-1].end:
            result.append(one)
    return result
