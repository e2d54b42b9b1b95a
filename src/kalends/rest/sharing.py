"""Operations on shares of calendars."""

from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Any, ClassVar, Literal

from msgspec import Meta, Struct

from kalends.actions import sharing as actions
from kalends.model import Actor, Scope, Share, SharingLevel, UserId
from kalends.reads import sharing as reads
from kalends.rest.operation import Reply
from kalends.rest.paging import PageJson
from kalends.rest.users import UserIdText
from kalends.rules.zones import from_instant
from kalends.store.database import ReadTx, WriteTx


class SharePut(Struct, forbid_unknown_fields=True, kw_only=True):
    """The level at which to share a calendar; each level includes those before it."""

    level: SharingLevel
    example: ClassVar[Any] = {"level": "titles"}


class ShareJson(Struct):
    """The calendar of `owner_id` is shared with `user_id` at a level."""

    scope: ClassVar[Scope] = Scope.users_read
    owner_id: UserIdText
    user_id: UserIdText
    level: SharingLevel
    updated_at: datetime
    example: ClassVar[Any] = {
        "owner_id": "usr_018f3c5a9b2d4e6f",
        "user_id": "usr_018f3c5a9b2d5f70",
        "level": "titles",
        "updated_at": "2026-03-02T08:05:00Z",
    }


class ShareListQuery(Struct, forbid_unknown_fields=True, kw_only=True):
    """The side of the sharing to list."""

    side: Annotated[
        Literal["given", "received"],
        Meta(description="Shares by the user, or with the user"),
    ] = "given"


def share_json(share: Share) -> ShareJson:
    """Return the JSON of a share."""
    return ShareJson(str(share.owner_id), str(share.user_id), share.level, from_instant(share.updated_at))


def list_shares(tx: ReadTx, actor: Actor, user_id: UserId, query: ShareListQuery) -> Reply[PageJson[ShareJson]]:
    """List the shares of a calendar.

    With `side=received`, list the calendars that are shared with the user. All are on one page, in the order of ids.
    """
    shares = reads.list_shares(tx, actor, user_id, received=query.side == "received")
    return Reply(PageJson([share_json(share) for share in shares], None))


def put_share(tx: WriteTx, actor: Actor, user_id: UserId, other_id: UserId, body: SharePut) -> Reply[ShareJson]:
    """Share a calendar with somebody.

    `free_busy` is the level that every user of the organization has. `titles` shows the titles of events that the owner
    hosts, and `read` shows all details of these events. `respond` also shows the events that the owner takes part in,
    and permits responding for the owner. `write` also permits managing the owner's events. A share never shows more of
    a private event than a busy block.
    """
    share, new = actions.share_calendar(tx, actor, user_id, other_id, body.level)
    return Reply(share_json(share), status=HTTPStatus.CREATED if new else HTTPStatus.OK)


def delete_share(tx: WriteTx, actor: Actor, user_id: UserId, other_id: UserId) -> Reply[None]:
    """Stop sharing a calendar with somebody.

    They still see what every user of the organization sees.
    """
    actions.stop_sharing(tx, actor, user_id, other_id)
    return Reply()
