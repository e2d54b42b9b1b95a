"""Events as JSON text, which the database writes; this module removes what the actor may not see.

The members are those of `EventJson` in rest/event_shapes.py, in its order; a test compares the two.
"""

import hashlib
from collections.abc import Container
from enum import StrEnum
from typing import Any

import msgspec
import sqlalchemy as sa
from msgspec import Raw, Struct
from sqlalchemy import bindparam

from kalends.limits import MAX_LISTED_PARTICIPANTS
from kalends.model import Actor, EventId, UserId, Visibility
from kalends.store.database import ReadTx
from kalends.store.events import COUNTS, DETAIL_TYPES
from kalends.store.json_text import (
    JsonArray,
    JsonId,
    JsonMoment,
    JsonObject,
    JsonText,
    JsonWord,
    OmittedIfFalse,
    OmittedIfNull,
    json_list,
)
from kalends.store.query import AnyOf, Query
from kalends.store.tables import event, participant, user
from kalends.store.visibility import tie_values

EVENT: dict[str, sa.ColumnElement[Any]] = {
    "id": JsonId(EventId, event.c.id),
    **{
        name: JsonWord(event.c[name]) if issubclass(kind, StrEnum) else event.c[name]
        for name, kind in DETAIL_TYPES.items()
    },
    "start": JsonWord(event.c.start_local),
    "end": JsonWord(event.c.end_local),
    "time_zone": JsonWord(event.c.time_zone),
    "status": JsonWord(event.c.status),
    "host_id": JsonId(UserId, event.c.host_id),
    "participant_counts": JsonObject(
        {"total": event.c.required_count + event.c.optional_count}
        | {name: event.c[column] for name, column in COUNTS.items()}
    ),
    "metadata": sa.type_coerce(event.c.metadata, JsonText()),
    "version": event.c.version,
    "created_at": JsonMoment(event.c.created_at),
    "updated_at": JsonMoment(event.c.updated_at),
    "cancel_reason": OmittedIfNull(event.c.cancel_reason),
    "pending_host_id": OmittedIfNull(JsonId(UserId, event.c.pending_host_id)),
}
PARTICIPANT: dict[str, sa.ColumnElement[Any]] = {
    "user_id": JsonId(UserId, participant.c.user_id),
    "name": user.c.name,
    "email": user.c.email,
    "role": JsonWord(participant.c.role),
    "response": JsonWord(participant.c.response),
    "comment": participant.c.comment,
    "responded_at": JsonMoment(participant.c.responded_at),
    "is_host": participant.c.user_id == event.c.host_id,
}
PARTICIPANT_JSON = (
    sa.select(JsonObject(PARTICIPANT))
    .select_from(user)
    .where(user.c.id == participant.c.user_id)
    .correlate(participant, event)
)
"""A participant with their user, looked up by key: in a join, if PostgreSQL expects many participants, it builds a hash
of all users for each event (89 ms for a page at ten million events)."""

PARTICIPANTS = (
    sa.select(PARTICIPANT_JSON.scalar_subquery())
    .select_from(participant)
    .where(participant.c.event_id == event.c.id, participant.c.organization_id == event.c.organization_id)
    .order_by(participant.c.user_id)
    .correlate(event)
)
TEXT = {
    False: JsonObject(EVENT).label("text"),
    True: JsonObject(EVENT | {"participants": json_list(PARTICIPANTS)}).label("text"),
}
"""An event without its participants, and with them."""

LISTED_TEXT = TEXT | {
    True: JsonObject(
        EVENT
        | {
            "participants": json_list(PARTICIPANTS.limit(sa.literal_column(str(MAX_LISTED_PARTICIPANTS), sa.Integer))),
            "participants_truncated": OmittedIfFalse(
                event.c.required_count + event.c.optional_count > MAX_LISTED_PARTICIPANTS
            ),
        }
    ).label("text"),
}
"""The same for an event in a list."""

