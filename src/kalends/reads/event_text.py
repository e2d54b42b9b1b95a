"""Events as JSON text, which the database writes; what not everybody may see of them is cut out here.

The members are those of `EventJson` in rest/event_shapes.py, in its order: a test holds the two together.
"""

import hashlib
from collections.abc import Container
from typing import Any

import msgspec
import sqlalchemy as sa
from msgspec import Raw, Struct

from kalends.model import EventId, UserId, Visibility
from kalends.store.json_text import (
    JsonArray,
    JsonId,
    JsonMoment,
    JsonObject,
    JsonText,
    JsonWord,
    OmittedIfNull,
    json_list,
)
from kalends.store.tables import event, participant, user

EVENT: dict[str, sa.ColumnElement[Any]] = {
    "id": JsonId(EventId, event.c.id),
    "title": event.c.title,
    "description": event.c.description,
    "location": event.c.location,
    "start": JsonWord(event.c.start_local),
    "end": JsonWord(event.c.end_local),
    "time_zone": JsonWord(event.c.time_zone),
    "status": JsonWord(event.c.status),
    "show_as": JsonWord(event.c.show_as),
    "visibility": JsonWord(event.c.visibility),
    "hide_participants": event.c.hide_participants,
    "host_id": JsonId(UserId, event.c.host_id),
    "participant_counts": JsonObject(
        {
            "total": event.c.required_count + event.c.optional_count,
            "required": event.c.required_count,
            "optional": event.c.optional_count,
            "accepted": event.c.accepted_count,
            "declined": event.c.declined_count,
            "tentative": event.c.tentative_count,
            "needs_action": event.c.needs_action_count,
        }
    ),
    "metadata": sa.type_coerce(event.c.metadata, JsonText()),
    "version": event.c.version,
    "created_at": JsonMoment(event.c.created_at),
    "updated_at": JsonMoment(event.c.updated_at),
    "cancel_reason": OmittedIfNull(event.c.cancel_reason),
}
GUEST: dict[str, sa.ColumnElement[Any]] = {
    "user_id": JsonId(UserId, participant.c.user_id),
    "name": user.c.name,
    "email": user.c.email,
    "role": JsonWord(participant.c.role),
    "response": JsonWord(participant.c.response),
    "comment": participant.c.comment,
    "responded_at": JsonMoment(participant.c.responded_at),
    "is_host": participant.c.user_id == event.c.host_id,
}
AS_GUEST = (
    sa.select(JsonObject(GUEST))
    .select_from(user)
    .where(user.c.id == participant.c.user_id)
    .correlate(participant, event)
)
"""A participant with the person who they are, looked up by their key: of a join, where it takes an event to have many
participants, PostgreSQL makes a hash of all users for each event (89 ms a page at ten million events)."""

GUESTS = (
    sa.select(AS_GUEST.scalar_subquery())
    .select_from(participant)
    .where(participant.c.event_id == event.c.id, participant.c.organization_id == event.c.organization_id)
    .order_by(participant.c.user_id)
    .correlate(event)
)
TEXT = {
    False: JsonObject(EVENT).label("text"),
    True: JsonObject(EVENT | {"participants": json_list(GUESTS)}).label("text"),
}
"""An event without its participants, and with them."""

SHOWN_AS_TITLE = ("id", "title", "start", "end", "time_zone", "status", "show_as", "host_id", "version")


class Place(Struct, array_like=True, frozen=True):
    """What has to be known of an event beside its text: its place in lists, and its version."""

    start: int
    id: int
    version: int


class Facts(Place, array_like=True, frozen=True):
    """The same, and what decides who sees what of it; ties only where they were looked up."""

    host_id: int
    visibility: Visibility
    hides: bool
    seated: bool = False
    deputy: bool = False


PLACE = (event.c.starts_at, event.c.id, event.c.version)
FACTS = (*PLACE, event.c.host_id, JsonWord(event.c.visibility), event.c.hide_participants)


def about(*columns: sa.ColumnElement[Any]) -> sa.Label[str]:
    """Give PLACE, or FACTS and then ties, as JSON."""
    return JsonArray(*columns).label("about")


PLACE_DECODER = msgspec.json.Decoder(Place)
FACTS_DECODER = msgspec.json.Decoder(Facts)
MEMBERS = msgspec.json.Decoder(dict[str, Raw])
GUEST_LIST = msgspec.json.Decoder(list[dict[str, Raw]])


def title_alone(text: str) -> str:
    """Cut out of an event all but what somebody sees who is shown titles."""
    members = MEMBERS.decode(text)
    return msgspec.json.encode({name: members[name] for name in SHOWN_AS_TITLE}).decode()


def with_guests_among(text: str, shown: Container[UserId]) -> str:
    """Cut out of an event the participants who are hidden."""
    members: dict[str, Any] = dict(MEMBERS.decode(text))
    guests = GUEST_LIST.decode(members["participants"])
    members["participants"] = [guest for guest in guests if user_in(guest) in shown]
    return msgspec.json.encode(members).decode()


def user_in(guest: dict[str, Raw]) -> UserId:
    """Give whose seat it is."""
    return UserId(int(bytes(guest["user_id"])[1 + len(UserId.prefix) : -1], 16))


def digest_of(text: str) -> int:
    """Tell one text from another: a number of at most 17 digits."""
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=7).digest())
