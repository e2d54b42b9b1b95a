"""Retiming of events to the zone data of this process: `kalends db retime`, and the start of a server."""

from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, NamedTuple, TypeVar

from kalends.actions.retiming import BEFORE_ALL, LooseKey, move_page, settle_page
from kalends.rules.zones import release_order
from kalends.store.database import Database, WriteTx
from kalends.store.retiming import DoubleBooking
from kalends.store.zone_data import load_zone_data
from kalends.store.zone_release import begin_retiming, end_retiming, find_release, mismatch

Result = TypeVar("Result")
Run = Callable[[Callable[[WriteTx], Any]], Any]
"""A function that runs a part of the work in a transaction: its own, or that of a dry run."""

Print = Callable[[str], None]


class Retiming(NamedTuple):
    """The result of retiming: the releases before and after, and the numbers of events by zone."""

    before: str | None
    release: str
    moved: Counter[str]
    unknown: Counter[str]
    conflicts: int


def retime(run: Run, print_line: Print) -> Retiming:
    """Move all unfinished events to the instants that the zone data of this process give, and print double bookings.

    Raise ZoneDataMismatch if another process begins to move them to other zone data.
    """
    release = load_zone_data().release
    before = run(partial(begin_retiming, release=release)).release
    moved: Counter[str] = Counter()
    unknown: Counter[str] = Counter()
    last: int | None = 0
    while last is not None:
        page = run(partial(move_page, release=release, after=last))
        last, moved, unknown = page.last, moved + page.moved, unknown + page.unknown
    conflicts = 0
    key: LooseKey | None = BEFORE_ALL
    while key is not None:
        settled = run(partial(settle_page, release=release, after=key))
        key = settled.last
        conflicts += len(settled.conflicts)
        for conflict in settled.conflicts:
            print_line(conflict_line(conflict))
    run(partial(end_retiming, release=release))
    return Retiming(before, release, moved, unknown, conflicts)


def retime_dry_run(tx: WriteTx) -> tuple[Retiming, list[str]]:
    """Retime within one transaction, which is rolled back later; return also a line for each new double booking."""
    lines: list[str] = []
    return retime(lambda work: work(tx), lines.append), lines


def retime_if_needed(database: Database, print_line: Print) -> None:
    """Retime a database if its events were derived with older zone data than those of this process.

    Raise ZoneDataMismatch if theirs are newer.
    """
    release = load_zone_data().release
    found = database.read(find_release)
    if found == (release, release):
        return
    if release_order(found.newest) > release_order(release):
        raise mismatch(found, release)
    done = retime(database.write, print_line)
    for line in summary(done, "Events moved"):
        print_line(line)


def summary(done: Retiming, what: str) -> Iterator[str]:
    """Return lines with the result, and with the events in unknown zones."""
    count, zones = done.moved.total(), ", ".join(f"{zone} {number}" for zone, number in sorted(done.moved.items()))
    before = f"from {done.before}" if done.before else "from an unknown release"
    where = f" ({zones})" if zones else ""
    yield f"Zone data {before} to {done.release}. {what}: {count}{where}; new double bookings: {done.conflicts}."
    for zone, number in sorted(done.unknown.items()):
        yield f"Events in {zone}, which these zone data do not have: {number}. Give them another time_zone."


def conflict_line(conflict: DoubleBooking) -> str:
    """Return a line that names the person who is booked twice, and both events."""
    events = (f"{one.title} ({one.event_id}, {one.start_local})" for one in (conflict.first, conflict.second))
    return " ".join(f"double booking: {conflict.name}: {' and '.join(events)}".split())
