"""Deleting a user: what becomes of the events they host and the seats they hold."""

from enum import StrEnum

from kalends.actions.booking import Guard
from kalends.actions.finding import Versions, people_to_book, user_to_change
from kalends.actions.recording import record
from kalends.actions.saving import Seats, save_event
from kalends.actions.sharing import stop_all_sharing
from kalends.actions.tokens import revoke_all_tokens
from kalends.errors import Fault, HostsEvents, Invalid
from kalends.model import Actor, Event, EventId, Status, UserId
from kalends.rules.access import is_operator, refuse_unless
from kalends.rules.audit import Deed, ObjectKind, user_facts
from kalends.rules.intervals import earliest_start
from kalends.rules.revise import cancelled, handed_over, next_version, offered
from kalends.store.database import WriteTx
from kalends.store.events import events_offered_to, lock_events
from kalends.store.participants import seats_of
from kalends.store.retry import Contended
from kalends.store.users import bury_user, unfinished_events


class Hosted(StrEnum):
    """What becomes of the events that a deleted user hosts and that have not ended."""

    cancel = "cancel"
    transfer = "transfer"


def delete_user(
    tx: WriteTx,
    actor: Actor,
    user_id: UserId,
    *,
    hosted: Hosted | None = None,
    to: UserId | None = None,
    expect: Versions = None,
    guard: Guard | None = None,
) -> None:
    """Delete a user and free their seats in events that have not ended; past events keep naming them.

    Their tokens end, all sharing with them and by them, and every pending transfer to them.

    Raises Forbidden, NotFound, StaleVersion, HostsEvents, Invalid if the events cannot go to `to`, or Conflict if `to`
    is busy.
    """
    refuse_unless(is_operator(actor), "Only operators can delete users")
    locked = lock_events(tx, actor, concerned_ids(tx, actor, user_id))
    heir_faults = heir_to_book(tx, actor, to) if to is not None and to < user_id else []
    person = user_to_change(tx, actor, user_id, expect)
    if to is not None and to > user_id:  # people are locked in the order of their ids, whoever takes over from whom
        heir_faults = heir_to_book(tx, actor, to)
    concerned = concerned_ids(tx, actor, user_id)
    events = [event for event in locked if event.id in concerned]
    if len(events) < len(concerned):
        raise Contended("Their events are being changed.")  # the events come before the people: begin again
    refuse_wrong_heir(user_id, hosted, to, heir_faults)
    count = sum(event.host_id == user_id and event.status is not Status.cancelled for event in events)
    if count and hosted is None:
        raise HostsEvents(count)
    for event in events:
        leave_event(tx, actor, event, user_id, to if hosted is Hosted.transfer else None, guard)
    revoke_all_tokens(tx, actor, user_id)
    stop_all_sharing(tx, actor, user_id)
    bury_user(tx, user_id)
    record(tx, actor, Deed.deleted, ObjectKind.user, user_id, user_facts(person), None)


def concerned_ids(tx: WriteTx, actor: Actor, user_id: UserId) -> list[EventId]:
    """Return the ids of a user's events that have not ended, and of those they are asked to host, in their order."""
    unfinished = {event_id for event_id, _, _ in unfinished_events(tx, actor, user_id, earliest_start(tx.now))}
    return sorted(unfinished | {event.id for event in events_offered_to(tx, actor, user_id)})


def leave_event(
    tx: WriteTx, actor: Actor, before: Event, user_id: UserId, heir: UserId | None, guard: Guard | None
) -> None:
    """Take a user out of an event, unless it has ended; one they host goes to the heir, or is called off.

    A pending transfer to them ends in any case.
    """
    old: Seats = seats_of(tx, before.id)
    asked = before.pending_host_id == user_id
    new = old
    after = offered(before, None, now=tx.now) if asked else next_version(before, now=tx.now)
    if before.host_id == user_id and before.status is not Status.cancelled:
        if heir is None:
            after = cancelled(before, None, now=tx.now)
        else:
            after, new = handed_over(before, old, heir, now=tx.now)
    elif user_id not in old and not asked:
        return  # a cancelled event keeps its host, and there is no seat to free
    if before.block.span.end > tx.now:
        new = {seated: seat for seated, seat in new.items() if seated != user_id}
    save_event(tx, actor, before, after, old, new, guard)


def heir_to_book(tx: WriteTx, actor: Actor, to: UserId) -> list[Fault]:
    """Lock who takes over, and say why they cannot."""
    return people_to_book(tx, actor, [(to, ("to",))])[1]


def refuse_wrong_heir(user_id: UserId, hosted: Hosted | None, to: UserId | None, faults: list[Fault]) -> None:
    """Raise Invalid unless `to` is another active user, given with hosted=transfer and not without."""
    if (hosted is Hosted.transfer) != (to is not None):
        raise Invalid(Fault(("to",), "wrong_heir", "hosted=transfer needs to=usr_..., and to needs hosted=transfer"))
    if to == user_id:
        raise Invalid(Fault(("to",), "wrong_heir", "must be another user than the one who is deleted"))
    if faults:
        raise Invalid(*faults)
