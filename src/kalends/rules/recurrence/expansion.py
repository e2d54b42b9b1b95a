"""The dates that a rule gives (RFC 5545 section 3.3.10), on the wall clock.

The values that a rule takes from its start are filled in first. Then it does not matter whether a BY part expands or
limits (the RFC's table): for each time, the part says whether the rule may give it. A rule gives the times that all its
parts allow, in every INTERVAL-th period, from which BYSETPOS may choose some. A search goes from one allowed time to
the next, and can begin anywhere.
"""

from bisect import bisect_left
from collections.abc import Iterator
from datetime import datetime

from msgspec.structs import replace

from kalends.rules.recurrence.days import MatchingDays
from kalends.rules.recurrence.periods import DAY, HOUR, Periods, seconds_of
from kalends.rules.recurrence.rule import Frequency, Rule, WeekdayNumber
from kalends.rules.recurrence.steps import Steps

DAYS_PER_STEP = 16
"""Days of a period that take as long as one step when BYSETPOS chooses from them."""


def completed(rule: Rule, start: datetime) -> Rule:
    """Return a rule with the values that it takes from its start: the time of day, and the day of its period.

    Second 60 becomes 59, which clocks without leap seconds show (RFC 5545 section 3.3.12).
    """
    frequency = rule.frequency
    if 60 in rule.by_second:
        rule = replace(rule, by_second=tuple(sorted({*rule.by_second[:-1], 59})))
    if frequency > Frequency.SECONDLY and not rule.by_second:
        rule = replace(rule, by_second=(start.second,))
    if frequency > Frequency.MINUTELY and not rule.by_minute:
        rule = replace(rule, by_minute=(start.minute,))
    if frequency > Frequency.HOURLY and not rule.by_hour:
        rule = replace(rule, by_hour=(start.hour,))
    if frequency < Frequency.WEEKLY or rule.by_day or rule.by_month_day or rule.by_year_day:
        return rule
    if frequency == Frequency.WEEKLY or rule.by_week_no:
        return replace(rule, by_day=(WeekdayNumber(start.weekday()),))
    if frequency == Frequency.YEARLY and not rule.by_month:
        rule = replace(rule, by_month=(start.month,))
    return replace(rule, by_month_day=(start.day,))


class Expansion:
    """The times of a rule without UNTIL and COUNT, as seconds since 0001-01-01T00:00:00."""

    def __init__(self, rule: Rule, start: datetime, steps: Steps) -> None:
        rule = completed(rule, start)
        self._days = MatchingDays(rule, steps)
        self._hours = rule.by_hour or tuple(range(24))
        self._in_hour = [
            minute * 60 + second for minute in rule.by_minute or range(60) for second in rule.by_second or range(60)
        ]
        self._positions = rule.by_set_pos
        self._periods = Periods(rule)
        self._first_period = self._periods.number_at(seconds_of(start))
        self._interval = rule.interval
        self._steps = steps

    def times(self, begin: int, end: int) -> Iterator[int]:
        """Yield the times from `begin` on and before `end`."""
        time: int | None = begin
        while (time := self._next_from(time)) is not None and time < end:
            self._steps.take()
            period = self._periods.number_at(time)
            ahead = (self._first_period - period) % self._interval
            if ahead:
                time = self._periods.start_of(period + ahead)
            elif self._positions:
                after = self._periods.start_of(period + 1)
                yield from (one for one in self._chosen(self._periods.start_of(period), after) if begin <= one < end)
                time = after
            else:
                yield time
                time += 1

    def _next_from(self, time: int) -> int | None:
        """Return the first time from this one on that the BY parts allow, in any period."""
        day, of_day = divmod(time, DAY)
        match = self._days.next_from(day)
        if match == day:
            later = self._next_in_day(of_day)
            if later is not None:
                return day * DAY + later
            match = self._days.next_from(day + 1)
        return None if match is None else match * DAY + self._hours[0] * HOUR + self._in_hour[0]

    def _next_in_day(self, of_day: int) -> int | None:
        hour, of_hour = divmod(of_day, HOUR)
        place = bisect_left(self._hours, hour)
        if place < len(self._hours) and self._hours[place] == hour:
            if of_hour <= self._in_hour[-1]:
                return hour * HOUR + self._in_hour[bisect_left(self._in_hour, of_hour)]
            place += 1
        return self._hours[place] * HOUR + self._in_hour[0] if place < len(self._hours) else None

    def _chosen(self, start: int, end: int) -> list[int]:
        """Return the times that BYSETPOS chooses from all of a period, also if the rule begins within it."""
        days = self._days.between(start // DAY, (end - 1) // DAY + 1)
        self._steps.take(2 + len(days) // DAYS_PER_STEP)
        hours, in_hour = self._hours, self._in_hour
        if end - start < DAY:
            hours = (start % DAY // HOUR,)
        if end - start < HOUR:
            first = bisect_left(in_hour, start % HOUR)
            in_hour = in_hour[first : bisect_left(in_hour, start % HOUR + end - start)]
        a_day = len(hours) * len(in_hour)
        number = len(days) * a_day
        places = {position - 1 if position > 0 else number + position for position in self._positions}
        return [
            days[place // a_day] * DAY + hours[place % a_day // len(in_hour)] * HOUR + in_hour[place % len(in_hour)]
            for place in sorted(places)
            if 0 <= place < number
        ]
