"""The revision of the schema that this version of Kalends needs, and the one that a database has.

Revisions are numbered 0001, 0002, … so that the numbers alone show which one is newer.
"""

import re
from pathlib import Path

import sqlalchemy as sa

from kalends.errors import SchemaMismatch
from kalends.store.query import Query, TableExists

MIGRATIONS = Path(__file__).parent / "migrations"
VERSION_TABLE = "kalends_version"
REVISIONS = {found[0] for path in MIGRATIONS.glob("versions/*.py") if (found := re.match(r"\d{4}", path.name))}
NEEDED = max(REVISIONS)
EMPTY = "empty"
MIGRATE = "run: kalends db migrate"
"""The advice for a schema that is empty or older."""

VERSION = sa.select(sa.column("version_num", sa.Text)).select_from(sa.table(VERSION_TABLE))
VERSION_QUERY = Query(VERSION)
HAS_VERSION = Query(sa.select(TableExists(VERSION_TABLE)))


def refuse_other_revision(found: str) -> None:
    """Raise SchemaMismatch unless a database has exactly the schema that this version of Kalends needs."""
    if found != NEEDED:
        advice = MIGRATE if found < NEEDED or found == EMPTY else "install the version of Kalends that made it"
        raise SchemaMismatch(found, NEEDED, advice)
