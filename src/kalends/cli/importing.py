"""kalends import: add the people and events of a file."""

import sys
from functools import partial
from pathlib import Path

import click
from rich.console import Console
from rich.progress import Progress

from kalends.actions.booking import OnConflict
from kalends.actions.imports import ImportReport, import_schedule
from kalends.cli.opening import (
    checked_name,
    existing_database,
    open_database,
    operator_of,
    organization_option,
    read_settings,
)
from kalends.cli.schedule_file import ScheduleFile, read_schedule
from kalends.errors import Invalid
from kalends.store.database import WriteTx
from kalends.store.zone_data import load_zone_data
from kalends.store.zone_release import refuse_other_release

STDIN = Path("-")
LEFT_OUT = 5
"""The exit code if events that would have booked somebody twice were left out, and all others were added."""


@click.command(name="import", epilog="Example:  kalends import schedule.json --dry-run")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, allow_dash=True, path_type=Path))
@click.option("--dry-run", is_flag=True, help="Check the file and print what would be added, but add nothing.")
@click.option(
    "--on-conflict",
    type=click.Choice([choice.value for choice in OnConflict]),
    default=OnConflict.allow.value,
    show_default=True,
    help="Whether to add events that book somebody twice (allow), or to leave them out and exit with 5 (reject). "
    "Both print them.",
)
@click.option(
    "--merge",
    is_flag=True,
    help="Merge people with the users who have their addresses, and print them. Without it, such a person is an error.",
)
@organization_option
@click.option(
    "--source", metavar="NAME", help="Where the refs come from; by default, the name of FILE without its extension."
)
def command(file: Path, dry_run: bool, on_conflict: str, merge: bool, org: str | None, source: str | None) -> None:
    """Import people and events from FILE, a JSON document; `-` reads standard input.

    \b
    {"time_zone": "Europe/Lisbon",
     "people": [{"ref", "name", "email"?, "time_zone"?, "metadata"?}, ...],
     "events": [{"ref", "title", "start", "end", "host", "participants"?,
                 "time_zone"?, "description"?, "location"?, "status"?,
                 "metadata"?}, ...]}

    Members with a question mark are optional, and so is "events". "host" and "participants" are refs of people; a
    participant may also be {"ref", "role"}.

    If FILE has errors, all of them are listed and nothing is imported. Items that were imported from the same source
    before stay as they are, so importing a file again adds only new ones.
    """  # noqa: D301 (Click keeps the lines of a paragraph after a backspace)
    source = source_of(file, source)
    read, choice = read_schedule(file), OnConflict(on_conflict)
    settings = read_settings()
    with (
        existing_database(settings) if dry_run else open_database(settings) as database,
        Progress(console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty()) as progress,
    ):
        database.read(lambda tx: refuse_other_release(tx, load_zone_data().release))
        operator = operator_of(database, org)
        bar = progress.add_task("Importing", total=len(read.schedule.people) + len(read.schedule.events))

        def work(tx: WriteTx) -> ImportReport:
            progress.reset(bar)  # a transaction may be tried again
            on_item = partial(progress.advance, bar)
            return import_schedule(tx, operator, read.schedule, source, on_item, choice, merge=merge)

        try:
            report = database.write(work, dry_run=dry_run)
        except Invalid as error:
            raise read.broken(error.faults) from error
    print_report(read, report, "would be added" if dry_run else "added", left_out=choice is OnConflict.reject)
    if report.double_bookings and choice is OnConflict.reject:
        sys.exit(LEFT_OUT)


def source_of(file: Path, named: str | None) -> str:
    """Return the name of the source that the refs of a file belong to. Raise BadParameter."""
    if file == STDIN and not named:
        raise click.BadParameter("give the source a name when FILE is standard input", param_hint="--source")
    return checked_name(named or file.stem, "--source")


def print_report(read: ScheduleFile, report: ImportReport, done: str, *, left_out: bool) -> None:
    """Print the numbers of items, and on stderr the people merged with users and the double bookings."""
    click.echo(f"people: {report.people_added} {done}, {report.people_known} known")
    click.echo(f"events: {report.events_added} {done}, {report.events_known} known")
    for one in report.merged:
        name = read.schedule.people[one.place].name
        click.echo(f"merged: {read.item_name(('people', one.place))} {name}: user {one.user_id}", err=True)
    for one in report.double_bookings:
        event, place = read.schedule.events[one.place], read.item_name(("events", one.place))
        kind = "double booking (left out)" if left_out else "double booking"
        click.echo(f"{kind}: {place} {event.title}, {event.start}: {', '.join(one.names)}", err=True)
