"""Storing events with what hangs on them, so that no action can forget a part."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from msgspec import structs

from kalends.actions.booking import Guard, guard_time
from kalends.actions.recording import event_entry
from kalends.model import Actor, AgendaRow, Event, EventId, Seat, UserId
from kalends.rules.audit import Deed
from kalends.rules.seats import agenda_of, tallied
from kalends.store.agenda import store_agenda
from kalends.store.audit import insert_record, insert_records
from kalends.store.database import WriteTx
from kalends.store.events import delete_event_row, insert_events, update_events
from kalends.store.participants import store_seats

Seats = Mapping[UserId, Seat]


class EventChange(NamedTuple):
    """An event before and after a change, and the seats that it touches: all of them if it touches time or status."""

    before: Event
    after: Event
    old: Seats
    new: Seats


class NewEvent(NamedTuple):
    """A new event that may be stored, and what is stored with it."""

    event: Event
    """With its counts."""
    seats: Seats
    rows: set[AgendaRow]
    booked_twice: set[tuple[EventId, UserId]]


def save_new_event(tx: WriteTx, actor: Actor, event: Event, seats: Seats, guard: Guard | None = None) -> Event:
    """Store a new event with all its seats and everybody's agenda; give it with its counts. Raises Conflict."""
    new = guarded(tx, actor, event, seats, guard or Guard())
    save_new_events(tx, actor, [new])
    return new.event


def guarded(tx: WriteTx, actor: Actor, event: Event, seats: Seats, guard: Guard) -> NewEvent:
    """Return a new event as it is to be stored. Raises Conflict."""
    counted = structs.replace(event, tally=tallied(event.tally, come=seats.values()))
    rows = agenda_of(counted, seats.values())
    booked_twice = guard_time(tx, actor, guard, counted, set(), rows)
    return NewEvent(counted, seats, rows, {(event.id, user_id) for user_id in booked_twice})


def save_new_events(tx: WriteTx, actor: Actor, events: Sequence[NewEvent]) -> None:
    """Store new events, of which no two take somebody's time at once, in few statements."""
    insert_events(tx, actor, [new.event for new in events])
    store_seats(tx, actor, [(new.event.id, {}, new.seats) for new in events])
    rows = {row for new in events for row in new.rows}
    store_agenda(tx, actor, set(), rows, {one for new in events for one in new.booked_twice})
    entries = [event_entry(tx, actor, Deed.created, new.event.id, None, new.event, {}, new.seats) for new in events]
    insert_records(tx, [(actor.organization_id, entry) for entry in entries])


def save_event(
    tx: WriteTx, actor: Actor, before: Event, after: Event, old: Seats, new: Seats, guard: Guard | None = None
) -> Event:
    """Store an event's next version, the difference of its seats and of everybody's agenda; give it with its counts.

    `old` and `new` hold the seats that the change touches: all of them where it touches the event's time or status.
    Raises Conflict.
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
        after = structs.replace(change, tally=tallied(before.tally, gone=old.values(), come=new.values()))
        were, are = agenda_of(before, old.values()), agenda_of(after, new.values())
        booked_twice |= {(after.id, user_id) for user_id in guard_time(tx, actor, guard, after, were, are)}
        counted.append(EventChange(before, after, old, new))
        old_rows |= were
        new_rows |= are
    update_events(tx, [(before, after) for before, after, _, _ in counted])
    store_seats(tx, actor, [(before.id, old, new) for before, _, old, new in counted])
    store_agenda(tx, actor, old_rows, new_rows, booked_twice)
    entries = [event_entry(tx, actor, Deed.changed, change.before.id, *change) for change in counted]
    insert_records(tx, [(actor.organization_id, entry) for entry in entries])
    return [change.after for change in counted]


def erase_event(tx: WriteTx, actor: Actor, event: Event, seats: Seats) -> None:
    """Remove an event with all its seats and from everybody's agenda."""
    store_agenda(tx, actor, agenda_of(event, seats.values()), set())
    delete_event_row(tx, event.id)
    insert_record(tx, actor, event_entry(tx, actor, Deed.deleted, event.id, event, None, seats, {}))
