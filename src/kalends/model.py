"""The vocabulary of Kalends: read this file first.

Small frozen values and nothing else. Instants are whole microseconds since 1970-01-01T00:00:00Z; spans are half-open.
What a door hands to an action to make or change something of stands in drafts.py.
"""

import re
from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Annotated, Any, ClassVar, Self

from msgspec import UNSET, Meta, Struct, UnsetType

from kalends.characters import LINE, LINE_OR_NOTHING, LINES
from kalends.limits import MAX_DESCRIPTION_LENGTH, MAX_LOCATION_LENGTH, MAX_TITLE_LENGTH

ID_DIGITS = re.compile(r"[0-9a-f]{16}", re.ASCII)
LARGEST_ID = (1 << 63) - 1


class Identifier(int):
    """A 64-bit, time-ordered id; callers see it as opaque text behind a prefix that names its kind."""

    prefix: ClassVar[str]
    noun: ClassVar[str]
    kinds: ClassVar[dict[str, type["Identifier"]]] = {}
    """All kinds of ids, by the noun that each names: `user` for UserId."""

    def __init_subclass__(cls) -> None:
        """Add a kind of ids."""
        cls.noun = cls.__name__.removesuffix("Id").lower()
        Identifier.kinds[cls.noun] = cls

    def __str__(self) -> str:
        """Return the text that callers see, such as `usr_018f3c5a9b2d4e6f`."""
        return f"{self.prefix}{int(self):016x}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the id that a text names. Raise ValueError."""
        digits = text.removeprefix(cls.prefix)
        if digits == text or not ID_DIGITS.fullmatch(digits) or int(digits, 16) > LARGEST_ID:
            raise ValueError(f"must be an id such as {cls.example()}")
        return cls(int(digits, 16))

    @classmethod
    def example(cls) -> str:
        """Return an id as it looks."""
        return f"{cls.prefix}018f3c5a9b2d4e6f"


class OrganizationId(Identifier):
    """Names the customer that a row belongs to."""

    prefix = "org_"


class UserId(Identifier):
    """Names a person who hosts or takes part."""

    prefix = "usr_"


class EventId(Identifier):
    """Names an event."""

    prefix = "evt_"


class TokenId(Identifier):
    """Names a credential; never the secret itself."""

    prefix = "tok_"


class HoldId(Identifier):
    """Names a slot that is kept for a moment."""

    prefix = "hld_"


class AuditId(Identifier):
    """Names an entry of the audit log."""

    prefix = "aud_"


class Instant(int):
    """A point in time: microseconds since 1970-01-01T00:00:00Z."""


class Role(StrEnum):
    """How much an event needs a participant."""

    required = "required"
    optional = "optional"


class Response(StrEnum):
    """What a participant said to an invitation."""

    needs_action = "needs_action"
    accepted = "accepted"
    declined = "declined"
    tentative = "tentative"


class Status(StrEnum):
    """Whether an event takes place."""

    confirmed = "confirmed"
    tentative = "tentative"
    cancelled = "cancelled"


class ShowAs(StrEnum):
    """Whether an event takes up its people's time."""

    busy = "busy"
    free = "free"


class Visibility(StrEnum):
    """Who may see more of an event than a block of time."""

    default = "default"
    private = "private"


class Scope(StrEnum):
    """What a token may be used for; what its bearer may do is decided besides (rules/access.py)."""

    users_read = "users:read"
    users_write = "users:write"
    events_read = "events:read"
    events_write = "events:write"
    respond = "respond"
    free_busy_read = "free-busy:read"
    tokens_write = "tokens:write"
    audit_read = "audit:read"


ALL_SCOPES = frozenset(Scope)


class Sharing(StrEnum):
    """How much of somebody's calendar another person is let into, least first; each includes those before it."""

    free_busy = "free_busy"
    """What every member of the organization has."""
    titles = "titles"
    """When and what the events are that they host."""
    read = "read"
    """All of these events."""
    respond = "respond"
    """Also the events that they take part in, and answering for them."""
    write = "write"
    """Also managing the events that they host, and making new ones in their name."""


class Busy(StrEnum):
    """How a commitment is shown in a person's time, weakest first."""

    free = "free"
    tentative = "tentative"
    busy = "busy"


class Span(Struct, frozen=True, order=True):
    """The half-open period `[start, end)`: two spans that touch do not overlap."""

    start: Instant
    end: Instant


class WrittenTime(str):
    """A time as a caller wrote it (RFC 3339), and what was read from it: see `read_time` in rules/zones.py.

    `clock` is aware if an offset is written, else it is local to a zone that is named elsewhere. `ends_day` marks
    24:00, for which `clock` is the midnight that follows.
    """

    __slots__ = ("clock", "ends_day")

    clock: datetime
    ends_day: bool

    def __new__(cls, text: str, clock: datetime, *, ends_day: bool = False) -> Self:
        """Keep a text with what it says."""
        written = super().__new__(cls, text)
        written.clock = clock
        written.ends_day = ends_day
        return written


class DateOrTime(WrittenTime):
    """The same, or a date alone, which stands for its local midnight."""

    __slots__ = ()


class Zone(str):
    """The name of an IANA time zone, such as `Europe/Berlin`; one that this installation knows."""

    __slots__ = ()


