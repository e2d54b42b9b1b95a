"""The cost of reading users' time in a large database: find-time, free/busy and the pool, in CPU milliseconds.

20,000 people and, by default, 1,000,000 events of half an hour with 6 people each, spread over two years.
"""

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from kalends.model import Actor, Instant, Span, UserId
from kalends.reads.availability import busy_times, find_time
from kalends.reads.users import list_users
from kalends.rules.intervals import DAY, HOUR, MINUTE
from kalends.rules.meeting import Group, MeetingRequest
from kalends.rules.periods import merge_by_strength
from kalends.settings import Settings
from kalends.store.database import Database, ReadTx
from kalends.store.schema import migrate
from kalends.store.zone_data import load_zone_data
from tests.multitude import FIRST_START, fill

PEOPLE = 20_000
PARTICIPATIONS = 6
YEARS = 2
ROUNDS = 15
MIDDLE = Instant(FIRST_START + YEARS * 365 * DAY // 2)


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench/people_time.py", description=__doc__)
    parser.add_argument("--events", type=int, default=1_000_000, help="how many events (default: 1,000,000)")
    parser.add_argument("--json", help="also write the figures to this file")
    options = parser.parse_args()
    console = Console(stderr=True)
    load_zone_data()
    with tempfile.TemporaryDirectory(prefix="kalends-time-") as folder:
        database = Database(Settings(database_url=f"sqlite:///{Path(folder) / 'bench.db'}"))
        migrate(database)
        with console.status(f"Making {options.events:,} events (about 3 minutes a million)"):
            actor, first = fill(
                database,
                people=PEOPLE,
                events=options.events,
                participations=PARTICIPATIONS,
                apart=YEARS * 365 * DAY // options.events,
            )
        figures = {name: measured(database, work) for name, work in works(actor, first).items()}
        database.close()
    table = Table("what", "CPU ms, median", "largest", "statements", title=f"{options.events:,} events on SQLite")
    for name, (median, largest, statements) in figures.items():
        table.add_row(name, f"{median:.2f}", f"{largest:.2f}", str(statements))
    Console().print(table)
    if options.json:
        Path(options.json).write_text(json.dumps(figures, indent=2) + "\n")


def works(actor: Actor, first: int) -> dict[str, Callable[[ReadTx], Any]]:
    """Return the measured functions by name."""
    people = [UserId(first + number * 37) for number in range(50)]
    month, week = Span(MIDDLE, Instant(MIDDLE + 28 * DAY)), Span(MIDDLE, Instant(MIDDLE + 7 * DAY))
    weights = dict.fromkeys(people[5:40], 1)
    meeting = MeetingRequest(tuple(people[:5]), weights, (Group(tuple(people[40:]), 5),), HOUR, 15 * MINUTE, (month,))

    def search(tx: ReadTx) -> Any:
        found = busy_times(tx, actor, meeting.people, meeting.horizon or month)
        return find_time(found, meeting, "Europe/Berlin", 10, within_working_hours=False)

    def show(tx: ReadTx) -> Any:
        found = busy_times(tx, actor, people[:20], week)
        return [merge_by_strength(person.periods, week) for person in found.values()]

    hour = Span(MIDDLE, Instant(MIDDLE + HOUR))
    return {
        "find-time: 50 people, 28 days, 15-minute steps": search,
        "free/busy: 20 people, a week": show,
        "pool: 50 of 20,000 free in an hour": lambda tx: list_users(tx, actor, 50, free=hour),
    }


def measured(database: Database, work: Callable[[ReadTx], Any]) -> tuple[float, float, int]:
    """Return median and maximum CPU time of some rounds in milliseconds, and the number of statements."""
    times: list[float] = []
    statements = 0

    def counted(tx: ReadTx) -> None:
        nonlocal statements
        work(tx)
        statements = tx.statements

    for _ in range(ROUNDS):
        began = time.process_time()
        database.read(counted)
        times.append((time.process_time() - began) * 1_000)
    return statistics.median(times), max(times), statements


if __name__ == "__main__":
    main()
