"""Finding a time: which slots suit everybody needed, in which order they are offered, and what stands in the way.

Every person's time becomes a row of marks, one for each slot; all rules are then sums over rows. Slots begin on steps
counted from local midnight, never from the window asked for, so a wider window never loses a slot.
"""

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from zoneinfo import ZoneInfo

from msgspec import Struct
from msgspec.structs import replace

from kalends.model import Instant, Span, UserId
from kalends.rules.hours import ONE_DAY
from kalends.rules.intervals import DAY
from kalends.rules.periods import cut, joined
from kalends.rules.zones import first_instant, local_date


class Group(Struct, frozen=True):
    """Some people of whom a number is needed, whoever they are."""

    people: tuple[UserId, ...]
    need: int


class Wish(Struct, frozen=True):
    """What a meeting needs: people, length and step in microseconds, and the windows it may lie in."""

    required: tuple[UserId, ...]
    optional: Mapping[UserId, int]
    """Optional people and how much each weighs."""
    groups: tuple[Group, ...]
    duration: int
    step: int
    between: tuple[Span, ...]

    @property
    def people(self) -> list[UserId]:
        """Give everybody named, once, in the order of ids."""
        grouped = (person for group in self.groups for person in group.people)
        return sorted({*self.required, *self.optional, *grouped})


class Calendar(Struct, frozen=True):
    """One person's time: what keeps them away, what might, and when they work (None: whenever)."""

    blocked: Sequence[Span]
    unsure: Sequence[Span]
    working: Sequence[Span] | None = None


class Slot(Struct, frozen=True):
    """A time that suits, and how it finds everybody."""

    span: Span
    free: tuple[UserId, ...]
    tentative: tuple[UserId, ...]
    missing: tuple[UserId, ...]
    weight: int


class Relaxation(Struct, frozen=True):
    """What to give up, and how many slots that opens: people to do without, groups (by place) to need one less of."""

    without: tuple[UserId, ...]
    fewer_of: tuple[int, ...]
    slots: int
    outside_hours: bool = False
    """Meet when somebody does not work."""


class Obstacle(Struct, frozen=True):
    """What keeps somebody away: in how many slots they are, and what blocks them in the windows asked for.

    `outside_hours` counts the slots in which nothing blocks them and they just do not work.
    """

    user_id: UserId
    slots: int
    blocked: tuple[Span, ...]
    outside_hours: int = 0


class Marks(Struct, frozen=True):
    """For each slot, whether a person is away (1) and whether they might be (1)."""

    away: bytearray
    unsure: bytearray


