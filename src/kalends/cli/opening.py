"""Functions that commands share: settings, operator, and database, which only some commands migrate or create."""

import os
import re
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import click
from msgspec import structs

from kalends.characters import LINE, misfit
from kalends.errors import BadSetting, BadValue
from kalends.model import Actor, OrganizationId
from kalends.reads.health import check_readiness
from kalends.rest.wire import read_id
from kalends.settings import Settings, settings_from
from kalends.store.connection_log import explained_failures
from kalends.store.database import Database
from kalends.store.organizations import DEFAULT_ORGANIZATION, organization_exists
from kalends.store.schema import migrate
from kalends.store.writer_lock import writer_lock_path

OPERATOR = Actor(DEFAULT_ORGANIZATION)
"""The actor of all commands: a user of the machine who can read the database may do everything in it."""

LONGEST_NAME = 200

DEMO_FOLDER = "kalends-demo-"
"""Prefix of the name of a demo's temporary folder."""

LOST_FILE = (
    "there is no file {path}, but {mark} beside it shows that there was one; "
    "restore it, or create a new database: kalends db migrate"
)

organization_option = click.option(
    "--org", help="Id of the organization (see `kalends org list`); by default, the one that a new installation has."
)


def operator_of(database: Database, org: str | None) -> Actor:
    """Return the operator of the organization that `--org` names. Raise BadParameter."""
    if org is None:
        return OPERATOR
    try:
        found = OrganizationId(read_id(OrganizationId, org))
    except BadValue as error:
        raise click.BadParameter(str(error), param_hint="--org") from error
    if not database.read(lambda tx: organization_exists(tx, found)):
        raise click.BadParameter(f"there is no organization {org}", param_hint="--org")
    return Actor(found)


def checked_name(name: str, hint: str) -> str:
    """Return a name if it follows the rule for names of one line. Raise BadParameter."""
    if len(name) > LONGEST_NAME:
        raise click.BadParameter(f"must be at most {LONGEST_NAME} characters, not {len(name)}", param_hint=hint)
    if not re.match(LINE, name):
        raise click.BadParameter(misfit(name)[1], param_hint=hint)
    return name


def read_settings() -> Settings:
    """Return the settings from the environment. Raise BadSetting."""
    return settings_from(os.environ)


@contextmanager
def open_database(settings: Settings) -> Generator[Database]:
    """Open the database, and migrate it if it is empty or older; a lost file is not created again.

    Raise BadSetting, SchemaMismatch or Unavailable.
    """
    with connected(settings) as database:
        refuse_lost_file(database)
        migrate(database)
        yield database


@contextmanager
def existing_database(settings: Settings, *, ready: bool = True) -> Generator[Database]:
    """Open an existing database, with the needed schema if it has to be `ready`.

    Raise BadSetting, SchemaMismatch or Unavailable.
    """
    with connected(settings) as database:
        if path := missing_file(database):
            raise BadSetting(
                "KALENDS_DATABASE_URL", f"there is no file {path}; to create a new database, run: kalends db migrate"
            )
        if ready:
            database.read(check_readiness)
        yield database


@contextmanager
def connected(settings: Settings) -> Generator[Database]:
    """Open the database, with reads without a time limit. If it cannot be reached, Unavailable has the reason."""
    with explained_failures():
        database = Database(structs.replace(settings, read_timeout_ms=0))
        try:
            yield database
        finally:
            database.close()


def missing_file(database: Database) -> Path | None:
    """Return the file of the database if it is missing."""
    path = database.path
    return None if path is None or path.exists() else path


def refuse_lost_file(database: Database) -> None:
    """Raise BadSetting if the file of a database is lost: a new, empty one would replace it without notice."""
    path = missing_file(database)
    if path is not None and writer_lock_path(path).exists():
        raise BadSetting("KALENDS_DATABASE_URL", LOST_FILE.format(path=path, mark=writer_lock_path(path).name))
