"""The dates of recurrences: rules that are easily misread, ends, windows, added and excluded dates, and costs."""

from datetime import datetime, time, timedelta
from itertools import islice

import pytest
from msgspec.structs import replace

from kalends.model import Span
from kalends.rules.recurrence.dates import (
    Recurrence,
    check_start,
    first_date,
    first_occurrences,
    occurrences,
    occurrences_in,
)
from kalends.rules.recurrence.parsing import parse_rule
from kalends.rules.recurrence.rule import RuleError
from kalends.rules.recurrence.steps import MAX_STEPS, STEPS_PER_DATE, Steps
from tests.cast import instant
from tests.rules.recurrence.notation import clocks, days, local, recurrence

TRAPS = [
    (
        "a week without a weekday is one day, the start's",
        "FREQ=YEARLY;BYWEEKNO=20",
        "1997-05-13T09:00",
        days("1997-05: 13 | 1998-05: 12 | 1999-05: 18"),
    ),
    (
        "week 1 may begin in the year before",
        "FREQ=YEARLY;BYWEEKNO=1;BYDAY=MO",
        "1996-12-30T09:00",
        days("1996-12: 30 | 1997-12: 29 | 1999-01: 4 | 2000-01: 3 | 2001-01: 1 | 2001-12: 31"),
    ),
    (
        "week 53 ends in the year after, and few years have one",
        "FREQ=YEARLY;BYWEEKNO=53;BYDAY=SU",
        "1999-01-03T09:00",
        days("1999-01: 3 | 2005-01: 2 | 2010-01: 3 | 2016-01: 3"),
    ),
    (
        "the last week is week 52 or 53",
        "FREQ=YEARLY;BYWEEKNO=-1;BYDAY=MO",
        "2019-12-23T09:00",
        days("2019-12: 23 | 2020-12: 28 | 2021-12: 27"),
    ),
    (
        "every other year of weeks counts from the week of the start",
        "FREQ=YEARLY;INTERVAL=2;BYWEEKNO=1;BYDAY=MO",
        "2019-12-30T09:00",
        days("2019-12: 30 | 2022-01: 3 | 2024-01: 1 | 2025-12: 29"),
    ),
    (
        "weeks that start on Sunday have other numbers",
        "FREQ=YEARLY;BYWEEKNO=1;BYDAY=SU;WKST=SU",
        "2019-12-29T09:00",
        days("2019-12: 29 | 2021-01: 3 | 2022-01: 2"),
    ),
    (
        "days of a week within some months",
        "FREQ=YEARLY;BYWEEKNO=1;BYMONTH=12;BYDAY=MO,TU,WE,TH,FR,SA,SU",
        "2018-12-31T09:00",
        days("2018-12: 31 | 2019-12: 30 31 | 2024-12: 30 31"),
    ),
    (
        "positions count in the whole first month, not from the start on",
        "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=1,3",
        "2027-03-02T09:00",
        days("2027-03: 3 | 2027-04: 1 5 | 2027-05: 3 5"),
    ),
    (
        "positions from the end of the first day",
        "FREQ=DAILY;BYHOUR=8,12,16;BYSETPOS=-2",
        "2027-03-02T10:00",
        [local("2027-03-02T12:00"), local("2027-03-03T12:00")],
    ),
    (
        "positions in an hour, a minute and a second",
        "FREQ=HOURLY;BYMINUTE=0,20,40;BYSECOND=0,30;BYSETPOS=-1,2",
        "2027-03-02T10:10",
        clocks("2027-03-02", "10:40:30 11:00:30 11:40:30 12:00:30"),
    ),
    (
        "positions in a minute",
        "FREQ=MINUTELY;BYMINUTE=5,7;BYSECOND=10,20,30;BYSETPOS=2",
        "2027-03-02T10:05",
        clocks("2027-03-02", "10:05:20 10:07:20 11:05:20"),
    ),
    (
        "positions in a second",
        "FREQ=SECONDLY;BYSECOND=10,20;BYSETPOS=1,-1,2",
        "2027-03-02T10:05",
        clocks("2027-03-02", "10:05:10 10:05:20 10:06:10"),
    ),
    (
        "positions in weeks over the new year",
        "FREQ=WEEKLY;BYDAY=MO,TH,SA;BYSETPOS=-1",
        "2026-12-26T09:00",
        days("2026-12: 26 | 2027-01: 2 9"),
    ),
    (
        "a day of every month, as the table of the RFC says of BYMONTHDAY by year",
        "FREQ=YEARLY;BYMONTHDAY=29",
        "2027-01-29T09:00",
        days("2027-01: 29 | 2027-03: 29 | 2027-04: 29"),
    ),
    ("29 February", "FREQ=YEARLY", "2096-02-29T09:00", days("2096-02: 29 | 2104-02: 29 | 2108-02: 29")),
    (
        "the last day of leap years",
        "FREQ=YEARLY;BYYEARDAY=366",
        "2096-12-31T09:00",
        days("2096-12: 31 | 2104-12: 31"),
    ),
    (
        "days of the year from its end",
        "FREQ=YEARLY;BYYEARDAY=-366,-1",
        "2023-12-31T09:00",
        days("2023-12: 31 | 2024-01: 1 | 2024-12: 31 | 2025-12: 31"),
    ),
    (
        "the first Friday that is at most the third day",
        "FREQ=MONTHLY;BYDAY=1FR;BYMONTHDAY=1,2,3",
        "2027-01-01T09:00",
        days("2027-01: 1 | 2027-04: 2 | 2027-07: 2 | 2027-09: 3 | 2027-10: 1"),
    ),
    (
        "weekdays with numbers count in the month if months are named",
        "FREQ=YEARLY;BYMONTH=3,10;BYDAY=-1SU",
        "2027-03-28T09:00",
        days("2027-03: 28 | 2027-10: 31"),
    ),
    (
        "weekdays with numbers count in the year otherwise, also beside days of months",
        "FREQ=YEARLY;BYDAY=1MO,-1MO;BYMONTHDAY=1,2,3,4,27,28",
        "2027-01-04T09:00",
        days("2027-01: 4 | 2027-12: 27 | 2028-01: 3"),
    ),
    (
        "the fifth Monday of months that have one",
        "FREQ=MONTHLY;BYDAY=5MO",
        "2027-03-29T09:00",
        days("2027-03: 29 | 2027-05: 31 | 2027-08: 30"),
    ),
    (
        "every 10 hours, on some days",
        "FREQ=HOURLY;INTERVAL=10;BYYEARDAY=61,63",
        "2027-03-02T09:00",
        [*clocks("2027-03-02", "09:00 19:00"), *clocks("2027-03-04", "01:00 11:00 21:00")],
    ),
    (
        "second 60 is second 59, as clocks without leap seconds show it",
        "FREQ=MINUTELY;BYSECOND=59,60",
        "2027-03-02T09:00",
        clocks("2027-03-02", "09:00:59 09:01:59"),
    ),
    (
        "times of a day in order, whatever day they are in",
        "FREQ=WEEKLY;BYHOUR=6,18;BYMINUTE=15,45",
        "2027-03-02T15:00",
        [*clocks("2027-03-02", "18:15 18:45"), *clocks("2027-03-09", "06:15 06:45 18:15 18:45")],
    ),
]


