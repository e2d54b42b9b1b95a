"""The days that a rule selects, and calendar arithmetic: days are counted from 0001-01-01, a Monday.

The Gregorian calendar repeats itself every 400 years, weekdays included. A rule selects the same days in all years that
have the same length and first weekday, and neighbours of the same lengths; there are 28 such kinds.
"""

from bisect import bisect_left
from calendar import isleap, monthrange
from collections.abc import Callable, Container
from datetime import MAXYEAR, date
from typing import NamedTuple

from kalends.rules.recurrence.rule import Frequency, Rule, WeekdayNumber
from kalends.rules.recurrence.steps import Steps

CYCLE_YEARS = 400
CYCLE_DAYS = 146_097
LAST_DAY = date.max.toordinal() - 1


def first_day_of(year: int) -> int:
    """Return the number of 1 January, of years after 9999 as well."""
    past = year - 1
    return past * 365 + past // 4 - past // 100 + past // 400


def year_and_month_of(day: int) -> tuple[int, int]:
    """Return the year and the month (1 to 12) of a day, of years after 9999 as well."""
    cycles, rest = divmod(day, CYCLE_DAYS)
    shown = date.fromordinal(rest + 1)
    return cycles * CYCLE_YEARS + shown.year, shown.month


def first_day_of_month(year: int, month: int) -> int:
    """Return the number of the first day of a month, of years after 9999 as well."""
    cycles, rest = divmod(year, CYCLE_YEARS)
    return (cycles - 1) * CYCLE_DAYS + date(rest + CYCLE_YEARS, month, 1).toordinal() - 1


def middle_of_week(day: int, week_start: int) -> int:
    """Return the fourth day of the week that has a day: the year that it lies in is the week's year (RFC 5545)."""
    return day - (day - week_start) % 7 + 3


def first_day_of_weeks(year: int, week_start: int) -> int:
    """Return the first day of week number one, the first week with at least four days in the year (RFC 5545)."""
    return middle_of_week(first_day_of(year) + 3, week_start) - 3


def kind_of_year(year: int) -> tuple[int, bool, bool, bool]:
    """Return the properties of a year that determine which of its days a rule selects."""
    return first_day_of(year) % 7, isleap(year - 1), isleap(year), isleap(year + 1)


YEAR_OF_KIND = {kind_of_year(year): year for year in range(2 * CYCLE_YEARS, CYCLE_YEARS, -1)}
EXAMPLES = [YEAR_OF_KIND[kind_of_year(year)] for year in range(CYCLE_YEARS, 2 * CYCLE_YEARS)]
"""For each year of a cycle, the one of the 28 representative years that has its kind."""


class Day(NamedTuple):
    """A day with the numbers that the parts of rules use."""

    number: int
    of_month: int
    month_length: int
    of_year: int
    year_length: int


class MatchingDays:
    """The days that a rule selects by BYMONTH, BYMONTHDAY, BYYEARDAY, BYWEEKNO and BYDAY, in any period."""

    def __init__(self, rule: Rule, steps: Steps) -> None:
        self._months = rule.by_month or range(1, 13)
        self._tests = day_tests(rule)
        self._steps = steps
        self._picked: dict[int, list[int]] = {}

    def in_year(self, year: int) -> list[int]:
        """Return the selected days of a year, counted from 0 on 1 January, in order."""
        example = EXAMPLES[year % CYCLE_YEARS]
        picked = self._picked.get(example)
        if picked is None:
            first, tests = first_day_of(example), self._tests
            days = days_of(example, self._months)
            picked = [day.number - first for day in days if all(test(day) for test in tests)]
            self._picked[example] = picked
        return picked

    def next_from(self, day: int) -> int | None:
        """Return the first selected day from this one on, None if there is none up to the year 9999.

        Each year that is searched is a step.
        """
        year, _ = year_and_month_of(day)
        for later in range(year, min(year + CYCLE_YEARS, MAXYEAR) + 1):
            first, picked = first_day_of(later), self.in_year(later)
            place = bisect_left(picked, day - first)
            if place < len(picked):
                return first + picked[place]
            self._steps.take()
        return None

    def between(self, start: int, end: int) -> list[int]:
        """Return the selected days from `start` on and before `end`, by searching the years between them."""
        days: list[int] = []
        for year in range(year_and_month_of(start)[0], year_and_month_of(end - 1)[0] + 1):
            first, picked = first_day_of(year), self.in_year(year)
            some = picked[bisect_left(picked, start - first) : bisect_left(picked, end - first)]
            days += [first + day for day in some]
        return days


def days_of(year: int, months: Container[int]) -> list[Day]:
    """Return all days of some months of a year."""
    first, year_length = first_day_of(year), 365 + isleap(year)
    lengths = [monthrange(year, month)[1] for month in range(1, 13)]
    return [
        Day(first + of_year - 1, of_month, length, of_year, year_length)
        for month, length in enumerate(lengths, 1)
        if month in months
        for of_month, of_year in enumerate(range(sum(lengths[: month - 1]) + 1, sum(lengths[:month]) + 1), 1)
    ]


def day_tests(rule: Rule) -> list[Callable[[Day], bool]]:
    """Return a test for each part that limits the days of a month."""
    tests: list[Callable[[Day], bool]] = []
    if rule.by_month_day:
        month_days = frozenset(rule.by_month_day)
        tests.append(lambda day: is_named(day.of_month, day.month_length, month_days))
    if rule.by_year_day:
        year_days = frozenset(rule.by_year_day)
        tests.append(lambda day: is_named(day.of_year, day.year_length, year_days))
    if rule.by_day:
        weekdays = frozenset(rule.by_day)
        if rule.frequency == Frequency.MONTHLY or rule.by_month:
            tests.append(lambda day: is_named_weekday(day.number, day.of_month, day.month_length, weekdays))
        else:
            tests.append(lambda day: is_named_weekday(day.number, day.of_year, day.year_length, weekdays))
    if rule.by_week_no:
        week_numbers = frozenset(rule.by_week_no)
        tests.append(lambda day: is_in_named_week(day.number, rule.week_start, week_numbers))
    return tests


def is_named(position: int, length: int, numbers: frozenset[int]) -> bool:
    """Return whether a position is one of `numbers`, counted from the start or, if negative, from the end."""
    return position in numbers or position - length - 1 in numbers


def is_named_weekday(number: int, position: int, length: int, weekdays: frozenset[WeekdayNumber]) -> bool:
    """Return whether a day is one of `weekdays`, by its weekday alone or as the nth of its month or year."""
    weekday = number % 7
    return (
        (weekday, 0) in weekdays
        or (weekday, (position + 6) // 7) in weekdays
        or (weekday, -((length - position + 7) // 7)) in weekdays
    )


def is_in_named_week(number: int, week_start: int, week_numbers: frozenset[int]) -> bool:
    """Return whether the week of a day is one of `week_numbers`; it may belong to the year before or after."""
    middle = middle_of_week(number, week_start)
    year, _ = year_and_month_of(middle)
    position, length = middle - first_day_of(year), 365 + isleap(year)
    return position // 7 + 1 in week_numbers or -((length - 1 - position) // 7 + 1) in week_numbers
