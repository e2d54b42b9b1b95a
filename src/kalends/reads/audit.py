"""Reading the audit log: page by page, newest first, for operators only."""

from functools import lru_cache
from typing import Any

import sqlalchemy as sa
from msgspec import Struct
from sqlalchemy import bindparam

from kalends.model import Actor, Instant, TokenId, UserId
from kalends.reads.paging import Page, first_column, key_values, paged, read_page
from kalends.rules.access import is_operator, refuse_unless
from kalends.rules.audit import AuditEntry
from kalends.store.audit import COLUMNS, audit_entry_from
from kalends.store.database import ReadTx
from kalends.store.query import Query
from kalends.store.tables import audit


class AuditFilter(Struct, frozen=True, kw_only=True):
    """The filters of a list of entries; an entry has to match all that are given."""

    object_id: int | None = None
    user_id: UserId | None = None
    """The actor."""
    token_id: TokenId | None = None
    since: Instant | None = None
    until: Instant | None = None
    """Entries of `[since, until)`."""
    older_than: int | None = None
    """The id of the last entry of the page before."""


CONDITIONS = {
    "object_id": audit.c.object_id == bindparam("object_id"),
    "user_id": audit.c.user_id == bindparam("user_id"),
    "token_id": audit.c.token_id == bindparam("token_id"),
    "since": audit.c.at >= bindparam("since"),
    "until": audit.c.at < bindparam("until"),
}


def list_audit_entries(tx: ReadTx, actor: Actor, wanted: AuditFilter, limit: int) -> Page[AuditEntry, int]:
    """Return a page of the audit log, newest first.

    Raise Forbidden unless the actor is an operator who does not act for a user.
    """
    refuse_unless(is_operator(actor), "Only operators can read the audit log")
    values: dict[str, Any] = {name: value for name in CONDITIONS if (value := getattr(wanted, name)) is not None}
    query = list_statement(frozenset(values), continued=wanted.older_than is not None)
    values |= key_values(wanted.older_than)
    return read_page(tx, query, limit, audit_entry_from, first_column, org=actor.organization_id, **values)


@lru_cache(maxsize=64)
def list_statement(filters: frozenset[str], *, continued: bool) -> Query:
    """Return the statement: a backward scan along the ids of an organization, or of one object, without a sort."""
    where = [condition for name, condition in CONDITIONS.items() if name in filters]
    statement = sa.select(*COLUMNS).where(audit.c.organization_id == bindparam("org"), *where)
    return Query(paged(statement, audit.c.id, continued=continued, descending=True))
