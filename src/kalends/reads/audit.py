"""Reading the audit log: page by page, newest first, for operators alone."""

from functools import lru_cache
from typing import Any

import sqlalchemy as sa
from msgspec import Struct
from sqlalchemy import bindparam

from kalends.model import Actor, Instant, TokenId, UserId
from kalends.rules.access import is_operator, refuse_unless
from kalends.rules.audit import AuditEntry
from kalends.store.audit import COLUMNS, audit_entry_from
from kalends.store.database import ReadTx
from kalends.store.query import Query
from kalends.store.tables import audit


class AuditFilter(Struct, frozen=True, kw_only=True):
    """Which entries to list; all that is given has to hold."""

    object_id: int | None = None
    user_id: UserId | None = None
    """Who did it."""
    token_id: TokenId | None = None
    since: Instant | None = None
    until: Instant | None = None
    """Entries of `[since, until)`."""
    older_than: int | None = None
    """The id of the last entry of the page before."""


class AuditPage(Struct, frozen=True):
    """Some entries, newest first; `next_key` is None on the last page."""

    records: list[AuditEntry]
    next_key: int | None


CONDITIONS = {
    "object_id": audit.c.object_id == bindparam("object_id"),
    "user_id": audit.c.user_id == bindparam("user_id"),
    "token_id": audit.c.token_id == bindparam("token_id"),
    "since": audit.c.at >= bindparam("since"),
    "until": audit.c.at < bindparam("until"),
    "older_than": audit.c.id < bindparam("older_than"),
}


def list_audit_entries(tx: ReadTx, actor: Actor, wanted: AuditFilter, limit: int) -> AuditPage:
    """Give a page of the audit log. Raises Forbidden unless an operator asks who acts for nobody else."""
    refuse_unless(is_operator(actor), "Only operators can read the audit log")
    values: dict[str, Any] = {name: value for name in CONDITIONS if (value := getattr(wanted, name)) is not None}
    rows = tx.rows(list_statement(frozenset(values)), org=actor.organization_id, count=limit + 1, **values)
    page = [audit_entry_from(row) for row in rows[:limit]]
    return AuditPage(page, page[-1].id if len(rows) > limit else None)


@lru_cache(maxsize=64)
def list_statement(filters: frozenset[str]) -> Query:
    """Compose the statement: a scan backwards along the ids of an organization, or of one object, without a sort."""
    where = [condition for name, condition in CONDITIONS.items() if name in filters]
    statement = sa.select(*COLUMNS).where(audit.c.organization_id == bindparam("org"), *where)
    return Query(statement.order_by(audit.c.id.desc()).limit(bindparam("count", type_=sa.Integer)))