@pytest.mark.parametrize(("text", "start", "expected"), [pytest.param(*row[1:], id=row[0]) for row in TRAPS])
def test_rules_that_are_easily_misread(text: str, start: str, expected: list[datetime]) -> None:
    assert list(islice(occurrences(recurrence(text, start)), len(expected))) == expected


@pytest.mark.parametrize(
    ("until", "last"),
    [
        ("19970905", "1997-09-05T09:00"),  # a date is all of its day
        ("19970905T090000", "1997-09-05T09:00"),
        ("19970905T085959", "1997-09-04T09:00"),
        ("19970905T130000Z", "1997-09-05T09:00"),  # in New York's summer
        ("19970905T125959Z", "1997-09-04T09:00"),
        ("19970901", None),
        ("99991231T235959Z", "9999-12-31T09:00"),
    ],
)
def test_an_end_belongs_to_what_it_ends(until: str, last: str | None) -> None:
    series = recurrence(f"FREQ=DAILY;UNTIL={until}")
    since = None if last is None or last < "9" else local("9999-12-01T00:00")
    assert [one.isoformat() for one in occurrences(series, since=since)][-1:] == ([f"{last}:00"] if last else [])


def test_an_end_in_utc_is_compared_as_an_instant_where_clocks_change() -> None:
    """At 01:15 UTC clocks in Berlin show 02:15, before and after they fall back from 03:00."""
    fall = recurrence("FREQ=MINUTELY;INTERVAL=15;UNTIL=20271031T011500Z", "2027-10-31T02:00", "Europe/Berlin")
    assert list(occurrences(fall)) == clocks("2027-10-31", "02:00 02:15 02:30 02:45")
    spring = recurrence("FREQ=MINUTELY;INTERVAL=15;UNTIL=20270328T011500Z", "2027-03-28T02:00", "Europe/Berlin")
    assert list(occurrences(spring)) == clocks("2027-03-28", "02:00 02:15 03:00 03:15")


