from datetime import date, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kalends.errors import Fault
from kalends.model import Block, Instant, Span
from kalends.rules.blocks import block_of, faults_in_any_zone, placed
from kalends.rules.intervals import HOUR, LONGEST_BLOCK, MINUTE, SECOND
from kalends.rules.zones import first_instant, known_zones, local_date, read_time, zone_named

zone_names = st.sampled_from(sorted(known_zones()))
days = st.dates(date(1975, 1, 1), date(2037, 12, 31))


def made(start: str, end: str, zone: str = "Europe/Berlin") -> Block:
    block = block_of(read_time(start), read_time(end), zone)
    assert isinstance(block, Block), block
    return block


def faults(start: str, end: str, zone: str = "Europe/Berlin") -> list[tuple[str, str]]:
    found = block_of(read_time(start), read_time(end), zone)
    assert isinstance(found, list), found
    return places_and_codes(found)


def places_and_codes(found: list[Fault]) -> list[tuple[str, str]]:
    return [(str(fault.where[0]), fault.code) for fault in found]


def hours(block: Block) -> float:
    return (block.span.end - block.span.start) / HOUR


def test_a_block_shows_both_times_on_the_clocks_of_its_zone() -> None:
    block = made("2026-03-09T13:00:00Z", "2026-03-09T15:30+01:00")
    assert (block.start_local, block.end_local) == ("2026-03-09T14:00:00+01:00", "2026-03-09T15:30:00+01:00")
    assert block.time_zone == "Europe/Berlin"
    assert hours(block) == 1.5


@pytest.mark.parametrize(
    ("day", "zone", "length"),
    [
        ("2026-03-29", "Europe/Berlin", 23),
        ("2026-10-25", "Europe/Berlin", 25),
        ("2026-03-09", "Europe/Berlin", 24),
        ("2022-03-27", "Asia/Beirut", 23),
        ("2024-11-03", "America/Havana", 25),
        ("2026-10-25", "Antarctica/Troll", 26),
        ("2010-03-05", "Antarctica/Casey", 27),
        ("2011-12-31", "Pacific/Apia", 24),
        ("1994-01-31", "Antarctica/Vostok", 31),
    ],
)
def test_an_event_may_take_the_whole_of_a_day_however_long(day: str, zone: str, length: int) -> None:
    start = first_instant(date.fromisoformat(day), zone_named(zone))
    whole = placed(Span(start, Instant(start + length * HOUR)), zone)
    assert isinstance(whole, Block)
    later = [placed(Span(start, Instant(start + length * HOUR + SECOND)), zone)]
    earlier = [placed(Span(Instant(start - SECOND), Instant(start + length * HOUR)), zone)]
    for longer in (later, earlier):
        assert [[fault.code for fault in found] for found in longer if isinstance(found, list)] == [["not_one_day"]]
    if day not in ("2022-03-27", "1994-01-31", "2010-03-05"):
        assert made(f"{day}T00:00", f"{day}T24:00", zone).span == whole.span


@given(zone_names, days)
def test_whole_days_and_their_parts_are_blocks_and_what_reaches_into_the_next_is_not(name: str, day: date) -> None:
    zone = zone_named(name)
    start, end = first_instant(day, zone), first_instant(day + timedelta(days=1), zone)
    if local_date(start, zone) != day:
        return  # a day that the zone skipped
    assert isinstance(placed(Span(start, end), name), Block)
    assert isinstance(placed(Span(start, Instant(start + MINUTE)), name), Block)
    assert isinstance(placed(Span(Instant(end - MINUTE), end), name), Block)
    if local_date(Instant(end + MINUTE), zone) > day:
        assert isinstance(placed(Span(start, Instant(end + MINUTE)), name), list)


@given(zone_names, st.integers(0, 2**31), st.integers(1, 40 * 3600))
def test_every_block_keeps_the_one_day_rule(name: str, start: int, length: int) -> None:
    span = Span(Instant(start * SECOND), Instant((start + length) * SECOND))
    found = placed(span, name)
    zone = zone_named(name)
    one_day = local_date(span.start, zone) == local_date(Instant(span.end - 1), zone) and length >= 60
    if isinstance(found, Block):
        assert one_day
        assert found.span == span
        assert length * SECOND <= LONGEST_BLOCK
    elif one_day:
        assert [fault.code for fault in found] == ["invalid_time"], "solar time, with its odd seconds"


@given(zone_names, days, st.sampled_from(["00:00", "00:30", "09:00", "23:59"]), st.integers(1, 24 * 60))
def test_a_block_is_the_same_block_when_it_is_read_again(name: str, day: date, clock: str, minutes: int) -> None:
    zone = zone_named(name)
    start = first_instant(day, zone) + int(clock[:2]) * HOUR + int(clock[3:]) * MINUTE
    block = placed(Span(Instant(start), Instant(start + minutes * MINUTE)), name)
    if isinstance(block, Block):
        assert made(block.start_local, block.end_local, name) == block
        assert made(block.start_local, block.end_local, name) == block


