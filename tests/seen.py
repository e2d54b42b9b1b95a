"""What is read of events, as values of the vocabulary again: the JSON texts have to say all of it, and exactly.

The versions of participations and of people are not told in them, and are 0 here.
"""

from datetime import datetime
from typing import Any, NamedTuple

import msgspec

from kalends.model import (
    Actor,
    Block,
    Event,
    EventId,
    Instant,
    Participant,
    ParticipantCounts,
    Participation,
    Response,
    Role,
    ShowAs,
    Span,
    Status,
    UserId,
    Visibility,
)
from kalends.reads import events
from kalends.reads.events import EventFilter, EventPage, PageKey
from kalends.rest.wire import read_id
from kalends.rules.access import AccessLevel
from kalends.rules.zones import to_instant
from kalends.store.database import ReadTx

UNSEEN = {
    "description": "",
    "location": "",
    "visibility": "default",
    "hide_participants": False,
    "participant_counts": {"total": 0},
    "version": 0,
    "metadata": msgspec.Raw(b"{}"),
    "created_at": "1970-01-01T00:00:00Z",
    "updated_at": "1970-01-01T00:00:00Z",
}
"""For what is not in the text of an event of which not all is seen."""


class Seen(NamedTuple):
    """An event, how much is seen of it, and its participants if they were asked for and are seen."""

    event: Event
    access_level: AccessLevel
    participants: list[Participant] | None


class Page(NamedTuple):
    """A page of events, with the participants of those of which all is seen if they were asked for.

    Of each it is told whether title or all is seen; who may change an event is not to be seen in a list.
    """

    events: list[Event]
    access_levels: list[AccessLevel]
    participants: dict[EventId, list[Participant]] | None
    next_key: PageKey | None


def list_events(tx: ReadTx, actor: Actor, wanted: EventFilter, limit: int, *, expand: bool) -> Page:
    """Read a page."""
    page = events.list_events(tx, actor, wanted, limit, expand=expand)
    texts = texts_of(page)
    read = [(event_in(text), guests_in(text)) for text in texts]
    people = {event.id: guests for event, guests in read if guests is not None}
    access_levels = [
        AccessLevel.read if "description" in msgspec.json.decode(text) else AccessLevel.titles for text in texts
    ]
    return Page([event for event, _ in read], access_levels, people if expand else None, page.next_key)


def texts_of(page: EventPage) -> list[str]:
    """Give the text of each event of a page."""
    return [bytes(one).decode() for one in msgspec.json.decode(page.text, type=list[msgspec.Raw])]


def read_event(tx: ReadTx, actor: Actor, event_id: EventId, *, expand: bool) -> Seen:
    """Read one event."""
    seen = events.read_event(tx, actor, event_id, expand=expand)
    event = event_in(seen.text)
    assert event.version == (seen.version or 0)
    return Seen(event, seen.access_level, guests_in(seen.text))


def members_of(text: str) -> dict[str, Any]:
    """Read a text; metadata stays as it is written."""
    raw = msgspec.json.decode(text, type=dict[str, msgspec.Raw])
    return UNSEEN | {name: value if name == "metadata" else msgspec.json.decode(value) for name, value in raw.items()}


def event_in(text: str) -> Event:
    """Give the event that a text describes."""
    known = members_of(text)
    counts = dict(known["participant_counts"])
    total = counts.pop("total")
    counts = ParticipantCounts(**counts)
    assert counts.total == total
    span = Span(instant(known["start"]), instant(known["end"]))
    return Event(
        id=number(EventId, known["id"]),
        host_id=number(UserId, known["host_id"]),
        title=known["title"],
        description=known["description"],
        location=known["location"],
        block=Block(span, known["time_zone"], known["start"], known["end"]),
        status=Status(known["status"]),
        show_as=ShowAs(known["show_as"]),
        visibility=Visibility(known["visibility"]),
        hide_participants=known["hide_participants"],
        cancel_reason=known.get("cancel_reason"),
        metadata=bytes(known["metadata"]).decode(),
        counts=counts,
        version=known["version"],
        created_at=instant(known["created_at"]),
        updated_at=instant(known["updated_at"]),
        pending_host_id=number(UserId, known["pending_host_id"]) if "pending_host_id" in known else None,
    )


def guests_in(text: str) -> list[Participant] | None:
    """Give the participants that a text names, None if it says nothing of them."""
    known = members_of(text)
    if "participants" not in known:
        return None
    return [guest_in(guest, number(EventId, known["id"])) for guest in known["participants"]]


def guest_in(guest: dict[str, Any], event_id: EventId) -> Participant:
    """Give one participant."""
    answered = None if guest["responded_at"] is None else instant(guest["responded_at"])
    said = Role(guest["role"]), Response(guest["response"]), guest["comment"]
    participation = Participation(number(UserId, guest["user_id"]), *said, answered, 0)
    return Participant(event_id, participation, guest["name"], guest["email"], guest["is_host"], 0)


def instant(text: str) -> Instant:
    """Give the instant of a written time."""
    return to_instant(datetime.fromisoformat(text))


def number(kind: type[Any], text: str) -> Any:
    """Give the id that a text stands for."""
    return kind(read_id(kind, text))
