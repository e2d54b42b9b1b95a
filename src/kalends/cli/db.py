"""kalends db: the care of the database."""

import sys

import click

from kalends.cli.opening import connected, existing_database, read_settings
from kalends.reads.integrity import find_inconsistencies
from kalends.store.schema import NEEDED, migrate


@click.group(name="db", epilog="Example:  kalends db migrate")
def command() -> None:
    """Migrate, check and back up the database."""


@command.command(name="migrate", epilog="Example:  KALENDS_DATABASE_URL=sqlite:///team.db kalends db migrate")
def bring_up() -> None:
    """Bring an empty or older database to the schema of this Kalends; `serve` does it, too."""
    with connected(read_settings()) as database:
        before, after = migrate(database)
    click.echo(f"Already at schema {after}." if before == after else f"Migrated from {before} to {after}.", err=True)


@command.command(epilog="Example:  kalends db check && echo fine")
def check() -> None:
    """Check schema and contents; says what is wrong on stdout and then exits with 1."""
    with existing_database(read_settings()) as database:
        troubles = database.read(find_inconsistencies)
    for trouble in troubles:
        click.echo(trouble)
    if troubles:
        sys.exit(1)
    click.echo(f"Schema {NEEDED}, contents consistent.", err=True)


@command.command(epilog="Example:  kalends db backup before-upgrade.db")
@click.argument("target", type=click.Path(dir_okay=False))
def backup(target: str) -> None:
    """Save a consistent copy to a new file TARGET while serving goes on.

    Of SQLite it is a database to open in its place, of PostgreSQL an archive for pg_restore.
    """
    with existing_database(read_settings(), ready=False) as database:
        database.backup(target)
    click.echo(f"Saved {target}.", err=True)
