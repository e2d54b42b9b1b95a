import string
from datetime import UTC, date, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from kalends.model import Instant
from kalends.rules.zones import (
    FIRST_YEAR,
    LAST_YEAR,
    TimeError,
    bound_of,
    first_instant,
    from_instant,
    instant_of,
    known_zones,
    local_date,
    read_date,
    read_date_or_time,
    read_time,
    rendered,
    to_instant,
    zone_named,
)
from tests.transitions import different_zones, local_days, transitions

SECOND = 1_000_000
CODES = {"invalid_time", "nonexistent_time", "time_zone_required", "unknown_zone"}

zone_names = st.sampled_from(sorted(known_zones()))
zones = zone_names.map(zone_named)
earliest = to_instant(datetime(1900, 1, 3, tzinfo=UTC))
latest = to_instant(datetime(9998, 12, 29, tzinfo=UTC))
instants = st.integers(earliest, latest).map(Instant)
seconds = st.integers(earliest // SECOND, latest // SECOND).map(lambda moment: Instant(moment * SECOND))


@st.composite
def near_a_change(draw: st.DrawFn) -> tuple[ZoneInfo, Instant]:
    """Return a strategy for a zone and an instant within two days of a change of its clocks."""
    zone = draw(zones)
    changes = [moment for moment in transitions(zone.key) if moment > earliest // SECOND]
    assume(changes)
    distance = draw(st.integers(-2 * 86_400, 2 * 86_400) | st.sampled_from([-3_600, -1, 0, 1, 3_599, 3_600]))
    return zone, Instant((draw(st.sampled_from(changes)) + distance) * SECOND)


moments_of_zones = near_a_change() | st.tuples(zones, instants)


def instant(text: str) -> Instant:
    return to_instant(datetime.fromisoformat(text))


@given(moments_of_zones)
def test_formatted_instants_parse_to_the_same_instant(pair: tuple[ZoneInfo, Instant]) -> None:
    zone, moment = pair
    try:
        text = rendered(moment, zone)
    except TimeError as error:
        assert error.code == "invalid_time"  # noqa: PT017 (both outcomes are right)
        offset = from_instant(moment, zone).utcoffset()
        assert offset is not None
        assert offset.total_seconds() % 60
        assert moment < instant("1973-01-01T00:00:00Z")
        return
    assert instant_of(read_time(text), None) == moment
    assert instant_of(read_time(text), ZoneInfo("UTC")) == moment
    assert datetime.fromisoformat(text) == from_instant(moment)


@given(moments_of_zones)
def test_a_wall_clock_time_is_the_first_instant_that_shows_it(pair: tuple[ZoneInfo, Instant]) -> None:
    zone, moment = pair
    shown = from_instant(moment, zone).replace(tzinfo=None, fold=0)
    read = instant_of(read_time(shown.isoformat()), zone)
    assert from_instant(read, zone).replace(tzinfo=None, fold=0) == shown
    assert read <= moment
    assert moment - read < 86_400 * SECOND


@given(zones, st.datetimes(datetime(FIRST_YEAR, 1, 1), datetime(LAST_YEAR, 12, 31)))  # noqa: DTZ001 (wall clocks)
@settings(max_examples=300)
def test_a_wall_clock_time_either_exists_or_is_refused(zone: ZoneInfo, wall: datetime) -> None:
    shown_somewhere = {
        from_instant(to_instant(wall.replace(tzinfo=timezone(timedelta(seconds=offset)))), zone).replace(tzinfo=None)
        for offset in {
            (wall + timedelta(days=days)).replace(tzinfo=zone).utcoffset().total_seconds()  # pyright: ignore[reportOptionalMemberAccess]
            for days in (-1, 0, 1)
        }
    }
    try:
        read = instant_of(read_time(wall.isoformat()), zone)
    except TimeError as error:
        assert error.code == "nonexistent_time"  # noqa: PT017 (both outcomes are right)
        assert wall not in shown_somewhere
    else:
        assert from_instant(read, zone).replace(tzinfo=None) == wall


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("2026-03-29T02:30", "Europe/Berlin"),
        ("2026-03-08T02:00:00", "America/New_York"),
        ("2022-03-27T00:00", "Asia/Beirut"),
        ("2018-11-04T00:30", "America/Sao_Paulo"),
        ("2011-12-30T12:00", "Pacific/Apia"),
        ("2011-12-30T24:00", "Pacific/Apia"),
        ("1993-08-21T24:00", "Pacific/Kwajalein"),
        ("1994-01-31T24:00", "Africa/Nowhere"),
    ],
)
def test_skipped_times_do_not_exist(text: str, name: str) -> None:
    with pytest.raises(TimeError) as refused:
        instant_of(read_time(text), zone_named(name))
    assert refused.value.code == ("nonexistent_time" if name in known_zones() else "unknown_zone")


