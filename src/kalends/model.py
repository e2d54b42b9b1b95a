"""The types of Kalends: read this file first.

They are small immutable values. Instants are whole microseconds since 1970-01-01T00:00:00Z; spans are half-open. The
bodies from which actions create and change objects are in drafts.py.
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
    """A 64-bit, time-ordered id; callers see it as opaque text with a prefix that names its kind."""

    prefix: ClassVar[str]
    noun: ClassVar[str]
    kinds: ClassVar[dict[str, type["Identifier"]]] = {}
    """All kinds of ids, by the noun that each names: `user` for UserId."""

    def __init_subclass__(cls) -> None:
        """Add the class to `kinds`."""
        cls.noun = cls.__name__.removesuffix("Id").lower()
        Identifier.kinds[cls.noun] = cls

    def __str__(self) -> str:
        """Return the text that callers see, such as `usr_018f3c5a9b2d4e6f`."""
        return f"{self.prefix}{int(self):016x}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the id that a text represents. Raise ValueError."""
        digits = text.removeprefix(cls.prefix)
        if digits == text or not ID_DIGITS.fullmatch(digits) or int(digits, 16) > LARGEST_ID:
            raise ValueError(f"must be an id such as {cls.example()}")
        return cls(int(digits, 16))

    @classmethod
    def example(cls) -> str:
        """Return the text of an example id."""
        return f"{cls.prefix}018f3c5a9b2d4e6f"


class OrganizationId(Identifier):
    """The id of an organization, the customer that a row belongs to."""

    prefix = "org_"


class UserId(Identifier):
    """The id of a person who hosts or takes part."""

    prefix = "usr_"


class EventId(Identifier):
    """The id of an event."""

    prefix = "evt_"


class TokenId(Identifier):
    """The id of a token; it is not the secret."""

    prefix = "tok_"


class HoldId(Identifier):
    """The id of a hold."""

    prefix = "hld_"


class AuditId(Identifier):
    """The id of an entry of the audit log."""

    prefix = "aud_"


class Instant(int):
    """A point in time: microseconds since 1970-01-01T00:00:00Z."""


class Role(StrEnum):
    """Whether an event needs a participant."""

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
    """Whether an event makes its people busy."""

    busy = "busy"
    free = "free"


class Visibility(StrEnum):
    """Who may see more of an event than a busy block."""

    default = "default"
    private = "private"


class Scope(StrEnum):
    """What a token may be used for; what its user may do is checked as well (rules/access.py)."""

    users_read = "users:read"
    users_write = "users:write"
    events_read = "events:read"
    events_write = "events:write"
    respond = "respond"
    free_busy_read = "free-busy:read"
    tokens_write = "tokens:write"
    audit_read = "audit:read"


ALL_SCOPES = frozenset(Scope)


class SharingLevel(StrEnum):
    """The level at which a calendar is shared with another person, lowest first; each includes those before it."""

    free_busy = "free_busy"
    """Busy blocks only, which every user of the organization sees."""
    titles = "titles"
    """Times and titles of the events that the owner hosts."""
    read = "read"
    """All details of these events."""
    respond = "respond"
    """Also the events that the owner takes part in, and answering for the owner."""
    write = "write"
    """Also changing the events that the owner hosts, and creating events for the owner as their host."""


class Strength(StrEnum):
    """How a commitment is shown in a person's time, weakest first."""

    free = "free"
    tentative = "tentative"
    busy = "busy"


class Span(Struct, frozen=True, order=True):
    """The half-open period `[start, end)`: two spans that touch do not overlap."""

    start: Instant
    end: Instant


class WrittenTime(str):
    """A time as a caller wrote it (RFC 3339), with its parsed value: see `read_time` in rules/zones.py.

    `clock` is aware if an offset is written, else it is local to a zone that is named elsewhere. `ends_day` marks
    24:00, for which `clock` is the midnight that follows.
    """

    __slots__ = ("clock", "ends_day")

    clock: datetime
    ends_day: bool

    def __new__(cls, text: str, clock: datetime, *, ends_day: bool = False) -> Self:
        """Return the text with its parsed value."""
        written = super().__new__(cls, text)
        written.clock = clock
        written.ends_day = ends_day
        return written


class DateOrTime(WrittenTime):
    """A written time, or a date alone, which stands for its local midnight."""

    __slots__ = ()


class Zone(str):
    """The name of an IANA time zone that this installation knows, such as `Europe/Berlin`."""

    __slots__ = ()


UTC = Zone("UTC")


class Email(str):
    """An e-mail address as it was written; its `email_key` (rules/emails.py) is unique in an organization."""

    __slots__ = ()


