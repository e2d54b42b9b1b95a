"""The conflict check of events, which every action calls that makes somebody busy; `holds.py` has the one of holds.

First the people are locked in the order of their ids, then their time is read, then the change is written. So the
second of two transactions sees what the first has written. SQLite has only one writer at a time, which is the lock.
"""

from collections.abc import Set as AbstractSet
from enum import StrEnum
from typing import NamedTuple

from kalends.errors import BookingConflict
from kalends.model import Actor, Conflict, Event, UserId
from kalends.rules.conflicts import classify_conflicts, rows_newly_occupying
from kalends.rules.participation import AgendaRow
from kalends.store.commitments import blocking_commitments
from kalends.store.database import WriteTx
from kalends.store.users import lock_people


class OnConflict(StrEnum):
    """What to do if somebody needed is busy."""

    reject = "reject"
    allow = "allow"


class Checked(NamedTuple):
    """The result of the conflict check for a change that may be stored."""

    conflicts: tuple[Conflict, ...] = ()
    warnings: tuple[Conflict, ...] = ()
    booked_twice: frozenset[UserId] = frozenset()
    """Everybody who is busy then, including those whom the change makes no busier than before."""


def check_conflicts(
    tx: WriteTx,
    actor: Actor,
    event: Event,
    before: AbstractSet[AgendaRow],
    after: AbstractSet[AgendaRow],
    on_conflict: OnConflict,
) -> Checked:
    """Return what blocks the people of a change; call it before the change is stored.

    Raise BookingConflict if somebody needed is not free, unless double booking is allowed.
    """
    taking = rows_newly_occupying(before, after)
    people = {user_id for user_id, _ in taking}
    lock_people(tx, actor, people)
    people |= {row.user_id for row in after - before if row.blocking}
    if not people:
        return Checked()
    span = event.block.span
    blocking = blocking_commitments(tx, actor, sorted(people), [span], event_id=event.id)
    conflicts, warnings = classify_conflicts(blocking, taking)
    if conflicts and on_conflict is OnConflict.reject:
        raise BookingConflict(tuple(conflicts), event.block.time_zone)
    return Checked(tuple(conflicts), tuple(warnings), frozenset(conflict.user_id for conflict in blocking[span]))
