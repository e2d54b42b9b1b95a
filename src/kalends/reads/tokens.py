"""Reading credentials, without their secrets."""

from functools import lru_cache
from typing import Any

import sqlalchemy as sa
from msgspec import Struct
from sqlalchemy import bindparam

from kalends.credentials import Bearer, Token
from kalends.model import Actor, TokenId
from kalends.store.database import ReadTx
from kalends.store.query import Query
from kalends.store.tables import token
from kalends.store.tokens import COLUMNS, IN_USE, find_bearer, token_from


class TokenPage(Struct, frozen=True):
    """Some tokens, oldest first; `next_key` is None on the last page."""

    tokens: list[Token]
    next_key: TokenId | None


def list_tokens(tx: ReadTx, actor: Actor, limit: int, *, ended: bool = False, after: int | None = None) -> TokenPage:
    """Return a page of a person's own tokens, or, to an operator, of all in the organization.

    With `ended`, those that were revoked or have expired are among them.
    """
    values: dict[str, Any] = {} if actor.user_id is None else {"user_id": actor.user_id}
    values |= {} if ended else {"now": tx.now}
    values |= {} if after is None else {"after": after}
    query = list_statement(own=actor.user_id is not None, ended=ended, continued=after is not None)
    rows = tx.rows(query, org=actor.organization_id, count=limit + 1, **values)
    page = [token_from(row) for row in rows[:limit]]
    return TokenPage(page, page[-1].id if len(rows) > limit else None)


@lru_cache
def list_statement(*, own: bool, ended: bool, continued: bool) -> Query:
    """Compose the statement: a scan along the ids of an organization, or the few tokens of a person."""
    where: list[sa.ColumnElement[bool]] = [token.c.organization_id == bindparam("org")]
    if own:
        where.append(token.c.user_id == bindparam("user_id"))
    if not ended:
        where += IN_USE
    if continued:
        where.append(token.c.id > bindparam("after"))
    statement = sa.select(*COLUMNS).where(*where).order_by(token.c.id)
    return Query(statement.limit(bindparam("count", type_=sa.Integer)))


def read_bearer(tx: ReadTx, actor: Actor) -> Bearer:
    """Return the token that the actor came with, its organization and the person whose it is."""
    return find_bearer(tx, actor)
