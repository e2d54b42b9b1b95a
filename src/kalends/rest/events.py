"""Operations on events."""

from collections.abc import Generator
from contextlib import contextmanager
from typing import Annotated, Any, ClassVar, Literal

from msgspec import UNSET, Meta, Raw, Struct, UnsetType, field

from kalends.actions import events as actions
from kalends.actions.saving import Saved
from kalends.drafts import EventCreate, EventUpdate, Remark
from kalends.errors import Fault, Invalid
from kalends.http.conditions import Conditions, entity_tag
from kalends.limits import DEFAULT_PAGE_SIZE
from kalends.model import (
    UTC,
    Actor,
    DateOrTime,
    Event,
    EventId,
    Instant,
    Response,
    Role,
    Status,
    UserId,
    WrittenTime,
    Zone,
)
from kalends.reads import events as reads
from kalends.reads.event_text import digest_of
from kalends.reads.events import EventFilter, PageKey, own_unless_named, refuse_filters_without_person
from kalends.reads.participants import list_all_participants
from kalends.rest.conflicts import BookingQuery, HoldQuery, with_conflicts
from kalends.rest.event_shapes import EventJson, event_json
from kalends.rest.operation import Reply
from kalends.rest.paging import PageJson, PageRequest, RawPage
from kalends.rest.participants import RESPOND_EACH, participant_json
from kalends.rest.queries import Cursor, Limit, SearchText, or_none
from kalends.rest.wire import read_struct
from kalends.rules.blocks import block_of, faults_in_any_zone
from kalends.rules.zones import TimeError, bound_of
from kalends.store.database import ReadTx, WriteTx

SET_ELSEWHERE = {
    "host_id": "change the host with POST /v1/events/{event_id}/transfer",
    "host_attends": "add or remove the host under /v1/events/{event_id}/participants",
    "participants": "change participants with POST, PUT and DELETE under /v1/events/{event_id}/participants",
    "response": RESPOND_EACH,
    "status=cancelled": "cancel an event with POST /v1/events/{event_id}/cancel",
    "cancel_reason": "cancel an event, with a reason, by POST /v1/events/{event_id}/cancel",
}
Expand = Annotated[Literal["participants"], Meta(description="Include the participants")]


class EventQuery(Struct, forbid_unknown_fields=True, kw_only=True):
    """Whether to include participants."""

    expand: Expand | UnsetType = UNSET


class EventListQuery(Struct, forbid_unknown_fields=True, kw_only=True):
    """Filters, which all have to match, and the page."""

    user_id: Annotated[UserId, Meta(description="Only events that this user hosts or takes part in")] | UnsetType = (
        UNSET
    )
    host_id: UserId | UnsetType = UNSET
    participant_id: UserId | UnsetType = UNSET
    pending_host_id: Annotated[UserId, Meta(description="Only events that this user is asked to host")] | UnsetType = (
        UNSET
    )
    since: Annotated[DateOrTime, Meta(description="Only events that end after this time")] | UnsetType = field(
        default=UNSET, name="from"
    )
    until: Annotated[DateOrTime, Meta(description="Only events that start before this time")] | UnsetType = field(
        default=UNSET, name="to"
    )
    time_zone: Annotated[Zone, Meta(description="Zone of `from` and `to` without offset; default: UTC")] = field(
        default_factory=lambda: UTC
    )
    response: (
        Annotated[
            Response,
            Meta(
                description="Only events with this response of `participant_id`, or of `user_id` if that is not given"
            ),
        ]
        | UnsetType
    ) = UNSET
    role: (
        Annotated[
            Role,
            Meta(description="Only events with this role of `participant_id`, or of `user_id` if that is not given"),
        ]
        | UnsetType
    ) = UNSET
    status: Annotated[Status, Meta(description="Default: all but cancelled events")] | UnsetType = UNSET
    q: SearchText | UnsetType = UNSET
    expand: Expand | UnsetType = UNSET
    limit: Limit = DEFAULT_PAGE_SIZE
    cursor: Cursor | UnsetType = UNSET


class EventCreateQuery(HoldQuery, kw_only=True):
    """The query of creating an event."""

    expand: Expand | UnsetType = UNSET


class EventUpdateQuery(BookingQuery, kw_only=True):
    """The query of changing an event."""

    expand: Expand | UnsetType = UNSET

    keep_responses: Annotated[bool, Meta(description="Keep the responses if start, end or zone change")] = False


class CancelRequest(Struct, forbid_unknown_fields=True, kw_only=True):
    """The reason for cancelling an event."""

    reason: Remark | None = None
    example: ClassVar[Any] = {"reason": "The speaker is ill."}


class Times(Struct, kw_only=True):
    """The members of an event that are checked together."""

    start: WrittenTime
    end: WrittenTime
    time_zone: Zone | None = None


def event_reply(event: Event) -> Reply[EventJson]:
    """Return the reply with an event."""
    return Reply(event_json(event), etag=entity_tag(event.version))


def saved_reply(
    tx: WriteTx, actor: Actor, saved: Saved, query: EventCreateQuery | EventUpdateQuery
) -> Reply[EventJson]:
    """Return the reply with an event that was just created or changed, with its participants if requested."""
    body = event_json(saved.event)
    if query.expand is not UNSET:
        participants = list_all_participants(tx, actor, saved.event)
        body.participants = [participant_json(participant) for participant in participants]
    return with_conflicts(Reply(body, etag=entity_tag(saved.event.version)), saved)


