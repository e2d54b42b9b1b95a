"""The periods of a rule, numbered: a rule with INTERVAL=n uses every nth one from the period of its start.

Times are seconds since 0001-01-01T00:00:00 on the wall clock.
"""

from datetime import datetime, timedelta

from kalends.rules.recurrence.days import (
    first_day_of,
    first_day_of_month,
    first_day_of_weeks,
    middle_of_week,
    year_and_month_of,
)
from kalends.rules.recurrence.rule import Frequency, Rule

MINUTE, HOUR, DAY, WEEK = 60, 3_600, 86_400, 604_800
LENGTHS = {
    Frequency.SECONDLY: 1,
    Frequency.MINUTELY: MINUTE,
    Frequency.HOURLY: HOUR,
    Frequency.DAILY: DAY,
    Frequency.WEEKLY: WEEK,
}


BEGINNING = datetime(1, 1, 1)  # noqa: DTZ001 (a wall clock)


def seconds_of(local: datetime) -> int:
    """Return the seconds of a wall-clock time; a fraction of a second counts as the next second."""
    past = local.replace(tzinfo=None) - BEGINNING
    return past.days * DAY + past.seconds + bool(past.microseconds)


def local_time(seconds: int) -> datetime:
    """Return the wall-clock time of a number of seconds."""
    return BEGINNING + timedelta(seconds=seconds)


class Periods:
    """The periods of a rule: its FREQ; the years of a rule with BYWEEKNO begin with their week number one."""

    def __init__(self, rule: Rule) -> None:
        self._is_monthly = rule.frequency == Frequency.MONTHLY
        self._by_weeks = bool(rule.by_week_no)
        self._week_start = rule.week_start
        self._length = LENGTHS.get(rule.frequency)
        self._offset = rule.week_start * DAY if rule.frequency == Frequency.WEEKLY else 0

    def number_at(self, seconds: int) -> int:
        """Return the number of the period that contains a time."""
        if self._length:
            return (seconds - self._offset) // self._length
        day = seconds // DAY
        year, month = year_and_month_of(middle_of_week(day, self._week_start) if self._by_weeks else day)
        return year * 12 + month - 1 if self._is_monthly else year

    def start_of(self, number: int) -> int:
        """Return the time at which a period begins."""
        if self._length:
            return number * self._length + self._offset
        if self._is_monthly:
            return first_day_of_month(number // 12, number % 12 + 1) * DAY
        return DAY * (first_day_of_weeks(number, self._week_start) if self._by_weeks else first_day_of(number))
