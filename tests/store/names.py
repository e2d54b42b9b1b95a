"""Statements for the tests of the store: names of organizations, to which no rule applies."""

import itertools

import sqlalchemy as sa
from sqlalchemy import bindparam as given

from kalends.store.database import ReadTx, WriteTx
from kalends.store.query import Query
from kalends.store.tables import organization

INSERT = Query(sa.insert(organization))
RENAME = Query(sa.update(organization).where(organization.c.id == given("at")).values(name=given("new")))
NAME = Query(sa.select(organization.c.name).where(organization.c.id == given("id")))
LOCK = Query(sa.select(organization.c.name).where(organization.c.id == given("id")).with_for_update())
COUNT = Query(sa.select(sa.func.count()).where(organization.c.name == given("name")))
PROCESS = Query(sa.text("SELECT pg_backend_pid()"))

NUMBERS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {}) SELECT count(*) FROM n"
ENDLESS = Query(sa.text(NUMBERS.format(10**12)))
LONG = Query(sa.text(NUMBERS.format(300_000)))
"""A statement that takes longer than some milliseconds on any machine, and less than some seconds."""

numbers = itertools.count(1)


def new_name() -> str:
    """Return a name that no other test uses."""
    return f"name {next(numbers)}"


def add(tx: WriteTx, name: str, organization_id: int | None = None) -> int:
    """Store a name and return its id."""
    made = organization_id or tx.new_id()
    assert tx.run(INSERT, id=made, name=name, created_at=tx.now) == 1
    return made


def rename(tx: WriteTx, organization_id: int, name: str) -> None:
    """Change a name."""
    assert tx.run(RENAME, at=organization_id, new=name) == 1


def count(tx: ReadTx, name: str) -> int:
    """Return how often a name is stored."""
    return tx.rows(COUNT, name=name)[0][0]