def slot_starts(wish: Wish, zone: ZoneInfo) -> list[Instant]:
    """Give every start at which a slot fits into a window and into one local day, in order."""
    starts: list[Instant] = []
    for window in joined(wish.between):
        day = local_date(window.start, zone)
        while (opening := first_instant(day, zone)) < window.end:
            closing = first_instant(day + ONE_DAY, zone)
            skipped = max(0, -((opening - window.start) // wish.step))
            last = min(closing, window.end) - wish.duration
            fitting = map(Instant, range(opening + skipped * wish.step, last + 1, wish.step))
            if closing - opening > DAY:  # clocks fell back: if that was over midnight, the day before shows up again
                fitting = (
                    start
                    for start in fitting
                    if local_date(start, zone) == local_date(Instant(start + wish.duration - 1), zone)
                )
            starts += fitting
            day += ONE_DAY
    return starts


def marks_of(calendar: Calendar, starts: Sequence[Instant], duration: int) -> Marks:
    """Mark the slots in which somebody is away, and those in which they might be."""
    away, unsure = bytearray(len(starts)), bytearray(len(starts))
    if calendar.working is not None:
        away = bytearray(b"\1" * len(starts))
        for span in calendar.working:
            first, last = bisect_left(starts, span.start), bisect_right(starts, span.end - duration)
            away[first:last] = bytes(max(0, last - first))
    for row, spans in ((away, calendar.blocked), (unsure, calendar.unsure)):
        for span in spans:
            first, last = bisect_right(starts, span.start - duration), bisect_left(starts, span.end)
            row[first:last] = b"\1" * max(0, last - first)
    return Marks(away, unsure)


def best_slots(wish: Wish, calendars: Mapping[UserId, Calendar], starts: Sequence[Instant], most: int) -> list[Slot]:
    """Give the best slots: most optional weight, then fewest who are unsure, then earliest."""
    marks = {person: marks_of(calendars[person], starts, wish.duration) for person in wish.people}
    needed_away = union(len(starts), (marks[person].away for person in wish.required))
    ranked: list[tuple[int, int, int]] = []
    for place in indices_of_zero(needed_away):
        if all(deficit(group, marks, place) <= 0 for group in wish.groups):
            weight = sum(weight for person, weight in wish.optional.items() if not marks[person].away[place])
            unsure = sum(row.unsure[place] > row.away[place] for row in marks.values())
            ranked.append((-weight, unsure, place))
    ranked.sort()
    return [slot_at(wish, marks, starts, place, -weight) for weight, _, place in ranked[:most]]


def slot_at(wish: Wish, marks: Mapping[UserId, Marks], starts: Sequence[Instant], place: int, weight: int) -> Slot:
    """Say how a slot finds everybody."""
    span = Span(starts[place], Instant(starts[place] + wish.duration))
    missing = tuple(person for person in wish.people if marks[person].away[place])
    there = [person for person in wish.people if not marks[person].away[place]]
    tentative = tuple(person for person in there if marks[person].unsure[place])
    free = tuple(person for person in there if not marks[person].unsure[place])
    return Slot(span, free, tentative, missing, weight)


def relaxations(
    wish: Wish, calendars: Mapping[UserId, Calendar], starts: Sequence[Instant], most: int
) -> list[Relaxation]:
    """Give the cheapest ways out when nothing fits: fewest things to give up, then most slots won."""
    marks = {person: marks_of(calendars[person], starts, wish.duration) for person in wish.people}
    lacking = Counter(frozenset(lacks_of(wish, marks, place)) for place in range(len(starts)))
    offers: list[tuple[int, int, list[Lack]]] = []
    smaller: list[frozenset[Lack]] = []
    for size, alike in groupby(sorted(lacking, key=len), len):
        if len(offers) >= most:
            break
        peers = list(alike)
        for lacks in peers:  # who gives that up wins the slots, too, that lack only a part of it
            won = lacking[lacks] + sum(lacking[part] for part in smaller if part < lacks)
            offers.append((size, -won, sorted(lacks)))
        smaller += peers
    offers.sort()
    return [relaxation_of(lacks, -won) for _, won, lacks in offers[:most]]


def obstacles(wish: Wish, calendars: Mapping[UserId, Calendar], starts: Sequence[Instant]) -> list[Obstacle]:
    """Say for everybody needed who is away in some slot what keeps them, the one who is away most first."""
    grouped = (person for group in wish.groups for person in group.people)
    found: list[Obstacle] = []
    for person in dict.fromkeys((*wish.required, *grouped)):
        calendar = calendars[person]
        away = sum(marks_of(calendar, starts, wish.duration).away)
        busy = sum(marks_of(replace(calendar, working=None), starts, wish.duration).away)
        blocked = (part for window in joined(wish.between) for part in cut(joined(calendar.blocked), window))
        if away:
            found.append(Obstacle(person, away, tuple(blocked), away - busy))
    return sorted(found, key=lambda obstacle: (-obstacle.slots, obstacle.user_id))


Lack = tuple[int, int, int]
"""(0, person, 0) for a required person, (1, group, nth) for each person that a group is short of."""


def lacks_of(wish: Wish, marks: Mapping[UserId, Marks], place: int) -> Iterable[Lack]:
    """Say what a slot lacks."""
    for person in wish.required:
        if marks[person].away[place]:
            yield 0, person, 0
    for number, group in enumerate(wish.groups):
        for nth in range(deficit(group, marks, place)):
            yield 1, number, nth


def relaxation_of(lacks: Iterable[Lack], slots: int) -> Relaxation:
    """Say in the words of the wish what would have to be given up."""
    people = sorted(UserId(what) for kind, what, _ in lacks if kind == 0)
    return Relaxation(tuple(people), tuple(sorted(what for kind, what, _ in lacks if kind == 1)), slots)


def deficit(group: Group, marks: Mapping[UserId, Marks], place: int) -> int:
    """Count how many people a group is short of in a slot."""
    return group.need - sum(not marks[person].away[place] for person in group.people)


def union(size: int, rows: Iterable[bytearray]) -> bytes:
    """Mark what is marked in any row."""
    total = 0
    for row in rows:
        total |= int.from_bytes(row, "little")
    return total.to_bytes(size, "little")


def indices_of_zero(row: bytes) -> Iterable[int]:
    """Give the places that are not marked, in order."""
    place = row.find(0)
    while place >= 0:
        yield place
        place = row.find(0, place + 1)
