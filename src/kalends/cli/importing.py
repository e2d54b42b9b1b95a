"""kalends import: a file of people and events."""

import codecs
import json
import re
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import click
import msgspec
from rich.console import Console
from rich.progress import Progress

from kalends.actions.booking import OnConflict
from kalends.actions.imports import ImportReport, Schedule, import_schedule
from kalends.cli.opening import (
    checked_name,
    existing_database,
    open_database,
    operator_of,
    organization_option,
    read_settings,
)
from kalends.errors import Fault, Invalid
from kalends.rest.incoming import LONE_SURROGATE, read_json
from kalends.rest.problems import Malformed
from kalends.rest.wire import read_struct
from kalends.store.database import WriteTx
from kalends.store.zone_data import load_zone_data
from kalends.store.zone_release import refuse_other_release

AT_BYTE = re.compile(r" at byte (\d+)$")
NEWLINE = b"\n"
LEFT_OUT = 5
"""Exit code: some events would have booked somebody twice and were left out, the others were added."""


@click.command(name="import", epilog="Example:  kalends import schedule.json --dry-run")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--dry-run", is_flag=True, help="Check everything, say what would be added, and add nothing.")
@click.option(
    "--on-conflict",
    type=click.Choice(list(OnConflict)),
    default=OnConflict.allow,
    show_default=True,
    help="Events that book somebody twice: leave them out and exit with 5, or add them. They are named in any case.",
)
@organization_option
@click.option("--source", help="What the refs in FILE belong to; by default the name of FILE without its ending.")
def command(file: Path, dry_run: bool, on_conflict: OnConflict, org: str | None, source: str | None) -> None:
    """Import people and events from FILE; of a broken file nothing.

    FILE is JSON: {"time_zone", "people": [{"ref", "name", "email"?, "time_zone"?, "metadata"?}], "events": [{"ref",
    "title", "start", "end", "host", "participants"?, "time_zone"?, "description"?, "location"?, "status"?,
    "metadata"?}]}. host and participants are refs of people; a participant may be {"ref", "role"}. What an import of
    the same source has added before stays as it is, so that importing again adds only what is new.
    """
    source = checked_name(source or file.stem, "--source")
    schedule, written = read_schedule(file)
    settings = read_settings()
    with (
        existing_database(settings) if dry_run else open_database(settings) as database,
        Progress(console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty()) as progress,
    ):
        database.read(lambda tx: refuse_other_release(tx, load_zone_data().release))
        operator = operator_of(database, org)
        bar = progress.add_task("Importing", total=len(schedule.people) + len(schedule.events))

        def work(tx: WriteTx) -> ImportReport:
            progress.reset(bar)  # a transaction may be tried again
            return import_schedule(tx, operator, schedule, source, lambda: progress.advance(bar), on_conflict)

        try:
            report = database.write(work, rehearse=dry_run)
        except Invalid as error:
            raise broken(file, written, error.faults) from error
    done = "would be added" if dry_run else "added"
    click.echo(f"people: {report.people_added} {done}, {report.people_known} known")
    click.echo(f"events: {report.events_added} {done}, {report.events_known} known")
    for one in report.double_bookings:
        event = schedule.events[one.place]
        left_out = " (left out)" if on_conflict is OnConflict.reject else ""
        place = item_name(written, ("events", one.place))
        click.echo(f"double booking{left_out}: {place} {event.title}, {event.start}: {', '.join(one.names)}", err=True)
    if report.double_bookings and on_conflict is OnConflict.reject:
        sys.exit(LEFT_OUT)


def read_schedule(file: Path) -> tuple[Schedule, Any]:
    """Read a file; give it, and as it was written. Raises ClickException that names the line or every wrong item."""
    raw = file.read_bytes().removeprefix(codecs.BOM_UTF8)
    try:
        raw.decode()
    except UnicodeDecodeError as error:
        raise unreadable(file, raw[: error.start], "the file is not UTF-8") from error
    try:
        value = read_json(raw)
        return read_struct(Schedule, value), value
    except Invalid as error:
        raise broken(file, msgspec.json.decode(raw), error.faults) from error
    except Malformed as error:
        read, reason = trouble_in(raw, error)
        raise unreadable(file, read, reason) from error


def trouble_in(raw: bytes, error: Malformed) -> tuple[bytes, str]:
    """Give what could be read of a file, and why no more: it may also have ended too early."""
    reason = error.reason.replace("the body", "the file")
    found, lone = AT_BYTE.search(reason), LONE_SURROGATE.search(raw)
    if found:
        return raw[: int(found[1])], AT_BYTE.sub("", reason)
    return (raw[: lone.start()] if lone else raw.rstrip()), reason


def unreadable(file: Path, read: bytes, reason: str) -> click.ClickException:
    """Say in which line a file stops making sense."""
    return click.ClickException(f"{file}, line {read.count(NEWLINE) + 1}: {reason}; nothing was imported")


def broken(file: Path, written: Any, faults: tuple[Fault, ...]) -> click.ClickException:
    """Say everything that is wrong in a file, by item."""
    lines = [f"  {item_name(written, fault.where)}: {fault.message}" for fault in faults]
    return click.ClickException("\n".join([f"{file} is broken, nothing was imported:", *lines]))


def item_name(written: Any, where: tuple[str | int, ...]) -> str:
    """Name a place in a file such as `events[3] start (ref "6561")`."""
    name = "".join(f"[{part}]" if isinstance(part, int) else f" {part}" for part in where).strip()
    with suppress(LookupError, TypeError):
        name += f" (ref {json.dumps(written[where[0]][where[1]]['ref'], ensure_ascii=False)})"
    return name or "the file"
