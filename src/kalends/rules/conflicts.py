"""Double booking: whom a change makes busy, and which conflicts that causes."""

from collections import defaultdict
from collections.abc import Iterable, Mapping

from msgspec import structs

from kalends.model import Conflict, Instant, Span, Strength, UserId
from kalends.rules.intervals import contains
from kalends.rules.participation import AgendaRow
from kalends.rules.periods import STRENGTH, Period, merge_by_strength


def newly_occupies(before: AgendaRow | None, after: AgendaRow) -> bool:
    """Return whether a row makes its person busy beyond what the old row did.

    It does if it is new, lies outside the old span, blocks while the old one did not, or is shown as busier. It never
    does if it is shown as free.
    """
    if after.shown is Strength.free:
        return False
    if before is None or not contains(before.span, after.span) or after.blocking > before.blocking:
        return True
    return STRENGTH[after.shown] > STRENGTH[before.shown]


def rows_newly_occupying(
    before: Iterable[AgendaRow], after: Iterable[AgendaRow]
) -> dict[tuple[UserId, Instant], AgendaRow]:
    """Return the rows of a change that make their person busy (see `takes_time`), by person and start."""
    old = {(row.user_id, row.event_id): row for row in before}
    taking = (row for row in after if newly_occupies(old.get((row.user_id, row.event_id)), row))
    return {(row.user_id, row.span.start): row for row in taking}


def classify_conflicts(
    blocking: Mapping[Span, Iterable[Conflict]], taking: Mapping[tuple[UserId, Instant], AgendaRow]
) -> tuple[list[Conflict], list[Conflict]]:
    """Return the conflicts of people whom a change makes busy, and as warnings those of optional people.

    `blocking` has what blocks people in each span, and `taking` the agenda rows by person and start of their span.
    """
    conflicts: list[Conflict] = []
    warnings: list[Conflict] = []
    for span, in_span in blocking.items():
        for conflict in in_span:
            row = taking.get((conflict.user_id, span.start))
            if row is not None and row.blocking:
                conflicts.append(conflict)
            elif row is not None:
                warnings.append(structs.replace(conflict, needed=False))
    return conflicts, warnings


def merge_unseen(conflicts: Iterable[Conflict], window: Span) -> list[Conflict]:
    """Return the conflicts in a window, ordered by person and start; those without an event id are merged.

    They are also clipped to the window, as in free/busy. So they do not reveal how many events or holds there are,
    where they start, or what lies under an event that is visible and as strong.
    """
    seen: defaultdict[UserId, list[Conflict]] = defaultdict(list)
    unseen: defaultdict[UserId, list[Conflict]] = defaultdict(list)
    for conflict in conflicts:
        (unseen if conflict.event_id is None else seen)[conflict.user_id].append(conflict)
    result = [conflict for of_person in seen.values() for conflict in of_person]
    for user_id, of_person in unseen.items():
        merged = merge_by_strength(map(period_of, of_person), window, under=map(period_of, seen[user_id]))
        result += [Conflict(user_id, period.span, period.strength, None, needed=True) for period in merged]
    return sorted(result, key=lambda conflict: (conflict.user_id, conflict.span, conflict.event_id or 0))


def period_of(conflict: Conflict) -> Period:
    """Return the time and the strength of a conflict."""
    return Period(conflict.span, conflict.strength)