def test_an_event_may_end_when_its_day_ends() -> None:
    assert made("2026-03-09T23:00", "2026-03-09T24:00") == made("2026-03-09T23:00", "2026-03-10T00:00")


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        ("2026-03-09T14:00", "2026-03-09T14:00", ("end", "end_before_start")),
        ("2026-03-09T14:00", "2026-03-09T13:00", ("end", "end_before_start")),
        ("2026-03-09T14:00", "2026-03-09T14:00:59", ("end", "too_short")),
        ("2026-03-09T14:00", "2026-03-10T13:00", ("end", "not_one_day")),
        ("2026-03-09T23:00", "2026-03-10T00:01", ("end", "not_one_day")),
        ("2026-03-09T14:00", "2027-03-09T14:00", ("end", "not_one_day")),
        ("2026-03-09T14:00:00.5", "2026-03-09T15:00", ("start", "invalid_time")),
        ("2026-03-29T02:30", "2026-03-29T04:00", ("start", "nonexistent_time")),
        ("1900-01-01T00:00", "9998-12-31T24:00", ("end", "not_one_day")),
    ],
)
def test_invalid_blocks_are_refused(start: str, end: str, expected: tuple[str, str]) -> None:
    assert faults(start, end) == [expected]


def test_faults_of_both_times_are_reported() -> None:
    odd, skipped = "2026-03-29T01:30:00.5", "2026-03-29T02:30"
    assert faults(odd, skipped) == [("start", "invalid_time"), ("end", "nonexistent_time")]


def test_an_unknown_zone_is_named_first() -> None:
    assert faults("2026-03-29T02:30", "2026-03-29T02:00", "Mars/Olympus") == [("time_zone", "unknown_zone")]


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        ("2026-03-09T14:00", "2026-03-09T15:00", []),
        ("2026-03-09T15:00", "2026-03-09T14:00", []),
        ("2026-03-09T14:00", "2026-03-09T15:00:00.5Z", [("end", "invalid_time")]),
        ("2026-03-09T14:00:00.5Z", "2026-03-09T15:00:00.5Z", [("start", "invalid_time"), ("end", "invalid_time")]),
        ("2026-03-09T14:00Z", "2026-03-09T13:00Z", [("end", "end_before_start")]),
        ("2026-03-09T14:00Z", "2026-03-09T14:00:30Z", [("end", "too_short")]),
        ("2026-03-09T23:00Z", "2026-03-10T01:00Z", []),
    ],
)
def test_without_a_known_zone_only_faults_in_every_zone_are_reported(
    start: str, end: str, expected: list[tuple[str, str]]
) -> None:
    assert places_and_codes(faults_in_any_zone(read_time(start), read_time(end))) == expected


SKIPPED_MIDNIGHTS = [
    ("America/Santiago", "2026-09-05"),
    ("Africa/Cairo", "2026-04-23"),
    ("Atlantic/Azores", "2026-03-28"),
    ("Asia/Beirut", "2026-03-28"),
    ("America/Havana", "2024-03-09"),
    ("America/Asuncion", "2023-09-30"),
    ("Pacific/Apia", "2011-12-29"),
]
"""Days at whose end clocks spring over midnight, or calendars over the whole of the next day."""


@pytest.mark.parametrize(("zone", "day"), SKIPPED_MIDNIGHTS)
def test_a_skipped_midnight_ends_a_day_in_every_notation_and_begins_none(zone: str, day: str) -> None:
    next_day = date.fromisoformat(day) + timedelta(days=1)
    block = made(f"{day}T22:30", f"{day}T24:00", zone)
    assert made(f"{day}T22:30", f"{next_day}T00:00", zone) == block
    assert made(f"{day}T22:30", block.end_local, zone) == block
    assert block.span.end == first_instant(next_day, zone_named(zone))
    assert faults(f"{next_day}T00:00", f"{next_day}T23:00", zone)[0] == ("start", "nonexistent_time")
    assert faults(f"{day}T22:30", f"{next_day}T00:00:01", zone) == [("end", "nonexistent_time")]


def test_solar_time_is_refused_with_the_start() -> None:
    assert faults("1971-06-01T12:00", "1971-06-01T13:00", "Africa/Monrovia") == [("start", "invalid_time")]


def test_a_day_longer_than_any_since_1970_is_no_block() -> None:
    start = first_instant(date(1969, 9, 30), ZoneInfo("Pacific/Kwajalein"))
    found = placed(Span(start, Instant(start + 40 * HOUR)), "Pacific/Kwajalein")
    assert isinstance(found, list)
    assert isinstance(found[0], Fault)
    assert found[0].code == "not_one_day"
