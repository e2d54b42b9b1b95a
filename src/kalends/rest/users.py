"""Users over HTTP."""

from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Any, ClassVar

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType, field

from kalends.actions import user_deletion
from kalends.actions import users as actions
from kalends.actions.user_deletion import Hosted
from kalends.characters import VISIBLE
from kalends.drafts import UserCreate, UserUpdate
from kalends.errors import (
    BookingConflict,
    EmailTaken,
    Fault,
    HostsEvents,
    Invalid,
    NotFound,
    StaleVersion,
    TooManyEvents,
)
from kalends.model import UTC, EventId, Scope, Span, User, UserId, Zone
from kalends.reads import users as reads
from kalends.reads.users import UserPage
from kalends.rest.conditions import entity_tag
from kalends.rest.conflicts import BookingQuery, guard_of
from kalends.rest.paging import cursor_of, key_of
from kalends.rest.route import Call, Reply, operation
from kalends.rest.spans import bounds_of
from kalends.rest.wire import DateOrTime, id_schema
from kalends.rules.access import is_operator
from kalends.rules.zones import from_instant

ID = {"user_id": UserId}
Limit = Annotated[int, Meta(ge=1, le=250, description="Items on a page")]
Cursor = Annotated[str, Meta(max_length=2_000, description="next_cursor of the page before, with the same filters")]
SearchText = Annotated[str, Meta(min_length=1, max_length=200, pattern=VISIBLE)]
UserIdText = Annotated[str, Meta(extra_json_schema=id_schema(UserId))]
JsonObject = Annotated[msgspec.Raw, Meta(extra_json_schema={"type": "object"})]


class UserJson(Struct, kw_only=True, omit_defaults=True):
    """Somebody who hosts events or takes part in them; `metadata` is shown to operators alone."""

    scope: ClassVar[Scope] = Scope.users_read
    id: UserIdText
    name: str
    email: str
    time_zone: str
    metadata: JsonObject | UnsetType = UNSET
    version: int
    created_at: datetime
    updated_at: datetime


class UserListJson(Struct):
    """A page of users in the order of name and id."""

    items: list[UserJson]
    next_cursor: str | None


class UserListQuery(Struct, forbid_unknown_fields=True, kw_only=True):
    """Which users, and how many."""

    q: SearchText | UnsetType = UNSET
    available_from: Annotated[DateOrTime, Meta(description="Only who is free from then")] | UnsetType = UNSET
    available_to: Annotated[DateOrTime, Meta(description="until then")] | UnsetType = UNSET
    time_zone: Annotated[Zone, Meta(description="Where times without offset are local; UTC unless given")] = field(
        default_factory=lambda: UTC
    )
    limit: Limit = 50
    cursor: Cursor | UnsetType = UNSET


class AvailableUserListQuery(Struct, forbid_unknown_fields=True, kw_only=True):
    """Which of those who could be added, and how many."""

    q: SearchText | UnsetType = UNSET
    limit: Limit = 50
    cursor: Cursor | UnsetType = UNSET


class UserDeleteQuery(BookingQuery, kw_only=True):
    """What becomes of the events that the user hosts and that have not ended."""

    hosted: (
        Annotated[Hosted, Meta(description="Cancel them, or transfer them to the user that `to` names")] | UnsetType
    ) = UNSET
    to: UserId | UnsetType = UNSET


def user_json(user: User, *, whole: bool) -> UserJson:
    """Write a user, as a whole or as far as other people may know them."""
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


def user_reply(call: Call, user: User) -> Reply:
    """Answer with a user."""
    return Reply(user_json(user, whole=is_operator(call.actor)), etag=entity_tag(user.version))


def known(value: Any) -> Any:
    """Give a value that may have been left out, or None."""
    return None if value is UNSET else value


@operation(
    "POST",
    "/v1/users",
    tag="Users",
    scope=Scope.users_write,
    body=UserCreate,
    answer=UserJson,
    status=HTTPStatus.CREATED,
    errors=(EmailTaken, Invalid),
    example={"name": "Hanna Host", "email": "hanna@example.org", "time_zone": "Europe/Berlin"},
)
def create_user(call: Call) -> Reply:
    """Create a user.

    The e-mail address is unique without regard to case and to how its domain is written (IDNA). The time zone is that
    of events they host, unless an event names its own.
    """
    user = actions.create_user(call.tx, call.actor, call.body)
    return user_reply(call, user)._replace(location=f"/v1/users/{user.id}")


