"""Rows of shares of calendars."""

import sqlalchemy as sa
from sqlalchemy import bindparam

from kalends.model import Actor, Instant, OrganizationId, Share, SharingLevel, UserId
from kalends.store.database import ReadTx, Row, WriteTx
from kalends.store.query import Query
from kalends.store.tables import share

COLUMNS = tuple(share.c[name] for name in Share.__struct_fields__)

WITH_PERSON = Query(
    sa.select(*COLUMNS).where(share.c.organization_id == bindparam("org"), share.c.user_id == bindparam("id"))
)
BY_PERSON = Query(
    sa.select(*COLUMNS).where(share.c.organization_id == bindparam("org"), share.c.owner_id == bindparam("id"))
)
AT = (share.c.user_id == bindparam("at_user"), share.c.owner_id == bindparam("at_owner"))
INSERT = Query(sa.insert(share))
UPDATE = Query(sa.update(share).where(*AT).values(level=bindparam("level"), updated_at=bindparam("updated_at")))
DELETE = Query(sa.delete(share).where(*AT))


def share_from(row: Row) -> Share:
    """Return the share of a row of COLUMNS."""
    owner_id, user_id, level, updated_at = row
    return Share(UserId(owner_id), UserId(user_id), SharingLevel(level), Instant(updated_at))


def shares_with(tx: ReadTx, organization_id: OrganizationId, user_id: UserId) -> list[Share]:
    """Return the shares of other calendars with a person, in the order of the owners' ids."""
    found = [share_from(row) for row in tx.rows(WITH_PERSON, org=organization_id, id=user_id)]
    return sorted(found, key=lambda share: share.owner_id)


def shares_by(tx: ReadTx, actor: Actor, owner_id: UserId) -> list[Share]:
    """Return the shares of a person's calendar with others, in the order of their ids."""
    found = [share_from(row) for row in tx.rows(BY_PERSON, org=actor.organization_id, id=owner_id)]
    return sorted(found, key=lambda share: share.user_id)


def insert_share(tx: WriteTx, actor: Actor, made: Share) -> None:
    """Store a new share."""
    own = {"organization_id": actor.organization_id, "owner_id": made.owner_id, "user_id": made.user_id}
    tx.run(INSERT, **own, level=made.level.value, updated_at=made.updated_at)


def update_share(tx: WriteTx, made: Share) -> None:
    """Store another level of a share."""
    at = {"at_owner": made.owner_id, "at_user": made.user_id}
    tx.run(UPDATE, **at, level=made.level.value, updated_at=made.updated_at)


def delete_share_row(tx: WriteTx, owner_id: UserId, user_id: UserId) -> None:
    """Remove a share."""
    tx.run(DELETE, at_owner=owner_id, at_user=user_id)
