"""Deciding about double booking: which of a change's people need their time for it, and what then stands in the way."""

from collections import defaultdict
from collections.abc import Iterable, Mapping

from msgspec import structs

from kalends.model import Busy, Conflict, Span, UserId
from kalends.rules.intervals import contains
from kalends.rules.participation import AgendaRow
from kalends.rules.periods import STRENGTH, Period, merge_by_strength


def takes_time(before: AgendaRow | None, after: AgendaRow) -> bool:
    """Tell whether a change takes time that was not taken: anew, beyond the old span, or more firmly than before."""
    if after.shown is Busy.free:
        return False
    if before is None or not contains(before.span, after.span) or after.blocking > before.blocking:
        return True
    return STRENGTH[after.shown] > STRENGTH[before.shown]


def rows_taking_time(before: Iterable[AgendaRow], after: Iterable[AgendaRow]) -> dict[UserId, AgendaRow]:
    """Give the rows of a change that take time, by person."""
    old = {row.user_id: row for row in before}
    return {row.user_id: row for row in after if takes_time(old.get(row.user_id), row)}


def classify_conflicts(
    found: Iterable[Conflict], taking: Mapping[UserId, AgendaRow]
) -> tuple[list[Conflict], list[Conflict]]:
    """Sort what stands in the way into conflicts, and warnings about people who are merely optional."""
    conflicts: list[Conflict] = []
    warnings: list[Conflict] = []
    for conflict in found:
        row = taking.get(conflict.user_id)
        if row is not None and row.blocking:
            conflicts.append(conflict)
        elif row is not None:
            warnings.append(structs.replace(conflict, needed=False))
    return conflicts, warnings


def reported(found: Iterable[Conflict], window: Span) -> list[Conflict]:
    """Return what is told of what blocks people in a window: events that are seen, and of all else only when it does.

    What is not seen is cut to the window and merged, as free/busy merges it: how many events or holds there are, where
    they begin, and what lies under an event that is seen and as strong, makes no difference. In the order of person and
    start.
    """
    seen: defaultdict[UserId, list[Conflict]] = defaultdict(list)
    unseen: defaultdict[UserId, list[Conflict]] = defaultdict(list)
    for conflict in found:
        (unseen if conflict.event_id is None else seen)[conflict.user_id].append(conflict)
    result: list[Conflict] = [conflict for conflicts in seen.values() for conflict in conflicts]
    for user_id, conflicts in unseen.items():
        merged = merge_by_strength(map(period_of, conflicts), window, under=map(period_of, seen[user_id]))
        result += [Conflict(user_id, period.span, period.strength, None, needed=True) for period in merged]
    return sorted(result, key=lambda conflict: (conflict.user_id, conflict.span, conflict.event_id or 0))


def period_of(conflict: Conflict) -> Period:
    """Return when something is in the way, and how strongly."""
    return Period(conflict.span, conflict.strength)
