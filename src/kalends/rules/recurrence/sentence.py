"""The description of a rule in plain English."""

from datetime import date, datetime, time, timedelta
from itertools import groupby, product

from kalends.rules.recurrence.expansion import completed
from kalends.rules.recurrence.rule import Frequency, Rule
from kalends.rules.recurrence.words import (
    MONTHS,
    WEEKDAY_NAMES,
    clock_text,
    date_text,
    days_text,
    joined,
    months_text,
    numbers_text,
    positions_text,
    ranges,
    weeks_text,
)
from kalends.rules.zones import zone_named

UNITS = ("second", "minute", "hour", "day", "week", "month", "year")
GROUPS = {tuple(range(5)): "weekday", tuple(range(7)): "day"}
MOST_TIMES = 6
"""More times of a day than this are not listed one by one."""

LAST_CERTAIN_DAY = date.max - timedelta(days=2)
"""A later time may be after the year 9999 in some zone."""


def summarize(rule: Rule, start: datetime, time_zone: str) -> str:
    """Return the description of a rule with a start in a zone, such as "Every Monday and Wednesday, 10 times"."""
    filled = completed(rule, start)
    chosen_days = chosen_days_text(filled)
    if rule.frequency < Frequency.DAILY:
        text = within_days_text(rule)
    else:
        text = dates_text(filled, chosen_days) + times_text(rule, filled)
    if rule.by_set_pos and not chosen_days:
        text += f", but only the {positions_text(rule.by_set_pos)} time of each {UNITS[rule.frequency]}"
    if rule.week_start and (rule.by_week_no or (rule.frequency == Frequency.WEEKLY and rule.interval > 1)):
        text += f", weeks starting on {WEEKDAY_NAMES[rule.week_start]}"
    text += end_text(rule, filled, time_zone)
    return text[0].upper() + text[1:]


def every(rule: Rule) -> str:
    """Return how often the periods of a rule come: "every week", "every 2 weeks"."""
    unit = UNITS[rule.frequency]
    return f"every {unit}" if rule.interval == 1 else f"every {rule.interval} {unit}s"


def dates_text(rule: Rule, chosen_days: str | None) -> str:
    """Return on which days a rule gives dates: "every year on 12 March", "on the last Friday of every month"."""
    if rule.frequency == Frequency.DAILY and (rule.interval > 1 or not (rule.by_day or rule.by_month_day)):
        return every(rule) + in_months(rule) + if_month_day(rule) + if_weekday(rule, goes_on=bool(rule.by_month_day))
    days = chosen_days or days_phrase(rule)
    if rule.interval == 1 and days.startswith("every"):
        return days
    if rule.frequency == Frequency.YEARLY:
        return f"{every(rule)} on {days}"
    if rule.interval == 1:
        return f"on {days}"
    if rule.frequency == Frequency.WEEKLY:
        return f"{every(rule)} on {weekday_list(rule)}{in_months(rule)}"
    return f"{every(rule)} on {days.replace(' of every month', '')}"


def days_phrase(rule: Rule) -> str:
    """Return the days that a rule names within its periods: "the last Friday of every month", "every Monday"."""
    if rule.by_year_day:
        named = days_text(rule.by_year_day)
        return f"{named if named.endswith('day') else f'{named} day'} of the year" + limits_text(rule)
    if rule.by_month_day:
        return month_days_text(rule) + limits_text(rule)
    if rule.by_week_no:
        return f"{weekday_list(rule)} of {weeks_text(rule.by_week_no)}" + in_months(rule)
    if any(day.ordinal for day in rule.by_day):
        return f"{numbered_weekdays(rule)} of {scope_of_numbers(rule)}"
    return f"every {weekday_names(rule)}" + in_months(rule)


def month_days_text(rule: Rule) -> str:
    """Return the named days of months: "the 1st and the last day of every month", "12 March"."""
    if len(rule.by_month) == len(rule.by_month_day) == 1 and rule.by_month_day[0] > 0:
        return f"{rule.by_month_day[0]} {MONTHS[rule.by_month[0] - 1]}"
    return f"{days_text(rule.by_month_day)} of {months_text(rule.by_month) if rule.by_month else 'every month'}"


def limits_text(rule: Rule) -> str:
    """Return the further limits of days that are named by their number in the month or year."""
    months = in_months(rule) if rule.by_year_day else ""
    weeks = f" in {weeks_text(rule.by_week_no)}" if rule.by_week_no else ""
    month_days = if_month_day(rule) if rule.by_year_day else ""
    return months + weeks + month_days + if_weekday(rule, goes_on=bool(month_days))


def in_months(rule: Rule) -> str:
    """Return the limit to some months: " in January and March", " from June to August"."""
    if len(rule.by_month) > 2 and len(list(ranges(rule.by_month))) == 1:
        return f" from {months_text(rule.by_month)}"
    return f" in {months_text(rule.by_month)}" if rule.by_month else ""


def if_month_day(rule: Rule) -> str:
    """Return the limit to days of the month: " if it is the 1st or the 15th of the month"."""
    return f" if it is {days_text(rule.by_month_day, 'or')} of the month" if rule.by_month_day else ""


