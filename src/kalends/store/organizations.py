"""Rows of organizations; a new installation has one, which users need not know about."""

import sqlalchemy as sa
from msgspec import structs
from sqlalchemy import bindparam

from kalends.credentials import Organization
from kalends.model import Instant, OrganizationId
from kalends.store.database import ReadTx, WriteTx
from kalends.store.query import Query
from kalends.store.tables import organization

DEFAULT_ORGANIZATION = OrganizationId(1)
"""The organization that the first migration creates."""

DEMO = "Kalends demo"
"""Its name if it has the data of the demo, whose token was printed on a screen."""

COLUMNS = tuple(organization.c[name] for name in Organization.__struct_fields__)
LIST = Query(sa.select(*COLUMNS).order_by(organization.c.id))
FIND = Query(sa.select(*COLUMNS).where(organization.c.id == bindparam("id")))
INSERT = Query(sa.insert(organization))
RENAME = Query(sa.update(organization).where(organization.c.id == bindparam("at")).values(name=bindparam("new_name")))


def list_organizations(tx: ReadTx) -> list[Organization]:
    """Return all organizations, oldest first: for the administrator of the server, never for callers of the API."""
    return [Organization(OrganizationId(row[0]), row[1], Instant(row[2])) for row in tx.rows(LIST)]


def organization_exists(tx: ReadTx, organization_id: OrganizationId) -> bool:
    """Return whether an organization exists."""
    return tx.row(FIND, id=organization_id) is not None


def insert_organization(tx: WriteTx, made: Organization) -> None:
    """Store a new organization."""
    tx.run(INSERT, **structs.asdict(made))


def mark_as_demo(tx: WriteTx) -> None:
    """Mark the database as filled by the demo."""
    tx.run(RENAME, at=DEFAULT_ORGANIZATION, new_name=DEMO)


def is_demo(tx: ReadTx) -> bool:
    """Return whether the demo has filled this database."""
    row = tx.row(FIND, id=DEFAULT_ORGANIZATION)
    return row is not None and row[1] == DEMO