def bound(text: str, name: str) -> Instant:
    return bound_of(read_date_or_time(text), name)


@pytest.mark.parametrize(
    ("text", "name", "first"),
    [
        ("2026-10-25T02:30", "Europe/Berlin", "2026-10-25T02:30:00+02:00"),
        ("2026-11-01T01:00", "America/New_York", "2026-11-01T01:00:00-04:00"),
        ("2024-11-03T00:30", "America/Havana", "2024-11-03T00:30:00-04:00"),
        ("2006-10-29T00:00:30", "America/St_Johns", "2006-10-29T00:00:30-02:30"),
        ("1994-01-31T20:00", "Antarctica/Vostok", "1994-01-31T20:00:00+07:00"),
    ],
)
def test_a_time_that_happens_twice_is_the_first_unless_an_offset_is_written(text: str, name: str, first: str) -> None:
    zone = zone_named(name)
    assert rendered(instant_of(read_time(text), zone), zone) == first
    second = datetime.fromisoformat(text).replace(tzinfo=zone, fold=1).isoformat().replace("+00:00", "Z")
    assert second != first
    assert rendered(instant_of(read_time(second), zone), zone) == second


@pytest.mark.slow
def test_a_local_date_begins_where_a_plain_calculation_says_in_every_zone() -> None:
    counted = 0
    for name in different_zones(known_zones()):
        zone = zone_named(name)
        days = local_days(name, since=earliest // SECOND)
        for ordinal, (first, _) in days.items():
            if first > earliest // SECOND + 2 * 86_400 and ordinal - 1 in days:
                assert first_instant(date.fromordinal(ordinal), zone) == first * SECOND, (name, ordinal)
                counted += 1
    assert counted > 50_000


@pytest.mark.parametrize(
    ("day", "name", "begins"),
    [
        ("2022-03-27", "Asia/Beirut", "2022-03-27T01:00:00+03:00"),
        ("2018-11-04", "America/Sao_Paulo", "2018-11-04T01:00:00-02:00"),
        ("2024-04-26", "Africa/Cairo", "2024-04-26T01:00:00+03:00"),
        ("2024-11-03", "America/Havana", "2024-11-03T00:00:00-04:00"),
        ("2026-10-25", "Atlantic/Azores", "2026-10-25T00:00:00Z"),
        ("2006-10-29", "America/St_Johns", "2006-10-29T00:00:00-02:30"),
        ("1919-03-31", "America/Toronto", "1919-03-31T00:30:00-04:00"),
        ("2011-12-30", "Pacific/Apia", "2011-12-31T00:00:00+14:00"),
        ("2011-12-31", "Pacific/Apia", "2011-12-31T00:00:00+14:00"),
        ("2026-03-09", "UTC", "2026-03-09T00:00:00Z"),
    ],
)
def test_a_day_begins_at_its_first_instant(day: str, name: str, begins: str) -> None:
    zone = zone_named(name)
    assert rendered(first_instant(date.fromisoformat(day), zone), zone) == begins
    assert bound(day, name) == instant(begins)


@pytest.mark.parametrize(
    ("midnight", "name", "begins"),
    [
        ("2026-09-06T00:00", "America/Santiago", "2026-09-06T01:00:00-03:00"),
        ("2026-04-24T00:00:00", "Africa/Cairo", "2026-04-24T01:00:00+03:00"),
        ("2026-03-29T00:00", "Atlantic/Azores", "2026-03-29T01:00:00Z"),
        ("1919-03-31T00:00", "America/Toronto", "1919-03-31T00:30:00-04:00"),
        ("2011-12-30T00:00", "Pacific/Apia", "2011-12-31T00:00:00+14:00"),
        ("2024-11-03T00:00", "America/Havana", "2024-11-03T00:00:00-04:00"),
    ],
)
def test_a_bound_at_midnight_is_where_the_day_begins_in_every_notation(midnight: str, name: str, begins: str) -> None:
    moment = bound(midnight, name)
    assert rendered(moment, zone_named(name)) == begins
    assert moment == bound(midnight[:10], name)
    eve = date.fromisoformat(midnight[:10]) - timedelta(days=1)
    assert moment == bound(f"{eve}T24:00", name)


def test_a_bound_at_any_other_time_that_clocks_skip_is_refused() -> None:
    with pytest.raises(TimeError) as refused:
        bound("2026-09-06T00:30", "America/Santiago")
    assert refused.value.code == "nonexistent_time"


@given(moments_of_zones)
def test_midnight_at_the_end_of_a_day_is_where_the_next_begins(pair: tuple[ZoneInfo, Instant]) -> None:
    zone, moment = pair
    day = local_date(moment, zone)
    end = instant_of(read_time(f"{day}T24:00"), zone)
    assert local_date(Instant(end - 1), zone) == day
    assert local_date(end, zone) > day
    assert end == first_instant(day + timedelta(days=1), zone)


def test_midnight_may_be_written_with_an_offset() -> None:
    assert instant_of(read_time("2026-03-09T24:00:00+01:00"), None) == instant("2026-03-10T00:00:00+01:00")


@pytest.mark.parametrize("text", ["2026-03-09T14:00", "2026-03-09T24:00:00"])
def test_a_time_without_an_offset_needs_a_zone(text: str) -> None:
    with pytest.raises(TimeError) as refused:
        instant_of(read_time(text), None)
    assert refused.value.code == "time_zone_required"


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("2026-03-09T14:00:00Z", "2026-03-09T14:00:00+00:00"),
        ("2026-03-09t14:00z", "2026-03-09T14:00:00+00:00"),
        ("2026-03-09 14:00:00-00:00", "2026-03-09T14:00:00+00:00"),
        ("2026-03-09T14:00:00.5+05:45", "2026-03-09T14:00:00.500000+05:45"),
        ("2026-03-09T14:00:00.123456789-11:30", "2026-03-09T14:00:00.123456-11:30"),
        ("1900-01-01T00:00:00+23:59", "1900-01-01T00:00:00+23:59"),
        ("9998-12-31T24:00:00-23:59", "9999-01-01T00:00:00-23:59"),
    ],
)
def test_times_are_read_as_rfc_3339_writes_them(text: str, same: str) -> None:
    assert instant_of(read_time(text), None) == instant(same)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2026-03-09",
        "2026-03-09T14",
        "2026-03-09T1400",
        "2026-3-9T14:00:00Z",
        "2026-02-29T14:00:00Z",
        "2026-13-01T14:00:00Z",
        "2026-03-09T25:00:00Z",
        "2026-03-09T14:60:00Z",
        "2026-03-09T23:59:60Z",
        "2026-03-09T24:00:01Z",
        "2026-03-09T24:01:00Z",
        "2026-03-09T24:00:00.1Z",
        "2026-03-09T14:00:00+24:00",
        "2026-03-09T14:00:00+01:60",
        "2026-03-09T14:00:00+0100",
        "2026-03-09T14:00:00.Z",
        "2026-03-09T14:00:00,5Z",
        "2026-03-09T14:00:00Z\n",
        " 2026-03-09T14:00:00Z",
        "٢٠٢٦-03-09T14:00:00Z",
        "0000-01-01T00:00:00Z",
        "1899-12-31T23:59:59Z",
        "9999-01-01T00:00:00Z",
        "12026-03-09T14:00:00Z",
    ],
)
def test_other_texts_are_refused(text: str) -> None:
    with pytest.raises(TimeError) as refused:
        read_time(text)
    assert refused.value.code == "invalid_time"


