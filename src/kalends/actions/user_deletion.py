"""Deleting a user, and changing the events that they host or take part in."""

from enum import StrEnum

from kalends.actions.announcing import announce
from kalends.actions.booking import OnConflict
from kalends.actions.fetching import Versions, lock_bookable_people, user_to_change
from kalends.actions.saving import EventChange, Participations, save_event, save_events
from kalends.actions.sharing import stop_all_sharing
from kalends.actions.tokens import revoke_all_tokens
from kalends.errors import Fault, HostsEvents, Invalid, TooManyEvents
from kalends.limits import MAX_DELETED_EVENTS, MAX_TRANSFERRED_EVENTS
from kalends.model import Actor, Event, EventId, Instant, Status, UserId
from kalends.rules.access import is_operator, refuse_unless
from kalends.rules.audit import AuditAction, ObjectKind, user_snapshot
from kalends.rules.editing import cancelled, next_version, transferred, with_pending_host
from kalends.rules.intervals import earliest_start
from kalends.store.database import WriteTx
from kalends.store.events import events_with_pending_host, lock_events
from kalends.store.participants import participations_of_events
from kalends.store.retry import Contended
from kalends.store.users import soft_delete_user, unfinished_events

EVENTS_AT_ONCE = 500
"""Events that are held in memory at once, with all their participations."""


class HostedEvents(StrEnum):
    """What becomes of the events that a deleted user hosts and that have not ended."""

    cancel = "cancel"
    transfer = "transfer"


def delete_user(
    tx: WriteTx,
    actor: Actor,
    user_id: UserId,
    *,
    hosted: HostedEvents | None = None,
    to: UserId | None = None,
    expect: Versions = None,
    on_conflict: OnConflict = OnConflict.reject,
) -> None:
    """Delete a user and remove them from events that have not ended; past events keep naming them.

    Their tokens, all shares by and with them, and pending transfers to them end.

    Raise Forbidden, NotFound, StaleVersion, HostsEvents, TooManyEvents, Invalid if the events cannot go to `to`, or
    BookingConflict if `to` is busy.
    """
    refuse_unless(is_operator(actor), "Only operators can delete users")
    locked = lock_events(tx, actor, concerned_ids(tx, actor, user_id))
    successor_faults = [] if to is None else lock_both(tx, actor, user_id, to)
    person = user_to_change(tx, actor, user_id, expect)
    events = still_concerned(locked, concerned_ids(tx, actor, user_id))
    refuse_wrong_successor(user_id, hosted, to, successor_faults)
    refuse_unsettled(user_id, hosted, events)
    for first in range(0, len(events), EVENTS_AT_ONCE):
        remove_user_from_events(tx, actor, events[first : first + EVENTS_AT_ONCE], user_id, to, on_conflict)
    revoke_all_tokens(tx, actor, user_id)
    stop_all_sharing(tx, actor, user_id)
    soft_delete_user(tx, user_id)
    announce(tx, actor, AuditAction.deleted, ObjectKind.user, user_id, user_snapshot(person), None)


def concerned_ids(tx: WriteTx, actor: Actor, user_id: UserId) -> list[EventId]:
    """Return the ids of a user's unfinished events, and of those that they are asked to host, in order.

    Raise TooManyEvents.
    """
    unfinished = unfinished_events(tx, actor, user_id, earliest_start(tx.now))
    concerned = {*unfinished, *(event.id for event in events_with_pending_host(tx, actor, user_id))}
    if len(concerned) > MAX_DELETED_EVENTS:
        raise TooManyEvents(
            f"Unfinished events of the user: {len(concerned)}. "
            f"At most {MAX_DELETED_EVENTS} can be cancelled, transferred or left in one request",
            "cancel or transfer some of them, or remove the user from them, one by one first",
        )
    return sorted(concerned)


def remove_user_from_events(
    tx: WriteTx,
    actor: Actor,
    events: list[Event],
    user_id: UserId,
    successor: UserId | None,
    on_conflict: OnConflict,
) -> None:
    """Remove a user from events; those they host are transferred to the successor, one by one, or cancelled."""
    participations = participations_of_events(tx, actor, [event.id for event in events])
    every = [event_without_user(event, participations[event.id], user_id, successor, now=tx.now) for event in events]
    changes = [change for change in every if change is not None]
    save_events(tx, actor, [change for change in changes if change.after.host_id == change.before.host_id])
    for change in changes:
        if change.after.host_id != change.before.host_id:
            save_event(tx, actor, change, on_conflict)


def event_without_user(
    before: Event, old: Participations, user_id: UserId, successor: UserId | None, *, now: Instant
) -> EventChange | None:
    """Return the change of an event from which a user is removed, or None if it stays as it is.

    An event that has ended keeps its participations. A pending transfer to the user ends in any case.
    """
    pending = before.pending_host_id == user_id
    new = old
    after = with_pending_host(before, None, now=now) if pending else next_version(before, now=now)
    if before.host_id == user_id and before.status is not Status.cancelled:
        if successor is None:
            after = cancelled(before, None, now=now)
        else:
            after, new = transferred(before, old, successor, now=now)
    elif user_id not in old and not pending:
        return None  # a cancelled event keeps its host, and there is no participation to free
    if before.block.span.end > now:
        new = {other_id: participation for other_id, participation in new.items() if other_id != user_id}
    return EventChange(before, after, old, new)


def still_concerned(locked: list[Event], ids: list[EventId]) -> list[Event]:
    """Return the locked events that have one of `ids`, which were read after the user was locked.

    Raise Contended if an id is not among them: events are locked before people, so the transaction has to start again.
    """
    concerned = {*ids}
    events = [event for event in locked if event.id in concerned]
    if len(events) < len(concerned):
        raise Contended("Other requests are changing the events of this user.")
    return events


def lock_both(tx: WriteTx, actor: Actor, user_id: UserId, successor: UserId) -> list[Fault]:
    """Lock a user and their successor; return faults if the successor cannot host events."""
    _, faults = lock_bookable_people(tx, actor, [(user_id, ()), (successor, ("to",))])
    return [fault for fault in faults if fault.where]


def refuse_unsettled(user_id: UserId, hosted: HostedEvents | None, events: list[Event]) -> None:
    """Raise HostsEvents if `hosted` is missing for a user who hosts events, or TooManyEvents to transfer."""
    count = sum(event.host_id == user_id and event.status is not Status.cancelled for event in events)
    if count and hosted is None:
        raise HostsEvents(count)
    if hosted is HostedEvents.transfer and count > MAX_TRANSFERRED_EVENTS:
        raise TooManyEvents(
            f"The user hosts {count} unfinished events, and at most {MAX_TRANSFERRED_EVENTS} can be transferred in one "
            "request",
            "transfer or cancel some first, or use hosted=cancel",
        )


def refuse_wrong_successor(
    user_id: UserId, hosted: HostedEvents | None, to: UserId | None, faults: list[Fault]
) -> None:
    """Raise Invalid unless `to` is given with hosted=transfer, and only then, and is another user without `faults`."""
    if (hosted is HostedEvents.transfer) != (to is not None):
        raise Invalid(
            Fault(("to",), "wrong_successor", "hosted=transfer needs to=usr_..., and to needs hosted=transfer")
        )
    if to == user_id:
        raise Invalid(Fault(("to",), "wrong_successor", "must be another user than the one who is deleted"))
    if faults:
        raise Invalid(*faults)
