"""What people share of their calendars, over HTTP."""

from datetime import datetime
from http import HTTPStatus
from typing import Annotated, ClassVar, Literal

from msgspec import Meta, Struct

from kalends.actions import sharing as actions
from kalends.errors import Forbidden, Invalid, NotFound
from kalends.model import Scope, Share, Sharing, UserId
from kalends.reads import sharing as reads
from kalends.rest.route import Call, Reply, operation
from kalends.rest.users import UserIdText
from kalends.rules.zones import from_instant

PATH = "/v1/users/{user_id}/shares"
ID = {"user_id": UserId, "other_id": UserId}


class SharePut(Struct, forbid_unknown_fields=True, kw_only=True):
    """How far somebody is let into a calendar; each level includes those before it."""

    level: Sharing


class ShareJson(Struct):
    """How far `user_id` is let into the calendar of `owner_id`."""

    scope: ClassVar[Scope] = Scope.users_read
    owner_id: UserIdText
    user_id: UserIdText
    level: Sharing
    updated_at: datetime


class ShareListJson(Struct):
    """All shares of a person, in the order of ids; `next_cursor` is always null."""

    items: list[ShareJson]
    next_cursor: str | None = None


class ShareListQuery(Struct, forbid_unknown_fields=True, kw_only=True):
    """Which side of the sharing to list."""

    side: Annotated[
        Literal["given", "received"], Meta(description="What the user shares, or what is shared with them")
    ] = "given"


def share_json(share: Share) -> ShareJson:
    """Write a share."""
    return ShareJson(str(share.owner_id), str(share.user_id), share.level, from_instant(share.updated_at))


@operation(
    "GET",
    PATH,
    tag="Sharing",
    scope=Scope.users_read,
    ids={"user_id": UserId},
    query=ShareListQuery,
    answer=ShareListJson,
    errors=(NotFound, Forbidden),
)
def list_shares(call: Call) -> Reply:
    """List who is let into a calendar, and how far.

    With `side=received`, whose calendars the user is let into.
    """
    shares = reads.list_shares(call.tx, call.actor, call.ids["user_id"], received=call.query.side == "received")
    return Reply(ShareListJson([share_json(share) for share in shares]))


@operation(
    "PUT",
    PATH + "/{other_id}",
    tag="Sharing",
    scope=Scope.users_write,
    ids=ID,
    body=SharePut,
    answer=ShareJson,
    also=HTTPStatus.CREATED,
    errors=(NotFound, Forbidden, Invalid),
    example={"level": "titles"},
)
def put_share(call: Call) -> Reply:
    """Let somebody into a calendar.

    `free_busy` is what every member has; `titles` shows the titles of events that the owner hosts, `read` all of
    them; `respond` also what the owner takes part in, and lets them answer for the owner; `write` also lets them
    manage the owner's events. Private events stay a busy block.
    """
    share, new = actions.share_calendar(call.tx, call.actor, call.ids["user_id"], call.ids["other_id"], call.body.level)
    return Reply(share_json(share), status=HTTPStatus.CREATED if new else HTTPStatus.OK)


@operation(
    "DELETE",
    PATH + "/{other_id}",
    tag="Sharing",
    scope=Scope.users_write,
    ids=ID,
    status=HTTPStatus.NO_CONTENT,
    errors=(NotFound, Forbidden),
)
def delete_share(call: Call) -> Reply:
    """Let somebody into a calendar no more.

    What every member sees, they go on seeing.
    """
    actions.stop_sharing(call.tx, call.actor, call.ids["user_id"], call.ids["other_id"])
    return Reply()
