"""What commands share: the settings, and the database brought to the schema that this Kalends needs."""

import os
from collections.abc import Generator
from contextlib import contextmanager

from kalends.model import Actor
from kalends.settings import Settings, settings_from
from kalends.store.database import Database
from kalends.store.organizations import DEFAULT_ORGANIZATION
from kalends.store.schema import migrate

OPERATOR = Actor(DEFAULT_ORGANIZATION)
"""Who runs commands: whoever can read the database may do everything in it."""


def read_settings() -> Settings:
    """Give the settings of the environment. Raises BadSetting."""
    return settings_from(os.environ)


@contextmanager
def open_database(settings: Settings) -> Generator[Database]:
    """Open the database, migrated if it is empty or older. Raises BadSetting, SchemaMismatch or Unavailable."""
    database = Database(settings)
    try:
        migrate(database)
        yield database
    finally:
        database.close()
