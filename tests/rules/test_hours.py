"""Working hours compared with wall clocks: minute by minute, in every zone, in weeks when clocks change."""

import itertools
from datetime import UTC, date, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from kalends.model import Span
from kalends.rules.hours import (
    MINUTES_A_DAY,
    Window,
    WorkingHours,
    merged_windows,
    minute_of_day,
    steady_segments,
    window_of,
    working_periods,
    written_minute,
)
from kalends.rules.intervals import DAY, HOUR, MINUTE
from kalends.rules.zones import known_zones
from tests.cast import instant
from tests.rules.spans import holds, span
from tests.transitions import different_zones, offset_at, transitions

SECONDS_OF_MINUTES_ONLY = 73_000_000
"""Since May 1972 every zone is a whole number of minutes off UTC (Monrovia was the last)."""

STRANGE_MOMENTS = [
    ("Australia/Lord_Howe", "2026-04-04T15:00:00+00:00"),  # half an hour back
    ("Antarctica/Troll", "2026-03-29T01:00:00+00:00"),  # two hours forward
    ("Pacific/Apia", "2011-12-30T10:00:00+00:00"),  # no 30 December
    ("America/St_Johns", "2006-10-29T02:31:00+00:00"),  # back over midnight: the 28th shows twice
    ("America/Havana", "2024-11-03T05:00:00+00:00"),  # midnight shows twice
    ("Africa/Cairo", "2026-04-23T22:00:00+00:00"),  # no midnight
    ("Europe/Berlin", "2026-10-25T01:00:00+00:00"),
    ("Asia/Kathmandu", "1985-12-31T18:30:00+00:00"),
]


def read_window(start: str, end: str) -> Window:
    return window_of(minute_of_day(start), minute_of_day(end))


@cache
def changes() -> list[tuple[str, int]]:
    """Return every zone with every time at which its clocks changed, in seconds."""
    zones = different_zones(known_zones())
    return [(name, at) for name in zones for at in transitions(name) if at > SECONDS_OF_MINUTES_ONLY]


MOMENTS = st.deferred(lambda: st.sampled_from(changes()))
WINDOWS = st.builds(
    lambda start, length: Window(start, start + length),
    st.integers(0, MINUTES_A_DAY - 1),
    st.one_of(st.integers(1, MINUTES_A_DAY - 1), st.sampled_from([1, 30, 60, 480, MINUTES_A_DAY - 1])),
) | st.just(Window(0, MINUTES_A_DAY))
DAYS_WINDOWS = st.lists(WINDOWS, max_size=2).map(merged_windows)
WEEK = st.lists(DAYS_WINDOWS, min_size=7, max_size=7).map(tuple)


