"""Migration of a database to the schema that this version needs, and never to an older one."""

import threading

import sqlalchemy as sa

from kalends.errors import SchemaMismatch
from kalends.store import tables
from kalends.store.database import Database
from kalends.store.revision import EMPTY, MIGRATIONS, NEEDED, REVISIONS, VERSION, VERSION_TABLE
from kalends.store.zone_data import load_zone_data

ALEMBIC = threading.Lock()
"""Alembic's environment is global: two threads would write into each other's database."""


def migrate(database: Database) -> tuple[str, str]:
    """Migrate the database to the needed schema; return the version it had and the one it has now.

    One process at a time migrates, in one transaction; others wait and then find nothing left to do.
    Raise SchemaMismatch for a database that is newer or not of Kalends, Unavailable if it cannot be reached.
    """
    return database.change_schema(upgrade), NEEDED


def upgrade(connection: sa.Connection) -> str:
    """Run the missing migrations and return the version found. Raise SchemaMismatch."""
    found = version_of(connection)
    if found not in REVISIONS | {EMPTY}:
        raise SchemaMismatch(found, NEEDED, "it was made by a newer version of Kalends: install that version")
    if found == EMPTY and set(sa.inspect(connection).get_table_names()) & set(tables.metadata.tables):
        raise SchemaMismatch("unknown", NEEDED, "it has tables of another program: name an empty database")
    if found != NEEDED:
        run_migrations(connection)
    if found == EMPTY:  # no events yet, so no instants of another release
        release = load_zone_data().release
        connection.execute(sa.update(tables.zone_data).values(release=release, target=release))
    return found


def run_migrations(connection: sa.Connection) -> None:
    """Run all missing migrations. Alembic is loaded for that only, as it takes 8 MB and 0.1 s."""
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    with ALEMBIC:
        command.upgrade(config, "head")


def version_of(connection: sa.Connection) -> str:
    """Return the schema version of a database, `empty` if it has none."""
    if not sa.inspect(connection).has_table(VERSION_TABLE):
        return EMPTY
    return connection.execute(VERSION).scalar() or EMPTY
