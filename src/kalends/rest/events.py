"""Events over HTTP."""

from collections.abc import Generator
from contextlib import contextmanager
from http import HTTPStatus
from typing import Annotated, Any, ClassVar, Literal

from msgspec import UNSET, Meta, Raw, Struct, UnsetType, field

from kalends.actions import events as actions
from kalends.drafts import EventCreate, EventUpdate, Remark
from kalends.errors import BookingConflict, EventCancelled, Fault, Invalid, NotFound, StaleVersion
from kalends.model import (
    UTC,
    Event,
    EventId,
    Instant,
    Response,
    Role,
    Scope,
    Status,
    TimeText,
    UserId,
    Zone,
)
from kalends.reads import events as reads
from kalends.reads.event_text import digest_of
from kalends.reads.events import EventFilter, PageKey, own_unless_named, refuse_nobodys
from kalends.reads.participants import list_all_participants
from kalends.rest.conditions import entity_tag
from kalends.rest.conflicts import BookingQuery, HoldQuery, guard_of, with_conflicts
from kalends.rest.event_shapes import EventJson, event_json
from kalends.rest.paging import cursor_of, key_of
from kalends.rest.participants import participant_json
from kalends.rest.route import Call, Reply, operation
from kalends.rest.users import Cursor, Limit, SearchText, known
from kalends.rest.wire import DateOrTime, read_struct
from kalends.rules.blocks import block_of, faults_in_any_zone
from kalends.rules.zones import TimeError, bound_of

ID = {"event_id": EventId}
Expand = Annotated[Literal["participants"], Meta(description="Also give the participants, not only the counts")]


class EventListJson(Struct):
    """A page of events in the order of start and id."""

    items: list[EventJson]
    next_cursor: str | None


class EventPageJson(Struct):
    """The same, of a list that is JSON already."""

    scope: ClassVar[Scope] = Scope.events_read
    items: Raw
    next_cursor: str | None


class EventQuery(Struct, forbid_unknown_fields=True, kw_only=True):
    """Whether to give participants, too."""

    expand: Expand | UnsetType = UNSET


class EventListQuery(Struct, forbid_unknown_fields=True, kw_only=True):
    """Which events, and how many; all that is given has to hold."""

    user_id: Annotated[UserId, Meta(description="Host or participant")] | UnsetType = UNSET
    host_id: UserId | UnsetType = UNSET
    participant_id: UserId | UnsetType = UNSET
    pending_host_id: Annotated[UserId, Meta(description="Who is asked to host it")] | UnsetType = UNSET
    since: Annotated[DateOrTime, Meta(description="Only what ends after this")] | UnsetType = field(
        default=UNSET, name="from"
    )
    until: Annotated[DateOrTime, Meta(description="Only what starts before this")] | UnsetType = field(
        default=UNSET, name="to"
    )
    time_zone: Annotated[Zone, Meta(description="Where `from` and `to` without offset are local; UTC unless given")] = (
        field(default_factory=lambda: UTC)
    )
    response: Annotated[Response, Meta(description="Of the person named")] | UnsetType = UNSET
    role: Annotated[Role, Meta(description="Of the person named")] | UnsetType = UNSET
    status: Annotated[Status, Meta(description="Without it all but cancelled ones")] | UnsetType = UNSET
    q: SearchText | UnsetType = UNSET
    expand: Expand | UnsetType = UNSET
    limit: Limit = 50
    cursor: Cursor | UnsetType = UNSET


class EventCreateQuery(HoldQuery, kw_only=True):
    """How to create an event, and what to answer."""

    expand: Expand | UnsetType = UNSET


class EventEditQuery(BookingQuery, kw_only=True):
    """How to change an event, and what to answer."""

    expand: Expand | UnsetType = UNSET

    keep_responses: Annotated[bool, Meta(description="Keep the answers although start, end or zone change")] = False


class CancelRequest(Struct, forbid_unknown_fields=True, kw_only=True):
    """Why an event does not take place."""

    reason: Remark | None = None


