"""Holds over HTTP."""

from datetime import datetime
from http import HTTPStatus
from typing import Annotated, ClassVar

from msgspec import UNSET, Meta, Struct, UnsetType

from kalends.actions import holds as actions
from kalends.errors import BookingConflict, Forbidden, HoldExtended, Invalid, NotFound
from kalends.model import Hold, HoldId, Scope, TimeText, UserId, Zone
from kalends.reads import holds as reads
from kalends.rest.paging import cursor_of, key_of
from kalends.rest.route import Call, Reply, operation
from kalends.rest.users import Cursor, Limit, UserIdText, known
from kalends.rules.blocks import span_of
from kalends.rules.zones import from_instant, zone_named

ID = {"hold_id": HoldId}
MAX_SECONDS = 15 * 60
Ttl = Annotated[int, Meta(ge=1, le=MAX_SECONDS, description="Seconds from now; 15 minutes at most")]


class HoldCreate(Struct, forbid_unknown_fields=True, kw_only=True):
    """Whose time to keep, which, and for how long."""

    user_ids: Annotated[list[UserId], Meta(min_length=1, max_length=100)]
    start: TimeText
    end: TimeText
    ttl: Ttl = 300
    time_zone: Zone | None = None


class ExtendRequest(Struct, forbid_unknown_fields=True, kw_only=True):
    """How long to keep it from now on."""

    ttl: Ttl = 300


class HoldJson(Struct):
    """A slot that is kept until it lapses, is released, or becomes an event."""

    scope: ClassVar[Scope] = Scope.events_read
    id: str
    user_ids: list[str]
    """Only yourself, if somebody else placed it and you are no operator."""
    start: datetime
    end: datetime
    expires_at: datetime
    extended: bool
    created_at: datetime
    placed_by: UserIdText | None
    """Null for an operator."""


class HoldListJson(Struct):
    """A page of holds in the order of ids, which is that in which they were placed."""

    items: list[HoldJson]
    next_cursor: str | None


class HoldListQuery(Struct, forbid_unknown_fields=True, kw_only=True):
    """Whose holds, and how many."""

    user_id: (
        Annotated[UserId, Meta(description="Only those that the user placed or that keep their time")] | UnsetType
    ) = UNSET
    limit: Limit = 50
    cursor: Cursor | UnsetType = UNSET


def hold_json(hold: Hold) -> HoldJson:
    """Write a hold."""
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


@operation(
    "POST",
    "/v1/holds",
    tag="Holds",
    scope=Scope.events_write,
    body=HoldCreate,
    answer=HoldJson,
    status=HTTPStatus.CREATED,
    errors=(BookingConflict, Invalid),
    example={
        "user_ids": ["usr_018f3c5a9b2d4e6f"],
        "start": "2026-03-09T14:00:00+01:00",
        "end": "2026-03-09T15:00:00+01:00",
        "ttl": 300,
    },
)
def create_hold(call: Call) -> Reply:
    """Keep a slot for a moment.

    Everybody named has to be free, and is shown as busy until it lapses. Make an event of it with
    `POST /v1/events?hold=…`. All holds that a person has placed keep 200 hours of people's time at most: one hour for
    each of 10 people is 10 hours. Operators are not limited.
    """
    body: HoldCreate = call.body
    span = span_of(body.start, body.end, zone_named(body.time_zone) if body.time_zone else None)
    hold = actions.place_hold(call.tx, call.actor, body.user_ids, span, body.ttl)
    return Reply(hold_json(hold), location=f"/v1/holds/{hold.id}")


@operation(
    "GET",
    "/v1/holds",
    tag="Holds",
    scope=Scope.events_read,
    query=HoldListQuery,
    answer=HoldListJson,
    errors=(Forbidden, Invalid),
)
def list_holds(call: Call) -> Reply:
    """List holds.

    Those that you placed and those that keep your time, oldest first, page by page; none that has lapsed. An operator
    sees all of the organization, or with `user_id` those of one user.
    """
    query: HoldListQuery = call.query
    page = reads.list_holds(call.tx, call.actor, query.limit, user_id=known(query.user_id), after=key_of(call, int))
    return Reply(HoldListJson([hold_json(one) for one in page.holds], cursor_of(call, page.next_key)))


@operation(
    "GET", "/v1/holds/{hold_id}", tag="Holds", scope=Scope.events_read, ids=ID, answer=HoldJson, errors=(NotFound,)
)
def get_hold(call: Call) -> Reply:
    """Read a hold.

    One that you placed, or that keeps your time: then you see by whom you are held, and not who else is. 404 once it
    has lapsed.
    """
    return Reply(hold_json(reads.read_hold(call.tx, call.actor, call.ids["hold_id"])))


@operation(
    "POST",
    "/v1/holds/{hold_id}/extend",
    tag="Holds",
    scope=Scope.events_write,
    ids=ID,
    body=ExtendRequest,
    body_optional=True,
    answer=HoldJson,
    errors=(NotFound, Forbidden, HoldExtended, BookingConflict, Invalid),
    example={"ttl": 300},
)
def extend_hold(call: Call) -> Reply:
    """Extend a hold, once.

    For the user who placed it and for operators.
    """
    return Reply(hold_json(actions.extend_hold(call.tx, call.actor, call.ids["hold_id"], call.body.ttl)))


@operation(
    "DELETE",
    "/v1/holds/{hold_id}",
    tag="Holds",
    scope=Scope.events_write,
    ids=ID,
    status=HTTPStatus.NO_CONTENT,
    errors=(NotFound,),
)
def release_hold(call: Call) -> Reply:
    """Release a hold.

    For everybody, if you placed it or are an operator. If it keeps your time and somebody else placed it, only you are
    taken out of it; it ends when nobody is left.
    """
    actions.release_hold(call.tx, call.actor, call.ids["hold_id"])
    return Reply()
