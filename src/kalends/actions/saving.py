"""Storing events with what hangs on them, so that no action can forget a part."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from msgspec import structs

from kalends.actions.announcing import event_entry
from kalends.actions.booking import Guard, guard_time
from kalends.model import Actor, Event, EventId, Participation, UserId
from kalends.rules.audit import AuditAction
from kalends.rules.participation import AgendaRow, agenda_of, updated_counts
from kalends.store.agenda import store_agenda
from kalends.store.audit import insert_audit_entries, insert_audit_entry
from kalends.store.database import WriteTx
from kalends.store.events import delete_event_row, insert_events, update_events
from kalends.store.participants import store_participations

Participations = Mapping[UserId, Participation]


class EventChange(NamedTuple):
    """An event before and after a change, with the participations that change: all if its time or status does."""

    before: Event
    after: Event
    old: Participations
    new: Participations


class NewEvent(NamedTuple):
    """A new event that may be stored, and what is stored with it."""

    event: Event
    """With its counts."""
    participations: Participations
    rows: set[AgendaRow]
    booked_twice: set[tuple[EventId, UserId]]


def save_new_event(
    tx: WriteTx, actor: Actor, event: Event, participations: Participations, guard: Guard | None = None
) -> Event:
    """Store a new event with its participations and agenda rows; return it with its counts. Raises BookingConflict."""
    new = guarded(tx, actor, event, participations, guard or Guard())
    save_new_events(tx, actor, [new])
    return new.event


def guarded(tx: WriteTx, actor: Actor, event: Event, participations: Participations, guard: Guard) -> NewEvent:
    """Return a new event as it is to be stored. Raises BookingConflict."""
    counted = structs.replace(event, counts=updated_counts(event.counts, added=participations.values()))
    rows = agenda_of(counted, participations.values())
    booked_twice = guard_time(tx, actor, guard, counted, set(), rows)
    return NewEvent(counted, participations, rows, {(event.id, user_id) for user_id in booked_twice})


def save_new_events(tx: WriteTx, actor: Actor, events: Sequence[NewEvent]) -> None:
    """Store new events, of which no two take somebody's time at once, in few statements."""
    insert_events(tx, actor, [new.event for new in events])
    store_participations(tx, actor, [(new.event.id, {}, new.participations) for new in events])
    rows = {row for new in events for row in new.rows}
    store_agenda(tx, actor, set(), rows, {one for new in events for one in new.booked_twice})
    entries = [
        event_entry(tx, actor, AuditAction.created, new.event.id, None, new.event, {}, new.participations)
        for new in events
    ]
    insert_audit_entries(tx, [(actor.organization_id, entry) for entry in entries])


def save_event(
    tx: WriteTx,
    actor: Actor,
    before: Event,
    after: Event,
    old: Participations,
    new: Participations,
    guard: Guard | None = None,
) -> Event:
    """Store an event's next version with its changed participations and agenda rows, and return it with its counts.

    `old` and `new` hold the participations that change: all of them if the event's time or status changes.
    Raises BookingConflict.
    """
    return save_events(tx, actor, [EventChange(before, after, old, new)], guard or Guard())[0]


def save_events(tx: WriteTx, actor: Actor, changes: Sequence[EventChange], guard: Guard) -> list[Event]:
    """Store the next versions of several events as `save_event` does, in few statements.

    The guard looks at what is stored before all of them: events that take the time of one person come one by one.
    """
    counted: list[EventChange] = []
    old_rows: set[AgendaRow] = set()
    new_rows: set[AgendaRow] = set()
    booked_twice: set[tuple[EventId, UserId]] = set()
    for before, change, old, new in changes:
        after = structs.replace(change, counts=updated_counts(before.counts, removed=old.values(), added=new.values()))
        were, are = agenda_of(before, old.values()), agenda_of(after, new.values())
        booked_twice |= {(after.id, user_id) for user_id in guard_time(tx, actor, guard, after, were, are)}
        counted.append(EventChange(before, after, old, new))
        old_rows |= were
        new_rows |= are
    update_events(tx, [(before, after) for before, after, _, _ in counted])
    store_participations(tx, actor, [(before.id, old, new) for before, _, old, new in counted])
    store_agenda(tx, actor, old_rows, new_rows, booked_twice)
    entries = [event_entry(tx, actor, AuditAction.changed, change.before.id, *change) for change in counted]
    insert_audit_entries(tx, [(actor.organization_id, entry) for entry in entries])
    return [change.after for change in counted]


def erase_event(tx: WriteTx, actor: Actor, event: Event, participations: Participations) -> None:
    """Remove an event with all its participations and from everybody's agenda."""
    store_agenda(tx, actor, agenda_of(event, participations.values()), set())
    delete_event_row(tx, event.id)
    insert_audit_entry(
        tx, actor, event_entry(tx, actor, AuditAction.deleted, event.id, event, None, participations, {})
    )