class Times(Struct, kw_only=True):
    """The members of an event that have to fit each other."""

    start: TimeText
    end: TimeText
    time_zone: Zone | None = None


def event_reply(event: Event) -> Reply:
    """Answer with an event."""
    return Reply(event_json(event), etag=entity_tag(event.version))


def saved_reply(call: Call, event: Event) -> Reply:
    """Answer with an event that was just created or changed, and with its participants if they are asked for."""
    reply = event_reply(event)
    if call.query.expand is not UNSET:
        participants = list_all_participants(call.tx, call.actor, event)
        reply.body.participants = [participant_json(participant) for participant in participants]
    return reply


def block_faults(body: dict[str, Any]) -> list[Fault]:
    """Say what is wrong between start and end of a body whose other members have faults, too."""
    try:
        times = read_struct(Times, {name: body[name] for name in ("start", "end", "time_zone") if name in body})
    except Invalid:
        return []  # each is at fault by itself, which has been said
    if times.time_zone is None:
        return faults_in_any_zone(times.start, times.end)
    made = block_of(times.start, times.end, times.time_zone)
    return made if isinstance(made, list) else []


def filter_of(call: Call) -> EventFilter:
    """Return the filter that a query asks for. Raises Invalid with everything that is wrong with it."""
    query: EventListQuery = call.query
    faults: list[Fault] = []
    since = bound_in("from", query.since, query.time_zone, faults)
    until = bound_in("to", query.until, query.time_zone, faults)
    if since is not None and until is not None and since >= until:
        faults.append(Fault(("to",), "empty_span", "must come after from"))
    after: PageKey | None = None
    with gathered(faults):
        after = key_of(call, tuple[int, int])
    wanted = EventFilter(
        user_id=known(query.user_id),
        host_id=known(query.host_id),
        participant_id=known(query.participant_id),
        pending_host_id=known(query.pending_host_id),
        since=since,
        until=until,
        response=known(query.response),
        role=known(query.role),
        status=known(query.status),
        text=known(query.q),
        after=after,
    )
    wanted = own_unless_named(call.actor, wanted)
    with gathered(faults):
        refuse_nobodys(wanted)
    if faults:
        raise Invalid(*faults)
    return wanted


def bound_in(name: str, text: str | UnsetType, zone: str, faults: list[Fault]) -> Instant | None:
    """Give the instant of a bound; what is wrong with it is added to the faults."""
    try:
        return None if text is UNSET else bound_of(text, zone)
    except TimeError as error:
        faults.append(Fault((name,), error.code, str(error)))
        return None


@contextmanager
def gathered(faults: list[Fault]) -> Generator[None]:
    """Add the faults that are raised inside to a list, and go on behind it."""
    try:
        yield
    except Invalid as error:
        faults += error.faults


@operation(
    "POST",
    "/v1/events",
    tag="Events",
    scope=Scope.events_write,
    query=EventCreateQuery,
    body=EventCreate,
    cross_check=block_faults,
    answer=EventJson,
    status=HTTPStatus.CREATED,
    errors=(BookingConflict, Invalid),
    example={
        "host_id": "usr_018f3c5a9b2d4e6f",
        "title": "Planning",
        "start": "2026-03-09T14:00",
        "end": "2026-03-09T15:00",
        "time_zone": "Europe/Berlin",
        "participants": [{"user_id": "usr_018f3c5a9b2d5f70", "role": "required"}],
    },
)
def create_event(call: Call) -> Reply:
    """Create an event.

    One block within one local day of its zone (by default the host's); it may end at midnight, also written 24:00.
    Times carry an offset, or are local to `time_zone`. The host takes part, and has accepted, unless `host_attends`
    is false. If the host or somebody required is not free, it is refused; an optional one is added with a warning.
    """
    guard = guard_of(call.query)
    event = actions.create_event(call.tx, call.actor, call.body, guard=guard)
    return with_conflicts(saved_reply(call, event)._replace(location=f"/v1/events/{event.id}"), guard)


