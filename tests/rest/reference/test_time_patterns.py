"""The patterns of times in the reference match exactly what the server accepts, as far as a pattern can express it.

What it cannot say: that a year has no 29 February, and what depends on a zone.
"""

import re
from collections.abc import Callable
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from kalends.model import Identifier, WrittenTime
from kalends.rest.reference.schemas import TEXT_SCHEMAS
from kalends.rest.wire import DateOrTime, TimeOfDay, read_date_or_time, read_time_of_day
from kalends.rules.blocks import whole_seconds
from kalends.rules.zones import instant_of, read_time

LEAP_DAY = re.compile(r"(\d{4})-02-29")


def read_event_time(text: str) -> object:
    """Parse a time of an event: local to a zone where every time exists, and on a whole second."""
    read_time(text)
    return whole_seconds(instant_of(read_time(text), ZoneInfo("UTC")))


READERS: dict[type, Callable[[str], object]] = {
    WrittenTime: read_event_time,
    DateOrTime: read_date_or_time,
    TimeOfDay: read_time_of_day,
}
CLOCK = r"[0-2][0-9]:[0-6][0-9](:[0-6][0-9]([.,][0-9]{0,10})?)?([Zz]|[+-][0-2][0-9]:?[0-6][0-9])?"
NEAR = {
    WrittenTime: rf"[0-9]{{4}}-[01][0-9]-[0-3][0-9][Tt ]{CLOCK}",
    DateOrTime: rf"[0-9]{{4}}-[01][0-9]-[0-3][0-9]([Tt ]{CLOCK})?",
    TimeOfDay: r"[0-2]?[0-9]:[0-6][0-9]?(:00)?",
}


def agree(kind: type, text: str) -> None:
    """Check that the pattern of a kind matches a text if, and only if, the server accepts it."""
    matched = re.fullmatch(TEXT_SCHEMAS[kind]["pattern"], text, re.ASCII) is not None and not text.endswith("\n")
    try:
        READERS[kind](text)
    except ValueError:
        taken = False
    else:
        taken = True
    assert matched is taken, text


def is_leap_day_of_another_year(text: str) -> bool:
    """Return whether a text names a 29 February that its year does not have."""
    found = LEAP_DAY.match(text)
    return found is not None and (int(found[1]) % 4 != 0 or (int(found[1]) % 100 == 0 and int(found[1]) % 400 != 0))


@pytest.mark.parametrize("kind", READERS)
@given(data=st.data())
def test_texts_that_look_like_times_match_if_the_server_accepts_them(kind, data):
    text = data.draw(st.from_regex(NEAR[kind], fullmatch=True))
    assume(not is_leap_day_of_another_year(text))
    agree(kind, text)


@pytest.mark.parametrize("kind", READERS)
@given(data=st.data())
def test_matching_texts_are_accepted_and_nearly_matching_ones_are_not(kind, data):
    text = data.draw(st.from_regex(TEXT_SCHEMAS[kind]["pattern"], fullmatch=True))
    assume(not is_leap_day_of_another_year(text))
    agree(kind, text)
    place = data.draw(st.integers(0, len(text)))
    other = (
        text[:place] + data.draw(st.sampled_from("0123456789:-+.TZtz ,\n٣")) + text[place + data.draw(st.booleans()) :]
    )
    assume(not is_leap_day_of_another_year(other))
    agree(kind, other)


@pytest.mark.parametrize("kind", [WrittenTime, DateOrTime])
@given(year=st.integers(0, 9999), day=st.sampled_from(["01-01", "12-31", "02-28", "02-30", "04-31", "13-01", "00-10"]))
@example(year=1899, day="12-31")
@example(year=1900, day="01-01")
@example(year=9000, day="01-01")
@example(year=9998, day="12-31")
@example(year=9999, day="01-01")
def test_the_pattern_knows_all_years_and_months(kind, year, day):
    agree(kind, f"{year:04}-{day}T24:00:00.000")


def test_every_kind_of_time_in_the_reference_is_tested():
    times = {kind for kind, schema in TEXT_SCHEMAS.items() if "[0-5][0-9]" in schema.get("pattern", "")}
    assert times == READERS.keys()
    assert not any(issubclass(kind, Identifier) for kind in READERS)
