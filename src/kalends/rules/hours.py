"""Working hours: windows in wall-clock time, weekly and for single dates, and their periods in a zone."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from msgspec import Struct

from kalends.errors import BadValue
from kalends.model import Instant, Span
from kalends.rules.intervals import DAY, MINUTE
from kalends.rules.periods import clip, merge
from kalends.rules.zones import ONE_DAY, from_instant, local_date

MINUTES_A_DAY = 24 * 60
DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
WALL_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 (what a wall clock shows has no zone)


class Window(Struct, frozen=True, order=True):
    """A window between two wall-clock minutes of a day; the end is up to 2,880, as a window may pass midnight."""

    start: int
    end: int


class WorkingHours(Struct, frozen=True):
    """Windows for each day of the week (0 is Monday), and for dates that differ."""

    weekly: tuple[tuple[Window, ...], ...]
    overrides: Mapping[date, tuple[Window, ...]]


def window_of(start: int, end: int) -> Window:
    """Return the window between two minutes of a day; one that ends before it starts passes midnight.

    Raise BadValue `invalid_window` for one without length.
    """
    if start in (end, MINUTES_A_DAY):
        message = "must end at another time than it starts; for the whole day, write 00:00 to 24:00"
        raise BadValue("invalid_window", message)
    return Window(start, end if end > start else end + MINUTES_A_DAY)


def minute_of_day(text: str) -> int:
    """Return the minutes since midnight of a time `HH:MM`, up to 24:00. Raise BadValue `invalid_time`."""
    hour, separator, minute = text.partition(":")
    digits = len(hour) == len(minute) == 2 and (hour + minute).isascii() and (hour + minute).isdigit()
    minutes = int(hour) * 60 + int(minute) if digits and separator else -1
    if not 0 <= minutes <= MINUTES_A_DAY or int(minute) > 59:
        raise BadValue("invalid_time", f"must be a time of day such as 09:30, not {text[:16]!r}")
    return minutes


def written_minute(minutes: int) -> str:
    """Return minutes since midnight as `HH:MM`; after 24:00 it is the time of the next day."""
    within = minutes if minutes <= MINUTES_A_DAY else minutes - MINUTES_A_DAY
    return f"{within // 60:02}:{within % 60:02}"


def merged_windows(windows: Iterable[Window]) -> tuple[Window, ...]:
    """Return the windows of a day in order; those that overlap or touch are merged if one window can express it."""
    result: list[Window] = []
    for one in sorted(windows):
        last = result[-1] if result else None
        if last is None or one.start > last.end:
            result.append(one)
        elif one.end > last.end:
            whole = Window(last.start, one.end)
            result[-1:] = [whole] if can_be_written(whole) else [last, one]
    return tuple(result)


def can_be_written(window: Window) -> bool:
    """Return whether two times of day can express a window: one of 24 hours or more would look short or empty."""
    return window.end - window.start < MINUTES_A_DAY or window == Window(0, MINUTES_A_DAY)


def working_periods(hours: WorkingHours, zone: ZoneInfo, within: Span) -> list[Span]:
    """Return when somebody works within a span: the instants at which the clocks of the zone show a window.

    So a window in an hour that clocks repeat gives two periods, and one in an hour that they skip gives none.
    """
    # A window of the day before may pass midnight, and clocks that fall back over midnight show a day twice.
    first, last = local_date(within.start, zone) - 2 * ONE_DAY, local_date(within.end, zone) + ONE_DAY
    wall = list(wall_spans(hours, first, last))
    periods: list[Span] = []
    for segment, offset in steady_segments(within, zone):
        shifted = (Span(Instant(span.start - offset), Instant(span.end - offset)) for span in wall)
        periods += clip(shifted, segment)
    return merge(periods)


def wall_spans(hours: WorkingHours, first: date, last: date) -> Iterator[Span]:
    """Yield the windows of all dates as spans of wall-clock time, in microseconds since 1970-01-01T00:00."""
    day = first
    while day <= last:
        midnight = (day - WALL_EPOCH.date()).days * MINUTES_A_DAY
        for window in hours.overrides.get(day, hours.weekly[day.weekday()]):
            yield Span(Instant((midnight + window.start) * MINUTE), Instant((midnight + window.end) * MINUTE))
        day += ONE_DAY


def steady_segments(within: Span, zone: ZoneInfo) -> Iterator[tuple[Span, int]]:
    """Yield the parts of a span between changes of the zone's offset, each with its offset in microseconds.

    One check in 24 hours is enough: no zone since 1900 has changed twice within three days.
    """
    start, offset = within.start, offset_at(within.start, zone)
    low = start
    while low < within.end:
        high = min(Instant(low + DAY), within.end)
        if offset_at(high, zone) != offset:
            high = first_with_other_offset(low, high, offset, zone)
            yield Span(start, high), offset
            start, offset = high, offset_at(high, zone)
        low = high
    if start < within.end:
        yield Span(start, within.end), offset


def first_with_other_offset(low: Instant, high: Instant, offset: int, zone: ZoneInfo) -> Instant:
    """Return the instant between two at which the offset changes."""
    while high - low > 1:
        middle = Instant((low + high) // 2)
        if offset_at(middle, zone) == offset:
            low = middle
        else:
            high = middle
    return high


def offset_at(moment: Instant, zone: ZoneInfo) -> int:
    """Return the UTC offset of a zone, in microseconds."""
    ahead = from_instant(moment, zone).utcoffset() or timedelta(0)
    return ahead // timedelta(microseconds=1)
