"""Storing an event with what hangs on it, so that no action can forget a part."""

from collections.abc import Mapping

from msgspec import structs

from kalends.model import Actor, Event, Seat, UserId
from kalends.rules.seats import agenda_of, tallied
from kalends.store.agenda import store_agenda
from kalends.store.database import WriteTx
from kalends.store.events import delete_event_row, insert_event, update_event
from kalends.store.participants import store_seats

Seats = Mapping[UserId, Seat]


def save_new_event(tx: WriteTx, actor: Actor, event: Event, seats: Seats) -> Event:
    """Store a new event with all its seats and everybody's agenda; give it with its counts."""
    counted = structs.replace(event, tally=tallied(event.tally, come=seats.values()))
    insert_event(tx, actor, counted)
    store_seats(tx, actor, event.id, {}, seats)
    store_agenda(tx, actor, set(), agenda_of(counted, seats.values()))
    return counted


def save_event(tx: WriteTx, actor: Actor, before: Event, after: Event, old: Seats, new: Seats) -> Event:
    """Store an event's next version, the difference of its seats and of everybody's agenda; give it with its counts.

    `old` and `new` hold the seats that the change touches: all of them where it touches the event's time or status.
    """
    counted = structs.replace(after, tally=tallied(before.tally, gone=old.values(), come=new.values()))
    update_event(tx, counted)
    store_seats(tx, actor, before.id, old, new)
    store_agenda(tx, actor, agenda_of(before, old.values()), agenda_of(counted, new.values()))
    return counted


def erase_event(tx: WriteTx, actor: Actor, event: Event, seats: Seats) -> None:
    """Remove an event with all its seats and from everybody's agenda."""
    store_agenda(tx, actor, agenda_of(event, seats.values()), set())
    delete_event_row(tx, event.id)
