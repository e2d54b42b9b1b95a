"""Operations on users."""

from datetime import datetime
from functools import partial
from typing import Annotated, Any, ClassVar

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType, field

from kalends.actions import user_deletion
from kalends.actions import users as actions
from kalends.actions.user_deletion import HostedEvents
from kalends.drafts import UserCreate, UserUpdate
from kalends.errors import (
    Fault,
    Invalid,
)
from kalends.http.authentication import need_scope
from kalends.http.conditions import Conditions, entity_tag
from kalends.limits import DEFAULT_PAGE_SIZE
from kalends.model import UTC, Actor, DateOrTime, EventId, Scope, Span, User, UserId, Zone
from kalends.reads import users as reads
from kalends.reads.paging import Page
from kalends.reads.users import PageKey
from kalends.rest.conflicts import BookingQuery
from kalends.rest.operation import Reply
from kalends.rest.paging import PageJson, PageRequest
from kalends.rest.queries import Cursor, Limit, SearchText, or_none
from kalends.rest.spans import bounds_of
from kalends.rest.wire import id_schema
from kalends.rules.access import is_operator
from kalends.rules.zones import from_instant
from kalends.store.database import ReadTx, WriteTx

UserIdText = Annotated[str, Meta(extra_json_schema=id_schema(UserId))]
JsonObject = Annotated[msgspec.Raw, Meta(extra_json_schema={"type": "object"})]


class UserJson(Struct, kw_only=True, omit_defaults=True):
    """A person who hosts events or takes part in them; `metadata` is shown only to operators."""

    scope: ClassVar[Scope] = Scope.users_read
    id: UserIdText
    name: str
    email: str
    time_zone: str
    metadata: JsonObject | UnsetType = UNSET
    version: int
    created_at: datetime
    updated_at: datetime
    example: ClassVar[Any] = {
        "id": "usr_018f3c5a9b2d4e6f",
        "name": "Hanna Host",
        "email": "hanna@example.org",
        "time_zone": "Europe/Berlin",
        "metadata": {},
        "version": 1,
        "created_at": "2026-03-02T08:00:00Z",
        "updated_at": "2026-03-02T08:00:00Z",
    }


class UserListQuery(Struct, forbid_unknown_fields=True, kw_only=True):
    """Filters, and the page."""

    q: SearchText | UnsetType = UNSET
    available_from: (
        Annotated[DateOrTime, Meta(description="Only users who are free from this time on; needs `available_to`")]
        | UnsetType
    ) = UNSET
    available_to: (
        Annotated[DateOrTime, Meta(description="Only users who are free until this time; needs `available_from`")]
        | UnsetType
    ) = UNSET
    time_zone: Annotated[Zone, Meta(description="Zone of times without offset; default: UTC")] = field(
        default_factory=lambda: UTC
    )
    limit: Limit = DEFAULT_PAGE_SIZE
    cursor: Cursor | UnsetType = UNSET


class AvailableUserListQuery(Struct, forbid_unknown_fields=True, kw_only=True):
    """A filter, and the page."""

    q: SearchText | UnsetType = UNSET
    limit: Limit = DEFAULT_PAGE_SIZE
    cursor: Cursor | UnsetType = UNSET


class UserDeleteQuery(BookingQuery, kw_only=True):
    """What to do with events that the user hosts and that have not ended."""

    hosted: (
        Annotated[HostedEvents, Meta(description="Cancel them, or transfer them to the user that `to` names")]
        | UnsetType
    ) = UNSET
    to: UserId | UnsetType = UNSET


def user_json(user: User, *, whole: bool) -> UserJson:
    """Return the JSON of a user, `whole` or with what other people may see."""
    return UserJson(
        id=str(user.id),
        name=user.name,
        email=user.email,
        time_zone=user.time_zone,
        metadata=msgspec.Raw(user.metadata.encode()) if whole else UNSET,
        version=user.version,
        created_at=from_instant(user.created_at),
        updated_at=from_instant(user.updated_at),
    )