def works_at(hours: WorkingHours, zone: ZoneInfo, at: int) -> bool:
    """Return whether the local time of an instant, in microseconds, is within one of a user's windows."""
    wall = datetime.fromtimestamp(at // 1_000_000, UTC).astimezone(zone)
    minute, today = wall.hour * 60 + wall.minute, wall.date()

    def windows(day):
        return hours.overrides.get(day, hours.weekly[day.weekday()])

    return any(one.start <= minute < one.end for one in windows(today)) or any(
        one.start <= minute + MINUTES_A_DAY < one.end for one in windows(today - timedelta(days=1))
    )


def check_against_the_wall(hours: WorkingHours, zone: ZoneInfo, within: Span) -> list[Span]:
    """Compare the periods of a span with the wall clock, minute by minute."""
    periods = working_periods(hours, zone, within)
    minutes = range(within.start, within.end, MINUTE)
    worked = [at for at in minutes if works_at(hours, zone, at)]
    assert [at for at in minutes if holds(periods, at)] == worked
    assert sum(period.end - period.start for period in periods) == len(worked) * MINUTE
    assert all(one.end < other.start for one, other in itertools.pairwise(periods))
    return periods


@settings(max_examples=120)
@given(st.data(), WEEK, MOMENTS, st.integers(-2_880, 60), st.integers(1, 2_880))
def test_working_time_is_when_the_local_time_is_within_a_window(data, week, moment, before, minutes):
    name, at = moment
    zone = ZoneInfo(name)
    start = (at // 60 + before) * MINUTE
    day = datetime.fromtimestamp(at, UTC).date()
    dates = st.integers(-2, 3).map(lambda days: day + timedelta(days=days))
    overrides = data.draw(st.dictionaries(dates, DAYS_WINDOWS, max_size=3))
    check_against_the_wall(WorkingHours(week, overrides), zone, span(start, start + minutes * MINUTE))


@pytest.mark.unmeasured
@pytest.mark.parametrize(("name", "moment"), STRANGE_MOMENTS)
@pytest.mark.parametrize("offset", [-2_000, -90, -1, 0, 1, 29, 61])
def test_the_strangest_days_of_all(name, moment, offset):
    """Also within a repeated hour: the search for the next midnight once found one in the past."""
    start = instant(moment) + offset * MINUTE
    night = (Window(22 * 60, 30 * 60), Window(0, 1), Window(600, 601))
    within = span(start, start + 3_100 * MINUTE)
    assert check_against_the_wall(WorkingHours((merged_windows(night),) * 7, {}), ZoneInfo(name), within)


@given(MOMENTS, st.integers(-50 * HOUR, 50 * HOUR), st.integers(1, 100 * DAY))
@example(("America/St_Johns", 1_162_089_060), 10 * MINUTE, DAY)
@example(("Europe/Berlin", 1_774_746_000), -HOUR, HOUR)
def test_segments_of_constant_offset_are_contiguous(moment, before, length):
    name, at = moment
    zone = ZoneInfo(name)
    start = at * 1_000_000 + before
    segments = list(steady_segments(span(start, start + length), zone))
    assert segments[0][0].start == start
    assert segments[-1][0].end == start + length
    assert all(one[0].end == other[0].start and one[1] != other[1] for one, other in itertools.pairwise(segments))
    for one, offset in segments:
        for look in (one.start, (one.start + one.end) // 2, one.end - 1):
            assert offset_at(look // 1_000_000, zone) * 1_000_000 == offset


def test_no_zone_changes_twice_within_three_days():
    """So looking once a day misses nothing."""
    for name, moments in itertools.groupby(changes(), lambda pair: pair[0]):
        zone = ZoneInfo(name)
        real = sorted({at for _, at in moments if offset_at(at - 1, zone) != offset_at(at, zone)})
        assert all(later - earlier > 3 * 86_400 for earlier, later in itertools.pairwise(real)), name


BERLIN = ZoneInfo("Europe/Berlin")
NINE_TO_FIVE = WorkingHours(((Window(540, 1020),),) * 5 + ((), ()), {date(2026, 3, 31): ()})


def test_an_ordinary_week():
    """From Saturday on: clocks go forward on Sunday, Tuesday is off."""
    periods = working_periods(
        NINE_TO_FIVE, BERLIN, span(instant("2026-03-28T00:00+01:00"), instant("2026-04-02T12:00+02:00"))
    )
    assert periods == [
        span(instant("2026-03-30T09:00+02:00"), instant("2026-03-30T17:00+02:00")),
        span(instant("2026-04-01T09:00+02:00"), instant("2026-04-01T17:00+02:00")),
        span(instant("2026-04-02T09:00+02:00"), instant("2026-04-02T12:00+02:00")),
    ]


@pytest.mark.parametrize(
    ("window", "day", "hours"),
    [
        (("01:00", "04:00"), "2026-03-29", 2),  # the hour from 02:00 is skipped
        (("02:00", "03:00"), "2026-03-29", 0),
        (("01:00", "04:00"), "2026-10-25", 4),  # and here it shows twice
        (("02:00", "03:00"), "2026-10-25", 2),
        (("00:00", "24:00"), "2026-03-29", 23),
        (("00:00", "24:00"), "2026-10-25", 25),
        (("22:00", "06:00"), "2026-03-28", 7),  # the window of the night before
        (("22:00", "06:00"), "2026-10-24", 9),
    ],
)
def test_windows_on_days_of_23_and_25_hours(window, day, hours):
    own = WorkingHours(((),) * 7, {date.fromisoformat(day): (read_window(*window),)})
    within = span(instant(f"{day}T00:00+01:00") - DAY, instant(f"{day}T00:00+01:00") + 3 * DAY)
    assert sum(period.end - period.start for period in working_periods(own, BERLIN, within)) == hours * HOUR


def test_windows_over_midnight_belong_to_the_day_they_start_on():
    friday_night = WorkingHours(((),) * 4 + ((Window(1320, 1800),), (Window(360, 420),), ()), {date(2026, 3, 14): ()})
    within = span(instant("2026-03-13T00:00+01:00"), instant("2026-03-15T00:00+01:00"))
    night = span(instant("2026-03-13T22:00+01:00"), instant("2026-03-14T06:00+01:00"))
    assert working_periods(friday_night, BERLIN, within) == [night], "Saturday is off, but its early hours are Friday's"
    saturday = WorkingHours(friday_night.weekly, {})
    assert working_periods(saturday, BERLIN, within) == [span(night.start, night.end + HOUR)], "what touches is one"


@given(st.lists(WINDOWS, max_size=5))
def test_merged_windows_cover_the_same_minutes_and_can_be_written_and_read_again(windows):
    merged = merged_windows(tuple(windows))
    for minute in range(2 * MINUTES_A_DAY):
        covered = any(one.start <= minute < one.end for one in windows)
        assert any(one.start <= minute < one.end for one in merged) is covered
    assert merged_windows(merged) == merged
    assert tuple(read_window(written_minute(one.start), written_minute(one.end)) for one in merged) == merged
    for one, other in itertools.pairwise(merged):
        assert one.end < other.start or other.end - one.start >= MINUTES_A_DAY, (
            "only what no window can say stays apart"
        )


@pytest.mark.parametrize(
    ("windows", "merged"),
    [
        ([(540, 720), (720, 1020)], [(540, 1020)]),
        ([(720, 1020), (540, 700)], [(540, 700), (720, 1020)]),
        ([(540, 1020), (600, 660)], [(540, 1020)]),
        ([(0, 720), (720, 1440)], [(0, 1440)]),
        ([(0, 1440), (1320, 1800)], [(0, 1440), (1320, 1800)]),  # 30 hours would read like 00:00 to 06:00
    ],
)
def test_touching_windows_merge(windows, merged):
    assert merged_windows(Window(*one) for one in windows) == tuple(Window(*one) for one in merged)


@given(st.integers(0, MINUTES_A_DAY))
def test_times_of_day_are_read_as_they_are_written(minute):
    assert minute_of_day(written_minute(minute)) == minute


def test_windows_are_read():
    assert read_window("09:00", "17:30") == Window(540, 1050)
    assert read_window("22:00", "06:00") == Window(1320, 1800)
    assert read_window("18:00", "24:00") == Window(1080, 1440)
    assert read_window("18:00", "00:00") == Window(1080, 1440)
    assert read_window("00:00", "24:00") == Window(0, 1440)


@pytest.mark.parametrize(
    "pair", [("09:00", "09:00"), ("24:00", "06:00"), ("24:00", "24:00"), ("00:00", "00:00"), ("9:00", "10:00")]
)
def test_windows_without_length_are_refused(pair):
    with pytest.raises(ValueError, match=r"must (end at another time|be a time of day)"):
        read_window(*pair)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "9:00",
        "09:60",
        "24:01",
        "25:00",
        "0900",
        "09:00:00",
        "-1:00",
        "\u0660\u0669:\u0660\u0660",
        "09-00",
        "aa:bb",
        "09:0a",
        " 9:00",
    ],
)
def test_invalid_times_of_day_are_refused(text):
    with pytest.raises(ValueError, match="must be a time of day such as 09:30"):
        minute_of_day(text)
