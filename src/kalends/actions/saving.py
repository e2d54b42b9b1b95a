"""Storing events together with their participations, agenda rows and announcements."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from msgspec import Struct, structs

from kalends.actions.announcing import announce_all, event_announcement
from kalends.actions.booking import Checked, OnConflict, check_conflicts
from kalends.model import Actor, Conflict, Event, EventId, Participation, UserId
from kalends.rules.audit import AuditAction
from kalends.rules.participation import AgendaRow, agenda_of, changes_every_agenda, updated_counts
from kalends.store.agenda import store_agenda
from kalends.store.database import WriteTx
from kalends.store.events import delete_event_row, insert_events, update_events
from kalends.store.participants import participations_of, store_participations

Participations = Mapping[UserId, Participation]


class EventChange(Struct, frozen=True):
    """An event before and after a change, and the participations that change.

    If time, status or `show_as` change, every agenda row does, so all participations have to be given. If the host
    changes, those of both hosts have to be given.
    """

    before: Event
    after: Event
    old: Participations
    new: Participations

    def __post_init__(self) -> None:
        """Raise ValueError if participations are missing."""
        if changes_every_agenda(self.before, self.after) and len(self.old) != self.before.counts.total:
            raise ValueError(f"{len(self.old)} of {self.before.counts.total} participations of {self.before.id} given")


def change_without_participations(tx: WriteTx, before: Event, after: Event) -> EventChange:
    """Return a change of an event that leaves its participations as they are."""
    participations = participations_of(tx, before.id) if changes_every_agenda(before, after) else {}
    return EventChange(before, after, participations, participations)


class Saved(NamedTuple):
    """An event as it is stored now, and what blocks its people."""

    event: Event
    """With its counts."""
    conflicts: tuple[Conflict, ...] = ()
    """Double bookings, which the caller allowed."""
    warnings: tuple[Conflict, ...] = ()
    """Conflicts that do not prevent the change: of optional people who have not accepted, and of people who declined
    and are busy at the new time."""


class NewEvent(NamedTuple):
    """A new event that passed the conflict check, and what is stored with it."""

    event: Event
    """With its counts."""
    participations: Participations
    rows: set[AgendaRow]
    checked: Checked


def save_new_event(
    tx: WriteTx, actor: Actor, event: Event, participations: Participations, on_conflict: OnConflict
) -> Saved:
    """Store a new event with its participations and agenda rows. Raise BookingConflict."""
    new = check_new_event(tx, actor, event, participations, on_conflict)
    save_new_events(tx, actor, [new])
    return Saved(new.event, new.checked.conflicts, new.checked.warnings)


def check_new_event(
    tx: WriteTx, actor: Actor, event: Event, participations: Participations, on_conflict: OnConflict
) -> NewEvent:
    """Check a new event for conflicts, and return it as it is to be stored. Raise BookingConflict."""
    counted = structs.replace(event, counts=updated_counts(event.counts, added=participations.values()))
    rows = agenda_of(counted, participations.values())
    return NewEvent(counted, participations, rows, check_conflicts(tx, actor, counted, set(), rows, on_conflict))


def save_new_events(tx: WriteTx, actor: Actor, events: Sequence[NewEvent]) -> None:
    """Store several new events in few statements; no two of them take the same time of a person."""
    insert_events(tx, actor, [new.event for new in events])
    store_participations(tx, actor, [(new.event.id, {}, new.participations) for new in events])
    rows = {row for new in events for row in new.rows}
    booked_twice = {(new.event.id, user_id) for new in events for user_id in new.checked.booked_twice}
    store_agenda(tx, actor, set(), rows, booked_twice)
    created = (
        event_announcement(AuditAction.created, new.event.id, None, new.event, {}, new.participations) for new in events
    )
    announce_all(tx, ((actor, done) for done in created))


def save_event(tx: WriteTx, actor: Actor, change: EventChange, on_conflict: OnConflict = OnConflict.reject) -> Saved:
    """Store an event's next version with its changed participations and agenda rows. Raise BookingConflict."""
    return save_events(tx, actor, [change], on_conflict)[0]


def save_events(
    tx: WriteTx, actor: Actor, changes: Sequence[EventChange], on_conflict: OnConflict = OnConflict.reject
) -> list[Saved]:
    """Store the next versions of several events as `save_event` does, in few statements.

    All are checked for conflicts before any is stored, so conflicts between them are not found: save events that may
    take the same time of a person one by one.
    """
    saved: list[Saved] = []
    old_rows: set[AgendaRow] = set()
    new_rows: set[AgendaRow] = set()
    booked_twice: set[tuple[EventId, UserId]] = set()
    for change in changes:
        old, new = change.old.values(), change.new.values()
        after = structs.replace(change.after, counts=updated_counts(change.before.counts, removed=old, added=new))
        were, are = agenda_of(change.before, old), agenda_of(after, new)
        checked = check_conflicts(tx, actor, after, were, are, on_conflict)
        saved.append(Saved(after, checked.conflicts, checked.warnings))
        booked_twice |= {(after.id, user_id) for user_id in checked.booked_twice}
        old_rows |= were
        new_rows |= are
    update_events(tx, [(change.before, one.event) for change, one in zip(changes, saved, strict=True)])
    store_participations(tx, actor, [(change.before.id, change.old, change.new) for change in changes])
    store_agenda(tx, actor, old_rows, new_rows, booked_twice)
    changed = (
        event_announcement(AuditAction.changed, one.event.id, change.before, one.event, change.old, change.new)
        for change, one in zip(changes, saved, strict=True)
    )
    announce_all(tx, ((actor, done) for done in changed))
    return saved


def remove_event(tx: WriteTx, actor: Actor, event: Event) -> None:
    """Remove an event with its participations and agenda rows."""
    participations = participations_of(tx, event.id)
    store_agenda(tx, actor, agenda_of(event, participations.values()), set())
    delete_event_row(tx, event.id)
    announce_all(tx, [(actor, event_announcement(AuditAction.deleted, event.id, event, None, participations, {}))])
