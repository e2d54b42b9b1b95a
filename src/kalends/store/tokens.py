"""Rows of tokens: only a hash of each secret is stored."""

import sqlalchemy as sa
from msgspec import structs
from sqlalchemy import bindparam

from kalends.credentials import Bearer, Token
from kalends.model import Actor, Instant, OrganizationId, Scope, TokenId, UserId
from kalends.rules.intervals import MINUTE
from kalends.store.database import ReadTx, Row, WriteTx
from kalends.store.query import Query
from kalends.store.tables import idempotency, organization, token, user
from kalends.store.users import COLUMNS as USER_COLUMNS
from kalends.store.users import user_from

COLUMNS = tuple(token.c[name] for name in Token.__struct_fields__)
IN_USE = (
    token.c.revoked_at.is_(None),
    sa.or_(token.c.expires_at.is_(None), token.c.expires_at > bindparam("now", type_=sa.BigInteger)),
)

FIND_BY_HASH = Query(sa.select(*COLUMNS).where(token.c.hash == bindparam("hash"), *IN_USE))
LIST_OF_USER = Query(
    sa.select(*COLUMNS)
    .where(token.c.organization_id == bindparam("org"), token.c.user_id == bindparam("user_id"))
    .order_by(token.c.id)
)
FIND = Query(sa.select(*COLUMNS).where(token.c.organization_id == bindparam("org"), token.c.id == bindparam("id")))
FIND_BEARER = Query(
    sa.select(*COLUMNS, organization.c.name, *USER_COLUMNS)
    .join(organization, organization.c.id == token.c.organization_id)
    .outerjoin(user, sa.and_(user.c.organization_id == token.c.organization_id, user.c.id == token.c.user_id))
    .where(token.c.organization_id == bindparam("org"), token.c.id == bindparam("id"))
)
INSERT = Query(sa.insert(token))
REVOKE = Query(
    sa.update(token)
    .where(token.c.organization_id == bindparam("org"), token.c.id == bindparam("at"), token.c.revoked_at.is_(None))
    .values(revoked_at=bindparam("now"))
)
RENAME_OF_USER = Query(
    sa.update(token)
    .where(token.c.organization_id == bindparam("org"), token.c.user_id == bindparam("of"))
    .values(name=bindparam("new_name"))
)
TOUCH = Query(
    sa.update(token)
    .where(
        token.c.id == bindparam("at"), sa.or_(token.c.last_used_at.is_(None), token.c.last_used_at < bindparam("now"))
    )
    .values(last_used_at=bindparam("now"))
)


def ended_before(end: sa.ColumnElement[int]) -> Query:
    """Return the statement for up to 50 tokens that ended before an instant and have no Idempotency-Key."""
    keys = sa.exists().where(idempotency.c.token_id == token.c.id)
    statement = sa.select(token.c.id).where(end < bindparam("before"), ~keys).order_by(end)
    return Query(statement.limit(sa.literal_column("50")).with_for_update(of=token, skip_locked=True))


REVOKED_BEFORE = ended_before(token.c.revoked_at)
EXPIRED_BEFORE = ended_before(token.c.expires_at)
FORGET = Query(sa.delete(token).where(token.c.id == bindparam("at")))
IS_ACTIVE = Query(
    sa.select(user.c.id).where(
        user.c.organization_id == bindparam("org"), user.c.id == bindparam("id"), user.c.deleted_at.is_(None)
    )
)


TOKENS_IN_USE = Query(
    sa.select(
        sa.func.count(),
        sa.func.count().filter(sa.func.coalesce(token.c.last_used_at, token.c.created_at) < bindparam("idle_since")),
        sa.func.count().filter(
            token.c.user_id.is_(None), token.c.expires_at.is_(None), token.c.created_at < bindparam("old_since")
        ),
    ).where(*IN_USE)
)


def token_from(row: Row) -> Token:
    """Return the token of a row of COLUMNS."""
    token_id, organization_id, user_id, name, hint, scopes, created_at, expires_at, last_used_at, revoked_at = row
    return Token(
        id=TokenId(token_id),
        organization_id=OrganizationId(organization_id),
        user_id=None if user_id is None else UserId(user_id),
        name=name,
        hint=hint,
        scopes=frozenset(map(Scope, scopes.split())),
        created_at=Instant(created_at),
        expires_at=instant_or_none(expires_at),
        last_used_at=instant_or_none(last_used_at),
        revoked_at=instant_or_none(revoked_at),
    )


def instant_or_none(value: int | None) -> Instant | None:
    """Return a value as an instant, or None."""
    return None if value is None else Instant(value)


def find_token_in_use(tx: ReadTx, digest: bytes) -> Token | None:
    """Return the valid token whose secret has this digest; this query runs before the actor is known."""
    row = tx.row(FIND_BY_HASH, hash=digest, now=tx.now)
    return token_from(row) if row else None


def is_active(tx: ReadTx, organization_id: OrganizationId, user_id: UserId) -> bool:
    """Return whether a user exists and is not deleted."""
    return tx.row(IS_ACTIVE, org=organization_id, id=user_id) is not None


def list_tokens_of(tx: ReadTx, actor: Actor, user_id: UserId) -> list[Token]:
    """Return a person's tokens, oldest first, including those that have ended."""
    return [token_from(row) for row in tx.rows(LIST_OF_USER, org=actor.organization_id, user_id=user_id)]


def find_token(tx: ReadTx, actor: Actor, token_id: TokenId) -> Token | None:
    """Return a token, also one that has ended."""
    row = tx.row(FIND, org=actor.organization_id, id=token_id)
    return token_from(row) if row else None


def find_bearer(tx: ReadTx, actor: Actor) -> Bearer:
    """Return the token of a request with its organization and user; the row of a token in use always exists."""
    (row,) = tx.rows(FIND_BEARER, org=actor.organization_id, id=actor.token_id)
    width = len(COLUMNS)
    found, organization_name, person = token_from(row[:width]), row[width], row[width + 1 :]
    return Bearer(found, organization_name, None if found.user_id is None else user_from(person))


def insert_token(tx: WriteTx, made: Token, digest: bytes) -> None:
    """Store a new token."""
    values = structs.asdict(made) | {"scopes": " ".join(sorted(made.scopes))}
    tx.run(INSERT, hash=digest, **values)


def revoke_token_row(tx: WriteTx, actor: Actor, token_id: TokenId) -> bool:
    """Revoke a token; return whether it was in use."""
    return tx.run(REVOKE, org=actor.organization_id, at=token_id, now=tx.now) == 1


def forget_ended_tokens(tx: WriteTx, before: int) -> None:
    """Remove up to 100 tokens that were revoked or expired before an instant."""
    for query in (REVOKED_BEFORE, EXPIRED_BEFORE):
        tx.run_many(FORGET, [{"at": token_id} for (token_id,) in tx.rows(query, before=before)])


def rename_tokens_of(tx: WriteTx, actor: Actor, user_id: UserId, name: str) -> None:
    """Set one name on all tokens of a user, including those that have ended."""
    tx.run(RENAME_OF_USER, org=actor.organization_id, of=user_id, new_name=name)


def touch_token(tx: WriteTx, token_id: TokenId) -> None:
    """Store the minute in which a token was used."""
    tx.run(TOUCH, at=token_id, now=tx.now - tx.now % MINUTE)