@operation(
    "GET", "/v1/users", tag="Users", scope=Scope.users_read, query=UserListQuery, answer=UserListJson, errors=(Invalid,)
)
def list_users(call: Call) -> Reply:
    """List users.

    In the order of name and id, page by page; `q` finds a part of a name or an e-mail address. Neither regards case and
    accents. With `available_from` and `available_to`, only those whom nothing blocks in that time.
    """
    query: UserListQuery = call.query
    if query.available_from is not UNSET or query.available_to is not UNSET:
        call.need(Scope.free_busy_read)
    after = key_of(call, tuple[str, int])
    page = reads.list_users(call.tx, call.actor, query.limit, text=known(query.q), free=free_span(query), after=after)
    return page_reply(call, page)


def free_span(query: UserListQuery) -> Span | None:
    """Give the span in which users have to be free. Raises Invalid."""
    if query.available_from is UNSET and query.available_to is UNSET:
        return None
    if query.available_from is UNSET or query.available_to is UNSET:
        missing = "available_from" if query.available_from is UNSET else "available_to"
        raise Invalid(Fault((missing,), "missing", "is required: available_from and available_to go together"))
    names = ("available_from", "available_to")
    return bounds_of(query.available_from, query.available_to, query.time_zone, (), names)


def page_reply(call: Call, page: UserPage) -> Reply:
    """Answer with a page of users."""
    whole = is_operator(call.actor)
    return Reply(UserListJson([user_json(user, whole=whole) for user in page.users], cursor_of(call, page.next_key)))


@operation(
    "GET",
    "/v1/events/{event_id}/available-users",
    tag="Users",
    scope=Scope.free_busy_read,
    ids={"event_id": EventId},
    query=AvailableUserListQuery,
    answer=UserListJson,
    errors=(NotFound, Invalid),
    besides=(Scope.users_read,),
    heavy=True,
)
def list_available_users(call: Call) -> Reply:
    """List who could be added to an event.

    Active users who are not in it yet and whom nothing blocks in its block of time. Needs the scope `users:read`
    besides.
    """
    query: AvailableUserListQuery = call.query
    event_id, after = call.ids["event_id"], key_of(call, tuple[str, int])
    page = reads.list_available_users(call.tx, call.actor, event_id, query.limit, text=known(query.q), after=after)
    return page_reply(call, page)


@operation(
    "GET", "/v1/users/{user_id}", tag="Users", scope=Scope.users_read, ids=ID, answer=UserJson, errors=(NotFound,)
)
def get_user(call: Call) -> Reply:
    """Read a user."""
    return user_reply(call, reads.read_user(call.tx, call.actor, call.ids["user_id"]))


@operation(
    "PATCH",
    "/v1/users/{user_id}",
    tag="Users",
    scope=Scope.users_write,
    ids=ID,
    body=UserUpdate,
    answer=UserJson,
    errors=(NotFound, StaleVersion, EmailTaken, Invalid),
    example={"name": "Hanna Huber", "metadata": {"badge": "blue"}},
)
def update_user(call: Call) -> Reply:
    """Change a user.

    A JSON Merge Patch (RFC 7396): what is left out stays as it is. The e-mail address and `metadata` are operators' to
    change.
    """
    return user_reply(
        call, actions.change_user(call.tx, call.actor, call.ids["user_id"], call.body, expect=call.expect)
    )


@operation(
    "DELETE",
    "/v1/users/{user_id}",
    tag="Users",
    scope=Scope.users_write,
    ids=ID,
    query=UserDeleteQuery,
    status=HTTPStatus.NO_CONTENT,
    errors=(NotFound, StaleVersion, HostsEvents, TooManyEvents, BookingConflict, Invalid),
)
def delete_user(call: Call) -> Reply:
    """Delete a user.

    They are removed from events that have not ended and their e-mail address may be used again; past events go on
    naming them. If they host events that have not ended, say what becomes of those: `hosted=cancel`, or
    `hosted=transfer` with the new host in `to`.
    """
    query: UserDeleteQuery = call.query
    user_id = call.ids["user_id"]
    hosted, successor, guard = known(query.hosted), known(query.to), guard_of(query)
    user_deletion.delete_user(
        call.tx, call.actor, user_id, hosted=hosted, to=successor, expect=call.expect, guard=guard
    )
    return Reply()
