"""Rows of the audit log: who did what to which object. Rows are added, and none is ever removed.

Only this module writes them, and it is what protects them, not the engine: erasing a person has to remove their name
from old rows, and a trigger that allows that would not stop anybody else who can write.
"""

from collections.abc import Iterable
from typing import Any

import sqlalchemy as sa
from msgspec import structs
from sqlalchemy import bindparam

from kalends.model import (
    Actor,
    AuditId,
    Instant,
    OrganizationId,
    TokenId,
    UserId,
)
from kalends.rules.audit import AuditAction, AuditEntry, ObjectKind
from kalends.store.database import ReadTx, Row, WriteTx
from kalends.store.query import Query
from kalends.store.tables import audit

COLUMNS = tuple(audit.c[name] for name in AuditEntry.__struct_fields__)

PAGE = 500
"""Entries that are searched at a time for those that concern one person."""

INSERT = Query(sa.insert(audit))
NEXT = (
    sa.select(audit.c.id)
    .where(audit.c.organization_id == bindparam("org"), audit.c.id > bindparam("after"))
    .order_by(audit.c.id)
    .limit(sa.literal_column(str(PAGE)))
)
END_OF_PAGE = Query(sa.select(sa.func.max(NEXT.subquery().c.id)))
ON_PAGE = (
    audit.c.organization_id == bindparam("org"),
    audit.c.id > bindparam("after"),
    audit.c.id <= bindparam("last"),
)
OF_PERSON = Query(
    sa.select(*COLUMNS)
    .where(*ON_PAGE, sa.or_(audit.c.user_id == bindparam("id"), audit.c.object_id == bindparam("id")))
    .order_by(audit.c.id)
)
NAMING = Query(
    sa.select(audit.c.id, audit.c.object_kind, audit.c.object_id, audit.c.before, audit.c.after)
    .where(
        *ON_PAGE,
        sa.or_(
            audit.c.object_id == bindparam("id"),
            audit.c.before.like(bindparam("pattern")),
            audit.c.after.like(bindparam("pattern")),
        ),
    )
    .order_by(audit.c.id)
)
REWRITE = Query(
    sa.update(audit)
    .where(audit.c.id == bindparam("at"))
    .values(before=bindparam("before", type_=sa.Text), after=bindparam("after", type_=sa.Text))
)
FORGET_ADDRESSES = Query(
    sa.update(audit)
    .where(*ON_PAGE, audit.c.user_id == bindparam("id"), audit.c.address.is_not(None))
    .values(address=sa.null())
)


def audit_entry_from(row: Row) -> AuditEntry:
    """Return the entry of a row of COLUMNS."""
    record_id, at, token_id, user_id, address, request_id, action, kind, object_id, before, after = row
    object_kind = ObjectKind(kind)
    return AuditEntry(
        id=AuditId(record_id),
        at=Instant(at),
        token_id=None if token_id is None else TokenId(token_id),
        user_id=None if user_id is None else UserId(user_id),
        address=address,
        request_id=request_id,
        action=AuditAction(action),
        object_kind=object_kind,
        object_id=object_kind.id_kind(object_id),
        before=before,
        after=after,
    )


def insert_audit_entries(tx: WriteTx, many: Iterable[tuple[OrganizationId, AuditEntry]]) -> None:
    """Add entries, which may belong to several organizations."""
    tx.run_many(INSERT, [entry_values(organization_id, made) for organization_id, made in many])


def entry_values(organization_id: OrganizationId, made: AuditEntry) -> dict[str, Any]:
    """Return the columns of an entry."""
    kinds = {"action": made.action.value, "object_kind": made.object_kind.value}
    return structs.asdict(made) | kinds | {"organization_id": organization_id}


def end_of_page(tx: ReadTx, actor: Actor, after: int) -> int | None:
    """Return the id of the last of the next PAGE entries after an id, or None if there are no more."""
    row = tx.row(END_OF_PAGE, org=actor.organization_id, after=after)
    return row[0] if row else None


def audit_entries_of_person(tx: ReadTx, actor: Actor, user_id: UserId, after: int, last: int) -> list[AuditEntry]:
    """Return the entries of a page whose actor or object is a person, oldest first."""
    rows = tx.rows(OF_PERSON, org=actor.organization_id, after=after, last=last, id=user_id)
    return [audit_entry_from(row) for row in rows]


def snapshots_naming(
    tx: ReadTx, actor: Actor, user_id: UserId, after: int, last: int
) -> list[tuple[AuditId, ObjectKind, int, str | None, str | None]]:
    """Return id, kind and id of the object, before and after of each entry of a page that names a person."""
    page = {"org": actor.organization_id, "after": after, "last": last}
    rows = tx.rows(NAMING, **page, id=user_id, pattern=f'%"{user_id}"%')
    return [
        (AuditId(record_id), ObjectKind(kind), object_id, before, after)
        for record_id, kind, object_id, before, after in rows
    ]


def rewrite_snapshots(tx: WriteTx, rewritten: Iterable[tuple[AuditId, str | None, str | None]]) -> None:
    """Store snapshots before and after without the data of a person; only for erasing the person."""
    tx.run_many(REWRITE, [{"at": record_id, "before": old, "after": new} for record_id, old, new in rewritten])


def forget_addresses(tx: WriteTx, actor: Actor, user_id: UserId, after: int, last: int) -> None:
    """Remove the network addresses from a person's entries in a page."""
    tx.run(FORGET_ADDRESSES, org=actor.organization_id, after=after, last=last, id=user_id)
