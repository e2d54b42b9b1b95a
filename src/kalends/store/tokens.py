"""Rows of credentials: only a hash of each secret is kept."""

import sqlalchemy as sa
from sqlalchemy import bindparam as given

from kalends.model import Actor, Instant, OrganizationId, Token, TokenId
from kalends.store.database import ReadTx, Row, WriteTx
from kalends.store.query import Query
from kalends.store.tables import token

COLUMNS = (
    token.c.id,
    token.c.organization_id,
    token.c.name,
    token.c.hint,
    token.c.created_at,
    token.c.revoked_at,
)

FIND_BY_HASH = Query(sa.select(*COLUMNS).where(token.c.hash == given("hash"), token.c.revoked_at.is_(None)))
LIST = Query(sa.select(*COLUMNS).where(token.c.organization_id == given("org")).order_by(token.c.id))
INSERT = Query(sa.insert(token))
REVOKE = Query(
    sa.update(token)
    .where(token.c.organization_id == given("org"), token.c.id == given("at"), token.c.revoked_at.is_(None))
    .values(revoked_at=given("now"))
)


def token_from(row: Row) -> Token:
    """Make a token of the row that COLUMNS name."""
    token_id, organization_id, name, hint, created_at, revoked_at = row
    return Token(
        TokenId(token_id),
        OrganizationId(organization_id),
        name,
        hint,
        Instant(created_at),
        Instant(revoked_at) if revoked_at is not None else None,
    )


def find_token(tx: ReadTx, digest: bytes) -> Token | None:
    """Give the valid token whose secret has this digest: the only query that comes before there is an actor."""
    row = tx.row(FIND_BY_HASH, hash=digest)
    return token_from(row) if row else None


def list_tokens(tx: ReadTx, actor: Actor) -> list[Token]:
    """List an organization's tokens, oldest first, revoked ones among them."""
    return [token_from(row) for row in tx.rows(LIST, org=actor.organization_id)]


def insert_token(tx: WriteTx, made: Token, digest: bytes) -> None:
    """Store a new token."""
    tx.run(
        INSERT,
        id=made.id,
        organization_id=made.organization_id,
        name=made.name,
        hint=made.hint,
        hash=digest,
        created_at=made.created_at,
        revoked_at=None,
    )


def revoke_token_row(tx: WriteTx, actor: Actor, token_id: TokenId) -> bool:
    """Take a token out of use; tell whether it was in use."""
    return tx.run(REVOKE, org=actor.organization_id, at=token_id, now=tx.now) == 1
