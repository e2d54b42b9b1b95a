"""Rows of organizations; a fresh install has one, and nobody has to know of it."""

import sqlalchemy as sa
from msgspec import structs
from sqlalchemy import bindparam

from kalends.credentials import Organization
from kalends.model import Instant, OrganizationId
from kalends.store.database import ReadTx, WriteTx
from kalends.store.query import Query
from kalends.store.tables import organization

DEFAULT_ORGANIZATION = OrganizationId(1)
"""Made by the first migration."""

DEMO = "Kalends demo"
"""Its name where it holds the sample of the demo, and a token that somebody has seen on a screen."""

COLUMNS = tuple(organization.c[name] for name in Organization.__struct_fields__)
LIST = Query(sa.select(*COLUMNS).order_by(organization.c.id))
FIND = Query(sa.select(*COLUMNS).where(organization.c.id == bindparam("id")))
INSERT = Query(sa.insert(organization))
RENAME = Query(sa.update(organization).where(organization.c.id == bindparam("at")).values(name=bindparam("new_name")))


def list_organizations(tx: ReadTx) -> list[Organization]:
    """List all organizations, oldest first: for who runs the service, never for a caller of it."""
    return [Organization(OrganizationId(row[0]), row[1], Instant(row[2])) for row in tx.rows(LIST)]


def organization_exists(tx: ReadTx, organization_id: OrganizationId) -> bool:
    """Return whether there is such an organization."""
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