almost_times = st.from_regex(
    r"\d{3,5}-\d{1,2}-\d{1,2}[Tt ]?(\d\d:?){0,3}(\.\d{0,12})?([Zz]|[+-]\d\d:?\d\d)?\n?", fullmatch=True
)
crumbs = st.lists(
    st.sampled_from(
        ["0000", "1900", "9998", "9999", "-", "02", "29", "T", "24", ":", "00", "60", ".", "9" * 9, "Z", "+"]
    ),
    max_size=16,
).map("".join)


@pytest.mark.slow
@given(st.text() | almost_times | crumbs | st.text(string.digits + "-:TZ+. ", max_size=40))
@example("9998-12-31T24:00:00-23:59")
@example("1900-01-01T00:00:00+23:59")
@example("\ud800")
@settings(max_examples=500)
def test_any_text_gives_a_time_or_a_time_error(text: str) -> None:
    for work in (
        read_time,
        read_date,
        lambda text: bound(text, "Europe/Berlin"),
        lambda text: bound("2026-03-09", text),
        lambda text: instant_of(read_time(text), None),
        lambda text: rendered(instant_of(read_time(text), zone_named("Pacific/Apia")), zone_named("Africa/Monrovia")),
    ):
        try:
            work(text)
        except TimeError as error:
            assert error.code in CODES  # noqa: PT017 (most texts are no times, some are)
            assert str(error).isprintable()  # noqa: PT017