def user_reply(actor: Actor, user: User) -> Reply[UserJson]:
    """Return the reply with a user."""
    return Reply(user_json(user, whole=is_operator(actor)), etag=entity_tag(user.version))


def create_user(tx: WriteTx, actor: Actor, body: UserCreate) -> Reply[UserJson]:
    """Create a user.

    The e-mail address is unique without regard to case and to the notation of its domain (IDNA). The time zone is the
    default for events that they host.
    """
    user = actions.create_user(tx, actor, body)
    return user_reply(actor, user)._replace(location=f"/v1/users/{user.id}")


def list_users(tx: ReadTx, actor: Actor, query: UserListQuery, page: PageRequest) -> Reply[PageJson[UserJson]]:
    """List users.

    In the order of name and id, page by page; `q` finds a part of a name or an e-mail address. Order and search ignore
    case and accents. With `available_from` and `available_to`, list only users whom nothing blocks in that time.
    """
    if query.available_from is not UNSET or query.available_to is not UNSET:
        need_scope(actor, Scope.free_busy_read)
    after, free = page.after(tuple[str, int]), free_span(query)
    found = reads.list_users(tx, actor, query.limit, text=or_none(query.q), free=free, after=after)
    return page_reply(actor, page, found)


def free_span(query: UserListQuery) -> Span | None:
    """Return the span in which users have to be free. Raise Invalid."""
    if query.available_from is UNSET and query.available_to is UNSET:
        return None
    if query.available_from is UNSET or query.available_to is UNSET:
        missing = "available_from" if query.available_from is UNSET else "available_to"
        raise Invalid(Fault((missing,), "missing", "is required: available_from and available_to go together"))
    names = ("available_from", "available_to")
    return bounds_of(query.available_from, query.available_to, query.time_zone, (), names)


def page_reply(actor: Actor, page: PageRequest, found: Page[User, PageKey]) -> Reply[PageJson[UserJson]]:
    """Return the reply with a page of users."""
    return Reply(page.to_json(found, partial(user_json, whole=is_operator(actor))))


def list_available_users(
    tx: ReadTx, actor: Actor, event_id: EventId, query: AvailableUserListQuery, page: PageRequest
) -> Reply[PageJson[UserJson]]:
    """List the users who could be added to an event.

    These are active users who do not take part yet and whom nothing blocks during the event. It also needs the scope
    `users:read`.
    """
    text, after = or_none(query.q), page.after(tuple[str, int])
    found = reads.list_available_users(tx, actor, event_id, query.limit, text=text, after=after)
    return page_reply(actor, page, found)


def get_user(tx: ReadTx, actor: Actor, user_id: UserId) -> Reply[UserJson]:
    """Get a user."""
    return user_reply(actor, reads.read_user(tx, actor, user_id))


def update_user(
    tx: WriteTx, actor: Actor, user_id: UserId, body: UserUpdate, conditions: Conditions
) -> Reply[UserJson]:
    """Change a user.

    The body is a JSON Merge Patch (RFC 7396): members that are left out stay as they are. Only operators can change the
    e-mail address and `metadata`.
    """
    return user_reply(actor, actions.change_user(tx, actor, user_id, body, expect=conditions.versions))


def delete_user(
    tx: WriteTx, actor: Actor, user_id: UserId, query: UserDeleteQuery, conditions: Conditions
) -> Reply[None]:
    """Delete a user.

    They are removed from events that have not ended, and their e-mail address may be used again; past events still name
    them. If they host events that have not ended, choose what to do with those: `hosted=cancel`, or `hosted=transfer`
    with the new host in `to`.
    """
    hosted, to, expect, on_conflict = or_none(query.hosted), or_none(query.to), conditions.versions, query.on_conflict
    user_deletion.delete_user(tx, actor, user_id, hosted=hosted, to=to, expect=expect, on_conflict=on_conflict)
    return Reply()
