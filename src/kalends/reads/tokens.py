"""Reading tokens, without their secrets."""

from functools import lru_cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy import bindparam

from kalends.credentials import Bearer, Token
from kalends.model import Actor
from kalends.reads.paging import Page, first_column, key_values, paged, read_page
from kalends.store.database import ReadTx
from kalends.store.query import Query
from kalends.store.tables import token
from kalends.store.tokens import COLUMNS, IN_USE, find_bearer, token_from


def list_tokens(
    tx: ReadTx, actor: Actor, limit: int, *, ended: bool = False, after: int | None = None
) -> Page[Token, int]:
    """Return a page of the actor's own tokens, or for an operator of all in the organization, oldest first.

    If `ended` is true, revoked and expired tokens are included.
    """
    values: dict[str, Any] = {} if actor.user_id is None else {"user_id": actor.user_id}
    values |= {} if ended else {"now": tx.now}
    query = list_statement(own=actor.user_id is not None, ended=ended, continued=after is not None)
    values |= key_values(after)
    return read_page(tx, query, limit, token_from, first_column, org=actor.organization_id, **values)


@lru_cache
def list_statement(*, own: bool, ended: bool, continued: bool) -> Query:
    """Return the statement: a scan along the ids of an organization, or the few tokens of a person."""
    where: list[sa.ColumnElement[bool]] = [token.c.organization_id == bindparam("org")]
    if own:
        where.append(token.c.user_id == bindparam("user_id"))
    if not ended:
        where += IN_USE
    return Query(paged(sa.select(*COLUMNS).where(*where), token.c.id, continued=continued))


def read_bearer(tx: ReadTx, actor: Actor) -> Bearer:
    """Return the token that the actor uses, with its organization and user."""
    return find_bearer(tx, actor)
