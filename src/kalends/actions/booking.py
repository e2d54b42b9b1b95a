"""The promise: nobody is booked twice by accident. Every action that takes somebody's time comes through here.

First the people are locked in the order of their ids, then it is looked, then it is written: whoever comes second
sees what the first one wrote. On SQLite the one writer is the lock.
"""

from collections.abc import Set as AbstractSet
from enum import StrEnum

from kalends.actions.announcing import store_audit_entry
from kalends.errors import BookingConflict, Fault, Invalid
from kalends.model import Actor, Conflict, Event, HoldId, UserId
from kalends.rules.access import may_use_hold
from kalends.rules.audit import AuditAction, ObjectKind, hold_snapshot
from kalends.rules.conflicts import classify_conflicts, rows_taking_time
from kalends.rules.intervals import overlaps
from kalends.rules.participation import AgendaRow
from kalends.store.commitments import blocking_commitments
from kalends.store.database import WriteTx
from kalends.store.holds import delete_hold_row, lock_hold
from kalends.store.users import lock_more_people


class OnConflict(StrEnum):
    """What to do when somebody needed is not free."""

    reject = "reject"
    allow = "allow"


class Guard:
    """How one call deals with people who are not free, and what it found; each try of a transaction needs its own."""

    def __init__(self, on_conflict: OnConflict = OnConflict.reject, hold_id: HoldId | None = None) -> None:
        self.on_conflict = on_conflict
        self.hold_id = hold_id
        self.time_zone = "UTC"
        self.conflicts: list[Conflict] = []
        self.warnings: list[Conflict] = []


def guard_time(
    tx: WriteTx,
    actor: Actor,
    guard: Guard,
    event: Event,
    before: AbstractSet[AgendaRow],
    after: AbstractSet[AgendaRow],
) -> set[UserId]:
    """Refuse a change that books somebody twice, before any of it is stored; give who is booked twice all the same.

    Raises BookingConflict, or Invalid if the hold to be consumed is gone.
    """
    taking = rows_taking_time(before, after)
    lock_more_people(tx, actor, sorted(taking))
    consume_hold(tx, actor, guard, event, {row.user_id for row in after})
    changed = sorted({row.user_id for row in after - before if row.blocking} | taking.keys())
    if not changed:
        return set()
    found = blocking_commitments(tx, actor, changed, event.block.span, event_id=event.id)
    conflicts, warnings = classify_conflicts(found, taking)
    if conflicts and guard.on_conflict is OnConflict.reject:
        raise BookingConflict(tuple(conflicts), event.block.time_zone)
    guard.time_zone = event.block.time_zone
    guard.conflicts += conflicts
    guard.warnings += warnings
    return {conflict.user_id for conflict in found}


def consume_hold(tx: WriteTx, actor: Actor, guard: Guard, event: Event, people: AbstractSet[UserId]) -> None:
    """Let a hold become the event that is made of it. Raises Invalid if it is not for some of its people and time."""
    if guard.hold_id is None:
        return
    hold = lock_hold(tx, actor, guard.hold_id)
    if hold is None or not may_use_hold(actor, hold.placed_by):
        message = f"hold {guard.hold_id} has lapsed, never was, or was placed by somebody else: place a new one"
        raise Invalid(Fault(("hold",), "hold_lapsed", message))
    if not overlaps(hold.span, event.block.span) or people.isdisjoint(hold.user_ids):
        message = f"hold {guard.hold_id} keeps another time, or the time of other people: name the one for this event"
        raise Invalid(Fault(("hold",), "hold_elsewhere", message))
    delete_hold_row(tx, guard.hold_id)
    store_audit_entry(
        tx,
        actor,
        AuditAction.consumed,
        ObjectKind.hold,
        guard.hold_id,
        hold_snapshot(hold),
        {"event_id": str(event.id)},
    )
