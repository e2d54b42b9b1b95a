"""A recurrence rule: its parts, its canonical text, and its errors (RFC 5545 section 3.3.10)."""

from datetime import date, datetime
from enum import IntEnum
from typing import NamedTuple, cast

from msgspec import Struct
from msgspec.structs import asdict

WEEKDAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
"""The names of weekdays in rules; a weekday is its place in this list, as in `date.weekday()`."""


class RuleError(ValueError):
    """A rule that cannot be used: `code` says why, `part` names the part at fault, if it is a single one."""

    def __init__(self, code: str, message: str, part: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.part = part


class Frequency(IntEnum):
    """The unit of the periods of a rule; a larger value is a longer period."""

    SECONDLY = 0
    MINUTELY = 1
    HOURLY = 2
    DAILY = 3
    WEEKLY = 4
    MONTHLY = 5
    YEARLY = 6


class WeekdayNumber(NamedTuple):
    """A value of BYDAY: the weekday, and which one of the month or year; 0 means every one, -1 the last one."""

    weekday: int
    ordinal: int = 0


class Rule(Struct, frozen=True, kw_only=True):
    """A recurrence rule. Lists are sorted, have no value twice, and are empty if the rule does not have the part."""

    frequency: Frequency
    until: date | datetime | None = None
    """The last date or time that the rule may give: a date, a local time, or a time in UTC."""
    count: int | None = None
    interval: int = 1
    by_second: tuple[int, ...] = ()
    by_minute: tuple[int, ...] = ()
    by_hour: tuple[int, ...] = ()
    by_day: tuple[WeekdayNumber, ...] = ()
    by_month_day: tuple[int, ...] = ()
    by_year_day: tuple[int, ...] = ()
    by_week_no: tuple[int, ...] = ()
    by_month: tuple[int, ...] = ()
    by_set_pos: tuple[int, ...] = ()
    week_start: int = 0


PART_OF_FIELD = {
    "frequency": "FREQ",
    "until": "UNTIL",
    "count": "COUNT",
    "interval": "INTERVAL",
    "by_second": "BYSECOND",
    "by_minute": "BYMINUTE",
    "by_hour": "BYHOUR",
    "by_day": "BYDAY",
    "by_month_day": "BYMONTHDAY",
    "by_year_day": "BYYEARDAY",
    "by_week_no": "BYWEEKNO",
    "by_month": "BYMONTH",
    "by_set_pos": "BYSETPOS",
    "week_start": "WKST",
}
"""The name that RFC 5545 gives each field, in the order in which rules are written."""


def format_rule(rule: Rule) -> str:
    """Return the canonical text of a rule: FREQ first, as older programs need it, without parts that have no effect."""
    said_by_default = asdict(Rule(frequency=rule.frequency)) | {"frequency": None}
    fields = asdict(rule)
    return ";".join(
        f"{part}={part_text(part, fields[name])}"
        for name, part in PART_OF_FIELD.items()
        if fields[name] != said_by_default[name]
    )


def part_text(part: str, value: object) -> str:
    """Return the text of the value of a part."""
    match value:
        case Frequency():
            return value.name
        case date():
            return value.isoformat().replace("-", "").replace(":", "").replace("+0000", "Z")
        case WeekdayNumber(weekday, ordinal):
            return f"{ordinal or ''}{WEEKDAYS[weekday]}"
        case tuple():
            return ",".join(part_text(part, item) for item in cast("tuple[object, ...]", value))
        case int() if part == "WKST":
            return WEEKDAYS[value]
        case _:
            return str(value)
