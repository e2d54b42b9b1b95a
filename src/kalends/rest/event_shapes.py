"""The JSON of events."""

from datetime import datetime
from typing import Annotated, Any, ClassVar

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType, structs

from kalends.model import Event, EventDetails, EventDetailsJson, Scope, Status
from kalends.rest.participants import ParticipantJson
from kalends.rest.spans import ConflictJson
from kalends.rest.users import JsonObject, UserIdText
from kalends.rules.zones import from_instant

Moment = Annotated[str, Meta(extra_json_schema={"format": "date-time"})]


class ParticipantCountsJson(Struct):
    """The number of participants of an event, by role and by response."""

    total: int
    required: int
    optional: int
    accepted: int
    declined: int
    tentative: int
    needs_action: int


class EventJson(EventDetailsJson, kw_only=True):
    """A single block of time in a day, with one host; `participants` only with `expand=participants`.

    Callers with access to titles only get id, title, times, status, `show_as` and host. Callers who do not see all
    participants do not get counts, version and `updated_at`, which would reveal responses, nor `pending_host_id`,
    unless they are that person.
    """

    scope: ClassVar[Scope] = Scope.events_read
    start: Moment
    end: Moment
    time_zone: str
    status: Status
    host_id: UserIdText
    participant_counts: ParticipantCountsJson | UnsetType = UNSET
    metadata: JsonObject | UnsetType = UNSET
    version: int | UnsetType = UNSET
    created_at: datetime | UnsetType = UNSET
    updated_at: datetime | UnsetType = UNSET
    cancel_reason: str | UnsetType = UNSET
    pending_host_id: UserIdText | UnsetType = UNSET
    """The person who is asked to host the event and has not answered yet."""
    participants: list[ParticipantJson] | UnsetType = UNSET
    participants_truncated: bool | UnsetType = UNSET
    """In lists: whether there are more participants than the 100 that are shown; list them under the event."""
    conflicts: list[ConflictJson] | UnsetType = UNSET
    """Double bookings, which `on_conflict=allow` has allowed."""
    warnings: list[ConflictJson] | UnsetType = UNSET
    """Conflicts that do not prevent the change: of optional people who have not accepted, and of people who declined
    and are busy at the new time; those stay declined."""
    example: ClassVar[Any] = {
        "id": "evt_018f3c5a9b2e0a81",
        **EventDetails(title="Planning", location="Room 2").details(),
        "start": "2026-03-09T14:00:00+01:00",
        "end": "2026-03-09T15:00:00+01:00",
        "time_zone": "Europe/Berlin",
        "status": "confirmed",
        "host_id": "usr_018f3c5a9b2d4e6f",
        "participant_counts": {
            "total": 2,
            "required": 2,
            "optional": 0,
            "accepted": 2,
            "declined": 0,
            "tentative": 0,
            "needs_action": 0,
        },
        "metadata": {},
        "version": 2,
        "created_at": "2026-03-02T08:05:00Z",
        "updated_at": "2026-03-03T09:30:00Z",
    }


def event_json(event: Event) -> EventJson:
    """Return the JSON of an event that was just created or changed; for reads, the database writes the JSON."""
    block, counts = event.block, event.counts
    return EventJson(
        id=event.id,
        start=block.start_local,
        end=block.end_local,
        time_zone=block.time_zone,
        status=event.status,
        host_id=str(event.host_id),
        participant_counts=ParticipantCountsJson(counts.total, *structs.astuple(counts)),
        metadata=msgspec.Raw(event.metadata.encode()),
        version=event.version,
        created_at=from_instant(event.created_at),
        updated_at=from_instant(event.updated_at),
        cancel_reason=UNSET if event.cancel_reason is None else event.cancel_reason,
        pending_host_id=UNSET if event.pending_host_id is None else str(event.pending_host_id),
        **event.details(),
    )
