"""Keeping a slot for a moment: placed, extended once, released, or consumed by an event (see booking.py)."""

from msgspec import structs

from kalends.actions.finding import people_to_book
from kalends.errors import Conflict, Fault, HoldExtended, Invalid, NotFound
from kalends.model import Actor, Hold, HoldId, Instant, Span, UserId
from kalends.rules.blocks import span_faults
from kalends.rules.intervals import LONGEST_BLOCK, SECOND
from kalends.store.commitments import blocking_commitments
from kalends.store.database import WriteTx
from kalends.store.holds import delete_hold_row, extend_hold_rows, find_hold, insert_hold
from kalends.store.users import lock_more_people


def place_hold(tx: WriteTx, actor: Actor, people: list[UserId], span: Span, seconds: int) -> Hold:
    """Keep a slot for some people, all of whom have to be free. Raises Invalid or Conflict."""
    _, faults = people_to_book(tx, actor, [(user_id, ("user_ids", place)) for place, user_id in enumerate(people)])
    faults += [
        Fault(("user_ids", place), "duplicate_user", f"user {user_id} is named twice")
        for place, user_id in enumerate(people)
        if user_id in people[:place]
    ]
    faults += span_faults(span)
    if span.end - span.start > LONGEST_BLOCK:
        faults.append(Fault(("end",), "not_one_day", "a slot is as long as an event can be: at most a day"))
    if faults:
        raise Invalid(*faults)
    refuse_taken_slot(tx, actor, people, span, None)
    expires_at = Instant(tx.now + seconds * SECOND)
    made = Hold(HoldId(tx.new_id()), tuple(sorted(people)), span, expires_at, extended=False, created_at=tx.now)
    insert_hold(tx, actor, made)
    return made


def extend_hold(tx: WriteTx, actor: Actor, hold_id: HoldId, seconds: int) -> Hold:
    """Let a hold last some seconds from now on, once. Raises NotFound, HoldExtended, or Conflict if it just lapsed."""
    before = hold_to_change(tx, actor, hold_id)
    if before.extended:
        raise HoldExtended
    lock_more_people(tx, actor, list(before.user_ids))
    # It may have lapsed while this waited for its turn, and the slot be somebody else's by now.
    refuse_taken_slot(tx, actor, list(before.user_ids), before.span, hold_id)
    after = structs.replace(before, expires_at=Instant(tx.now + seconds * SECOND), extended=True)
    extend_hold_rows(tx, hold_id, after.expires_at)
    return after


def release_hold(tx: WriteTx, actor: Actor, hold_id: HoldId) -> None:
    """Give a slot back. Raises NotFound."""
    hold_to_change(tx, actor, hold_id)
    delete_hold_row(tx, hold_id)


def hold_to_change(tx: WriteTx, actor: Actor, hold_id: HoldId) -> Hold:
    """Give a hold, locked. Raises NotFound, for one that has lapsed too."""
    found = find_hold(tx, actor, hold_id, lock=True)
    if found is None:
        raise NotFound("hold", hold_id)
    return found


def refuse_taken_slot(tx: WriteTx, actor: Actor, people: list[UserId], span: Span, own: HoldId | None) -> None:
    """Raise Conflict unless everybody is free but for a hold of one's own; they are locked already."""
    found = blocking_commitments(tx, actor, people, span, event_id=None, hold_id=own)
    if found:
        raise Conflict(tuple(found), "UTC")
