"""The operation that shows the caller: the user of the token, and its scopes."""

from datetime import datetime
from typing import Annotated, Any, ClassVar

from msgspec import Meta, Struct

from kalends.credentials import Bearer
from kalends.model import Actor, OrganizationId, Scope, TokenId, UserId
from kalends.reads.tokens import read_bearer
from kalends.rest.operation import Reply
from kalends.rest.tokens import moment_or_none
from kalends.rest.users import UserIdText
from kalends.rest.wire import id_schema
from kalends.store.database import ReadTx


class MyUserJson(Struct):
    """The user of the token; `GET /v1/users/{user_id}` shows all of their members."""

    id: UserIdText
    name: str
    email: str
    time_zone: str


class MyOrganizationJson(Struct):
    """The organization of the token."""

    id: Annotated[str, Meta(extra_json_schema=id_schema(OrganizationId))]
    name: str


class MyTokenJson(Struct):
    """The token of the request."""

    id: Annotated[str, Meta(extra_json_schema=id_schema(TokenId))]
    name: str
    scopes: list[Scope]
    expires_at: datetime | None


class MeJson(Struct):
    """The caller; `user` is null for an operator."""

    user: MyUserJson | None
    acting_for: UserIdText | None
    """The user for whom an operator acts, from `Kalends-Act-As`."""
    organization: MyOrganizationJson
    token: MyTokenJson
    example: ClassVar[Any] = {
        "user": {
            "id": "usr_018f3c5a9b2d4e6f",
            "name": "Hanna Host",
            "email": "hanna@example.org",
            "time_zone": "Europe/Berlin",
        },
        "acting_for": None,
        "organization": {"id": "org_0000000000000001", "name": "Chess club"},
        "token": {
            "id": "tok_018f3c5a9b2c3d5e",
            "name": "calendar on my phone",
            "scopes": ["events:read", "respond"],
            "expires_at": "2027-01-01T00:00:00Z",
        },
    }


def me_json(bearer: Bearer, acting_for: UserId | None) -> MeJson:
    """Return the JSON of the caller."""
    token, user = bearer.token, bearer.user
    return MeJson(
        None if user is None else MyUserJson(str(user.id), user.name, user.email, user.time_zone),
        None if acting_for is None else str(acting_for),
        MyOrganizationJson(str(token.organization_id), bearer.organization_name),
        MyTokenJson(str(token.id), token.name, sorted(token.scopes), moment_or_none(token.expires_at)),
    )


def get_me(tx: ReadTx, actor: Actor) -> Reply[MeJson]:
    """Show who you are.

    The answer has the user of the token (null for an operator's), the user for whom an operator acts, the organization,
    and the token with its scopes and its expiry.
    """
    bearer = read_bearer(tx, actor)
    return Reply(me_json(bearer, actor.user_id if bearer.user is None else None))
