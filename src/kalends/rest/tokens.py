"""Operations on the caller's own tokens."""

import secrets
from datetime import datetime
from typing import Annotated, Any, ClassVar

from msgspec import UNSET, Meta, Struct, UnsetType

from kalends.actions import tokens as actions
from kalends.credentials import Token
from kalends.drafts import Name
from kalends.errors import Invalid
from kalends.limits import DEFAULT_PAGE_SIZE
from kalends.model import ALL_SCOPES, Actor, Instant, Scope, TokenId, WrittenTime
from kalends.reads import tokens as reads
from kalends.rest.operation import Reply
from kalends.rest.paging import PageJson, PageRequest
from kalends.rest.queries import Cursor, Limit
from kalends.rest.users import UserIdText
from kalends.rest.wire import id_schema
from kalends.rules.tokens import SECRET_BYTES
from kalends.rules.zones import TimeError, from_instant, instant_of
from kalends.store.database import ReadTx, WriteTx


class TokenCreate(Struct, forbid_unknown_fields=True, kw_only=True):
    """A token to create; by default, `scopes` and `expires_at` are those of the token that creates it."""

    name: Name
    scopes: Annotated[list[Scope], Meta(min_length=1, max_length=len(ALL_SCOPES))] | None = None
    expires_at: WrittenTime | None = None
    example: ClassVar[Any] = {
        "name": "calendar on my phone",
        "scopes": ["events:read", "respond"],
        "expires_at": "2027-01-01T00:00Z",
    }


class TokenJson(Struct):
    """A token without its secret; without `user_id` it is an operator's."""

    scope: ClassVar[Scope] = Scope.tokens_write
    id: Annotated[str, Meta(extra_json_schema=id_schema(TokenId))]
    user_id: UserIdText | None
    name: str
    hint: str
    """The beginning of the secret."""
    scopes: list[Scope]
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None
    """To the minute."""
    revoked_at: datetime | None
    example: ClassVar[Any] = {
        "id": "tok_018f3c5a9b2c3d5e",
        "user_id": "usr_018f3c5a9b2d4e6f",
        "name": "calendar on my phone",
        "hint": "kal_gq2wq5",
        "scopes": ["events:read", "respond"],
        "created_at": "2026-03-02T08:05:00Z",
        "expires_at": "2027-01-01T00:00:00Z",
        "last_used_at": None,
        "revoked_at": None,
    }


class NewTokenJson(TokenJson):
    """A token that was just created, with its secret, which is shown only once."""

    token: str
    example: ClassVar[Any] = TokenJson.example | {"token": "kal_gq2wq5…"}


class TokenListQuery(Struct, forbid_unknown_fields=True, kw_only=True):
    """A filter, and the page."""

    include_ended: Annotated[
        bool, Meta(description="Include revoked and expired tokens, which are kept for at least 90 days")
    ] = False
    limit: Limit = DEFAULT_PAGE_SIZE
    cursor: Cursor | UnsetType = UNSET


def token_json(token: Token) -> TokenJson:
    """Return the JSON of a token."""
    return TokenJson(
        str(token.id),
        None if token.user_id is None else str(token.user_id),
        token.name,
        token.hint,
        sorted(token.scopes),
        from_instant(token.created_at),
        moment_or_none(token.expires_at),
        moment_or_none(token.last_used_at),
        moment_or_none(token.revoked_at),
    )


def moment_or_none(instant: Instant | None) -> datetime | None:
    """Return an instant as a datetime, or None."""
    return None if instant is None else from_instant(instant)


def end_of(body: TokenCreate) -> Instant | None:
    """Return the expiry of a token to create. Raise Invalid."""
    try:
        return None if body.expires_at is None else instant_of(body.expires_at, None)
    except TimeError as error:
        raise Invalid(error.fault("expires_at")) from error


def create_token(tx: WriteTx, actor: Actor, body: TokenCreate) -> Reply[NewTokenJson]:
    """Create a token for yourself.

    It has the same user as the token that creates it, no more scopes, and no later expiry. The secret is shown only
    once. An Idempotency-Key is not accepted, as the answer is never kept.
    """
    scopes = actor.scopes if body.scopes is None else frozenset(body.scopes)
    secret = secrets.token_bytes(SECRET_BYTES)
    made, text = actions.issue_token(tx, actor, body.name, secret, scopes=scopes, expires_at=end_of(body))
    shown = token_json(made)
    return Reply(NewTokenJson(**{name: getattr(shown, name) for name in TokenJson.__struct_fields__}, token=text))


def list_tokens(tx: ReadTx, actor: Actor, query: TokenListQuery, page: PageRequest) -> Reply[PageJson[TokenJson]]:
    """List your tokens.

    Oldest first, page by page, without their secrets. Revoked and expired tokens are listed only with `include_ended`,
    until they are removed, 90 days later or more. An operator sees all of the organization.
    """
    found = reads.list_tokens(tx, actor, query.limit, ended=query.include_ended, after=page.after(int))
    return Reply(page.to_json(found, token_json))


def revoke_token(tx: WriteTx, actor: Actor, token_id: TokenId) -> Reply[None]:
    """Revoke a token.

    Every process refuses it within a second.
    """
    actions.revoke_token(tx, actor, token_id)
    return Reply()
