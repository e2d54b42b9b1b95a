"""Parsing recurrence rules (RFC 5545 section 3.3.10), and refusing what the RFC does not allow."""

import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

from kalends.rules.recurrence.rule import PART_OF_FIELD, WEEKDAYS, Frequency, Rule, RuleError, WeekdayNumber

FIELD_OF_PART = {part: field for field, part in PART_OF_FIELD.items()}
MAX_NUMBER = 999_999_999
"""The largest INTERVAL and COUNT."""

RANGES = {
    "COUNT": (1, MAX_NUMBER),
    "INTERVAL": (1, MAX_NUMBER),
    "BYSECOND": (0, 60),
    "BYMINUTE": (0, 59),
    "BYHOUR": (0, 23),
    "BYDAY": (1, 53),
    "BYMONTHDAY": (1, 31),
    "BYYEARDAY": (1, 366),
    "BYWEEKNO": (1, 53),
    "BYMONTH": (1, 12),
    "BYSETPOS": (1, 366),
}
LISTS = set(RANGES) - {"COUNT", "INTERVAL", "BYSETPOS"}
COUNTED_FROM_BOTH_ENDS = {"BYDAY", "BYMONTHDAY", "BYYEARDAY", "BYWEEKNO", "BYSETPOS"}
NUMBER = re.compile(r"([+-]?)(\d{1,9})", re.ASCII)
WEEKDAY = re.compile(r"([+-]?\d{1,2})?([A-Z]{2})", re.ASCII)
UNTIL = re.compile(r"(\d{8})(?:(T\d{6})(Z?))?", re.ASCII)

FREQUENCIES = {
    "BYMONTHDAY": frozenset(Frequency) - {Frequency.WEEKLY},
    "BYYEARDAY": frozenset(Frequency) - {Frequency.DAILY, Frequency.WEEKLY, Frequency.MONTHLY},
    "BYWEEKNO": frozenset({Frequency.YEARLY}),
}
"""The frequencies of parts that cannot be combined with all of them."""


def parse_rule(text: str) -> Rule:
    """Return the rule in a text. Parts may come in any order, and in small letters.

    Raise RuleError `invalid_rule`.
    """
    fields: dict[str, Any] = {}
    for item in text.upper().split(";"):
        part, _, value = item.partition("=")
        field = FIELD_OF_PART.get(part)
        if field is None:
            raise invalid(None, f"has the unknown part {part[:64]!r}: use {', '.join(FIELD_OF_PART)}, separated by ';'")
        if field in fields:
            raise invalid(part, "is given twice: give it once, with all its values separated by ','")
        fields[field] = READERS[part](part, value)
    if "frequency" not in fields:
        raise invalid("FREQ", f"is missing: add one of {', '.join(Frequency.__members__)}")
    rule = Rule(**fields)
    check_parts(rule)
    return rule


def invalid(part: str | None, problem: str) -> RuleError:
    """Return the error for a problem with a part, or with the whole rule."""
    return RuleError("invalid_rule", f"{part or 'the rule'} {problem}", part)


def check_parts(rule: Rule) -> None:
    """Raise RuleError if the rule has parts that cannot be combined."""
    if rule.count is not None and rule.until is not None:
        raise invalid("COUNT", "cannot stand beside UNTIL: leave one of them out")
    for part, allowed in FREQUENCIES.items():
        if getattr(rule, FIELD_OF_PART[part]) and rule.frequency not in allowed:
            names = " or ".join(frequency.name for frequency in sorted(allowed))
            raise invalid(part, f"cannot stand beside FREQ={rule.frequency.name}: leave it out, or use {names}")
    if any(day.ordinal for day in rule.by_day):
        if rule.frequency < Frequency.MONTHLY:
            raise invalid("BYDAY", f"cannot have numbers with FREQ={rule.frequency.name}: use MONTHLY or YEARLY")
        if rule.by_week_no:
            raise invalid("BYDAY", "cannot have numbers beside BYWEEKNO: leave the numbers, or BYWEEKNO, out")
    if rule.by_set_pos and not any(getattr(rule, field) for part, field in FIELD_OF_PART.items() if part in LISTS):
        raise invalid("BYSETPOS", "chooses from the dates of other BY parts: add one, such as BYDAY=MO,TU")


def read_frequency(part: str, text: str) -> Frequency:
    """Read the value of FREQ."""
    if text not in Frequency.__members__:
        raise invalid(part, f"must be one of {', '.join(Frequency.__members__)}, not {text[:64]!r}")
    return Frequency[text]


def read_number(part: str, text: str) -> int:
    """Read a number within the range of its part."""
    low, high = RANGES[part]
    found = NUMBER.fullmatch(text)
    both_ends = part in COUNTED_FROM_BOTH_ENDS
    if found is None or not low <= int(found[2]) <= high or (found[1] and not both_ends):
        from_the_end = f" or from -{high} to -{low}" if both_ends else ""
        raise invalid(part, f"must be from {low} to {high}{from_the_end}, not {text[:64]!r}")
    return int(text)


def read_numbers(part: str, text: str) -> tuple[int, ...]:
    """Read a list of numbers."""
    return tuple(sorted({read_number(part, item) for item in text.split(",")}))


def read_weekday(part: str, text: str) -> int:
    """Read a weekday."""
    if text not in WEEKDAYS:
        raise invalid(part, f"must name weekdays by {', '.join(WEEKDAYS)}, not {text[:64]!r}")
    return WEEKDAYS.index(text)


def read_weekdays(part: str, text: str) -> tuple[WeekdayNumber, ...]:
    """Read a list of weekdays, each with or without a number."""
    days: set[WeekdayNumber] = set()
    for item in text.split(","):
        found = WEEKDAY.fullmatch(item)
        number, name = found.groups() if found else (None, item)
        days.add(WeekdayNumber(read_weekday(part, name), read_number(part, number) if number else 0))
    return tuple(sorted(days))


def read_until(part: str, text: str) -> date | datetime:
    """Read the last date or time."""
    found = UNTIL.fullmatch(text)
    try:
        if found is None or found[2] is None:
            return date.fromisoformat(text if found else "")
        moment = datetime.fromisoformat(f"{found[1]}{found[2]}")
    except ValueError:
        raise invalid(part, f"must be a date or time such as 20270630T215959Z, not {text[:64]!r}") from None
    return moment.replace(tzinfo=UTC) if found[3] else moment


READERS: dict[str, Callable[[str, str], Any]] = {
    **dict.fromkeys(FIELD_OF_PART, read_numbers),
    "FREQ": read_frequency,
    "UNTIL": read_until,
    "COUNT": read_number,
    "INTERVAL": read_number,
    "BYDAY": read_weekdays,
    "WKST": read_weekday,
}
"""The functions that read the values of parts."""
