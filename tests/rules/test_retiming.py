"""A new release of zone data and blocks of time: made-up rules of zones, and single cases."""

from contextlib import contextmanager
from datetime import date, datetime, timedelta
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kalends.drafts import EventUpdate
from kalends.model import UTC, Block, Instant
from kalends.rules import zones
from kalends.rules.blocks import block_of
from kalends.rules.editing import edited_block
from kalends.rules.retiming import retimed_block
from kalends.rules.zones import TimeError, first_instant, local_date, read_time, rendered, use_zones, zone_named
from kalends.store.zone_data import parse_zone
from tests.zone_data import compiled

DAY = "2031-07-01"


@contextmanager
def rules(hours, *changes):
    """Use zone data with one zone, Here, that has these rules."""
    usual = dict(zones.ZONES)
    use_zones({"Here": partial(parse_zone, "Here", compiled(hours, *changes))})
    try:
        yield
    finally:
        use_zones(usual)


def block(start, end):
    made = block_of(read_time(start), read_time(end), "Here")
    assert isinstance(made, Block), made
    return made


def retimed(start, end, after, before=(0,)):
    """Create a block with the rules `before`; return its local times and the block with the rules `after`."""
    with rules(*before):
        old = block(start, end)
    with rules(*after):
        new = retimed_block(old)
        assert retimed_block(new) is new
        return new.start_local, new.end_local


@pytest.mark.parametrize(
    ("start", "end", "after", "expected"),
    [
        # The wall clock stays.
        ("09:00", "10:00", (2,), ("09:00:00+02:00", "10:00:00+02:00")),
        ("09:00", "10:00", (-3.5,), ("09:00:00-03:30", "10:00:00-03:30")),
        ("00:00", "24:00", (2,), ("00:00:00+02:00", "next 00:00:00+02:00")),
        # Clocks spring from 02:00 to 03:00: what they skip moves forward by the gap.
        ("02:30", "05:00", (0, (f"{DAY}T02:00", 1)), ("03:30:00+01:00", "05:00:00+01:00")),
        ("01:30", "02:30", (0, (f"{DAY}T02:00", 1)), ("01:30:00Z", "03:30:00+01:00")),
        ("02:15", "02:45", (0, (f"{DAY}T02:00", 1)), ("03:15:00+01:00", "03:45:00+01:00")),
        ("02:30", "03:00", (0, (f"{DAY}T02:00", 1)), ("03:30:00+01:00", "04:00:00+01:00")),
        ("02:30", "03:15", (0, (f"{DAY}T02:00", 1)), ("03:30:00+01:00", "04:15:00+01:00")),
        # They fall back from 03:00 to 02:00: of two the first is meant.
        ("02:30", "05:00", (0, (f"{DAY}T03:00", -1)), ("02:30:00Z", "05:00:00-01:00")),
        ("01:30", "02:30", (0, (f"{DAY}T03:00", -1)), ("01:30:00Z", "02:30:00Z")),
        # Midnight is skipped, and still ends the day.
        ("22:00", "24:00", (0, ("2031-07-02T00:00", 1)), ("22:00:00Z", "next 01:00:00+01:00")),
        ("22:00", "24:00", (0, (f"{DAY}T23:30", 1)), ("22:00:00Z", "next 00:30:00+01:00")),
        # A block of the last hour, which is skipped, is the first of the next day; one stays within its day.
        ("23:15", "23:45", (0, (f"{DAY}T23:00", 1)), ("next 00:15:00+01:00", "next 00:45:00+01:00")),
        ("22:30", "23:30", (0, (f"{DAY}T23:00", 1)), ("22:30:00Z", "next 00:00:00+01:00")),
    ],
)
def test_the_wall_clock_stays_and_the_instants_follow(start, end, after, expected):
    def written(text):
        return f"2031-07-02T{text.removeprefix('next ')}" if text.startswith("next ") else f"{DAY}T{text}"

    assert retimed(f"{DAY}T{start}", f"{DAY}T{end}", after) == tuple(map(written, expected))


def test_the_end_of_a_day_whose_midnight_was_skipped_is_midnight_again():
    skipping = (0, ("2031-07-02T00:00", 1))
    assert retimed(f"{DAY}T22:00", f"{DAY}T24:00", (0,), before=skipping) == (
        f"{DAY}T22:00:00Z",
        "2031-07-02T00:00:00Z",
    )


