"""Steps of a search on the wall clock, on ordinary days and on those that change."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from kalends.model import Instant, Span
from kalends.rules.intervals import DAY, HOUR, MINUTE
from kalends.rules.starts import slot_starts, start_spans
from kalends.rules.zones import first_instant, from_instant, known_zones, local_date, to_instant
from tests.cast import instant
from tests.rules.spans import span
from tests.transitions import different_zones, transitions

STRANGE = [
    "Africa/Cairo",
    "Africa/Casablanca",
    "America/Havana",
    "America/Santiago",
    "America/Sao_Paulo",
    "America/St_Johns",
    "Antarctica/Troll",
    "Asia/Gaza",
    "Australia/Lord_Howe",
    "Pacific/Apia",
]
SINCE = to_instant(datetime(1970, 1, 2, tzinfo=UTC))
STEPS = st.sampled_from([1, 5, 7, 15, 25, 30, 45, 60, 90, 100, 210, 1_440])
DURATIONS = st.sampled_from([1, 15, 60, 90, 240, 600]) | st.integers(1, 1_440)


def starts_in(window: Span, zone: str, step: int, duration: int) -> list[Instant]:
    return slot_starts(start_spans(window, ZoneInfo(zone), duration * MINUTE), step * MINUTE, ())


@st.composite
def changing_days(draw: st.DrawFn) -> tuple[ZoneInfo, date]:
    """Return a strategy for a zone and a date on or next to which its clocks change."""
    name = draw(st.sampled_from(STRANGE) | st.sampled_from(different_zones(known_zones())))
    changes = [change for change in transitions(name) if change * 1_000_000 > SINCE]
    assume(changes)
    zone = ZoneInfo(name)
    change = Instant(draw(st.sampled_from(changes)) * 1_000_000)
    return zone, local_date(change, zone) + timedelta(draw(st.integers(-1, 1)))


def readings(day: date, clock: timedelta, zone: ZoneInfo) -> set[int]:
    """Return the instants of a local time: one, none if it is skipped, or two."""
    wall = datetime(day.year, day.month, day.day) + clock  # noqa: DTZ001 (what a wall clock shows)
    both = (to_instant(wall.replace(tzinfo=zone, fold=fold)) for fold in (0, 1))
    return {at for at in both if from_instant(at, zone).replace(tzinfo=None) == wall}


@pytest.mark.slow
@settings(max_examples=300)
@given(changing_days(), STEPS, DURATIONS, st.integers(-600, 600), st.integers(0, 3_000))
def test_a_local_time_that_exists_is_a_start_on_every_day(pair, step, duration, shift, length):
    """This holds for every window; no slot leaves its day, and the day's first moment always is a start."""
    zone, day = pair
    opening = first_instant(day, zone)
    assume(local_date(opening, zone) == day)
    window = span(opening + shift * MINUTE, opening + (shift + length) * MINUTE)
    expected: set[int] = set()
    for near in (day + timedelta(days) for days in range(-2, 5)):
        steps = (timedelta(minutes=minutes) for minutes in range(0, 1_440, step))
        expected.update(*(readings(near, clock, zone) for clock in steps), {first_instant(near, zone)})
    takes = duration * MINUTE
    fits = [
        at
        for at in sorted(expected)
        if window.start <= at
        and at + takes <= window.end
        and local_date(Instant(at), zone) == local_date(Instant(at + takes - 1), zone)
    ]
    assert starts_in(window, zone.key, step, duration) == fits


def clocks(day: str, zone: str, step: int, duration: int = 60, first: int = 0, last: int = 24) -> list[str]:
    """Return the local times at which a slot may begin on a day between two hours after its first moment."""
    opening = first_instant(date.fromisoformat(day), ZoneInfo(zone))
    closing = first_instant(date.fromisoformat(day) + timedelta(1), ZoneInfo(zone))
    window = span(opening + first * HOUR, min(opening + last * HOUR, closing))
    return [f"{from_instant(at, ZoneInfo(zone)):%H:%M}" for at in starts_in(window, zone, step, duration)]


@pytest.mark.parametrize("day", ["2026-03-28", "2026-03-29", "2026-10-25"])
def test_two_hour_steps_stay_on_even_hours(day):
    even = ["08:00", "10:00", "12:00", "14:00", "16:00", "18:00", "20:00", "22:00"]
    assert clocks(day, "Europe/Berlin", 120)[-8:] == even or clocks(day, "Europe/Berlin", 120, last=25)[-8:] == even


@pytest.mark.parametrize("day", ["2026-03-28", "2026-03-29", "2026-10-25"])
def test_the_afternoon_has_its_slot_of_ninety_minutes_on_every_day(day):
    window = span(instant(f"{day}T15:00{offset(day)}"), instant(f"{day}T16:30{offset(day)}"))
    assert starts_in(window, "Europe/Berlin", 90, 90) == [window.start]


def offset(day: str) -> str:
    return "+02:00" if day == "2026-03-29" else "+01:00"


@pytest.mark.parametrize(
    ("day", "zone", "step", "expected"),
    [
        ("2026-03-29", "Europe/Berlin", 60, ["00:00", "01:00", "03:00", "04:00"]),
        ("2026-10-25", "Europe/Berlin", 60, ["00:00", "01:00", "02:00", "02:00", "03:00"]),
        ("2026-10-04", "Australia/Lord_Howe", 60, ["00:00", "01:00", "03:00", "04:00"]),
        (
            "2026-10-04",
            "Australia/Lord_Howe",
            30,
            ["00:00", "00:30", "01:00", "01:30", "02:30", "03:00", "03:30", "04:00"],
        ),
        (
            "2026-04-05",
            "Australia/Lord_Howe",
            30,
            ["00:00", "00:30", "01:00", "01:30", "01:30", "02:00", "02:30", "03:00"],
        ),
        ("2026-09-06", "America/Santiago", 90, ["01:00", "01:30", "03:00", "04:30"]),
        ("2026-09-06", "America/Santiago", 60, ["01:00", "02:00", "03:00", "04:00"]),
        ("2018-11-04", "America/Sao_Paulo", 120, ["01:00", "02:00", "04:00"]),
        ("2026-04-24", "Africa/Cairo", 120, ["01:00", "02:00", "04:00"]),
        ("2026-03-29", "Antarctica/Troll", 60, ["00:00", "03:00", "04:00", "05:00"]),
        ("2011-12-31", "Pacific/Apia", 60, ["00:00", "01:00", "02:00", "03:00"]),
    ],
)
def test_strange_days(day, zone, step, expected):
    assert clocks(day, zone, step, last=5)[: len(expected)] == expected


def test_a_meeting_over_the_end_of_summer_time_lies_within_the_day():
    """A day of 25 hours has one slot of 24 hours, at midnight; a day of 23 hours has none."""
    assert clocks("2026-10-25", "Europe/Berlin", 60, 1_440, last=25) == ["00:00", "01:00"]
    assert clocks("2026-03-29", "Europe/Berlin", 60, 1_440) == []
    assert clocks("2026-03-29", "Europe/Berlin", 60, 1_380) == ["00:00"]


@pytest.mark.parametrize(("day", "slots"), [("2026-03-28", 24), ("2026-03-29", 23), ("2026-10-25", 25)])
def test_a_day_has_as_many_hourly_starts_as_hours(day, slots):
    assert len(clocks(day, "Europe/Berlin", 60, last=25)) == slots


def test_steps_do_not_follow_the_window():
    start = instant("2026-03-09T09:00+01:00")
    first = starts_in(span(start + 1, start + DAY), "Europe/Berlin", 45, 60)[0]
    assert first == start + 45 * MINUTE
