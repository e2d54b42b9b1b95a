"""Bringing a database to the schema that this Kalends needs: never past it, never backwards.

Revisions are numbered 0001, 0002, … so that older and newer can be told apart by the number alone.
"""

import re
import threading
from pathlib import Path

import sqlalchemy as sa

from kalends.errors import SchemaMismatch
from kalends.store import tables
from kalends.store.database import Database, ReadTx
from kalends.store.query import Query, TableExists
from kalends.store.zone_data import load_zone_data

MIGRATIONS = Path(__file__).parent / "migrations"
VERSION_TABLE = "kalends_version"
REVISIONS = {found[0] for path in MIGRATIONS.glob("versions/*.py") if (found := re.match(r"\d{4}", path.name))}
NEEDED = max(REVISIONS)
EMPTY = "empty"
MIGRATE = "run: kalends db migrate"
"""What to do about a schema that is empty or older."""


ALEMBIC = threading.Lock()
"""Its environment is one for the whole process: two threads would write into each other's databases."""

VERSION = sa.select(sa.column("version_num", sa.Text)).select_from(sa.table(VERSION_TABLE))
VERSION_QUERY = Query(VERSION)
HAS_VERSION = Query(sa.select(TableExists(VERSION_TABLE)))


def migrate(database: Database) -> tuple[str, str]:
    """Bring the database to the needed schema; give the version found and the one it has now.

    One process at a time does it, in one transaction; others wait and then find nothing left to do.
    Raises SchemaMismatch for a database that is newer or not of Kalends, Unavailable if it cannot be reached.
    """
    return database.change_schema(upgrade), NEEDED


def upgrade(connection: sa.Connection) -> str:
    """Run what is missing and give the version found. Raises SchemaMismatch."""
    found = version_of(connection)
    if found not in REVISIONS | {EMPTY}:
        raise SchemaMismatch(found, NEEDED, "it was made by a newer Kalends, which has to be installed")
    if found == EMPTY and set(sa.inspect(connection).get_table_names()) & set(tables.metadata.tables):
        raise SchemaMismatch("unknown", NEEDED, "it holds tables of something else; name an empty database")
    if found != NEEDED:
        run_migrations(connection)
    if found == EMPTY:  # nothing was derived with any other release
        release = load_zone_data().release
        connection.execute(sa.update(tables.zone_data).values(release=release, target=release))
    return found


def run_migrations(connection: sa.Connection) -> None:
    """Run all revisions that the database has not seen; only then is Alembic loaded, which is 8 MB and 0.1 s."""
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    with ALEMBIC:
        command.upgrade(config, "head")


def version_of(connection: sa.Connection) -> str:
    """Give the schema version of a database, `empty` if it has none."""
    if not sa.inspect(connection).has_table(VERSION_TABLE):
        return EMPTY
    return connection.execute(VERSION).scalar() or EMPTY


def refuse_other_schema(tx: ReadTx) -> None:
    """Raise SchemaMismatch unless the database has exactly the schema that this Kalends needs."""
    known = tx.row(HAS_VERSION)
    found = tx.row(VERSION_QUERY) if known and known[0] else None
    version = found[0] if found else EMPTY
    if version != NEEDED:
        advice = MIGRATE if version < NEEDED or version == EMPTY else "install that Kalends"
        raise SchemaMismatch(version, NEEDED, advice)
