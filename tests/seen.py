"""Reads of events, decoded into the model: the JSON texts have to contain everything, exactly.

They contain no versions of participations and users, which are 0 here.
"""

from datetime import datetime
from typing import Any, NamedTuple

import msgspec

from kalends.model import Actor, Event, EventId, Instant, Participant
from kalends.reads import events
from kalends.reads.events import EventFilter, EventPage, PageKey
from kalends.rest.wire import read_id
from kalends.rules.access import AccessLevel
from kalends.rules.zones import to_instant
from kalends.store.database import ReadTx

UNSEEN = {
    "participant_counts": {"total": 0},
    "cancel_reason": None,
    "version": 0,
    "created_at": "1970-01-01T00:00:00Z",
    "updated_at": "1970-01-01T00:00:00Z",
}
"""Values of members that are not in the text of a partly visible event."""


class Seen(NamedTuple):
    """An event, the caller's access level, and its participants if they were requested and are visible."""

    event: Event
    access_level: AccessLevel
    participants: list[Participant] | None


class Page(NamedTuple):
    """A page of events, with the participants of those that are fully visible, if they were requested.

    The access level of each is `titles` or `read`, as a list does not show who may change an event.
    """

    events: list[Event]
    access_levels: list[AccessLevel]
    participants: dict[EventId, list[Participant]] | None
    next_key: PageKey | None


def list_events(tx: ReadTx, actor: Actor, wanted: EventFilter, limit: int, *, expand: bool) -> Page:
    """Read a page."""
    page = events.list_events(tx, actor, wanted, limit, expand=expand)
    texts = texts_of(page)
    read = [(event_in(text), participants_in(text)) for text in texts]
    people = {event.id: guests for event, guests in read if guests is not None}
    access_levels = [
        AccessLevel.read if "description" in msgspec.json.decode(text) else AccessLevel.titles for text in texts
    ]
    return Page([event for event, _ in read], access_levels, people if expand else None, page.next_key)


def texts_of(page: EventPage) -> list[str]:
    """Return the text of each event of a page."""
    return [bytes(one).decode() for one in msgspec.json.decode(page.text, type=list[msgspec.Raw])]


def read_event(tx: ReadTx, actor: Actor, event_id: EventId, *, expand: bool) -> Seen:
    """Read one event."""
    seen = events.read_event(tx, actor, event_id, expand=expand)
    event = event_in(seen.text)
    assert event.version == (seen.version or 0)
    return Seen(event, seen.access_level, participants_in(seen.text))


def event_in(text: str) -> Event:
    """Return the event that a text describes; members that are not in the text are as in UNSEEN."""
    raw = msgspec.json.decode(text, type=dict[str, msgspec.Raw])
    metadata = raw.pop("metadata", b"{}")
    known = UNSEEN | {name: msgspec.json.decode(value) for name, value in raw.items()}
    times = {"time_zone": known["time_zone"], "start_local": known["start"], "end_local": known["end"]}
    parts = {
        "metadata": bytes(metadata).decode(),
        "block": {"span": known, **times},
        "counts": known["participant_counts"],
    }
    event = msgspec.convert(known | parts, Event, dec_hook=value_of)
    assert event.counts.total == known["participant_counts"]["total"]
    return event


def participants_in(text: str) -> list[Participant] | None:
    """Return the participants in a text, None if it has none."""
    known = msgspec.json.decode(text)
    guests = known.get("participants")
    if guests is None:
        return None
    return [
        msgspec.convert(
            guest | {"event_id": known["id"], "participation": guest | {"version": 0}, "user_version": 0},
            Participant,
            dec_hook=value_of,
        )
        for guest in guests
    ]


def value_of(kind: type[Any], text: str) -> Any:
    """Return the instant or the id that a text represents."""
    return to_instant(datetime.fromisoformat(text)) if kind is Instant else kind(read_id(kind, text))