@operation(
    "GET",
    "/v1/events",
    tag="Events",
    scope=Scope.events_read,
    query=EventListQuery,
    answer=EventListJson,
    errors=(Invalid,),
)
def list_events(call: Call) -> Reply:
    """List events.

    In the order of start and id, page by page. `from` and `to` select what overlaps; a date alone means its local
    midnight. Declined events are listed, cancelled ones only with `status=cancelled`.
    """
    query: EventListQuery = call.query
    expand = query.expand is not UNSET
    page = reads.list_events(call.tx, call.actor, filter_of(call), query.limit, expand=expand)
    return Reply(EventPageJson(Raw(page.text), cursor_of(call, page.next_key)))


@operation(
    "GET",
    "/v1/events/{event_id}",
    tag="Events",
    scope=Scope.events_read,
    ids=ID,
    query=EventQuery,
    answer=EventJson,
    errors=(NotFound, Invalid),
)
def get_event(call: Call) -> Reply:
    """Read an event."""
    expand = call.query.expand is not UNSET
    seen = reads.read_event(call.tx, call.actor, call.ids["event_id"], expand=expand)
    if seen.version is None:
        return Reply(Raw(seen.text), etag=entity_tag(0, digest_of(seen.text)))
    return Reply(Raw(seen.text), etag=entity_tag(seen.version, digest_of(seen.text) if expand else None))


@operation(
    "PATCH",
    "/v1/events/{event_id}",
    tag="Events",
    scope=Scope.events_write,
    ids=ID,
    query=EventEditQuery,
    body=EventUpdate,
    elsewhere={
        "host_id": "the host is changed by POST /v1/events/{event_id}/transfer",
        "host_attends": "to have the host attend or not, add or remove them under /v1/events/{event_id}/participants",
        "participants": "participants are changed by POST, PUT and DELETE under /v1/events/{event_id}/participants",
        "response": "an answer is given by PUT /v1/events/{event_id}/participants/{{user_id}}/response",
        "status=cancelled": "an event is cancelled by POST /v1/events/{event_id}/cancel",
        "cancel_reason": "an event is cancelled, with a reason, by POST /v1/events/{event_id}/cancel",
    },
    answer=EventJson,
    errors=(NotFound, StaleVersion, EventCancelled, BookingConflict, Invalid),
    example={"title": "Planning, moved", "start": "2026-03-09T16:00", "end": "2026-03-09T17:00"},
)
def update_event(call: Call) -> Reply:
    """Change an event.

    A JSON Merge Patch (RFC 7396): what is left out stays as it is. A new start, end or zone asks everybody but the
    host anew, unless `keep_responses=true`, and is refused if somebody needed is not free then.
    """
    guard = guard_of(call.query)
    event = actions.change_event(
        call.tx,
        call.actor,
        call.ids["event_id"],
        call.body,
        expect=call.expect,
        keep_responses=call.query.keep_responses,
        guard=guard,
    )
    return with_conflicts(saved_reply(call, event), guard)


@operation(
    "DELETE",
    "/v1/events/{event_id}",
    tag="Events",
    scope=Scope.events_write,
    ids=ID,
    status=HTTPStatus.NO_CONTENT,
    errors=(NotFound, StaleVersion),
)
def delete_event(call: Call) -> Reply:
    """Delete an event.

    It is gone for good; to cancel it and keep it readable, cancel it.
    """
    actions.delete_event(call.tx, call.actor, call.ids["event_id"], expect=call.expect)
    return Reply()


@operation(
    "POST",
    "/v1/events/{event_id}/cancel",
    tag="Events",
    scope=Scope.events_write,
    ids=ID,
    body=CancelRequest,
    body_optional=True,
    answer=EventJson,
    errors=(NotFound, StaleVersion, Invalid),
    example={"reason": "The speaker is ill."},
)
def cancel_event(call: Call) -> Reply:
    """Cancel an event.

    It stays readable and nobody's time is taken any more. Cancelling it again changes nothing.
    """
    event_id = call.ids["event_id"]
    return event_reply(actions.cancel_event(call.tx, call.actor, event_id, call.body.reason, expect=call.expect))
