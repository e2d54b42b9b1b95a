"""Reading schedules from files; errors name the line, or all items with faults."""

import codecs
import json
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import click
import msgspec

from kalends.actions.schedule import Schedule, rules_broken
from kalends.errors import Fault, Invalid
from kalends.http.errors import Malformed
from kalends.rest.decoding import read_json
from kalends.rest.wire import read_struct

NEWLINE = b"\n"


class ScheduleFile(NamedTuple):
    """A file: its name in messages, its schedule, and the JSON that this was decoded from."""

    name: str
    schedule: Schedule
    written: Any

    def item_name(self, where: tuple[str | int, ...]) -> str:
        """Return the name of a place in the file."""
        return item_name(self.written, where)

    def broken(self, faults: tuple[Fault, ...]) -> click.ClickException:
        """Return the error that lists all faults of the file."""
        return broken(self.name, self.written, faults)


def read_schedule(file: Path) -> ScheduleFile:
    """Read a file, or standard input if it is `-`. Raise ClickException with the line, or with every wrong item."""
    is_stdin = file == Path("-")
    name = "standard input" if is_stdin else str(file)
    raw = (sys.stdin.buffer.read() if is_stdin else file.read_bytes()).removeprefix(codecs.BOM_UTF8)
    try:
        raw.decode()
    except UnicodeDecodeError as error:
        raise unreadable(name, raw[: error.start], "the file is not UTF-8") from error
    try:
        written = read_json(raw)
    except Invalid as error:
        raise broken(name, msgspec.json.decode(raw), error.faults) from error
    except Malformed as error:
        read = raw.rstrip() if error.byte is None else raw[: error.byte]
        raise unreadable(name, read, error.reason.replace("the body", "the file")) from error
    misshapen: tuple[Fault, ...] = ()
    try:
        schedule = read_struct(Schedule, written)
    except Invalid as error:
        schedule, misshapen = None, error.faults
    known = {fault.where for fault in misshapen}
    faults = (*misshapen, *(fault for fault in rules_broken(written) if fault.where not in known))
    if schedule is None or faults:
        raise broken(name, written, tuple(sorted(faults, key=place_of)))
    return ScheduleFile(name, schedule, written)


def place_of(fault: Fault) -> tuple[int, int]:
    """Return the sort key of a fault: the file first, then people, then events, each by its place."""
    section, place = fault.where[:2] if len(fault.where) > 1 else ("", 0)
    return ("", "people", "events").index(str(section)), int(place)


def unreadable(name: str, read: bytes, reason: str) -> click.ClickException:
    """Return the error of a file that cannot be decoded, with the line at which it breaks."""
    return click.ClickException(f"{name}, line {read.count(NEWLINE) + 1}: {reason}; nothing was imported")


def broken(name: str, written: Any, faults: tuple[Fault, ...]) -> click.ClickException:
    """Return the error that lists all faults of a file, by item."""
    lines = [f"  {item_name(written, fault.where)}: {fault.message}" for fault in faults]
    return click.ClickException("\n".join([f"{name} has errors, nothing was imported:", *lines]))


def item_name(written: Any, where: tuple[str | int, ...]) -> str:
    """Return the name of a place in a file, such as `events[3] start (ref "6561")`."""
    name = "".join(f"[{part}]" if isinstance(part, int) else f" {part}" for part in where).strip()
    with suppress(LookupError, TypeError):
        name += f" (ref {json.dumps(written[where[0]][where[1]]['ref'], ensure_ascii=False)})"
    return name or "the file"
