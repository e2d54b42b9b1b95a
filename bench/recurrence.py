"""The cost of expanding recurrence rules: the first dates, a year far ahead, and rules without dates."""

import argparse
import contextlib
import statistics
import time
from collections.abc import Callable
from datetime import datetime

from rich.console import Console
from rich.table import Table

from kalends.rules.recurrence.dates import Recurrence, first_occurrences, occurrences, placed
from kalends.rules.recurrence.parsing import parse_rule
from kalends.rules.recurrence.rule import RuleError
from kalends.rules.recurrence.sentence import summarize
from kalends.rules.recurrence.steps import Steps
from kalends.rules.zones import zone_named
from kalends.store.zone_data import load_zone_data

START = datetime.fromisoformat("2027-03-02T09:00")
ZONE = "Europe/Berlin"
MOST = 1_001
TYPICAL = (
    "FREQ=DAILY",
    "FREQ=WEEKLY;BYDAY=MO,WE",
    "FREQ=WEEKLY;INTERVAL=2;BYDAY=TU",
    "FREQ=MONTHLY;BYDAY=-1FR",
    "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1",
    "FREQ=YEARLY",
    "FREQ=YEARLY;BYWEEKNO=20",
    "FREQ=HOURLY;INTERVAL=3",
    "FREQ=MINUTELY;INTERVAL=20;BYHOUR=9,10,11,12,13,14,15,16",
)
HOSTILE = (
    "FREQ=SECONDLY;BYMONTH=2;BYMONTHDAY=30",
    "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30",
    "FREQ=MINUTELY;BYHOUR=0;BYSETPOS=400",
    "FREQ=MINUTELY;BYHOUR=0;BYSETPOS=366",
    "FREQ=HOURLY;BYMINUTE=0;BYSETPOS=2",
    "FREQ=SECONDLY;BYHOUR=1;BYSETPOS=2",
    "FREQ=SECONDLY;BYYEARDAY=366;BYDAY=MO;BYMONTH=1",
    "FREQ=YEARLY;BYYEARDAY=1;BYWEEKNO=30",
    "FREQ=YEARLY;INTERVAL=2;BYYEARDAY=366",
    "FREQ=YEARLY;BYDAY=MO;BYSETPOS=366",
    "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=30",
    "FREQ=MONTHLY;INTERVAL=12;BYMONTH=4",
    "FREQ=DAILY;INTERVAL=7;BYDAY=WE",
    "FREQ=SECONDLY;INTERVAL=60;BYSECOND=30",
    "FREQ=SECONDLY;INTERVAL=86399;BYHOUR=3;BYMINUTE=7;BYSECOND=13;BYMONTH=1",
    "FREQ=SECONDLY;INTERVAL=61;BYHOUR=9;BYMINUTE=0;BYSECOND=0",
    "FREQ=SECONDLY;INTERVAL=999999999",
    "FREQ=SECONDLY;BYMINUTE=0;COUNT=900000000",
)
"""Rules whose first dates do not exist, or are far apart."""


def main() -> None:
    options = arguments()
    load_zone_data()
    console = Console()
    cases = [(text, f"first {MOST:,}", first_dates) for text in TYPICAL]
    cases += [(text, "year 2028", year_of(2028)) for text in TYPICAL]
    cases += [(text, "year 9000", year_of(9000)) for text in TYPICAL]
    cases += [(text, "hostile", first_dates) for text in HOSTILE]
    cases += [(text, "sentence", says) for text in TYPICAL]
    table = Table("rule", "what", "CPU ms", "steps", "dates", title=f"median of {options.rounds} rounds")
    for text, what, work in cases:
        milliseconds, steps, number = measured(text, work, options.rounds)
        table.add_row(text, what, f"{milliseconds:.2f}", f"{steps:,}", number)
    console.print(table)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench/recurrence.py", description=__doc__)
    parser.add_argument("--rounds", type=int, default=15, help="how often each is done (default: %(default)s)")
    return parser.parse_args()


def measured(text: str, work: Callable[[str, Steps], int | None], rounds: int) -> tuple[float, int, str]:
    """Return CPU milliseconds, steps, and the number of dates or that the rule was refused."""
    took: list[float] = []
    steps, number = Steps(), None
    for _ in range(rounds):
        steps, number = Steps(), None
        began = time.process_time()
        with contextlib.suppress(RuleError):
            number = work(text, steps)
        took.append((time.process_time() - began) * 1_000)
    return statistics.median(took), steps.taken, "refused" if number is None else f"{number:,}"


def first_dates(text: str, steps: Steps) -> int:
    recurrence = Recurrence(parse_rule(text), START, ZONE)
    return len(list(placed(first_occurrences(recurrence, MOST, steps=steps), zone_named(ZONE))))


def year_of(year: int) -> Callable[[str, Steps], int]:
    since, before = (datetime.fromisoformat(f"{one}-01-01") for one in (year, year + 1))
    return lambda text, steps: len(
        list(occurrences(Recurrence(parse_rule(text), START, ZONE), since=since, before=before, steps=steps))
    )


def says(text: str, _: Steps) -> int:
    return bool(summarize(parse_rule(text), START, ZONE))


if __name__ == "__main__":
    main()
