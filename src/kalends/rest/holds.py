"""Operations on holds."""

from datetime import datetime
from typing import Annotated, Any, ClassVar

from msgspec import UNSET, Meta, Struct, UnsetType

from kalends.actions import holds as actions
from kalends.limits import DEFAULT_HOLD_SECONDS, DEFAULT_PAGE_SIZE, MAX_HELD_PEOPLE, MAX_HOLD_SECONDS
from kalends.model import Actor, Hold, HoldId, Scope, UserId, WrittenTime, Zone
from kalends.reads import holds as reads
from kalends.rest.operation import Reply
from kalends.rest.paging import PageJson, PageRequest
from kalends.rest.queries import Cursor, Limit, or_none
from kalends.rest.users import UserIdText
from kalends.rules.blocks import span_of
from kalends.rules.zones import from_instant, zone_named
from kalends.store.database import ReadTx, WriteTx

Ttl = Annotated[int, Meta(ge=1, le=MAX_HOLD_SECONDS, description="Seconds from now; 15 minutes at most")]


class HoldCreate(Struct, forbid_unknown_fields=True, kw_only=True):
    """The people and the slot to hold, and for how long."""

    user_ids: Annotated[list[UserId], Meta(min_length=1, max_length=MAX_HELD_PEOPLE)]
    start: WrittenTime
    end: WrittenTime
    ttl: Ttl = DEFAULT_HOLD_SECONDS
    time_zone: Zone | None = None
    example: ClassVar[Any] = {
        "user_ids": ["usr_018f3c5a9b2d4e6f"],
        "start": "2026-03-09T14:00:00+01:00",
        "end": "2026-03-09T15:00:00+01:00",
        "ttl": 300,
    }


class ExtendRequest(Struct, forbid_unknown_fields=True, kw_only=True):
    """How long to keep the hold from now on."""

    ttl: Ttl = DEFAULT_HOLD_SECONDS
    example: ClassVar[Any] = {"ttl": 300}


class HoldJson(Struct):
    """A slot that is reserved until the hold expires, is released, or becomes an event."""

    scope: ClassVar[Scope] = Scope.events_read
    id: str
    user_ids: list[str]
    """Only yourself, if somebody else placed the hold and you are not an operator."""
    start: datetime
    end: datetime
    expires_at: datetime
    extended: bool
    created_at: datetime
    placed_by: UserIdText | None
    """Null for an operator."""
    example: ClassVar[Any] = {
        "id": "hld_018f3c5a9b2f1b92",
        "user_ids": ["usr_018f3c5a9b2d4e6f"],
        "start": "2026-03-09T13:00:00Z",
        "end": "2026-03-09T14:00:00Z",
        "expires_at": "2026-03-02T08:10:00Z",
        "extended": False,
        "created_at": "2026-03-02T08:05:00Z",
        "placed_by": "usr_018f3c5a9b2d5f70",
    }


class HoldListQuery(Struct, forbid_unknown_fields=True, kw_only=True):
    """A filter, and the page."""

    user_id: (
        Annotated[UserId, Meta(description="Only those that the user placed or that keep their time")] | UnsetType
    ) = UNSET
    limit: Limit = DEFAULT_PAGE_SIZE
    cursor: Cursor | UnsetType = UNSET


def hold_json(hold: Hold) -> HoldJson:
    """Return the JSON of a hold."""
    return HoldJson(
        str(hold.id),
        [str(user_id) for user_id in hold.user_ids],
        from_instant(hold.span.start),
        from_instant(hold.span.end),
        from_instant(hold.expires_at),
        hold.extended,
        from_instant(hold.created_at),
        None if hold.placed_by is None else str(hold.placed_by),
    )


def create_hold(tx: WriteTx, actor: Actor, body: HoldCreate) -> Reply[HoldJson]:
    """Hold a slot for some minutes.

    Everybody named has to be free, and is shown as busy until the hold expires. `POST /v1/events?hold=…` makes it an
    event. All holds that a person has placed keep at most 200 hours of people's time: one hour for each of 10 people
    counts as 10 hours. Operators have no limit.
    """
    span = span_of(body.start, body.end, zone_named(body.time_zone) if body.time_zone else None)
    hold = actions.place_hold(tx, actor, body.user_ids, span, body.ttl)
    return Reply(hold_json(hold), location=f"/v1/holds/{hold.id}")


def list_holds(tx: ReadTx, actor: Actor, query: HoldListQuery, page: PageRequest) -> Reply[PageJson[HoldJson]]:
    """List holds.

    The list has the holds that you placed and those that keep your time, oldest first, page by page, without expired
    ones. An operator sees all of the organization, or with `user_id` those of one user.
    """
    found = reads.list_holds(tx, actor, query.limit, user_id=or_none(query.user_id), after=page.after(int))
    return Reply(page.to_json(found, hold_json))


def get_hold(tx: ReadTx, actor: Actor, hold_id: HoldId) -> Reply[HoldJson]:
    """Get a hold.

    You have to have placed it, or it keeps your time: then you see who placed it, but not the other people. After it
    has expired, the answer is 404.
    """
    return Reply(hold_json(reads.read_hold(tx, actor, hold_id)))


def extend_hold(tx: WriteTx, actor: Actor, hold_id: HoldId, body: ExtendRequest | None) -> Reply[HoldJson]:
    """Extend a hold, once.

    For the user who placed it and for operators.
    """
    ttl = DEFAULT_HOLD_SECONDS if body is None else body.ttl
    return Reply(hold_json(actions.extend_hold(tx, actor, hold_id, ttl)))


def release_hold(tx: WriteTx, actor: Actor, hold_id: HoldId) -> Reply[None]:
    """Release a hold.

    If you placed it or are an operator, it ends. If it keeps your time and somebody else placed it, only your time is
    released; it ends when nobody is left.
    """
    actions.release_hold(tx, actor, hold_id)
    return Reply()