class Metadata(dict[str, Any]):
    """A JSON object of at most 16 KiB that Kalends keeps for the caller and never reads."""


class Actor(Struct, frozen=True):
    """The caller and their rights, an argument of every action and every read.

    Without `user_id` it is an operator, who acts for the whole organization. `shared` holds the owners of the calendars
    that are shared with this person, and the levels. `address` and `request_id` go into the audit log.
    """

    organization_id: OrganizationId
    token_id: TokenId | None = None
    user_id: UserId | None = None
    scopes: frozenset[Scope] = ALL_SCOPES
    shared: Mapping[UserId, SharingLevel] = MappingProxyType({})
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
    """The single block of time of an event, and its start and end as local times of its zone (RFC 3339)."""

    span: Span
    time_zone: str
    start_local: str
    end_local: str


class ParticipantCounts(Struct, frozen=True):
    """The number of participants of an event, by role and by response."""

    required: int = 0
    optional: int = 0
    accepted: int = 0
    declined: int = 0
    tentative: int = 0
    needs_action: int = 0

    @property
    def total(self) -> int:
        """Return the number of all participants."""
        return self.required + self.optional


Title = Annotated[str, Meta(min_length=1, max_length=MAX_TITLE_LENGTH, pattern=LINE)]
Description = Annotated[str, Meta(max_length=MAX_DESCRIPTION_LENGTH, pattern=LINES)]
Location = Annotated[str, Meta(max_length=MAX_LOCATION_LENGTH, pattern=LINE_OR_NOTHING)]


class EventDetails(Struct, frozen=True, kw_only=True):
    """The members of an event that callers may set independently of each other.

    To add a member, write it here, in the next two classes and in store/tables.py: all other code uses these names.
    """

    title: Title
    description: Description = ""
    location: Location = ""
    show_as: ShowAs = ShowAs.busy
    visibility: Visibility = Visibility.default
    hide_participants: bool = False

    def details(self) -> dict[str, Any]:
        """Return these members by name; of an Event, too, only these."""
        return {name: getattr(self, name) for name in DETAILS}


class EventDetailsUpdate(Struct, kw_only=True):
    """The same members in a merge patch: a member that is left out stays; null resets description or location."""

    title: Title | UnsetType = UNSET
    description: Description | UnsetType | None = UNSET
    location: Location | UnsetType | None = UNSET
    show_as: ShowAs | UnsetType = UNSET
    visibility: Visibility | UnsetType = UNSET
    hide_participants: bool | UnsetType = UNSET


class EventDetailsJson(Struct, kw_only=True):
    """The same members in an answer; people who see only titles get those without a default."""

    id: EventId
    title: str
    description: str | UnsetType = UNSET
    location: str | UnsetType = UNSET
    show_as: ShowAs
    visibility: Visibility | UnsetType = UNSET
    hide_participants: bool | UnsetType = UNSET
    """Whether participants see only the host and themselves."""


DETAILS = EventDetails.__struct_fields__


class Event(EventDetails, frozen=True, kw_only=True):
    """An event with its one host; `metadata` is JSON text, `version` counts the changes that callers can see."""

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
    """The person who is asked to host the event and has not answered: never the host, None if it is cancelled."""


class Participation(Struct, frozen=True):
    """One person's part in one event; `version` begins with the event's, and then counts changes of this part."""

    user_id: UserId
    role: Role
    response: Response
    comment: str | None
    responded_at: Instant | None
    version: int


class Participant(Struct, frozen=True):
    """A participation together with the data of its person, as callers see it."""

    event_id: EventId
    participation: Participation
    name: str
    email: str
    is_host: bool
    user_version: int


class Conflict(Struct, frozen=True):
    """A commitment that blocks a person: who, when, how strongly; `event_id` only if the caller may see the event.

    If `needed` is false, it is only a warning: the person is optional and has not accepted, or declined the event
    before it got a new time.
    """

    user_id: UserId
    span: Span
    strength: Strength
    event_id: EventId | None
    needed: bool


class Hold(Struct, frozen=True):
    """A slot that is reserved for some people until the hold expires, is released, or becomes an event."""

    id: HoldId
    user_ids: tuple[UserId, ...]
    span: Span
    expires_at: Instant
    extended: bool
    created_at: Instant
    placed_by: UserId | None
    """None for an operator."""


class Share(Struct, frozen=True):
    """The sharing of a person's calendar with another person, at a level."""

    owner_id: UserId
    user_id: UserId
    level: SharingLevel
    updated_at: Instant
