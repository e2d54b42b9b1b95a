"""A slow and obvious expansion of rules, with nothing of Kalends in it but the struct of a rule.

It walks through one period after the other, names what each BY part picks from lists of days, hours, minutes and
seconds, and takes what all of them pick.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime, time, timedelta
from functools import cache
from itertools import product
from typing import TypeVar

from msgspec.structs import replace

from kalends.rules.recurrence.rule import Frequency, Rule

T = TypeVar("T")
ONE_DAY = timedelta(days=1)


def picked(items: Sequence[T], places: Iterable[int]) -> set[T]:
    """Return the items at positions, counted from 1, or from -1 at the end."""
    return {items[place - 1 if place > 0 else place] for place in places if abs(place) <= len(items)}


def all_days(start: date, end: date) -> list[date]:
    return [start + timedelta(days) for days in range((end - start).days)]


@cache
def month_of(year: int, month: int) -> list[date]:
    first = date(year, month, 1)
    return all_days(first, (first + timedelta(32)).replace(day=1))


@cache
def year_of(year: int) -> list[date]:
    return all_days(date(year, 1, 1), date(year + 1, 1, 1))


def week_of(day: date, week_start: int) -> list[date]:
    while day.weekday() != week_start:
        day -= ONE_DAY
    return all_days(day, day + 7 * ONE_DAY)


@cache
def weeks_of(year: int, week_start: int) -> list[list[date]]:
    """Return all weeks of which at least four days lie in a year."""
    weeks = [week_of(date(year, 1, 1), week_start)]
    while weeks[-1][-1].year <= year:
        weeks.append([day + 7 * ONE_DAY for day in weeks[-1]])
    return [week for week in weeks if sum(day.year == year for day in week) >= 4]


def year_of_weeks(day: date, week_start: int) -> int:
    """Return the year to which the week of a day belongs."""
    years = [one.year for one in week_of(day, week_start)]
    return max(set(years), key=years.count)


def days_of_period(rule: Rule, day: date) -> list[date]:
    match rule.frequency:
        case Frequency.YEARLY if rule.by_week_no:
            return [one for week in weeks_of(year_of_weeks(day, rule.week_start), rule.week_start) for one in week]
        case Frequency.YEARLY:
            return year_of(day.year)
        case Frequency.MONTHLY:
            return month_of(day.year, day.month)
        case Frequency.WEEKLY:
            return week_of(day, rule.week_start)
        case _:
            return [day]


def days_picked(rule: Rule, start: datetime, days: list[date]) -> list[date]:
    found = set(days)
    years = [year_of(year) for year in {day.year for day in days}]
    months = [month_of(year, month) for year, month in {(day.year, day.month) for day in days}]
    if rule.by_month:
        found = {day for day in found if day.month in rule.by_month}
    if rule.by_week_no:
        years_of_weeks = {year_of_weeks(day, rule.week_start) for day in (days[0], days[-1])}
        found &= {day for year in years_of_weeks for week in picked_weeks(rule, year) for day in week}
    if rule.by_year_day:
        found &= {day for year in years for day in picked(year, rule.by_year_day)}
    if rule.by_month_day:
        found &= {day for month in months for day in picked(month, rule.by_month_day)}
    if rule.by_day:
        wholes = months if rule.frequency == Frequency.MONTHLY or rule.by_month else years
        found &= {day for whole in wholes for day in weekdays_picked(rule, whole)}
    elif not rule.by_month_day and not rule.by_year_day:
        found = {day for day in found if is_day_of_start(rule, start, day)}
    return sorted(found)


def is_day_of_start(rule: Rule, start: datetime, day: date) -> bool:
    """Return whether a day has the position in its period that the start has, if no other part names the days."""
    match rule.frequency:
        case Frequency.YEARLY if rule.by_week_no:
            return day.weekday() == start.weekday()
        case Frequency.YEARLY if not rule.by_month:
            return (day.month, day.day) == (start.month, start.day)
        case Frequency.YEARLY | Frequency.MONTHLY:
            return day.day == start.day
        case Frequency.WEEKLY:
            return day.weekday() == start.weekday()
        case _:
            return True


def picked_weeks(rule: Rule, year: int) -> list[list[date]]:
    weeks = weeks_of(year, rule.week_start)
    return [weeks[place] for place in picked(range(len(weeks)), rule.by_week_no)]


def weekdays_picked(rule: Rule, whole: list[date]) -> set[date]:
    """Return the days of a month or a year that BYDAY picks."""
    found: set[date] = set()
    for weekday, ordinal in rule.by_day:
        same = [one for one in whole if one.weekday() == weekday]
        found |= picked(same, [ordinal]) if ordinal else set(same)
    return found


def times_picked(rule: Rule, period: datetime) -> list[time]:
    """Return each time that is picked from a day, or from the period if that is shorter."""
    hours = range(24) if rule.frequency >= Frequency.DAILY else [period.hour]
    minutes = range(60) if rule.frequency >= Frequency.HOURLY else [period.minute]
    seconds = range(60) if rule.frequency >= Frequency.MINUTELY else [period.second]
    return [
        time(*clock)
        for clock in product(
            [hour for hour in hours if hour in (rule.by_hour or hours)],
            [minute for minute in minutes if minute in (rule.by_minute or minutes)],
            [second for second in seconds if second in (rule.by_second or seconds)],
        )
    ]


def with_time_of(rule: Rule, start: datetime) -> dict[str, tuple[int, ...]]:
    """Return a rule with the parts of the time of day that it leaves to its start."""
    filled: dict[str, tuple[int, ...]] = {}
    if not rule.by_hour and rule.frequency not in (Frequency.HOURLY, Frequency.MINUTELY, Frequency.SECONDLY):
        filled["by_hour"] = (start.hour,)
    if not rule.by_minute and rule.frequency not in (Frequency.MINUTELY, Frequency.SECONDLY):
        filled["by_minute"] = (start.minute,)
    if not rule.by_second and rule.frequency != Frequency.SECONDLY:
        filled["by_second"] = (start.second,)
    return filled


def periods(rule: Rule, start: datetime) -> Iterator[datetime]:
    """Yield a time in each period that a rule uses, from that of its start on; within a day, its beginning."""
    number = 0
    while True:
        steps = number * rule.interval
        match rule.frequency:
            case Frequency.YEARLY:
                year = year_of_weeks(start.date(), rule.week_start) if rule.by_week_no else start.year
                yield datetime.combine(date(year + steps, 7, 1), time())
            case Frequency.MONTHLY:
                years, month = divmod(start.month - 1 + steps, 12)
                yield datetime.combine(date(start.year + years, month + 1, 1), time())
            case Frequency.WEEKLY:
                yield start + timedelta(weeks=steps)
            case Frequency.DAILY:
                yield start + timedelta(days=steps)
            case Frequency.HOURLY:
                yield start.replace(minute=0, second=0) + timedelta(hours=steps)
            case Frequency.MINUTELY:
                yield start.replace(second=0) + timedelta(minutes=steps)
            case Frequency.SECONDLY:
                yield start + timedelta(seconds=steps)
        number += 1


def expanded(rule: Rule, start: datetime, number: int) -> tuple[list[datetime], datetime]:
    """Return the dates of a rule in so many periods, without COUNT and UNTIL, and until when they are complete."""
    filled = replace(rule, **with_time_of(rule, start))
    found: list[datetime] = []
    walk = periods(filled, start)
    for _ in range(number):
        period = next(walk)
        days = days_picked(filled, start, days_of_period(filled, period.date()))
        times = times_picked(filled, period) if days else []
        every = [datetime.combine(day, clock) for day in days for clock in times]
        found += sorted(picked(every, filled.by_set_pos)) if filled.by_set_pos else every
    after = next(walk)
    end = datetime.combine(days_of_period(filled, after.date())[0], after.time())
    if rule.frequency >= Frequency.DAILY:
        end = end.replace(hour=0, minute=0, second=0)
    return [one for one in found if one >= start], end
