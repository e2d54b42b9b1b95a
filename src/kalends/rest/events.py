"""Events over HTTP."""

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
from kalends.reads.events import EventFilter, PageKey, own_unless_named, refuse_nobodys
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
    "host_id": "the host is changed by POST /v1/events/{event_id}/transfer",
    "host_attends": "to have the host attend or not, add or remove them under /v1/events/{event_id}/participants",
    "participants": "participants are changed by POST, PUT and DELETE under /v1/events/{event_id}/participants",
    "response": RESPOND_EACH,
    "status=cancelled": "an event is cancelled by POST /v1/events/{event_id}/cancel",
    "cancel_reason": "an event is cancelled, with a reason, by POST /v1/events/{event_id}/cancel",
}
Expand = Annotated[Literal["participants"], Meta(description="Also give the participants, not only the counts")]


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
    limit: Limit = DEFAULT_PAGE_SIZE
    cursor: Cursor | UnsetType = UNSET


class EventCreateQuery(HoldQuery, kw_only=True):
    """How to create an event, and what to answer."""

    expand: Expand | UnsetType = UNSET


class EventUpdateQuery(BookingQuery, kw_only=True):
    """How to change an event, and what to answer."""

    expand: Expand | UnsetType = UNSET

    keep_responses: Annotated[bool, Meta(description="Keep the answers although start, end or zone change")] = False


class CancelRequest(Struct, forbid_unknown_fields=True, kw_only=True):
    """Why an event does not take place."""

    reason: Remark | None = None
    example: ClassVar[Any] = {"reason": "The speaker is ill."}


class Times(Struct, kw_only=True):
    """The members of an event that have to fit each other."""

    start: WrittenTime
    end: WrittenTime
    time_zone: Zone | None = None


def event_reply(event: Event) -> Reply[EventJson]:
    """Answer with an event."""
    return Reply(event_json(event), etag=entity_tag(event.version))


def saved_reply(
    tx: WriteTx, actor: Actor, saved: Saved, query: EventCreateQuery | EventUpdateQuery
) -> Reply[EventJson]:
    """Answer with an event that was just created or changed, and with its participants if they are asked for."""
    body = event_json(saved.event)
    if query.expand is not UNSET:
        participants = list_all_participants(tx, actor, saved.event)
        body.participants = [participant_json(participant) for participant in participants]
    return with_conflicts(Reply(body, etag=entity_tag(saved.event.version)), saved)


def block_faults(body: dict[str, Any]) -> list[Fault]:
    """Return what is wrong between start and end of a body whose other members have faults, too."""
    try:
        times = read_struct(Times, {name: body[name] for name in ("start", "end", "time_zone") if name in body})
    except Invalid:
        return []  # each is at fault by itself, which has been said
    if times.time_zone is None:
        return faults_in_any_zone(times.start, times.end)
    made = block_of(times.start, times.end, times.time_zone)
    return made if isinstance(made, list) else []


def filter_of(actor: Actor, query: EventListQuery, page: PageRequest) -> EventFilter:
    """Return the filter that a query asks for. Raise Invalid with everything that is wrong with it."""
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
        refuse_nobodys(wanted)
    if faults:
        raise Invalid(*faults)
    return wanted


def bound_in(name: str, written: DateOrTime | UnsetType, zone: str, faults: list[Fault]) -> Instant | None:
    """Return the instant of a bound; what is wrong with it is added to the faults."""
    try:
        return None if written is UNSET else bound_of(written, zone)
    except TimeError as error:
        faults.append(error.fault(name))
        return None


@contextmanager
def gathered(faults: list[Fault]) -> Generator[None]:
    """Add the faults that are raised inside to a list, and continue after the block."""
    try:
        yield
    except Invalid as error:
        faults += error.faults


def create_event(tx: WriteTx, actor: Actor, query: EventCreateQuery, body: EventCreate) -> Reply[EventJson]:
    """Create an event.

    One block within one local day of its zone (by default the host's); it may end at midnight, also written 24:00.
    Times carry an offset, or are local to `time_zone`. The host takes part, and has accepted, unless `host_attends`
    is false. If the host or somebody required is not free, it is refused; an optional one is added with a warning.
    """
    saved = actions.create_event(tx, actor, body, on_conflict=query.on_conflict, hold_id=or_none(query.hold))
    return saved_reply(tx, actor, saved, query)._replace(location=f"/v1/events/{saved.event.id}")


def list_events(tx: ReadTx, actor: Actor, query: EventListQuery, page: PageRequest) -> Reply[PageJson[EventJson]]:
    """List events.

    In the order of start and id, page by page. `from` and `to` select what overlaps; a date alone means its local
    midnight. Declined events are listed, cancelled ones only with `status=cancelled`.
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

    A JSON Merge Patch (RFC 7396): what is left out stays as it is. A new start, end or zone asks everybody but the
    host anew, unless `keep_responses=true`, and is refused if somebody needed is not free then.
    """
    on_conflict, expect, keep = query.on_conflict, conditions.versions, query.keep_responses
    saved = actions.change_event(tx, actor, event_id, body, expect=expect, keep_responses=keep, on_conflict=on_conflict)
    return saved_reply(tx, actor, saved, query)


def delete_event(tx: WriteTx, actor: Actor, event_id: EventId, conditions: Conditions) -> Reply[None]:
    """Delete an event.

    It is gone for good; to cancel it and keep it readable, cancel it.
    """
    actions.delete_event(tx, actor, event_id, expect=conditions.versions)
    return Reply()


def cancel_event(
    tx: WriteTx, actor: Actor, event_id: EventId, body: CancelRequest | None, conditions: Conditions
) -> Reply[EventJson]:
    """Cancel an event.

    It stays readable and nobody's time is taken any more. Cancelling it again changes nothing.
    """
    reason = None if body is None else body.reason
    return event_reply(actions.cancel_event(tx, actor, event_id, reason, expect=conditions.versions))
