"""A short way to write many dates: `1997-09: 2-4 16 | 1998-01: 1`, all at one time of the day."""

from datetime import datetime, time

from kalends.rules.recurrence.dates import Recurrence
from kalends.rules.recurrence.parsing import parse_rule


def local(text: str) -> datetime:
    """Parse a wall-clock time such as `1997-09-02T09:00`."""
    return datetime.fromisoformat(text)


def days(text: str, clock: time = time(9)) -> list[datetime]:
    """Parse days: months with their days or ranges of days."""
    found: list[datetime] = []
    for month, _, numbers in (part.strip().partition(": ") for part in text.split("|")):
        for item in numbers.split():
            first, _, last = item.partition("-")
            found += [
                datetime.combine(local(f"{month}-{number:02}"), clock)
                for number in range(int(first), int(last or first) + 1)
            ]
    return found


def clocks(day: str, text: str) -> list[datetime]:
    """Parse the times of one day, such as `09:00 09:15`."""
    return [local(f"{day}T{clock}") for clock in text.split()]


def recurrence(text: str, start: str = "1997-09-02T09:00", zone: str = "America/New_York") -> Recurrence:
    return Recurrence(parse_rule(text), local(start), zone)
