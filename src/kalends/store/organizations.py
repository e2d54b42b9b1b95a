"""The organization that a fresh install has; nobody has to know of it."""

import sqlalchemy as sa
from sqlalchemy import bindparam as given

from kalends.model import OrganizationId
from kalends.store.database import ReadTx, WriteTx
from kalends.store.query import Query
from kalends.store.tables import organization

DEFAULT_ORGANIZATION = OrganizationId(1)
"""Made by the first migration."""

DEMO = "Kalends demo"
"""Its name where it holds the sample of the demo, and a token that somebody has seen on a screen."""

NAME = Query(sa.select(organization.c.name).where(organization.c.id == given("at")))
RENAME = Query(sa.update(organization).where(organization.c.id == given("at")).values(name=given("new_name")))


def mark_as_demo(tx: WriteTx) -> None:
    """Say in the database itself that the demo has filled it."""
    tx.run(RENAME, at=DEFAULT_ORGANIZATION, new_name=DEMO)


def is_demo(tx: ReadTx) -> bool:
    """Tell whether the demo has filled this database."""
    row = tx.row(NAME, at=DEFAULT_ORGANIZATION)
    return row is not None and row[0] == DEMO
