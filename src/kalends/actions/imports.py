"""Importing a schedule: all people and events of a file or none, and each only once."""

import re
import zlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping

from msgspec import Struct

from kalends.actions.booking import OnConflict
from kalends.actions.events import new_event
from kalends.actions.saving import NewEvent, check_new_event, save_new_events
from kalends.actions.schedule import Schedule, ScheduleEvent, ScheduleParticipant, SchedulePerson, faults_of_schedule
from kalends.actions.users import create_user
from kalends.drafts import EventCreate, ParticipantCreate, UserCreate
from kalends.errors import BookingConflict, Fault, Invalid
from kalends.model import Actor, Conflict, Email, Span, UserId
from kalends.rules.intervals import overlaps
from kalends.store.database import WriteTx
from kalends.store.imports import imported_objects, insert_imported
from kalends.store.users import email_owner, find_and_lock_people

EVENTS_AT_ONCE = 100
"""Events that are stored together."""


class DoubleBooking(Struct, frozen=True):
    """An event of a file, by its place, and the names of the people who are not free for it."""

    place: int
    names: tuple[str, ...]


class Merged(Struct, frozen=True):
    """A person of a file, by their place, and the user who has their e-mail address already."""

    place: int
    user_id: UserId


class ImportReport(Struct):
    """How many items were added, how many were known before, and what needs attention."""

    people_added: int = 0
    people_known: int = 0
    events_added: int = 0
    events_known: int = 0
    merged: list[Merged] = []
    double_bookings: list[DoubleBooking] = []


def import_schedule(
    tx: WriteTx,
    actor: Actor,
    schedule: Schedule,
    source: str,
    on_item: Callable[[], None],
    on_conflict: OnConflict = OnConflict.allow,
    *,
    merge: bool = False,
) -> ImportReport:
    """Add the items that no earlier import of the same source has added; call `on_item` after each item.

    Known items stay as they are. If `merge` is true, a person with the e-mail address of a user becomes that user. An
    event that books somebody twice is left out or added, as `on_conflict` says, and reported in any case.

    Raise Invalid with all faults of the file.
    """
    faults = faults_of_schedule(schedule)
    if faults:
        raise Invalid(*faults)
    known = imported_objects(tx, actor, source)
    report = ImportReport()
    people = import_people(tx, actor, schedule, source, known, report, on_item)
    if report.merged and not merge:
        raise Invalid(*(refuse_taken_email_of(one) for one in report.merged))
    find_and_lock_people(tx, actor, people.values())  # before any of their events
    pending = PendingEvents(tx, actor, source)
    for place, event in enumerate(schedule.events):
        if ("event", event.ref) in known:
            report.events_known += 1
        else:
            try:
                added, double_booked = import_event(pending, schedule, event, people, on_conflict)
            except Invalid as error:
                faults += [in_file(place, fault) for fault in error.faults]
            else:
                report.events_added += added
                report.double_bookings += [DoubleBooking(place, double_booked)] if double_booked else []
        on_item()
    if faults:
        raise Invalid(*faults)
    pending.store()
    return report


def import_people(
    tx: WriteTx,
    actor: Actor,
    schedule: Schedule,
    source: str,
    known: Mapping[tuple[str, str], int],
    report: ImportReport,
    on_item: Callable[[], None],
) -> dict[str, UserId]:
    """Add people, or find the users that they became or are merged with; return the user id of each ref."""
    people: dict[str, UserId] = {}
    for place, person in enumerate(schedule.people):
        if ("person", person.ref) in known:
            people[person.ref] = UserId(known["person", person.ref])
            report.people_known += 1
        else:
            people[person.ref], is_new = import_person(tx, actor, schedule, person, source)
            report.people_added += is_new
            report.people_known += not is_new
            report.merged += [] if is_new else [Merged(place, people[person.ref])]
        on_item()
    return people


def import_person(
    tx: WriteTx, actor: Actor, schedule: Schedule, person: SchedulePerson, source: str
) -> tuple[UserId, bool]:
    """Add a person, or find the user who has their e-mail address; return the id, and whether the user is new."""
    email = person.email or Email(f"{email_local_part(person.ref)}@{email_local_part(source)}.invalid")
    found = email_owner(tx, actor, email)
    user_id = found or create_user(tx, actor, drafted_user(schedule, person, email)).id
    insert_imported(tx, actor, source, "person", [(person.ref, user_id)])
    return user_id, found is None


