"""Keeping a slot for a moment: placed, extended once, released, or consumed by an event (see booking.py)."""

from msgspec import structs

from kalends.actions.finding import people_to_book
from kalends.actions.recording import record
from kalends.errors import Conflict, Fault, HoldExtended, Invalid, NotFound
from kalends.model import Actor, Hold, HoldId, Instant, Span, UserId
from kalends.rules.access import may_use_hold
from kalends.rules.audit import Deed, ObjectKind, hold_facts
from kalends.rules.blocks import slot_faults
from kalends.rules.intervals import SECOND
from kalends.store.commitments import blocking_commitments
from kalends.store.database import WriteTx
from kalends.store.holds import delete_hold_row, extend_hold_rows, find_hold, insert_hold
from kalends.store.users import lock_more_people


def place_hold(tx: WriteTx, actor: Actor, people: list[UserId], span: Span | list[Fault], seconds: int) -> Hold:
    """Keep a slot for some people, all of whom have to be free. Raises Invalid or Conflict.

    Where the span could not be read, its faults are named with all the others.
    """
    _, faults = people_to_book(tx, actor, [(user_id, ("user_ids", place)) for place, user_id in enumerate(people)])
    faults += [
        Fault(("user_ids", place), "duplicate_user", f"user {user_id} is named twice: name them once")
        for place, user_id in enumerate(people)
        if user_id in people[:place]
    ]
    faults += span if isinstance(span, list) else slot_faults(span)
    if faults or isinstance(span, list):
        raise Invalid(*faults)
    refuse_taken_slot(tx, actor, people, span)
    expires_at = Instant(tx.now + seconds * SECOND)
    made = Hold(HoldId(tx.new_id()), tuple(sorted(people)), span, expires_at, False, tx.now, actor.user_id)
    insert_hold(tx, actor, made)
    record(tx, actor, Deed.placed, ObjectKind.hold, made.id, None, hold_facts(made))
    return made


def extend_hold(tx: WriteTx, actor: Actor, hold_id: HoldId, seconds: int) -> Hold:
    """Let a hold last some seconds from now on, once, and never shorter than it would have.

    Raises NotFound, HoldExtended, or Conflict if it just lapsed and the slot was taken.
    """
    people = list(found_hold(actor, find_hold(tx, actor, hold_id), hold_id).user_ids)
    lock_more_people(tx, actor, people)  # before the hold, as whoever makes an event of it does
    before = hold_to_change(tx, actor, hold_id)
    if before.extended:
        raise HoldExtended
    # It may have lapsed while this waited for its turn, and the slot be somebody else's by now.
    refuse_taken_slot(tx, actor, people, before.span, hold_id)
    until = max(before.expires_at, Instant(tx.now + seconds * SECOND))
    after = structs.replace(before, expires_at=until, extended=True)
    extend_hold_rows(tx, hold_id, after.expires_at)
    record(tx, actor, Deed.extended, ObjectKind.hold, hold_id, hold_facts(before), hold_facts(after))
    return after


def release_hold(tx: WriteTx, actor: Actor, hold_id: HoldId) -> None:
    """Give a slot back. Raises NotFound."""
    found = hold_to_change(tx, actor, hold_id)
    delete_hold_row(tx, hold_id)
    record(tx, actor, Deed.released, ObjectKind.hold, hold_id, hold_facts(found), None)


def hold_to_change(tx: WriteTx, actor: Actor, hold_id: HoldId) -> Hold:
    """Give a hold, locked. Raises NotFound, for one that has lapsed too."""
    return found_hold(actor, find_hold(tx, actor, hold_id, lock=True), hold_id)


def found_hold(actor: Actor, found: Hold | None, hold_id: HoldId) -> Hold:
    """Give what was found. Raises NotFound if nothing was, or it is somebody else's."""
    if found is None or not may_use_hold(actor, found.placed_by):
        raise NotFound("hold", hold_id)
    return found


def refuse_taken_slot(tx: WriteTx, actor: Actor, people: list[UserId], span: Span, own: HoldId | None = None) -> None:
    """Raise Conflict unless everybody is free but for a hold of one's own; they are locked already."""
    found = blocking_commitments(tx, actor, people, span, hold_id=own)
    if found:
        raise Conflict(tuple(found), "UTC")
