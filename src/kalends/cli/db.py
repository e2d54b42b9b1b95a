"""kalends db: the care of the database."""

import sys

import click

from kalends.cli.opening import connected, existing_database, read_settings
from kalends.cli.retiming import rehearse, retime, summary
from kalends.reads.integrity import find_inconsistencies
from kalends.reads.zone_times import find_stale_times
from kalends.store.schema import NEEDED, migrate
from kalends.store.zone_data import load_zone_data


@click.group(name="db", epilog="Example:  kalends db migrate")
def command() -> None:
    """Migrate, check, retime and back up the database."""


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
        release = load_zone_data().release
        troubles = database.read(find_inconsistencies) + database.read(lambda tx: find_stale_times(tx, release))
    for trouble in troubles:
        click.echo(trouble)
    if troubles:
        sys.exit(1)
    click.echo(f"Schema {NEEDED}, contents consistent.", err=True)


@command.command(name="retime", epilog="Example:  kalends db retime --dry-run")
@click.option("--dry-run", is_flag=True, help="Say what would be moved, in one transaction that is rolled back.")
def bring_to_zone_data(dry_run: bool) -> None:
    """Move events that have not ended to where the zone data of this Kalends have their wall-clock times.

    `serve` does it when it starts, but never to older zone data than the database follows. New double bookings are
    named on stdout. Answers stay, and each moved event gets a new version and an entry in the audit log.
    """
    with existing_database(read_settings()) as database:
        if dry_run:
            done, lines = database.write(rehearse, rehearse=True)
            for line in lines:
                click.echo(line)
        else:
            done = retime(database.write, click.echo)
    for line in summary(done, "Events that would move" if dry_run else "Events moved"):
        click.echo(line, err=True)


@command.command(epilog="Example:  kalends db backup before-upgrade.db")
@click.argument("target", type=click.Path(dir_okay=False))
def backup(target: str) -> None:
    """Save a consistent copy to a new file TARGET while serving goes on.

    Of SQLite it is a database to open in its place, of PostgreSQL an archive for pg_restore.
    """
    with existing_database(read_settings(), ready=False) as database:
        database.backup(target)
    click.echo(f"Saved {target}.", err=True)
