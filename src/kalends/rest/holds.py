"""Holds over HTTP."""

from datetime import datetime
from http import HTTPStatus
from typing import Annotated, ClassVar

from msgspec import Meta, Struct

from kalends.actions.holds import extend_hold, place_hold, release_hold
from kalends.errors import Conflict, HoldExtended, Invalid, NotFound
from kalends.model import Hold, HoldId, Scope, TimeText, UserId, Zone
from kalends.reads.holds import read_hold
from kalends.rest.route import Call, Reply, operation
from kalends.rules.blocks import span_of
from kalends.rules.zones import from_instant, zone_named

ID = {"hold_id": HoldId}
MAX_SECONDS = 15 * 60
Ttl = Annotated[int, Meta(ge=1, le=MAX_SECONDS, description="Seconds from now; 15 minutes at most")]


class HoldBody(Struct, forbid_unknown_fields=True, kw_only=True):
    """Whose time to keep, which, and for how long."""

    user_ids: Annotated[list[UserId], Meta(min_length=1, max_length=100)]
    start: TimeText
    end: TimeText
    ttl: Ttl = 300
    time_zone: Zone | None = None


class ExtendBody(Struct, forbid_unknown_fields=True, kw_only=True):
    """How long to keep it from now on."""

    ttl: Ttl = 300


class HoldJson(Struct):
    """A slot that is kept until it lapses, is released, or becomes an event."""

    scope: ClassVar[Scope] = Scope.events_read
    id: str
    user_ids: list[str]
    start: datetime
    end: datetime
    expires_at: datetime
    extended: bool
    created_at: datetime


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
    )


@operation(
    "POST",
    "/v1/holds",
    tag="Holds",
    scope=Scope.events_write,
    body=HoldBody,
    answer=HoldJson,
    status=HTTPStatus.CREATED,
    errors=(Conflict, Invalid),
    example={
        "user_ids": ["usr_018f3c5a9b2d4e6f"],
        "start": "2026-03-09T14:00:00+01:00",
        "end": "2026-03-09T15:00:00+01:00",
        "ttl": 300,
    },
)
def add_hold(call: Call) -> Reply:
    """Keep a slot for a moment.

    Everybody named has to be free, and is shown as busy until it lapses. Make an event of it with
    `POST /v1/events?hold=…`.
    """
    body: HoldBody = call.body
    span = span_of(body.start, body.end, zone_named(body.time_zone) if body.time_zone else None)
    hold = place_hold(call.tx, call.actor, body.user_ids, span, body.ttl)
    return Reply(hold_json(hold), location=f"/v1/holds/{hold.id}")


@operation(
    "GET", "/v1/holds/{hold_id}", tag="Holds", scope=Scope.events_read, ids=ID, answer=HoldJson, errors=(NotFound,)
)
def get_hold(call: Call) -> Reply:
    """Read a hold.

    404 once it has lapsed.
    """
    return Reply(hold_json(read_hold(call.tx, call.actor, call.ids["hold_id"])))


@operation(
    "POST",
    "/v1/holds/{hold_id}/extend",
    tag="Holds",
    scope=Scope.events_write,
    ids=ID,
    body=ExtendBody,
    body_optional=True,
    answer=HoldJson,
    errors=(NotFound, HoldExtended, Conflict, Invalid),
    example={"ttl": 300},
)
def prolong_hold(call: Call) -> Reply:
    """Extend a hold, once."""
    return Reply(hold_json(extend_hold(call.tx, call.actor, call.ids["hold_id"], call.body.ttl)))


@operation(
    "DELETE",
    "/v1/holds/{hold_id}",
    tag="Holds",
    scope=Scope.events_write,
    ids=ID,
    status=HTTPStatus.NO_CONTENT,
    errors=(NotFound,),
)
def drop_hold(call: Call) -> Reply:
    """Release a hold."""
    release_hold(call.tx, call.actor, call.ids["hold_id"])
    return Reply()