def test_dates_are_added_once_and_left_out_whether_the_rule_gives_them_or_not() -> None:
    series = replace(
        recurrence("FREQ=DAILY;COUNT=4"),
        rdates=tuple(days("1997-09: 10 3 8 8")),
        exdates=tuple(days("1997-09: 4 8 20")),
    )
    assert list(occurrences(series)) == days("1997-09: 2 3 5 10")
    assert list(occurrences(series, since=local("1997-09-05T09:00"))) == days("1997-09: 5 10")
    assert list(occurrences(series, before=local("1997-09-05T09:00"))) == days("1997-09: 2 3")


def test_a_window_that_starts_between_two_seconds_begins_with_the_next() -> None:
    series = recurrence("FREQ=SECONDLY")
    half = timedelta(milliseconds=500)
    since = series.start + half
    assert list(occurrences(series, since=since, before=since + 2 * half)) == clocks("1997-09-02", "09:00:01")


def test_a_count_is_counted_from_the_start() -> None:
    assert list(occurrences(recurrence("FREQ=DAILY;COUNT=5"), since=local("1997-09-05T00:00"))) == days("1997-09: 5 6")


@pytest.mark.parametrize(
    ("text", "start", "expected"),
    [
        ("FREQ=YEARLY", "9997-12-31T23:59:59", ["9997-12-31", "9998-12-31", "9999-12-31"]),
        ("FREQ=MONTHLY", "9999-11-01T09:00", ["9999-11-01", "9999-12-01"]),
        ("FREQ=WEEKLY;BYDAY=FR,SA", "9999-12-24T09:00", ["9999-12-24", "9999-12-25", "9999-12-31"]),
        ("FREQ=DAILY;BYHOUR=9,10;BYSETPOS=-1", "9999-12-30T09:00", ["9999-12-30", "9999-12-31"]),
        ("FREQ=YEARLY;BYWEEKNO=52;BYDAY=FR;BYSETPOS=-1", "9999-12-30T09:00", ["9999-12-31"]),
        ("FREQ=YEARLY;BYWEEKNO=1,2;BYDAY=TU;BYSETPOS=-1", "9999-01-10T09:00", ["9999-01-12"]),
        ("FREQ=SECONDLY;INTERVAL=999999999", "9990-12-30T09:00", ["9990-12-30"]),
        ("FREQ=MONTHLY;INTERVAL=999999999", "2027-12-30T09:00", ["2027-12-30"]),
        ("FREQ=YEARLY;INTERVAL=999999999;BYMONTH=12", "2027-12-30T09:00", ["2027-12-30"]),
        ("FREQ=YEARLY;INTERVAL=999999999;BYWEEKNO=1;BYDAY=FR", "2027-01-08T09:00", ["2027-01-08"]),
    ],
)
def test_a_rule_ends_with_the_year_9999(text: str, start: str, expected: list[str]) -> None:
    assert [one.date().isoformat() for one in occurrences(recurrence(text, start))] == expected