def test_the_second_of_two_times_stays_as_long_as_it_reads_the_same():
    back = (0, (f"{DAY}T03:00", -1))
    second = (f"{DAY}T02:30:00-01:00", f"{DAY}T02:45:00-01:00")
    assert retimed(*second, back, before=back) == second
    later_zone_change = (0, (f"{DAY}T03:00", -1), ("2032-01-01", 5))
    assert retimed(*second, later_zone_change, before=back) == second
    assert retimed(*second, (0,), before=back) == (f"{DAY}T02:30:00Z", f"{DAY}T02:45:00Z")


def test_an_unknown_zone_is_reported():
    with rules(0):
        old = block(f"{DAY}T09:00", f"{DAY}T10:00")
    with pytest.raises(TimeError) as refused:
        retimed_block(old)
    assert refused.value.code == "unknown_zone"


offsets = st.integers(-12 * 4, 14 * 4).map(lambda quarters: quarters / 4)
minutes = st.integers(0, 24 * 60)
changes = st.lists(
    st.tuples(st.integers(-3 * 24 * 4, 3 * 24 * 4), st.integers(-8, 8)),
    max_size=2,
    unique_by=lambda change: change[0] // 97,
)


@st.composite
def made_up_rules(draw):
    """Return a strategy for an offset and up to two changes of up to two hours around the day."""
    hours = draw(offsets)
    listed = []
    for quarters, step in sorted(draw(changes)):
        moment = datetime.fromisoformat(DAY) + timedelta(minutes=15 * quarters)
        listed.append((moment.isoformat(), (listed[-1][1] if listed else hours) + step / 4))
    return hours, *listed


@given(made_up_rules(), made_up_rules(), minutes, minutes)
def test_a_retimed_block_stays_within_a_day_and_keeps_its_wall_clock(before, after, start, end):
    def text(minute):
        return read_time(f"{DAY}T{minute // 60:02}:{minute % 60:02}")

    with rules(*before):
        old = block_of(text(min(start, end)), text(max(start, end)), "Here")
    if not isinstance(old, Block):
        return
    with rules(*after):
        new = retimed_block(old)
        assert retimed_block(new) is new
        zone = zone_named("Here")
        assert rendered(new.span.start, zone) == new.start_local
        assert rendered(new.span.end, zone) == new.end_local
        assert new.span.start < new.span.end
        assert local_date(new.span.start, zone) == local_date(Instant(new.span.end - 1), zone)
        again = block_of(read_time(old.start_local[:19]), read_time(old.end_local[:19]), "Here")
        if isinstance(again, Block) and old.start_local[:10] == old.end_local[:10]:
            assert new.start_local[:19] == old.start_local[:19]
            assert new.end_local[:19] == old.end_local[:19]
        if old.end_local[:10] > old.start_local[:10] and new.start_local[:10] == DAY:
            assert new.span.end == first_instant(date.fromisoformat(DAY) + timedelta(days=1), zone)


def test_an_edit_keeps_the_wall_clock_of_times_that_it_does_not_change():
    with rules(1):
        old = block(f"{DAY}T09:00", f"{DAY}T10:00")
    with rules(3):
        new, faults = edited_block(old, EventUpdate(end=read_time(f"{DAY}T11:00")))
        assert (new.start_local, new.end_local, faults) == (f"{DAY}T09:00:00+03:00", f"{DAY}T11:00:00+03:00", [])
        new, faults = edited_block(old, EventUpdate(start=read_time(f"{DAY}T09:30")))
        assert (new.start_local, new.end_local, faults) == (f"{DAY}T09:30:00+03:00", f"{DAY}T10:00:00+03:00", [])
        assert edited_block(old, EventUpdate(title="x")) == (old, [])
    new, faults = edited_block(old, EventUpdate(end=read_time(f"{DAY}T11:00")))
    assert [(fault.where, fault.code) for fault in faults] == [(("time_zone",), "unknown_zone")]
    new, faults = edited_block(old, EventUpdate(time_zone=UTC))
    assert (new.start_local, new.end_local, faults) == (f"{DAY}T08:00:00Z", f"{DAY}T09:00:00Z", [])
