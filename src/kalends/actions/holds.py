"""Actions on holds: a hold is placed, extended once, and released or consumed by an event."""

from collections.abc import Set as AbstractSet

from msgspec import structs

from kalends.actions.announcing import Announcement, announce, announce_all
from kalends.actions.fetching import Named, lock_bookable_people
from kalends.errors import BookingConflict, Fault, HoldExtended, Invalid, NotFound
from kalends.limits import MAX_HELD_HOURS
from kalends.model import Actor, Event, Hold, HoldId, Instant, Span, UserId
from kalends.rules.access import may_see_hold, may_use_hold, refuse_unless
from kalends.rules.audit import AuditAction, ObjectKind, hold_snapshot
from kalends.rules.blocks import slot_faults
from kalends.rules.intervals import HOUR, SECOND, overlaps
from kalends.store.commitments import blocking_commitments
from kalends.store.database import WriteTx
from kalends.store.holds import (
    delete_held_time,
    delete_hold_row,
    extend_hold_rows,
    find_hold,
    insert_hold,
    lock_hold,
    time_held_by,
)
from kalends.store.users import lock_people


def place_hold(tx: WriteTx, actor: Actor, people: list[UserId], span: Span | list[Fault], seconds: int) -> Hold:
    """Place a hold on the time of some people, who all have to be free. Raise Invalid or BookingConflict.

    `span` may be the faults of a span that could not be read: they are raised with all others. The actor is locked with
    the people, so that holds that one user places at the same time are counted one after the other.
    """
    named: list[Named] = [(user_id, ("user_ids", place)) for place, user_id in enumerate(people)]
    named += [] if actor.user_id is None else [(actor.user_id, ())]
    _, faults = lock_bookable_people(tx, actor, named)
    faults += [
        Fault(("user_ids", place), "duplicate_user", f"user {user_id} is named twice: name them once")
        for place, user_id in enumerate(people)
        if user_id in people[:place]
    ]
    faults += span if isinstance(span, list) else slot_faults(span) or limit_faults(tx, actor, people, span)
    if faults or isinstance(span, list):
        raise Invalid(*faults)
    refuse_taken_slot(tx, actor, people, span)
    expires_at = Instant(tx.now + seconds * SECOND)
    made = Hold(HoldId(tx.new_id()), tuple(sorted(people)), span, expires_at, False, tx.now, actor.user_id)
    insert_hold(tx, actor, made)
    announce(tx, actor, AuditAction.placed, ObjectKind.hold, made.id, None, hold_snapshot(made))
    return made


def extend_hold(tx: WriteTx, actor: Actor, hold_id: HoldId, seconds: int) -> Hold:
    """Extend a hold to some seconds from now, once; it never becomes shorter.

    Raise NotFound, Forbidden, HoldExtended, or BookingConflict if it has just expired and the slot is taken.
    """
    hold = visible_hold(actor, find_hold(tx, actor, hold_id), hold_id)
    refuse_unless(may_use_hold(actor, hold.placed_by), "Only the user who placed a hold and operators can extend it")
    lock_people(tx, actor, hold.user_ids)  # before the hold, as create_event does
    before = hold_to_change(tx, actor, hold_id)
    if before.extended:
        raise HoldExtended
    # It may have expired while this transaction waited for the locks, and the slot may be taken by now.
    refuse_taken_slot(tx, actor, list(before.user_ids), before.span, hold_id)
    until = max(before.expires_at, Instant(tx.now + seconds * SECOND))
    after = structs.replace(before, expires_at=until, extended=True)
    extend_hold_rows(tx, hold_id, after.expires_at)
    announce(tx, actor, AuditAction.extended, ObjectKind.hold, hold_id, hold_snapshot(before), hold_snapshot(after))
    return after


def release_hold(tx: WriteTx, actor: Actor, hold_id: HoldId) -> None:
    """Release a hold; a person who did not place it releases only their own time.

    A hold that keeps no time any more is removed. Raise NotFound.
    """
    before = hold_to_change(tx, actor, hold_id)
    after = None
    if actor.user_id is None or may_use_hold(actor, before.placed_by) or before.user_ids == (actor.user_id,):
        delete_hold_row(tx, hold_id)
    else:
        delete_held_time(tx, hold_id, actor.user_id)
        after = structs.replace(before, user_ids=tuple(who for who in before.user_ids if who != actor.user_id))
    announce(
        tx, actor, AuditAction.released, ObjectKind.hold, hold_id, hold_snapshot(before), after and hold_snapshot(after)
    )


def consume_hold(tx: WriteTx, actor: Actor, hold_id: HoldId, event: Event, people: AbstractSet[UserId]) -> None:
    """Remove a hold that becomes an event; the people of the event are locked already.

    Raise Invalid if it has expired, somebody else placed it, or it reserves another time or other people.
    """
    hold = lock_hold(tx, actor, hold_id)
    if hold is None or not may_use_hold(actor, hold.placed_by):
        message = f"hold {hold_id} has expired, never existed, or was placed by somebody else: place a new one"
        raise Invalid(Fault(("hold",), "hold_lapsed", message))
    if not overlaps(hold.span, event.block.span) or people.isdisjoint(hold.user_ids):
        message = f"hold {hold_id} reserves another time or other people: name a hold that reserves time for this event"
        raise Invalid(Fault(("hold",), "hold_elsewhere", message))
    delete_hold_row(tx, hold_id)
    became = {"event_id": str(event.id)}
    done = Announcement(AuditAction.consumed, ObjectKind.hold, hold_id, hold_snapshot(hold), became)
    announce_all(tx, [(actor, done)])


def hold_to_change(tx: WriteTx, actor: Actor, hold_id: HoldId) -> Hold:
    """Return a hold, and lock it. Raise NotFound, also if it has expired."""
    return visible_hold(actor, lock_hold(tx, actor, hold_id), hold_id)


def visible_hold(actor: Actor, hold: Hold | None, hold_id: HoldId) -> Hold:
    """Return a hold. Raise NotFound if there is none, or the actor may not see it."""
    if hold is None or not may_see_hold(actor, hold.placed_by, hold.user_ids):
        raise NotFound("hold", hold_id)
    return hold


def limit_faults(tx: WriteTx, actor: Actor, people: list[UserId], span: Span) -> list[Fault]:
    """Return a fault if the actor's holds would keep too much time with this one; operators have no limit."""
    if actor.user_id is None:
        return []
    held = time_held_by(tx, actor, actor.user_id)
    wanted = held + len(set(people)) * (span.end - span.start)
    if wanted <= MAX_HELD_HOURS * HOUR:
        return []
    message = (
        f"your holds keep {held / HOUR:.2f} hours of people's time and would keep {wanted / HOUR:.2f} with this one, "
        f"and {MAX_HELD_HOURS} is the most: hold fewer people or less time, or release a hold first"
    )
    return [Fault((), "too_much_held", message)]


def refuse_taken_slot(tx: WriteTx, actor: Actor, people: list[UserId], span: Span, own: HoldId | None = None) -> None:
    """Raise BookingConflict unless everybody is free; the hold `own` does not count. The people are locked already."""
    conflicts = blocking_commitments(tx, actor, people, [span], hold_id=own)[span]
    if conflicts:
        raise BookingConflict(tuple(conflicts), "UTC")