def test_the_first_dates_are_listed_and_counted_as_requested() -> None:
    assert first_occurrences(recurrence("FREQ=DAILY"), 3) == days("1997-09: 2-4")
    assert len(first_occurrences(recurrence("FREQ=DAILY"), 1_001)) == 1_001
    assert len(first_occurrences(recurrence("FREQ=DAILY;COUNT=1000"), 1_001)) == 1_000


def test_a_start_that_the_rule_gives_is_accepted() -> None:
    rule, start = parse_rule("FREQ=WEEKLY;BYDAY=MO,WE"), local("2027-03-01T09:00")
    check_start(rule, start, "Europe/Berlin")
    assert first_date(rule, start, "Europe/Berlin") == start


def test_a_start_that_the_rule_does_not_give_is_refused_with_the_next_date_named() -> None:
    rule, start = parse_rule("FREQ=WEEKLY;BYDAY=MO,WE"), local("2027-03-02T09:00")
    with pytest.raises(RuleError) as refused:
        check_start(rule, start, "Europe/Berlin")
    assert refused.value.code == "start_not_in_rule"
    assert "2027-03-02T09:00:00" in str(refused.value)
    assert "2027-03-03T09:00:00" in str(refused.value)
    assert first_date(rule, start, "Europe/Berlin") == local("2027-03-03T09:00")


def test_a_rule_without_dates_is_refused() -> None:
    for text in ("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30", "FREQ=DAILY;UNTIL=20270228"):
        with pytest.raises(RuleError) as refused:
            check_start(parse_rule(text), local("2027-03-02T09:00"), "Europe/Berlin")
        assert refused.value.code == "no_occurrences"


@pytest.mark.parametrize(
    ("text", "most", "code"),
    [
        ("FREQ=SECONDLY;BYMONTH=2;BYMONTHDAY=30", 401, "no_occurrences"),
        ("FREQ=MINUTELY;BYMONTH=4,6;BYMONTHDAY=31", 401, "no_occurrences"),
        ("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30", 401, "no_occurrences"),
        ("FREQ=MONTHLY;BYMONTH=2;BYMONTHDAY=30,31", 401, "no_occurrences"),
        ("FREQ=SECONDLY;BYYEARDAY=366;BYDAY=MO;BYMONTH=1", 401, "no_occurrences"),
        ("FREQ=YEARLY;BYYEARDAY=1;BYWEEKNO=30", 401, "no_occurrences"),
        ("FREQ=YEARLY;BYDAY=53MO;BYMONTH=3", 401, "no_occurrences"),
        ("FREQ=YEARLY;INTERVAL=2;BYYEARDAY=366", MAX_STEPS + 1, "rule_too_costly"),
        ("FREQ=MONTHLY;INTERVAL=12;BYMONTH=4", MAX_STEPS + 1, "rule_too_costly"),
        ("FREQ=YEARLY;INTERVAL=999999999;BYMONTH=1", 20, "no_occurrences"),
        ("FREQ=MINUTELY;BYHOUR=0;BYSETPOS=366", MAX_STEPS + 3, "rule_too_costly"),
        ("FREQ=SECONDLY;BYHOUR=0;BYSETPOS=2", MAX_STEPS + 3, "rule_too_costly"),
        ("FREQ=HOURLY;BYMINUTE=0;BYSETPOS=2", MAX_STEPS + 3, "rule_too_costly"),
        ("FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-6", MAX_STEPS + 3, "rule_too_costly"),
        ("FREQ=YEARLY;BYDAY=MO;BYSETPOS=366", MAX_STEPS + 25, "rule_too_costly"),
        ("FREQ=SECONDLY;INTERVAL=60;BYSECOND=30", MAX_STEPS + 1, "rule_too_costly"),
        ("FREQ=SECONDLY;INTERVAL=86400;BYHOUR=10", MAX_STEPS + 1, "rule_too_costly"),
        ("FREQ=DAILY;INTERVAL=7;BYDAY=WE", MAX_STEPS + 1, "rule_too_costly"),
        ("FREQ=SECONDLY;INTERVAL=999999999;BYMONTHDAY=31;BYMONTH=1;BYHOUR=3;BYMINUTE=7", MAX_STEPS, "no_occurrences"),
    ],
)
def test_a_rule_without_dates_is_detected_in_a_bounded_number_of_steps(text: str, most: int, code: str) -> None:
    steps = Steps()
    rule, start = parse_rule(text), local("2027-03-02T09:00")
    if code == "no_occurrences":
        assert first_date(rule, start, "UTC", steps=steps) is None
    else:
        with pytest.raises(RuleError) as refused:
            first_date(rule, start, "UTC", steps=steps)
        assert refused.value.code == code
    assert 0 < steps.taken <= most