def if_weekday(rule: Rule, *, goes_on: bool = False) -> str:
    """Return the limit to weekdays: " if it is a Monday or Friday"."""
    if not rule.by_day:
        return ""
    if any(day.ordinal for day in rule.by_day):
        named = f"{numbered_weekdays(rule, 'or')} of {scope_of_numbers(rule, 'the month')}"
    else:
        named = f"a {weekday_names(rule, 'or')}"
    return f" and {named}" if goes_on else f" if it is {named}"


def weekday_names(rule: Rule, word: str = "and") -> str:
    """Return the weekdays of a rule: "Monday and Wednesday", "weekday" for Monday to Friday."""
    weekdays = tuple(sorted({day.weekday for day in rule.by_day}))
    return GROUPS.get(weekdays) or joined([WEEKDAY_NAMES[weekday] for weekday in weekdays], word)


def weekday_list(rule: Rule) -> str:
    """Return the weekdays of a rule as they follow "on": "Monday and Wednesday", "every weekday"."""
    names = weekday_names(rule)
    return f"every {names}" if names in GROUPS.values() else names


def numbered_weekdays(rule: Rule, word: str = "and") -> str:
    """Return the weekdays of a rule with their numbers: "the first and last Sunday", "every Monday"."""
    return joined(
        [
            f"every {WEEKDAY_NAMES[weekday]}"
            if 0 in (numbers := [day.ordinal for day in days])
            else f"the {positions_text(numbers, word)} {WEEKDAY_NAMES[weekday]}"
            for weekday, days in groupby(rule.by_day, lambda day: day.weekday)
        ],
        word,
    )


def scope_of_numbers(rule: Rule, month: str = "every month") -> str:
    """Return the period in which weekdays with numbers are counted, a month or the year."""
    if rule.by_month:
        return months_text(rule.by_month)
    return month if rule.frequency == Frequency.MONTHLY else "the year"


def chosen_days_text(rule: Rule) -> str | None:
    """Return the days that BYSETPOS chooses if they have a name: "the last weekday of every month"."""
    has_one_time = len(rule.by_hour) * len(rule.by_minute) * len(rule.by_second) == 1
    has_other_days = rule.by_month_day or rule.by_year_day or rule.by_week_no or any(day.ordinal for day in rule.by_day)
    has_one_set = rule.frequency == Frequency.MONTHLY or (rule.frequency == Frequency.YEARLY and len(rule.by_month) < 2)
    if not (rule.by_set_pos and has_one_time and has_one_set) or has_other_days:
        return None
    names, positions = weekday_names(rule), positions_text(rule.by_set_pos)
    if [day.weekday for day in rule.by_day] == [5, 6]:
        names = "weekend day"
    elif len(rule.by_day) > 1 and names not in GROUPS.values():
        names = f"of all {joined(f'{WEEKDAY_NAMES[day.weekday]}s' for day in rule.by_day)}"
    return f"the {positions} {names} of {scope_of_numbers(rule)}"


def within_days_text(rule: Rule) -> str:
    """Return the text of a rule that repeats within a day: "every 20 minutes from 09:00 to 16:59 on Monday"."""
    text = every(rule)
    if rule.by_hour:
        text += " " + joined(f"from {first:02}:00 to {last:02}:59" for first, last in ranges(rule.by_hour))
    if rule.by_minute:
        text += f" at {plural('minute', rule.by_minute)}"
    if rule.by_second:
        text += f" at {plural('second', rule.by_second)}"
    if rule.by_year_day or rule.by_month_day:
        return f"{text} on {days_phrase(rule)}"
    return text + (f" on {weekday_list(rule)}" if rule.by_day else "") + in_months(rule)


def times_text(rule: Rule, filled: Rule) -> str:
    """Return the times of a day if the rule names them: " at 09:00 and 17:00"."""
    if not (rule.by_hour or rule.by_minute or rule.by_second):
        return ""
    times = [time(*clock) for clock in product(filled.by_hour, filled.by_minute, filled.by_second)]
    if len(times) <= MOST_TIMES:
        return f" at {joined(map(clock_text, times))}"
    seconds = "" if filled.by_second == (0,) else f"{plural('second', filled.by_second)} of "
    return f" at {seconds}{plural('minute', filled.by_minute)} of {plural('hour', filled.by_hour)}"


def plural(unit: str, numbers: tuple[int, ...]) -> str:
    """Return numbers with their unit: "minute 30", "minutes 0 and 30"."""
    return f"{unit}{'s' if len(numbers) > 1 else ''} {numbers_text(numbers)}"


def end_text(rule: Rule, filled: Rule, time_zone: str) -> str:
    """Return when a rule ends: ", 10 times", " until 30 June 2027"; the last day on which it can give a date."""
    if rule.count is not None:
        return ", once" if rule.count == 1 else f", {rule.count:,} times"
    if rule.until is None:
        return ""
    if not isinstance(rule.until, datetime):
        return f" until {date_text(rule.until)}"
    until = rule.until
    if until.tzinfo and until.date() <= LAST_CERTAIN_DAY:
        until = until.astimezone(zone_named(time_zone))
    if rule.frequency < Frequency.DAILY:
        return f" until {date_text(until)} at {clock_text(until.time())}"
    first_of_day = time(filled.by_hour[0], filled.by_minute[0], filled.by_second[0])
    return f" until {date_text(until - timedelta(days=until.time() < first_of_day))}"
