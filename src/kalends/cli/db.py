"""kalends db: migrate, check, retime and back up the database."""

import sys

import click

from kalends.cli.opening import connected, existing_database, read_settings
from kalends.cli.retiming import retime, retime_dry_run, summary
from kalends.reads.integrity import find_inconsistencies
from kalends.reads.zone_times import find_stale_times
from kalends.store.revision import NEEDED
from kalends.store.schema import migrate
from kalends.store.zone_data import load_zone_data


@click.group(name="db", epilog="Example:  kalends db migrate")
def command() -> None:
    """Migrate, check, retime and back up the database."""


@command.command(name="migrate", epilog="Example:  KALENDS_DATABASE_URL=sqlite:///team.db kalends db migrate")
def migrate_database() -> None:
    """Migrate an empty or older database to the schema that this version needs; create a SQLite file that is missing.

    `kalends serve` does the same, except that it does not replace a SQLite file that was lost.
    """
    with connected(read_settings()) as database:
        before, after = migrate(database)
    click.echo(f"Already at schema {after}." if before == after else f"Migrated from {before} to {after}.", err=True)


@command.command(epilog="Example:  kalends db check && echo fine")
def check() -> None:
    """Check the schema and the contents. Print inconsistencies on stdout, and exit with 1 if there are any."""
    with existing_database(read_settings()) as database:
        release = load_zone_data().release
        inconsistencies = database.read(find_inconsistencies) + database.read(lambda tx: find_stale_times(tx, release))
    for one in inconsistencies:
        click.echo(one)
    if inconsistencies:
        sys.exit(1)
    click.echo(f"Schema {NEEDED}, contents consistent.", err=True)


@command.command(name="retime", epilog="Example:  kalends db retime --dry-run")
@click.option("--dry-run", is_flag=True, help="Print what would be moved, but change nothing.")
def retime_events(dry_run: bool) -> None:
    """Recalculate the instants of events that have not ended, from their local times and the current zone data.

    `kalends serve` does this when it starts, unless the events were stored with newer zone data. New double bookings
    are printed on stdout. Participants keep their responses; each event that moves gets a new version and an
    entry in the audit log.
    """
    with existing_database(read_settings()) as database:
        if dry_run:
            done, lines = database.write(retime_dry_run, dry_run=True)
            for line in lines:
                click.echo(line)
        else:
            done = retime(database.write, click.echo)
    for line in summary(done, "Events that would move" if dry_run else "Events moved"):
        click.echo(line, err=True)


@command.command(epilog="Example:  kalends db backup before-upgrade.db")
@click.argument("target", type=click.Path(dir_okay=False))
def backup(target: str) -> None:
    """Save a consistent copy of the database to a new file TARGET; servers may keep running.

    For SQLite, TARGET is a database file. For PostgreSQL, it is an archive for pg_restore.
    """
    with existing_database(read_settings(), ready=False) as database:
        database.backup(target)
    click.echo(f"Saved {target}.", err=True)
