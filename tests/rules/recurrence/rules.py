"""Random valid rules, mostly those that have dates soon after their start."""

from datetime import UTC, date, datetime
from typing import Any

from hypothesis import strategies as st

from kalends.rules.recurrence.rule import Frequency, Rule, WeekdayNumber

STARTS = st.datetimes(datetime(1990, 1, 1), datetime(2060, 12, 31)).map(lambda one: one.replace(microsecond=0))  # noqa: DTZ001
NAMES = ("by_month", "by_month_day", "by_year_day", "by_week_no", "by_day", "by_hour", "by_minute", "by_second")


def places(largest: int, *likely: int) -> st.SearchStrategy[int]:
    far = st.integers(1, largest) | st.integers(-largest, -1)
    return st.sampled_from(likely) | far if likely else far


def some(values: st.SearchStrategy[Any], most: int = 5) -> st.SearchStrategy[tuple[Any, ...]]:
    return st.sets(values, min_size=1, max_size=most).map(lambda chosen: tuple(sorted(chosen)))


def values_of(name: str, start: datetime, *, with_numbers: bool) -> st.SearchStrategy[tuple[Any, ...]]:
    match name:
        case "by_month":
            return some(st.integers(1, 12) | st.just(start.month))
        case "by_month_day":
            return some(places(31, start.day, -1), 12)
        case "by_year_day":
            return some(places(366, start.timetuple().tm_yday, -1, 366), 12)
        case "by_week_no":
            return some(places(53, start.isocalendar().week, 1, 53, -1))
        case "by_day":
            ordinals = st.just(0) | places(6) | places(53) if with_numbers else st.just(0)
            return some(st.builds(WeekdayNumber, st.integers(0, 6) | st.just(start.weekday()), ordinals), 7)
        case "by_hour":
            return some(st.integers(0, 23) | st.just(start.hour))
        case _:
            return some(st.integers(0, 59) | st.just(start.minute if name == "by_minute" else start.second), 12)


def allowed(name: str, frequency: Frequency) -> bool:
    match name:
        case "by_month_day":
            return frequency != Frequency.WEEKLY
        case "by_year_day":
            return frequency in (Frequency.YEARLY, Frequency.HOURLY, Frequency.MINUTELY, Frequency.SECONDLY)
        case "by_week_no":
            return frequency == Frequency.YEARLY
        case _:
            return True


@st.composite
def rules_with_starts(draw: st.DrawFn, *, most_parts: int = 4) -> tuple[Rule, datetime]:
    """Return a strategy for rules without an end, and starts."""
    start, frequency = draw(STARTS), draw(st.sampled_from(Frequency))
    names = [name for name in NAMES if allowed(name, frequency)]
    chosen = draw(st.sets(st.sampled_from(names), max_size=most_parts))
    with_numbers = frequency >= Frequency.MONTHLY and "by_week_no" not in chosen
    fields: dict[str, Any] = {name: draw(values_of(name, start, with_numbers=with_numbers)) for name in sorted(chosen)}
    if chosen and draw(st.booleans()):
        fields["by_set_pos"] = draw(some(places(6) | places(366), 3))
    interval = draw(st.sampled_from([1, 1, 2, 3, 5, 7, 24, 25, 60]) | st.integers(1, 100))
    rule = Rule(frequency=frequency, interval=interval, week_start=draw(st.sampled_from([0, 0, 6, 3])), **fields)
    return rule, start


ends = (
    st.just({})
    | st.integers(1, 999_999_999).map(lambda count: {"count": count})
    | (
        st.dates(date(1, 1, 1), date(9999, 12, 31))
        | st.datetimes().map(lambda one: one.replace(microsecond=0))
        | st.datetimes().map(lambda one: one.replace(microsecond=0, tzinfo=UTC))
    ).map(lambda until: {"until": until})
)
