"""Deciding about double booking: which of a change's people need their time for it, and what then stands in the way."""

from collections.abc import Iterable, Mapping

from msgspec import structs

from kalends.model import AgendaRow, Busy, Clash, UserId
from kalends.rules.intervals import contains

STRENGTH = {Busy.free: 0, Busy.tentative: 1, Busy.busy: 2}


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