def refuse_taken_email_of(merged: Merged) -> Fault:
    """Return the fault of a person who has the e-mail address of a user."""
    message = f"is the address of user {merged.user_id}: import with --merge if both are one person"
    return Fault(("people", merged.place, "email"), "email_taken", message)


def drafted_user(schedule: Schedule, person: SchedulePerson, email: Email) -> UserCreate:
    """Return the draft of the user for a person of a file."""
    zone = person.time_zone or schedule.time_zone
    return UserCreate(name=person.name, email=email, time_zone=zone, metadata=person.metadata)


class PendingEvents:
    """New events that are stored together in few statements; no two of them take the same time of a person."""

    def __init__(self, tx: WriteTx, actor: Actor, source: str) -> None:
        self._tx = tx
        self._actor = actor
        self._source = source
        self._events: dict[str, NewEvent] = {}
        self._spans: dict[UserId, list[Span]] = defaultdict(list)

    def add(self, ref: str, draft: EventCreate, on_conflict: OnConflict) -> tuple[Conflict, ...]:
        """Add an event; return the double bookings that it makes. Raise Invalid or BookingConflict."""
        event, participations = new_event(self._tx, self._actor, draft)
        span, people = event.block.span, {event.host_id, *participations}
        is_taken = any(overlaps(span, other) for user_id in people for other in self._spans[user_id])
        if is_taken or len(self._events) == EVENTS_AT_ONCE:
            self.store()  # so that the conflict check sees them
        new = self._events[ref] = check_new_event(self._tx, self._actor, event, participations, on_conflict)
        for user_id in people:
            self._spans[user_id].append(span)
        return new.checked.conflicts

    def store(self) -> None:
        """Store all pending events."""
        save_new_events(self._tx, self._actor, list(self._events.values()))
        became = [(ref, new.event.id) for ref, new in self._events.items()]
        insert_imported(self._tx, self._actor, self._source, "event", became)
        self._events.clear()
        self._spans.clear()


def import_event(
    pending: PendingEvents,
    schedule: Schedule,
    event: ScheduleEvent,
    people: dict[str, UserId],
    on_conflict: OnConflict,
) -> tuple[bool, tuple[str, ...]]:
    """Add an event; return whether it was added, and the names of those who are not free. Raise Invalid."""
    try:
        conflicts = pending.add(event.ref, drafted_event(schedule, event, people), on_conflict)
    except BookingConflict as error:
        return False, names_of(schedule, people, error.conflicts)
    return True, names_of(schedule, people, conflicts)


def names_of(schedule: Schedule, people: dict[str, UserId], conflicts: Iterable[Conflict]) -> tuple[str, ...]:
    """Return the names, as in the file, of the people who have conflicts."""
    busy = {conflict.user_id for conflict in conflicts}
    return tuple(person.name for person in schedule.people if people[person.ref] in busy) if busy else ()


def drafted_event(schedule: Schedule, event: ScheduleEvent, people: dict[str, UserId]) -> EventCreate:
    """Return the draft of an event of a file."""
    participants = [
        participant if isinstance(participant, ScheduleParticipant) else ScheduleParticipant(ref=participant)
        for participant in event.participants
    ]
    return EventCreate(
        host_id=people[event.host],
        start=event.start,
        end=event.end,
        time_zone=event.time_zone or schedule.time_zone,
        status=event.status,
        metadata=event.metadata,
        participants=[
            ParticipantCreate(user_id=people[participant.ref], role=participant.role) for participant in participants
        ],
        **event.details(),
    )


def in_file(place: int, fault: Fault) -> Fault:
    """Return the fault of an event with its place in the file, which has refs where the draft has ids."""
    where = ("host" if part == "host_id" else part for part in fault.where if part != "user_id")
    return Fault(("events", place, *where), fault.code, fault.message)


def email_local_part(text: str) -> str:
    """Return at most 50 characters that both parts of an address may hold, different for different texts.

    The domain `.invalid` never gets mail (RFC 2606).
    """
    if len(text) <= 40 and re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", text):
        return text
    readable = re.sub(r"[^a-z0-9]+", "-", text.lower())[:40].strip("-")
    return f"{readable}-{zlib.crc32(text.encode()):08x}".lstrip("-")
