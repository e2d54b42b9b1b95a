"""Finding a time: the slots that suit everybody needed, and their order.

Slots begin on steps of the wall clock and where somebody becomes free, not where a window begins: so a wider window
never loses a slot. Successive starts with which the same people are away form a run. Rules process runs, so that their
cost grows with the number of commitments and not with the number of starts.
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
    """People of whom a number is needed, in any combination."""

    people: tuple[UserId, ...]
    need: int


class MeetingRequest(Struct, frozen=True):
    """The requirements of a meeting: people, length and step in microseconds, and the windows it may lie in."""

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
        """Return everybody in the request, once, in the order of ids."""
        grouped = (person for group in self.groups for person in group.people)
        return sorted({*self.required, *self.optional, *grouped})

    @property
    def windows(self) -> list[Span]:
        """Return the windows in order, with touching ones merged, clipped at `not_before`."""
        windows = merge(self.between)
        if self.not_before is None or not windows:
            return windows
        return clip(windows, Span(self.not_before, max(self.not_before, windows[-1].end)))

    @property
    def horizon(self) -> Span | None:
        """Return the span in which commitments matter; None if no window is left.

        It begins before the first window, so that it has the commitments that end exactly where the window begins.
        """
        windows = self.windows
        return Span(Instant(windows[0].start - 1), windows[-1].end) if windows else None


class Calendar(Struct, frozen=True):
    """One person's time: busy and tentative spans, and working periods (None: always)."""

    blocked: Sequence[Span]
    unsure: Sequence[Span]
    working: Sequence[Span] | None = None


class Absence(NamedTuple):
    """For one person, the starts with which they are away, and those with which they are tentatively busy."""

    away: list[Span]
    unsure: list[Span]


class Search(Struct, frozen=True):
    """A meeting request with what is derived from it and the people's calendars before slots are evaluated."""

    meeting: MeetingRequest
    zone: ZoneInfo
    calendars: Mapping[UserId, Calendar]
    absences: Mapping[UserId, Absence]
    spans: list[StartSpan]
    """All starts with which the meeting lies in a window and in one local day, even those off the grid."""
    starts: list[Instant]
    """The starts that are evaluated."""


class Run(NamedTuple):
    """Successive starts, by their places `first` to `last`, for which everybody's state is the same."""

    first: int
    last: int
    away: AbstractSet[UserId]
    unsure: AbstractSet[UserId]
    absent: Sequence[int]
    """The number of people away in each group."""


class State(Enum):
    """The state of a person during a slot."""

    free = auto()
    tentative = auto()
    missing = auto()


class Slot(Struct, frozen=True):
    """A suitable time, and the state of everybody."""

    span: Span
    free: tuple[UserId, ...]
    tentative: tuple[UserId, ...]
    missing: tuple[UserId, ...]
    weight: int


def search_of(meeting: MeetingRequest, zone: ZoneInfo, calendars: Mapping[UserId, Calendar]) -> Search:
    """Return a search; `calendars` has everybody in the request, with what overlaps its horizon."""
    horizon = meeting.horizon or Span(Instant(0), Instant(0))
    absences = {person: absence_of(calendars[person], meeting.duration, horizon) for person in meeting.people}
    spans = [span for window in meeting.windows for span in start_spans(window, zone, meeting.duration)]
    freed = (span.end for presence in absences.values() for span in presence.away)
    return Search(meeting, zone, calendars, absences, spans, slot_starts(spans, meeting.step, freed))


def absence_of(calendar: Calendar, duration: int, within: Span) -> Absence:
    """Return the starts with which a person is away, and those with which they are tentatively busy."""
    away = starts_that_meet(calendar.blocked, duration)
    if calendar.working is not None:
        begun = within.start
        for span in calendar.working:
            if span.end - span.start >= duration:
                away.append(Span(begun, span.start))
                begun = Instant(span.end - duration + 1)
        away.append(Span(begun, max(begun, within.end)))
    return Absence(merge(away), merge(starts_that_meet(calendar.unsure, duration)))


def starts_that_meet(spans: Sequence[Span], duration: int) -> list[Span]:
    """Return, for each span, the starts with which a meeting overlaps it."""
    return [Span(Instant(span.start - duration + 1), span.end) for span in spans]


def runs_of(search: Search, starts: Sequence[Instant]) -> Iterator[Run]:
    """Yield the runs of some starts, in order.

    Counts are updated when somebody leaves or comes back, not calculated again for each run.
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
    """People whose state changes with a start; somebody in two lists comes back and leaves again at once."""

    leaving: list[UserId]
    coming: list[UserId]
    unsure: list[UserId]
    sure: list[UserId]


NOTHING = Change([], [], [], [])


def changes_of(search: Search, starts: Sequence[Instant]) -> Mapping[int, Change]:
    """Return the changes of state by the place of the start."""
    changes: defaultdict[int, Change] = defaultdict(lambda: Change([], [], [], []))
    for person, presence in search.absences.items():
        for begins, spans in ((0, presence.away), (2, presence.unsure)):
            for span in spans:
                first, last = bisect_left(starts, span.start), bisect_left(starts, span.end)
                if first < last:
                    changes[first][begins].append(person)
                    changes[last][begins + 1].append(person)
    return changes


def best_slots(search: Search, most: int) -> list[Slot]:
    """Return the best slots: highest optional weight, then fewest tentatively busy people, then earliest."""
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


def count_slots(search: Search) -> int:
    """Count the slots that a search finds."""
    return sum(run.last - run.first for run in suitable_runs(search, search.starts))


def slot_at(search: Search, start: Instant) -> Slot:
    """Return the slot that begins at a start, with the state of everybody."""
    meeting = search.meeting
    states = {person: state_at(search.absences[person], start) for person in meeting.people}
    free, tentative, missing = (tuple(who for who, found in states.items() if found is state) for state in State)
    weight = sum(weight for person, weight in meeting.optional.items() if states[person] is not State.missing)
    return Slot(Span(start, Instant(start + meeting.duration)), free, tentative, missing, weight)


def state_at(presence: Absence, start: Instant) -> State:
    """Return the state of a person during a meeting that begins at a start."""
    if lies_within(start, presence.away):
        return State.missing
    return State.tentative if lies_within(start, presence.unsure) else State.free


def lies_within(start: Instant, spans: Sequence[Span]) -> bool:
    """Return whether an instant lies in one of several spans, which are in order and do not overlap."""
    place = bisect_right(spans, start, key=lambda span: span.start)
    return place > 0 and start < spans[place - 1].end
