"""The schedule of a file to import, and all of its faults."""

from collections.abc import Iterator
from typing import Annotated, Any, Literal, cast

import msgspec
from msgspec import Meta, Struct, field

from kalends.characters import LINE
from kalends.drafts import Name
from kalends.errors import Fault
from kalends.model import Email, EventDetails, Metadata, Role, WrittenTime, Zone
from kalends.rules.blocks import block_of, faults_in_any_zone
from kalends.rules.emails import email_key
from kalends.rules.participation import participant_limit_faults
from kalends.rules.zones import TimeError, read_time, zone_named

Ref = Annotated[str, Meta(min_length=1, max_length=200, pattern=LINE)]
Where = tuple[str | int, ...]


class SchedulePerson(Struct, forbid_unknown_fields=True, kw_only=True):
    """A person in a file; events name them by `ref`. Without `email` they get an address that never gets mail."""

    ref: Ref
    name: Name
    email: Email | None = None
    time_zone: Zone | None = None
    metadata: Metadata | None = None


class ScheduleParticipant(Struct, forbid_unknown_fields=True, kw_only=True):
    """A participant with a role."""

    ref: Ref
    role: Role = Role.required


class ScheduleEvent(EventDetails, forbid_unknown_fields=True, kw_only=True, frozen=True):
    """An event in a file; host and participants are refs of its people."""

    ref: Ref
    start: WrittenTime
    end: WrittenTime
    host: Ref
    participants: list[Ref | ScheduleParticipant] = field(default_factory=list)
    time_zone: Zone | None = None
    status: Literal["confirmed", "tentative"] = "confirmed"
    metadata: Metadata | None = None


class Schedule(Struct, forbid_unknown_fields=True, kw_only=True):
    """A whole file; `time_zone` is the default of its events and people."""

    time_zone: Zone
    people: list[SchedulePerson]
    events: list[ScheduleEvent] = []
    about: str = ""


def faults_of_schedule(schedule: Schedule) -> list[Fault]:
    """Return everything in a schedule that breaks a rule."""
    return list(rules_broken(msgspec.to_builtins(schedule, enc_hook=str)))


def rules_broken(written: Any) -> Iterator[Fault]:
    """Yield the faults of a schedule as JSON; members of the wrong type are skipped.

    The JSON may be invalid as a schedule, so that all faults of a file are reported at once.
    """
    people, events = items_of(written, "people"), items_of(written, "events")
    yield from used_before("people", people)
    yield from emails_used_before(people)
    yield from used_before("events", events)
    zone = text_of(written, "time_zone")
    refs = {text_of(person, "ref") for person in people.values()}
    for place, event in events.items():
        for fault in (*faults_of_refs(event, refs), *faults_of_time(event, zone)):
            yield Fault(("events", place, *fault.where), fault.code, fault.message)


def items_of(written: Any, name: str) -> dict[int, dict[str, Any]]:
    """Return the objects in a list of a file, by their place."""
    items = cast("dict[str, Any]", written).get(name) if isinstance(written, dict) else None
    return {place: item for place, item in enumerate(cast("list[Any]", items or ())) if isinstance(item, dict)}


def text_of(item: Any, name: str) -> str | None:
    """Return a member that is text."""
    value = cast("dict[str, Any]", item).get(name) if isinstance(item, dict) else None
    return value if isinstance(value, str) else None


def used_before(name: str, items: dict[int, dict[str, Any]]) -> Iterator[Fault]:
    """Yield a fault for each item that has the ref of an earlier one."""
    first: dict[str, int] = {}
    for place, item in items.items():
        ref = text_of(item, "ref")
        if ref is not None and first.setdefault(ref, place) != place:
            message = f"ref {ref!r} is used by {name}[{first[ref]}] already; give each its own"
            yield Fault((name, place, "ref"), "repeated_ref", message)


def emails_used_before(people: dict[int, dict[str, Any]]) -> Iterator[Fault]:
    """Yield a fault for each person who has the e-mail address of an earlier one: they would become one user."""
    first: dict[str, int] = {}
    for place, person in people.items():
        email = text_of(person, "email")
        if email and first.setdefault(email_key(email), place) != place:
            message = f"people[{first[email_key(email)]}] has the e-mail address {email} already; give each their own"
            yield Fault(("people", place, "email"), "repeated_email", message)


def faults_of_refs(event: dict[str, Any], refs: set[str | None]) -> list[Fault]:
    """Return the faults of an event for unknown refs, participants named twice, and too many participants."""
    host, listed = text_of(event, "host"), event.get("participants")
    participants = [
        participant if isinstance(participant, str) else text_of(participant, "ref")
        for participant in (cast("list[Any]", listed) if isinstance(listed, list) else ())
    ]
    named = [(("host",), host), *((("participants", place), ref) for place, ref in enumerate(participants))]
    faults = [
        Fault(where, "unknown_ref", f"no person has the ref {ref!r}")
        for where, ref in named
        if ref is not None and ref not in refs
    ]
    seen: set[str] = set()
    for place, ref in enumerate(participants):
        if ref is not None and ref in seen:
            faults.append(Fault(("participants", place), "repeated_ref", f"{ref!r} takes part already"))
        elif ref is not None:
            seen.add(ref)
    return faults + participant_limit_faults(len({*seen, host}), ("participants",))


def faults_of_time(event: dict[str, Any], zone: str | None) -> list[Fault]:
    """Return the faults of the time of an event; none if its start or its end cannot be read."""
    named = text_of(event, "time_zone") or zone or ""
    try:
        start, end = (read_time(text_of(event, name) or "") for name in ("start", "end"))
    except TimeError:  # decoding the file reports a time or a zone that cannot be read
        return []
    try:
        zone_named(named)
    except TimeError:
        return faults_in_any_zone(start, end)
    made = block_of(start, end, named)
    return made if isinstance(made, list) else []
