"""Dates where clocks change: a skipped time moves forward by the gap; of a repeated time the first counts.

The days are those of the law as it was; zones that change it often are tested for days that are past.
"""

from collections.abc import Iterator
from datetime import datetime

import pytest

from kalends.rules.intervals import MINUTE
from kalends.rules.recurrence.dates import occurrences, placed
from kalends.rules.zones import from_instant, rendered, to_instant, zone_named
from tests.rules.recurrence.notation import local, recurrence

ZONES = {
    "America/New_York": (2025, 2026),
    "Europe/Berlin": (2025, 2026),
    "Australia/Lord_Howe": (2025, 2026),
    "America/Sao_Paulo": (2017, 2018),
    "Asia/Gaza": (2021, 2022),
    "Africa/El_Aaiun": (2023, 2024),
    "Pacific/Apia": (2011, 2012),
    "Antarctica/Troll": (2025, 2026),
}
"""Zones, and years in which their clocks changed."""


def shown(text: str, start: str, zone: str) -> list[str]:
    """Return the instants of a rule as local times of its zone."""
    return [rendered(one.instant, zone_named(zone)) for one in placed(dates_of(text, start, zone), zone_named(zone))]


def dates_of(text: str, start: str, zone: str) -> Iterator[datetime]:
    return occurrences(recurrence(text, start, zone))


@pytest.mark.parametrize(
    ("zone", "start", "expected"),
    [
        ("America/New_York", "2026-03-07T02:30", ["07T02:30:00-05:00", "08T03:30:00-04:00", "09T02:30:00-04:00"]),
        ("America/New_York", "2026-10-31T01:30", ["31T01:30:00-04:00", "01T01:30:00-04:00", "02T01:30:00-05:00"]),
        ("Europe/Berlin", "2026-03-28T02:30", ["28T02:30:00+01:00", "29T03:30:00+02:00", "30T02:30:00+02:00"]),
        ("Europe/Berlin", "2026-10-24T02:30", ["24T02:30:00+02:00", "25T02:30:00+02:00", "26T02:30:00+01:00"]),
        ("Australia/Lord_Howe", "2026-10-03T02:15", ["03T02:15:00+10:30", "04T02:45:00+11:00", "05T02:15:00+11:00"]),
        ("Australia/Lord_Howe", "2026-04-04T01:45", ["04T01:45:00+11:00", "05T01:45:00+11:00", "06T01:45:00+10:30"]),
        ("America/Sao_Paulo", "2018-11-03T00:30", ["03T00:30:00-03:00", "04T01:30:00-02:00", "05T00:30:00-02:00"]),
        ("America/Sao_Paulo", "2018-02-17T23:30", ["17T23:30:00-02:00", "18T23:30:00-03:00", "19T23:30:00-03:00"]),
        ("Asia/Gaza", "2022-03-26T00:30", ["26T00:30:00+02:00", "27T01:30:00+03:00", "28T00:30:00+03:00"]),
        ("Africa/El_Aaiun", "2024-03-09T02:30", ["09T02:30:00+01:00", "10T02:30:00+01:00", "11T02:30:00Z"]),
        ("Africa/El_Aaiun", "2024-04-13T02:30", ["13T02:30:00Z", "14T03:30:00+01:00", "15T02:30:00+01:00"]),
        ("Antarctica/Troll", "2026-03-28T02:30", ["28T02:30:00Z", "29T04:30:00+02:00", "30T02:30:00+02:00"]),
        ("Antarctica/Troll", "2026-10-24T01:30", ["24T01:30:00+02:00", "25T01:30:00+02:00", "26T01:30:00Z"]),
    ],
)
def test_a_daily_rule_keeps_its_wall_clock(zone: str, start: str, expected: list[str]) -> None:
    assert [one[8:] for one in shown("FREQ=DAILY;COUNT=3", start, zone)] == expected


def test_a_day_that_the_calendar_skipped_moves_to_the_next_and_meets_its_date() -> None:
    assert shown("FREQ=DAILY;COUNT=3", "2011-12-29T09:00", "Pacific/Apia") == [
        "2011-12-29T09:00:00-10:00",
        "2011-12-31T09:00:00+14:00",
    ]
    assert shown("FREQ=DAILY;INTERVAL=2;COUNT=3", "2011-12-28T09:00", "Pacific/Apia") == [
        "2011-12-28T09:00:00-10:00",
        "2011-12-31T09:00:00+14:00",
        "2012-01-01T09:00:00+14:00",
    ]


def test_times_that_move_forward_meet_the_times_after_the_gap_and_are_kept_once() -> None:
    zone = zone_named("Europe/Berlin")
    dates = dates_of("FREQ=MINUTELY;INTERVAL=30;COUNT=6", "2026-03-29T01:30", "Europe/Berlin")
    found = list(placed(dates, zone))
    assert [rendered(one.instant, zone)[11:16] for one in found] == ["01:30", "03:00", "03:30", "04:00"]
    assert [one.local.strftime("%H:%M") for one in found] == ["01:30", "03:00", "03:30", "04:00"]


def test_times_that_move_forward_between_others_are_put_in_order() -> None:
    found = shown("FREQ=MINUTELY;INTERVAL=25;COUNT=6", "2026-03-29T01:40", "Europe/Berlin")
    assert [one[11:16] for one in found] == ["01:40", "03:05", "03:20", "03:30", "03:45", "03:55"]
    last = shown("FREQ=MINUTELY;INTERVAL=25;COUNT=2", "2026-03-29T01:40", "Europe/Berlin")
    assert [one[11:16] for one in last] == ["01:40", "03:05"]


@pytest.mark.parametrize("zone", ZONES)
def test_an_hourly_rule_gives_the_first_instant_of_each_time_that_clocks_show(zone: str) -> None:
    first_year, last_year = ZONES[zone]
    there = zone_named(zone)
    begin, end = (
        to_instant(local(f"{year}-01-01T00:00").replace(tzinfo=there)) for year in (first_year, last_year + 1)
    )
    first_shown: dict[datetime, int] = {}
    for moment in range(begin, end, 30 * MINUTE):
        first_shown.setdefault(from_instant(moment, there).replace(tzinfo=None, fold=0), moment)
    expected = {moment: clock for clock, moment in first_shown.items() if clock.minute == 30}
    series = recurrence("FREQ=HOURLY", f"{first_year}-01-01T00:30", zone)
    found = list(placed(occurrences(series, before=local(f"{last_year + 1}-01-01T00:00")), there))
    assert [one.instant for one in found] == sorted(expected)
    assert {one.instant: one.local for one in found} == expected
