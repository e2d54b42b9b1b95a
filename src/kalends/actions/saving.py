"""Storing an event with what hangs on it, so that no action can forget a part."""

from collections.abc import Mapping

from msgspec import structs

from kalends.actions.booking import Guard, guard_time
from kalends.actions.recording import record_event
from kalends.model import Actor, Event, Seat, UserId
from kalends.rules.audit import Deed
from kalends.rules.seats import agenda_of, tallied
from kalends.store.agenda import store_agenda
from kalends.store.database import WriteTx
from kalends.store.events import delete_event_row, insert_event, update_event
from kalends.store.participants import store_seats

Seats = Mapping[UserId, Seat]


def save_new_event(tx: WriteTx, actor: Actor, event: Event, seats: Seats, guard: Guard | None = None) -> Event:
    """Store a new event with all its seats and everybody's agenda; give it with its counts. Raises Conflict."""
    counted = structs.replace(event, tally=tallied(event.tally, come=seats.values()))
    rows = agenda_of(counted, seats.values())
    booked_twice = guard_time(tx, actor, guard or Guard(), counted, set(), rows)
    insert_event(tx, actor, counted)
    store_seats(tx, actor, event.id, {}, seats)
    store_agenda(tx, actor, set(), rows, booked_twice)
    record_event(tx, actor, Deed.created, event.id, None, counted, {}, seats)
    return counted


def save_event(
    tx: WriteTx, actor: Actor, before: Event, after: Event, old: Seats, new: Seats, guard: Guard | None = None
) -> Event:
    """Store an event's next version, the difference of its seats and of everybody's agenda; give it with its counts.

    `old` and `new` hold the seats that the change touches: all of them where it touches the event's time or status.
    Raises Conflict.
    """
    counted = structs.replace(after, tally=tallied(before.tally, gone=old.values(), come=new.values()))
    old_rows, new_rows = agenda_of(before, old.values()), agenda_of(counted, new.values())
    booked_twice = guard_time(tx, actor, guard or Guard(), counted, old_rows, new_rows)
    update_event(tx, before, counted)
    store_seats(tx, actor, before.id, old, new)
    store_agenda(tx, actor, old_rows, new_rows, booked_twice)
    record_event(tx, actor, Deed.changed, before.id, before, counted, old, new)
    return counted


def erase_event(tx: WriteTx, actor: Actor, event: Event, seats: Seats) -> None:
    """Remove an event with all its seats and from everybody's agenda."""
    store_agenda(tx, actor, agenda_of(event, seats.values()), set())
    delete_event_row(tx, event.id)
    record_event(tx, actor, Deed.deleted, event.id, event, None, seats, {})