def test_a_large_count_far_ahead_is_refused() -> None:
    steps = Steps()
    series = recurrence("FREQ=SECONDLY;COUNT=900000000")
    with pytest.raises(RuleError) as refused:
        next(occurrences(series, since=local("2001-01-01T00:00"), steps=steps))
    assert refused.value.code == "rule_too_costly"
    assert steps.taken == MAX_STEPS + 1


def test_all_dates_together_have_a_bounded_number_of_steps() -> None:
    steps = Steps()
    found: list[datetime] = []
    with pytest.raises(RuleError):
        found += occurrences(recurrence("FREQ=SECONDLY;INTERVAL=3601;BYMINUTE=0;BYSECOND=0"), steps=steps)
    assert steps.taken == steps.allowed + 1
    assert steps.allowed >= MAX_STEPS
    assert (steps.allowed - MAX_STEPS) % STEPS_PER_DATE == 0


@pytest.mark.parametrize(
    "text",
    [
        "FREQ=DAILY",
        "FREQ=DAILY;INTERVAL=2;BYDAY=MO,TU,WE,TH,FR",
        "FREQ=WEEKLY;BYDAY=MO,WE",
        "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1",
        "FREQ=YEARLY;BYWEEKNO=1,53",
        "FREQ=HOURLY;INTERVAL=24",
        "FREQ=SECONDLY;INTERVAL=86400",
    ],
)
def test_a_distant_year_costs_the_same_as_a_near_one(text: str) -> None:
    taken: list[int] = []
    for year in (2020, 2051, 2452, 9000):
        steps = Steps()
        window = (local(f"{year}-01-01T00:00"), local(f"{year + 1}-01-01T00:00"))
        assert list(occurrences(recurrence(text, "2020-01-01T09:00"), since=window[0], before=window[1], steps=steps))
        taken.append(steps.taken)
    assert max(taken) <= min(taken) + 20


def test_a_window_of_instants_shows_what_begins_in_it() -> None:
    series = recurrence("FREQ=DAILY", "2027-03-01T09:00", "Europe/Berlin")
    window = Span(instant("2027-03-26T08:00:00Z"), instant("2027-03-29T07:00:00Z"))
    assert list(occurrences_in(series, window)) == [
        (local("2027-03-26T09:00"), instant("2027-03-26T08:00:00Z")),
        (local("2027-03-27T09:00"), instant("2027-03-27T08:00:00Z")),
        (local("2027-03-28T09:00"), instant("2027-03-28T07:00:00Z")),
    ]


def test_a_window_of_instants_is_searched_no_further_than_it_goes() -> None:
    steps = Steps()
    series = Recurrence(parse_rule("FREQ=MINUTELY;BYHOUR=9"), local("2027-03-01T09:00"), "UTC")
    window = Span(instant("2027-03-26T08:00:00Z"), instant("2027-03-26T09:02:00Z"))
    found = list(occurrences_in(series, window, steps=steps))
    assert [one.local for one in found] == clocks("2027-03-26", "09:00 09:01")
    assert steps.taken < 200


def test_a_window_may_end_before_the_last_date() -> None:
    series = recurrence("FREQ=DAILY;COUNT=2", "2027-03-01T09:00", "Europe/Berlin")
    window = Span(instant("2027-03-01T00:00:00Z"), instant("2027-12-31T00:00:00Z"))
    assert [one.local.time() for one in occurrences_in(series, window)] == [time(9)] * 2