@given(zones, st.sampled_from(["1900-01-01", "9998-12-31"]), st.sampled_from(["00:00", "12:00", "23:59:59", "24:00"]))
@settings(max_examples=300)
def test_the_first_and_the_last_day_that_can_be_written_hold_in_every_zone(
    zone: ZoneInfo, day: str, clock: str
) -> None:
    assert bound(day, zone.key) == first_instant(date.fromisoformat(day), zone)
    try:
        moment = instant_of(read_time(f"{day}T{clock}"), zone)
    except TimeError as error:
        assert error.code == "nonexistent_time"  # noqa: PT017 (Manila skipped 1844-12-31, who knows what comes)
    else:
        assert abs((local_date(moment, zone) - date.fromisoformat(day)).days) <= 1


@pytest.mark.parametrize(
    "text", ["", "2026-3-9", "2026-02-30", "20260309", "2026-W10-1", "1899-12-31", "9999-01-01", "0000-01-01"]
)
def test_other_dates_are_refused(text: str) -> None:
    with pytest.raises(TimeError) as refused:
        read_date(text)
    assert refused.value.code == "invalid_time"


@pytest.mark.parametrize(
    "name",
    ["", "Mars/Olympus", "europe/berlin", "Factory", "posixrules", "localtime", "../../etc/passwd", "\0", "Europe"],
)
def test_only_zones_of_the_database_are_known(name: str) -> None:
    with pytest.raises(TimeError) as refused:
        zone_named(name)
    assert refused.value.code == "unknown_zone"


def test_solar_time_cannot_be_written() -> None:
    with pytest.raises(TimeError) as refused:
        rendered(instant("1971-06-01T00:00:00Z"), zone_named("Africa/Monrovia"))
    assert refused.value.code == "invalid_time"
    assert rendered(instant("1973-06-01T00:00:00Z"), zone_named("Africa/Monrovia")) == "1973-06-01T00:00:00Z"