def block_faults(body: dict[str, Any]) -> list[Fault]:
    """Return the faults of start and end together, for a body whose other members have faults."""
    try:
        times = read_struct(Times, {name: body[name] for name in ("start", "end", "time_zone") if name in body})
    except Invalid:
        return []  # the faults of each member are reported already
    if times.time_zone is None:
        return faults_in_any_zone(times.start, times.end)
    made = block_of(times.start, times.end, times.time_zone)
    return made if isinstance(made, list) else []


def filter_of(actor: Actor, query: EventListQuery, page: PageRequest) -> EventFilter:
    """Return the filter of a query. Raise Invalid with all of its faults."""
    faults: list[Fault] = []
    since = bound_in("from", query.since, query.time_zone, faults)
    until = bound_in("to", query.until, query.time_zone, faults)
    if since is not None and until is not None and since >= until:
        faults.append(Fault(("to",), "empty_span", "must come after from"))
    after: PageKey | None = None
    with gathered(faults):
        after = page.after(tuple[int, int])
    wanted = EventFilter(
        user_id=or_none(query.user_id),
        host_id=or_none(query.host_id),
        participant_id=or_none(query.participant_id),
        pending_host_id=or_none(query.pending_host_id),
        since=since,
        until=until,
        response=or_none(query.response),
        role=or_none(query.role),
        status=or_none(query.status),
        text=or_none(query.q),
        after=after,
    )
    wanted = own_unless_named(actor, wanted)
    with gathered(faults):
        refuse_filters_without_person(wanted)
    if faults:
        raise Invalid(*faults)
    return wanted


def bound_in(name: str, written: DateOrTime | UnsetType, zone: str, faults: list[Fault]) -> Instant | None:
    """Return the instant of a bound, or add its fault to `faults`."""
    try:
        return None if written is UNSET else bound_of(written, zone)
    except TimeError as error:
        faults.append(error.fault(name))
        return None


@contextmanager
def gathered(faults: list[Fault]) -> Generator[None]:
    """Add faults that are raised inside to a list, and continue after the block."""
    try:
        yield
    except Invalid as error:
        faults += error.faults


def create_event(tx: WriteTx, actor: Actor, query: EventCreateQuery, body: EventCreate) -> Reply[EventJson]:
    """Create an event.

    An event is one block within one local day of its zone (by default the host's); it may end at midnight, also written
    24:00. Times have an offset, or are local to `time_zone`. The host takes part, and has accepted, unless
    `host_attends` is false. If the host or a required participant is not free, the event is refused; an optional one
    who is not free is added with a warning.
    """
    saved = actions.create_event(tx, actor, body, on_conflict=query.on_conflict, hold_id=or_none(query.hold))
    return saved_reply(tx, actor, saved, query)._replace(location=f"/v1/events/{saved.event.id}")


def list_events(tx: ReadTx, actor: Actor, query: EventListQuery, page: PageRequest) -> Reply[PageJson[EventJson]]:
    """List events.

    In the order of start and id, page by page. `from` and `to` select events that overlap the span; a date alone means
    its local midnight. Declined events are listed, cancelled ones only with `status=cancelled`. If no user is named, an
    operator gets all events, a user their own.
    """
    wanted, expand = filter_of(actor, query, page), query.expand is not UNSET
    found = reads.list_events(tx, actor, wanted, query.limit, expand=expand)
    return Reply(RawPage(Raw(found.text), page.next_cursor(found.next_key)))


def get_event(tx: ReadTx, actor: Actor, event_id: EventId, query: EventQuery) -> Reply[EventJson]:
    """Get an event."""
    expand = query.expand is not UNSET
    seen = reads.read_event(tx, actor, event_id, expand=expand)
    if seen.version is None:
        return Reply(Raw(seen.text), etag=entity_tag(0, digest_of(seen.text)))
    return Reply(Raw(seen.text), etag=entity_tag(seen.version, digest_of(seen.text) if expand else None))


def update_event(
    tx: WriteTx, actor: Actor, event_id: EventId, query: EventUpdateQuery, body: EventUpdate, conditions: Conditions
) -> Reply[EventJson]:
    """Change an event.

    The body is a JSON Merge Patch (RFC 7396): members that are left out stay as they are. A new start, end or zone
    resets all responses but the host's, unless `keep_responses=true`, and is refused if it would book somebody twice.
    People who declined and are busy then stay declined, with a warning.
    """
    on_conflict, expect, keep = query.on_conflict, conditions.versions, query.keep_responses
    saved = actions.change_event(tx, actor, event_id, body, expect=expect, keep_responses=keep, on_conflict=on_conflict)
    return saved_reply(tx, actor, saved, query)


def delete_event(tx: WriteTx, actor: Actor, event_id: EventId, conditions: Conditions) -> Reply[None]:
    """Delete an event.

    It cannot be restored. To keep the event readable, cancel it instead.
    """
    actions.delete_event(tx, actor, event_id, expect=conditions.versions)
    return Reply()


def cancel_event(
    tx: WriteTx, actor: Actor, event_id: EventId, body: CancelRequest | None, conditions: Conditions
) -> Reply[EventJson]:
    """Cancel an event.

    It stays readable and no longer makes anybody busy. Cancelling it again changes nothing.
    """
    reason = None if body is None else body.reason
    return event_reply(actions.cancel_event(tx, actor, event_id, reason, expect=conditions.versions))