UTC = Zone("UTC")


class Email(str):
    """An e-mail address as it was written; unique in an organization by `email_key` (rules/emails.py)."""

    __slots__ = ()


class Metadata(dict[str, Any]):
    """A JSON object of at most 16 KiB that Kalends keeps for the caller and never reads."""


class Actor(Struct, frozen=True):
    """Who asks, and with what rights: every action and every read is given one.

    Without `user_id` it is an operator, who acts for the whole organization. `shared` says whose calendar this person
    is let into, and how far. `address` and `request_id` say where it came from, for the audit log.
    """

    organization_id: OrganizationId
    token_id: TokenId | None = None
    user_id: UserId | None = None
    scopes: frozenset[Scope] = ALL_SCOPES
    shared: Mapping[UserId, Sharing] = MappingProxyType({})
    address: str | None = None
    request_id: str | None = None


class User(Struct, frozen=True):
    """A person who hosts events or takes part in them; `metadata` is JSON text."""

    id: UserId
    name: str
    email: str
    time_zone: str
    metadata: str
    version: int
    created_at: Instant
    updated_at: Instant


class Block(Struct, frozen=True):
    """The single block of time of an event, and how it reads on the clocks of its zone (RFC 3339)."""

    span: Span
    time_zone: str
    start_local: str
    end_local: str


class ParticipantCounts(Struct, frozen=True):
    """How many participants an event has, by role and by response."""

    required: int = 0
    optional: int = 0
    accepted: int = 0
    declined: int = 0
    tentative: int = 0
    needs_action: int = 0

    @property
    def total(self) -> int:
        """Count every participant once."""
        return self.required + self.optional


Title = Annotated[str, Meta(min_length=1, max_length=MAX_TITLE_LENGTH, pattern=LINE)]
Description = Annotated[str, Meta(max_length=MAX_DESCRIPTION_LENGTH, pattern=LINES)]
Location = Annotated[str, Meta(max_length=MAX_LOCATION_LENGTH, pattern=LINE_OR_NOTHING)]


class EventDetails(Struct, frozen=True, kw_only=True):
    """What callers may set of an event, each member by itself.

    To add a member, write it here, in the next two classes and in store/tables.py: all else goes by these names.
    """

    title: Title
    description: Description = ""
    location: Location = ""
    show_as: ShowAs = ShowAs.busy
    visibility: Visibility = Visibility.default
    hide_participants: bool = False

    def details(self) -> dict[str, Any]:
        """Return these members by name, of an event too."""
        return {name: getattr(self, name) for name in DETAILS}


class EventDetailsUpdate(Struct, kw_only=True):
    """The same in a merge patch: what is left out stays; null stands for the default."""

    title: Title | UnsetType = UNSET
    description: Description | UnsetType | None = UNSET
    location: Location | UnsetType | None = UNSET
    show_as: ShowAs | UnsetType = UNSET
    visibility: Visibility | UnsetType = UNSET
    hide_participants: bool | UnsetType = UNSET


class EventDetailsJson(Struct, kw_only=True):
    """The same in an answer, behind the id; only what has no default is shown to whoever sees titles alone."""

    id: EventId
    title: str
    description: str | UnsetType = UNSET
    location: str | UnsetType = UNSET
    show_as: ShowAs
    visibility: Visibility | UnsetType = UNSET
    hide_participants: bool | UnsetType = UNSET
    """Whether participants see the host and themselves only."""


DETAILS = EventDetails.__struct_fields__


class Event(EventDetails, frozen=True, kw_only=True):
    """An event with its one host; `metadata` is JSON text, `version` counts every change that a caller can see."""

    id: EventId
    host_id: UserId
    block: Block
    status: Status
    cancel_reason: str | None
    metadata: str
    counts: ParticipantCounts
    version: int
    created_at: Instant
    updated_at: Instant
    pending_host_id: UserId | None = None
    """Who is asked to host it and has not answered: never the host, and nobody of a cancelled event."""


class Participation(Struct, frozen=True):
    """One person's part in one event; `version` begins with the event's, and then counts the changes of this part."""

    user_id: UserId
    role: Role
    response: Response
    comment: str | None
    responded_at: Instant | None
    version: int


class Participant(Struct, frozen=True):
    """A participation together with the person who sits in it, as callers see it."""

    event_id: EventId
    participation: Participation
    name: str
    email: str
    is_host: bool
    user_version: int


class Conflict(Struct, frozen=True):
    """A commitment in the way: whose, when, how strongly; `event_id` only if the caller may see the event.

    `needed` tells a conflict from a mere warning about somebody optional.
    """

    user_id: UserId
    span: Span
    strength: Busy
    event_id: EventId | None
    needed: bool


class Hold(Struct, frozen=True):
    """A slot kept for some people until it lapses, is released, or becomes an event."""

    id: HoldId
    user_ids: tuple[UserId, ...]
    span: Span
    expires_at: Instant
    extended: bool
    created_at: Instant
    placed_by: UserId | None
    """None for an operator."""


class Share(Struct, frozen=True):
    """How far one person is let into the calendar of another."""

    owner_id: UserId
    user_id: UserId
    level: Sharing
    updated_at: Instant
