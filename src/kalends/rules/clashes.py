"""Deciding about double booking: which of a change's people need their time for it, and what then stands in the way."""

from collections import defaultdict
from collections.abc import Iterable, Mapping

from msgspec import structs

from kalends.model import AgendaRow, Busy, Clash, Span, UserId
from kalends.rules.intervals import contains
from kalends.rules.periods import STRENGTH, Period, layered


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


def judged(found: Iterable[Clash], taking: Mapping[UserId, AgendaRow]) -> tuple[list[Clash], list[Clash]]:
    """Sort what stands in the way into conflicts, and warnings about people who are merely optional."""
    conflicts: list[Clash] = []
    warnings: list[Clash] = []
    for clash in found:
        row = taking.get(clash.user_id)
        if row is not None and row.blocking:
            conflicts.append(clash)
        elif row is not None:
            warnings.append(structs.replace(clash, needed=False))
    return conflicts, warnings


def told(found: Iterable[Clash], window: Span) -> list[Clash]:
    """Return what is told of what blocks people in a window: events that are seen, and of all else only when it does.

    What is not seen is cut to the window and merged, as free/busy merges it: how many events or holds there are, where
    they begin, and what lies under an event that is seen and as strong, makes no difference. In the order of person and
    start.
    """
    seen: defaultdict[UserId, list[Clash]] = defaultdict(list)
    unseen: defaultdict[UserId, list[Clash]] = defaultdict(list)
    for clash in found:
        (unseen if clash.event_id is None else seen)[clash.user_id].append(clash)
    result: list[Clash] = [clash for clashes in seen.values() for clash in clashes]
    for user_id, clashes in unseen.items():
        merged = layered(map(period_of, clashes), window, under=map(period_of, seen[user_id]))
        result += [Clash(user_id, period.span, period.strength, None, needed=True) for period in merged]
    return sorted(result, key=lambda clash: (clash.user_id, clash.span, clash.event_id or 0))


def period_of(clash: Clash) -> Period:
    """Return when something is in the way, and how strongly."""
    return Period(clash.span, clash.strength)
