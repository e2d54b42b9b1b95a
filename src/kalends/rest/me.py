"""The caller over HTTP: whose the token is and what it may be used for."""

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
    """The person whose the token is; `GET /v1/users/{user_id}` shows all of them."""

    id: UserIdText
    name: str
    email: str
    time_zone: str


class MyOrganizationJson(Struct):
    """The organization that the token is for."""

    id: Annotated[str, Meta(extra_json_schema=id_schema(OrganizationId))]
    name: str


class MyTokenJson(Struct):
    """The token that the request carries."""

    id: Annotated[str, Meta(extra_json_schema=id_schema(TokenId))]
    name: str
    scopes: list[Scope]
    expires_at: datetime | None


class MeJson(Struct):
    """Who the caller is; `user` is null for an operator."""

    user: MyUserJson | None
    acting_for: UserIdText | None
    """Whom an operator acts for, as `Kalends-Act-As` names them."""
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
    """Return who the caller is."""
    token, user = bearer.token, bearer.user
    return MeJson(
        None if user is None else MyUserJson(str(user.id), user.name, user.email, user.time_zone),
        None if acting_for is None else str(acting_for),
        MyOrganizationJson(str(token.organization_id), bearer.organization_name),
        MyTokenJson(str(token.id), token.name, sorted(token.scopes), moment_or_none(token.expires_at)),
    )


def get_me(tx: ReadTx, actor: Actor) -> Reply[MeJson]:
    """Show who you are.

    The user whose the token is (null if it is an operator's), whom an operator acts for, the organization, and the
    token with its scopes and its end.
    """
    bearer = read_bearer(tx, actor)
    return Reply(me_json(bearer, actor.user_id if bearer.user is None else None))
