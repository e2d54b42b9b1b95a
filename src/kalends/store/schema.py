"""Bringing a database to the schema that this Kalends needs: never past it, never backwards."""

import threading

import sqlalchemy as sa

from kalends.errors import SchemaMismatch
from kalends.store import tables
from kalends.store.database import Database
from kalends.store.revision import EMPTY, MIGRATIONS, NEEDED, REVISIONS, VERSION, VERSION_TABLE
from kalends.store.zone_data import load_zone_data

ALEMBIC = threading.Lock()
"""Its environment is one for the whole process: two threads would write into each other's databases."""


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
