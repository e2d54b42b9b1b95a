"""The bodies from which actions create and change objects: drafts, and merge patches (RFC 7396).

Their limits are checked when they are decoded.
"""

from typing import Annotated, Any, ClassVar, Literal

from msgspec import UNSET, Meta, Struct, UnsetType, field

from kalends.characters import LINE, LINES
from kalends.limits import (
    MAX_NAME_LENGTH,
    MAX_PARTICIPANTS,
    MAX_REMARK_LENGTH,
)
from kalends.model import (
    UTC,
    Email,
    EventDetails,
    EventDetailsUpdate,
    Metadata,
    Role,
    UserId,
    WrittenTime,
    Zone,
)

Name = Annotated[str, Meta(min_length=1, max_length=MAX_NAME_LENGTH, pattern=LINE)]
Remark = Annotated[str, Meta(max_length=MAX_REMARK_LENGTH, pattern=LINES)]


class UserCreate(Struct, forbid_unknown_fields=True, kw_only=True):
    """A user to create."""

    name: Name
    email: Email
    time_zone: Zone = field(default_factory=lambda: UTC)
    metadata: Metadata | None = None
    example: ClassVar[Any] = {
        "name": "Hanna Host",
        "email": "hanna@example.org",
        "time_zone": "Europe/Berlin",
    }


class UserUpdate(Struct, forbid_unknown_fields=True, kw_only=True):
    """A merge patch for a user (RFC 7396): what is left out stays as it is; null clears metadata."""

    name: Name | UnsetType = UNSET
    email: Email | UnsetType = UNSET
    time_zone: Zone | UnsetType = UNSET
    metadata: Metadata | UnsetType | None = UNSET
    example: ClassVar[Any] = {"name": "Hanna Huber", "metadata": {"badge": "blue"}}


class ParticipantCreate(Struct, forbid_unknown_fields=True, kw_only=True, frozen=True):
    """A participant to add to an event."""

    user_id: UserId
    role: Role = Role.required
    example: ClassVar[Any] = {"user_id": "usr_018f3c5a9b2d4e6f", "role": "required"}


class EventCreate(EventDetails, forbid_unknown_fields=True, kw_only=True, frozen=True):
    """An event to create; `time_zone` is that of its host by default."""

    host_id: UserId
    start: WrittenTime
    end: WrittenTime
    time_zone: Zone | None = None
    status: Literal["confirmed", "tentative"] = "confirmed"
    metadata: Metadata | None = None
    host_attends: bool = True
    participants: Annotated[list[ParticipantCreate], Meta(max_length=MAX_PARTICIPANTS)] = field(default_factory=list)
    example: ClassVar[Any] = {
        "host_id": "usr_018f3c5a9b2d4e6f",
        "title": "Planning",
        "start": "2026-03-09T14:00",
        "end": "2026-03-09T15:00",
        "time_zone": "Europe/Berlin",
        "participants": [{"user_id": "usr_018f3c5a9b2d5f70", "role": "required"}],
    }


class EventUpdate(EventDetailsUpdate, forbid_unknown_fields=True, kw_only=True):
    """A merge patch for an event (RFC 7396): what is left out stays as it is; null clears what may be empty."""

    start: WrittenTime | UnsetType = UNSET
    end: WrittenTime | UnsetType = UNSET
    time_zone: Zone | UnsetType = UNSET
    status: Literal["confirmed", "tentative"] | UnsetType = UNSET
    metadata: Metadata | UnsetType | None = UNSET
    example: ClassVar[Any] = {
        "title": "Planning, moved",
        "start": "2026-03-09T16:00",
        "end": "2026-03-09T17:00",
    }


class ResponseUpdate(Struct, forbid_unknown_fields=True, kw_only=True):
    """A participant's response to an invitation."""

    response: Literal["accepted", "declined", "tentative"]
    comment: Remark | None = None
    example: ClassVar[Any] = {"response": "accepted", "comment": "I bring the cake."}
