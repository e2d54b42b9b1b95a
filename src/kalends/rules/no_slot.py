"""Why a search finds no slot, who is away, and which requirements to give up."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Sequence
from enum import StrEnum
from itertools import groupby, repeat
from operator import sub
from typing import NamedTuple

from msgspec import Struct

from kalends.model import Instant, Span, UserId
from kalends.rules.intervals import MINUTE
from kalends.rules.meeting import Search, runs_of, spare_of, starts_that_meet, suitable_runs
from kalends.rules.periods import clip, merge
from kalends.rules.starts import slot_starts, start_spans

FINER_STEPS = tuple(minutes * MINUTE for minutes in (60, 30, 20, 15, 10, 5, 1))
"""The steps that are tried if the requested step misses a gap, the coarsest first."""


class ReasonCode(StrEnum):
    """Why there is no slot."""

    in_the_past = "in_the_past"
    window_too_short = "window_too_short"
    not_one_day = "not_one_day"
    no_step_in_window = "no_step_in_window"
    step_too_coarse = "step_too_coarse"
    people_away = "people_away"


class Reason(Struct, frozen=True):
    """Why there is no slot: in one window, or anywhere if none is named."""

    code: ReasonCode
    window: Span | None = None
    starts: Span | None = None
    """The first and the last start with which the meeting would fit into the window."""


class Obstacle(Struct, frozen=True):
    """A person who is away: with how many starts, and what blocks them in the requested windows.

    `outside_hours` counts the starts with which they are away only because they do not work.
    """

    user_id: UserId
    slots: int
    blocked: tuple[Span, ...]
    outside_hours: int = 0


class Relaxation(Struct, frozen=True):
    """Requirements to give up, and the number of slots that this gives."""

    without: tuple[UserId, ...]
    """Make these people optional."""
    fewer_of: tuple[int, ...]
    """Need one person less of these groups, by their place."""
    slots: int
    outside_hours: bool = False
    """Ignore working hours."""
    step: int | None = None
    """Use this finer step."""


class Lack(NamedTuple):
    """What starts lack: required people who are away, and the number of people missing from each group."""

    people: frozenset[UserId]
    short: tuple[int, ...]

    @property
    def size(self) -> int:
        """Return the number of requirements to give up."""
        return len(self.people) + sum(self.short)

    def is_within(self, other: "Lack") -> bool:
        """Return whether giving up the other includes giving up all of this."""
        return self.people <= other.people and all(map(int.__le__, self.short, other.short))

    def relaxation(self, slots: int) -> Relaxation:
        """Return the relaxation that gives this up."""
        fewer_of = (number for number, short in enumerate(self.short) for _ in range(short))
        return Relaxation(tuple(sorted(self.people)), tuple(fewer_of), slots)


def relaxations(search: Search, most: int) -> list[Relaxation]:
    """Return the cheapest relaxations: fewest requirements to give up, then most slots gained."""
    required = frozenset(search.meeting.required)
    spare = spare_of(search.meeting)
    lacking: Counter[Lack] = Counter()
    for run in runs_of(search, search.starts):
        short = tuple(map(max, repeat(0), map(sub, run.absent, spare)))
        lacking[Lack(required & run.away, short)] += run.last - run.first
    offers: list[Relaxation] = []
    smaller: list[Lack] = []
    for _, alike in groupby(sorted(lacking, key=lambda lack: lack.size), lambda lack: lack.size):
        if len(offers) >= most:
            break
        peers = list(alike)  # giving one of them up also gains the slots that lack only a part of it
        won = (lack.relaxation(lacking[lack] + won_with(lack, smaller, lacking)) for lack in peers)
        offers += sorted(won, key=lambda offer: (-offer.slots, places_in_order(offer)))
        smaller += peers
    return offers[:most]


def won_with(lack: Lack, smaller: Sequence[Lack], lacking: Counter[Lack]) -> int:
    """Return the number of further slots gained by giving up a lack: the starts that lack only a part of it."""
    return sum(lacking[part] for part in smaller if part.is_within(lack))


def places_in_order(offer: Relaxation) -> list[tuple[int, int]]:
    """Return a sort key for equally good relaxations: people by id, then groups by place."""
    return [*((0, int(person)) for person in offer.without), *((1, number) for number in offer.fewer_of)]


def obstacles(search: Search) -> list[Obstacle]:
    """Return everybody needed who is away with some start, with what blocks them; those away most often come first."""
    meeting = search.meeting
    grouped = (person for group in meeting.groups for person in group.people)
    found: list[Obstacle] = []
    for person in dict.fromkeys((*meeting.required, *grouped)):
        blocked = merge(search.calendars[person].blocked)
        away = starts_within(search.starts, search.absences[person].away)
        if away:
            busy = starts_within(search.starts, merge(starts_that_meet(blocked, meeting.duration)))
            shown = (part for window in meeting.windows for part in clip(blocked, window))
            found.append(Obstacle(person, away, tuple(shown), away - busy))
    return sorted(found, key=lambda obstacle: (-obstacle.slots, obstacle.user_id))


def starts_within(starts: Sequence[Instant], spans: Sequence[Span]) -> int:
    """Return the number of starts that lie in spans, which do not overlap."""
    return sum(bisect_left(starts, span.end) - bisect_left(starts, span.start) for span in spans)


def finer_step(search: Search) -> Relaxation | None:
    """Return the coarsest step that finds slots where this search finds none, with their number.

    Starts where somebody becomes free are tried with every step. So a search without slots can only have missed a gap
    that was there when a window, or a day in it, began.
    """
    openings = [one.span.start for one in search.spans]
    if not any(suitable_runs(search, sorted(openings))):
        return None
    for step in FINER_STEPS:
        if step < search.meeting.step:
            starts = slot_starts(search.spans, step, ())
            slots = sum(run.last - run.first for run in suitable_runs(search, starts))
            if slots:
                return Relaxation((), (), slots, step=step)
    return None


def reasons(search: Search, finer: Relaxation | None) -> list[Reason]:
    """Return why a search found nothing: for each window without a start, and then for the rest."""
    found = list(windows_without_start(search))
    if finer is not None:
        found.append(Reason(ReasonCode.step_too_coarse))
    if search.starts:
        found.append(Reason(ReasonCode.people_away))
    return found


def windows_without_start(search: Search) -> Iterator[Reason]:
    """Yield each window in which nothing can begin, and why."""
    meeting = search.meeting
    for window in merge(meeting.between):
        if window.end - window.start < meeting.duration:
            yield Reason(ReasonCode.window_too_short, window)
            continue
        left = window if meeting.not_before is None else Span(max(window.start, meeting.not_before), window.end)
        if left.end - left.start < meeting.duration:
            yield Reason(ReasonCode.in_the_past, window)
            continue
        spans = [one.span for one in start_spans(left, search.zone, meeting.duration)]
        if not spans:
            yield Reason(ReasonCode.not_one_day, left)
        elif not starts_within(search.starts, spans):
            fitting = Span(min(spans).start, Instant(max(span.end for span in spans) - 1))
            yield Reason(ReasonCode.no_step_in_window, left, fitting)
