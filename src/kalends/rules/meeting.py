"""Finding a time: which slots suit everybody needed, and in which order they are offered.

Slots begin on steps of the wall clock and wherever somebody becomes free, never where a window happens to begin, so a
wider window never loses a slot. All starts with which the same people are away form a run: rules look at runs, so that
their cost grows with the number of commitments and not with the number of starts.
"""

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from enum import Enum, auto
from itertools import islice, pairwise
from operator import le
from typing import NamedTuple
from zoneinfo import ZoneInfo

from msgspec import Struct

from kalends.model import Instant, Span, UserId
from kalends.rules.periods import clip, merge
from kalends.rules.starts import StartSpan, slot_starts, start_spans


class Group(Struct, frozen=True):
    """Some people of whom a number is needed, whoever they are."""

    people: tuple[UserId, ...]
    need: int


class MeetingRequest(Struct, frozen=True):
    """What a meeting needs: people, length and step in microseconds, and the windows it may lie in."""

    required: tuple[UserId, ...]
    optional: Mapping[UserId, int]
    """Optional people and how much each weighs."""
    groups: tuple[Group, ...]
    duration: int
    step: int
    between: tuple[Span, ...]
    not_before: Instant | None = None
    """No slot begins earlier."""

    @property
    def people(self) -> list[UserId]:
        """Return everybody named, once, in the order of ids."""
        grouped = (person for group in self.groups for person in group.people)
        return sorted({*self.required, *self.optional, *grouped})

    @property
    def windows(self) -> list[Span]:
        """Return the windows in order, those that touch as one, without what lies before `not_before`."""
        windows = merge(self.between)
        if self.not_before is None or not windows:
            return windows
        return clip(windows, Span(self.not_before, max(self.not_before, windows[-1].end)))

    @property
    def horizon(self) -> Span | None:
        """Return the span in which commitments matter; None if no window is left.

        It begins before the first window, as whoever becomes free at the very beginning of it makes a start.
        """
        windows = self.windows
        return Span(Instant(windows[0].start - 1), windows[-1].end) if windows else None


class Calendar(Struct, frozen=True):
    """One person's time: what keeps them away, what might, and when they work (None: whenever)."""

    blocked: Sequence[Span]
    unsure: Sequence[Span]
    working: Sequence[Span] | None = None


class Presence(NamedTuple):
    """Starts with which a meeting would miss somebody, and those with which it meets something tentative of theirs."""

    away: list[Span]
    unsure: list[Span]


class Search(Struct, frozen=True):
    """A wish, and all that follows from it and people's calendars before any slot is judged."""

    meeting: MeetingRequest
    zone: ZoneInfo
    calendars: Mapping[UserId, Calendar]
    presences: Mapping[UserId, Presence]
    spans: list[StartSpan]
    """All starts with which the meeting lies in a window and in one local day, on the grid or not."""
    starts: list[Instant]
    """Those of them that are looked at."""


class Run(NamedTuple):
    """Starts, by their places `first` to `last`, that find everybody the same; all else changes with the next run."""

    first: int
    last: int
    away: AbstractSet[UserId]
    unsure: AbstractSet[UserId]
    absent: Sequence[int]
    """How many of each group are away."""


class State(Enum):
    """How a slot finds somebody."""

    free = auto()
    tentative = auto()
    missing = auto()


class Slot(Struct, frozen=True):
    """A time that suits, and how it finds everybody."""

    span: Span
    free: tuple[UserId, ...]
    tentative: tuple[UserId, ...]
    missing: tuple[UserId, ...]
    weight: int


def search_of(meeting: MeetingRequest, zone: ZoneInfo, calendars: Mapping[UserId, Calendar]) -> Search:
    """Prepare a search; `calendars` has everybody named, with all that overlaps the wish's horizon."""
    horizon = meeting.horizon or Span(Instant(0), Instant(0))
    presences = {person: presence_of(calendars[person], meeting.duration, horizon) for person in meeting.people}
    spans = [span for window in meeting.windows for span in start_spans(window, zone, meeting.duration)]
    freed = (span.end for presence in presences.values() for span in presence.away)
    return Search(meeting, zone, calendars, presences, spans, slot_starts(spans, meeting.step, freed))


def presence_of(calendar: Calendar, duration: int, within: Span) -> Presence:
    """Return with which starts a meeting would miss somebody, or meet something tentative of theirs."""
    away = starts_that_meet(calendar.blocked, duration)
    if calendar.working is not None:
        begun = within.start
        for span in calendar.working:
            if span.end - span.start >= duration:
                away.append(Span(begun, span.start))
                begun = Instant(span.end - duration + 1)
        away.append(Span(begun, max(begun, within.end)))
    return Presence(merge(away), merge(starts_that_meet(calendar.unsure, duration)))