SHOWN_AS_TITLE = ("id", "title", "show_as", "start", "end", "time_zone", "status", "host_id")
TELLS_OF_ALL_PARTICIPANTS = ("participant_counts", "version", "updated_at", "participants_truncated")
"""The members that reveal hidden participants: their number, and that one of them has answered."""


class EventKey(Struct, array_like=True, frozen=True):
    """The key of an event in lists, and its version, which are read besides its text."""

    start: int
    id: int
    version: int


class EventAccess(EventKey, array_like=True, frozen=True):
    """The same, and the facts on which access to the event depends; ties only if they were looked up."""

    host_id: int
    visibility: Visibility
    hides: bool
    concerned: bool = False
    delegate: bool = False


KEY = (event.c.starts_at, event.c.id, event.c.version)
ACCESS = (*KEY, event.c.host_id, JsonWord(event.c.visibility), event.c.hide_participants)


def about(*columns: sa.ColumnElement[Any]) -> sa.Label[str]:
    """Return columns as JSON: KEY, or ACCESS followed by ties."""
    return JsonArray(*columns).label("about")


HIDDEN = "true"
"""The value in ACCESS without ties that marks an event that hides its participants."""

TRUNCATED = '"participants_truncated":true}'
"""The end of an event in a list that does not show all of its participants."""

NEVER_HIDDEN = Query(
    sa.select(participant.c.event_id, PARTICIPANT_JSON.scalar_subquery())
    .join_from(participant, event, participant.c.event_id == event.c.id)
    .where(
        participant.c.organization_id == bindparam("org"),
        AnyOf(participant.c.event_id, "events"),
        sa.or_(
            participant.c.user_id == event.c.host_id,
            participant.c.user_id == bindparam("me"),
            AnyOf(participant.c.user_id, "delegators"),
        ),
    )
    .order_by(participant.c.event_id, participant.c.user_id)
)

KEY_DECODER = msgspec.json.Decoder(EventKey)
ACCESS_DECODER = msgspec.json.Decoder(EventAccess)
MEMBERS = msgspec.json.Decoder(dict[str, Raw])
PARTICIPANT_LIST = msgspec.json.Decoder(list[dict[str, Raw]])


def title_alone(text: str) -> str:
    """Return the text of an event with only the members for an actor with access to titles."""
    members = MEMBERS.decode(text)
    return msgspec.json.encode({name: members[name] for name in SHOWN_AS_TITLE}).decode()


def with_participants_among(text: str, shown: Container[UserId], participants: Raw | None = None) -> str:
    """Return the text of an event without hidden people; `participants`, if given, replace those in the text."""
    members: dict[str, Any] = {
        name: raw for name, raw in MEMBERS.decode(text).items() if name not in TELLS_OF_ALL_PARTICIPANTS
    }
    if "pending_host_id" in members and user_in(members["pending_host_id"]) not in shown:
        del members["pending_host_id"]
    if "participants" in members:
        known = PARTICIPANT_LIST.decode(members["participants"] if participants is None else participants)
        members["participants"] = [participant for participant in known if user_in(participant["user_id"]) in shown]
    return msgspec.json.encode(members).decode()


def participants_never_hidden(tx: ReadTx, actor: Actor, events: list[int]) -> dict[int, Raw]:
    """Return the participants of events who are the host, the actor or the actor's delegators, in JSON."""
    found: dict[int, list[str]] = {event_id: [] for event_id in events}
    for event_id, text in tx.rows(NEVER_HIDDEN, org=actor.organization_id, events=events, **tie_values(actor)):
        found[event_id].append(text)
    return {event_id: Raw(f"[{','.join(texts)}]".encode()) for event_id, texts in found.items()}


def user_in(text: Raw) -> UserId:
    """Return the user whose id is in a JSON text."""
    return UserId(int(bytes(text)[1 + len(UserId.prefix) : -1], 16))


def digest_of(text: str) -> int:
    """Return a hash of a text, a number of at most 17 digits."""
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=7).digest())