def starts_that_meet(spans: Sequence[Span], duration: int) -> list[Span]:
    """Return for each span the starts with which a meeting overlaps it."""
    return [Span(Instant(span.start - duration + 1), span.end) for span in spans]


def runs_of(search: Search, starts: Sequence[Instant]) -> Iterator[Run]:
    """Yield the runs of some starts, in order.

    Whatever can be counted is counted when somebody leaves or comes back, and not anew for each run.
    """
    away: set[UserId] = set()
    unsure: set[UserId] = set()
    absent = [0] * len(search.meeting.groups)
    groups_of: defaultdict[UserId, list[int]] = defaultdict(list)
    for place, group in enumerate(search.meeting.groups):
        for person in group.people:
            groups_of[person].append(place)
    changes = changes_of(search, starts)
    for first, last in pairwise(sorted({0, len(starts), *changes})):
        change = changes.get(first, NOTHING)
        away.difference_update(change.coming)
        away.update(change.leaving)
        unsure.difference_update(change.sure)
        unsure.update(change.unsure)
        for people, step in ((change.coming, -1), (change.leaving, 1)):
            for person in people:
                for place in groups_of[person]:
                    absent[place] += step
        yield Run(first, last, away, unsure, absent)


class Change(NamedTuple):
    """For whom a start differs from the one before; who is in two lists leaves again as soon as they are back."""

    leaving: list[UserId]
    coming: list[UserId]
    unsure: list[UserId]
    sure: list[UserId]


NOTHING = Change([], [], [], [])


def changes_of(search: Search, starts: Sequence[Instant]) -> Mapping[int, Change]:
    """Return what changes with which start, by its place."""
    changes: defaultdict[int, Change] = defaultdict(lambda: Change([], [], [], []))
    for person, presence in search.presences.items():
        for begins, spans in ((0, presence.away), (2, presence.unsure)):
            for span in spans:
                first, last = bisect_left(starts, span.start), bisect_left(starts, span.end)
                if first < last:
                    changes[first][begins].append(person)
                    changes[last][begins + 1].append(person)
    return changes


def best_slots(search: Search, most: int) -> list[Slot]:
    """Return the best slots: most optional weight, then fewest who are unsure, then earliest."""
    optional = search.meeting.optional
    ranked: list[tuple[int, int, int, int]] = []
    for run in suitable_runs(search, search.starts):
        missed = sum(map(optional.__getitem__, optional.keys() & run.away))
        ranked.append((missed, len(run.unsure - run.away), run.first, run.last))
    ranked.sort()
    places = (place for _, _, first, last in ranked for place in range(first, last))
    return [slot_at(search, search.starts[place]) for place in islice(places, most)]


def suitable_runs(search: Search, starts: Sequence[Instant]) -> Iterator[Run]:
    """Yield the runs in which everybody required is free and each group has as many as it needs."""
    required = frozenset(search.meeting.required)
    spare = spare_of(search.meeting)
    for run in runs_of(search, starts):
        if required.isdisjoint(run.away) and all(map(le, run.absent, spare)):
            yield run


def spare_of(meeting: MeetingRequest) -> list[int]:
    """Return how many of each group may be away."""
    return [len(group.people) - group.need for group in meeting.groups]


def slots_of(search: Search) -> int:
    """Count the slots that a search finds."""
    return sum(run.last - run.first for run in suitable_runs(search, search.starts))


def slot_at(search: Search, start: Instant) -> Slot:
    """Return the slot that begins at a start, with how it finds everybody."""
    meeting = search.meeting
    states = {person: state_at(search.presences[person], start) for person in meeting.people}
    free, tentative, missing = (tuple(who for who, found in states.items() if found is state) for state in State)
    weight = sum(weight for person, weight in meeting.optional.items() if states[person] is not State.missing)
    return Slot(Span(start, Instant(start + meeting.duration)), free, tentative, missing, weight)


def state_at(presence: Presence, start: Instant) -> State:
    """Return how a meeting that begins at a start finds somebody."""
    if lies_within(start, presence.away):
        return State.missing
    return State.tentative if lies_within(start, presence.unsure) else State.free


def lies_within(start: Instant, spans: Sequence[Span]) -> bool:
    """Return whether an instant lies in one of some spans, which are in order and do not overlap."""
    place = bisect_right(spans, start, key=lambda span: span.start)
    return place > 0 and start < spans[place - 1].end
