"""The examples of RFC 5545 section 3.8.5.3, all of them, with the dates that the RFC lists; its start is New York's."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import islice

import pytest
from msgspec.structs import replace

from kalends.rules.recurrence.dates import occurrences, placed
from kalends.rules.recurrence.parsing import parse_rule
from kalends.rules.zones import rendered, zone_named
from tests.rules.recurrence.notation import clocks, days, local, recurrence

TWENTY_MINUTES = [
    one
    for day in ("1997-09-02", "1997-09-03")
    for hour in range(9, 17)
    for one in clocks(day, f"{hour:02}:00 {hour:02}:20 {hour:02}:40")
]
JANUARIES = days("1998-01: 1-31 | 1999-01: 1-31 | 2000-01: 1-31")
FIRST_FRIDAYS = days(
    "1997-09: 5 | 1997-10: 3 | 1997-11: 7 | 1997-12: 5 | 1998-01: 2 | 1998-02: 6 | 1998-03: 6 | 1998-04: 3 "
    "| 1998-05: 1 | 1998-06: 5"
)

ENDING = [
    ("daily, 10 times", "FREQ=DAILY;COUNT=10", "1997-09-02", days("1997-09: 2-11")),
    (
        "daily until a time",
        "FREQ=DAILY;UNTIL=19971224T000000Z",
        "1997-09-02",
        days("1997-09: 2-30 | 1997-10: 1-31 | 1997-11: 1-30 | 1997-12: 1-23"),
    ),
    ("each tenth day", "FREQ=DAILY;INTERVAL=10;COUNT=5", "1997-09-02", days("1997-09: 2 12 22 | 1997-10: 2 12")),
    (
        "each day of three Januaries, by year",
        "FREQ=YEARLY;UNTIL=20000131T140000Z;BYMONTH=1;BYDAY=SU,MO,TU,WE,TH,FR,SA",
        "1998-01-01",
        JANUARIES,
    ),
    ("each day of three Januaries, by day", "FREQ=DAILY;UNTIL=20000131T140000Z;BYMONTH=1", "1998-01-01", JANUARIES),
    (
        "weekly, 10 times",
        "FREQ=WEEKLY;COUNT=10",
        "1997-09-02",
        days("1997-09: 2 9 16 23 30 | 1997-10: 7 14 21 28 | 1997-11: 4"),
    ),
    (
        "weekly until a time",
        "FREQ=WEEKLY;UNTIL=19971224T000000Z",
        "1997-09-02",
        days("1997-09: 2 9 16 23 30 | 1997-10: 7 14 21 28 | 1997-11: 4 11 18 25 | 1997-12: 2 9 16 23"),
    ),
    (
        "two days a week, until a time",
        "FREQ=WEEKLY;UNTIL=19971007T000000Z;WKST=SU;BYDAY=TU,TH",
        "1997-09-02",
        days("1997-09: 2 4 9 11 16 18 23 25 30 | 1997-10: 2"),
    ),
    (
        "two days a week, counted",
        "FREQ=WEEKLY;COUNT=10;WKST=SU;BYDAY=TU,TH",
        "1997-09-02",
        days("1997-09: 2 4 9 11 16 18 23 25 30 | 1997-10: 2"),
    ),
    (
        "three days of every other week",
        "FREQ=WEEKLY;INTERVAL=2;UNTIL=19971224T000000Z;WKST=SU;BYDAY=MO,WE,FR",
        "1997-09-01",
        days(
            "1997-09: 1 3 5 15 17 19 29 | 1997-10: 1 3 13 15 17 27 29 31 | 1997-11: 10 12 14 24 26 28 "
            "| 1997-12: 8 10 12 22"
        ),
    ),
    (
        "two days of every other week",
        "FREQ=WEEKLY;INTERVAL=2;COUNT=8;WKST=SU;BYDAY=TU,TH",
        "1997-09-02",
        days("1997-09: 2 4 16 18 30 | 1997-10: 2 14 16"),
    ),
    ("first Fridays, counted", "FREQ=MONTHLY;COUNT=10;BYDAY=1FR", "1997-09-05", FIRST_FRIDAYS),
    ("first Fridays until a time", "FREQ=MONTHLY;UNTIL=19971224T000000Z;BYDAY=1FR", "1997-09-05", FIRST_FRIDAYS[:4]),
    (
        "first and last Sundays of every other month",
        "FREQ=MONTHLY;INTERVAL=2;COUNT=10;BYDAY=1SU,-1SU",
        "1997-09-07",
        days("1997-09: 7 28 | 1997-11: 2 30 | 1998-01: 4 25 | 1998-03: 1 29 | 1998-05: 3 31"),
    ),
    (
        "second-to-last Mondays",
        "FREQ=MONTHLY;COUNT=6;BYDAY=-2MO",
        "1997-09-22",
        days("1997-09: 22 | 1997-10: 20 | 1997-11: 17 | 1997-12: 22 | 1998-01: 19 | 1998-02: 16"),
    ),
    (
        "two days a month",
        "FREQ=MONTHLY;COUNT=10;BYMONTHDAY=2,15",
        "1997-09-02",
        days("1997-09: 2 15 | 1997-10: 2 15 | 1997-11: 2 15 | 1997-12: 2 15 | 1998-01: 2 15"),
    ),
    (
        "first and last days of months",
        "FREQ=MONTHLY;COUNT=10;BYMONTHDAY=1,-1",
        "1997-09-30",
        days("1997-09: 30 | 1997-10: 1 31 | 1997-11: 1 30 | 1997-12: 1 31 | 1998-01: 1 31 | 1998-02: 1"),
    ),
    (
        "some days of each 18th month",
        "FREQ=MONTHLY;INTERVAL=18;COUNT=10;BYMONTHDAY=10,11,12,13,14,15",
        "1997-09-10",
        days("1997-09: 10-15 | 1999-03: 10-13"),
    ),
    (
        "two months a year",
        "FREQ=YEARLY;COUNT=10;BYMONTH=6,7",
        "1997-06-10",
        days(" | ".join(f"{year}-{month}: 10" for year in range(1997, 2002) for month in ("06", "07"))),
    ),
    (
        "three months of every other year",
        "FREQ=YEARLY;INTERVAL=2;COUNT=10;BYMONTH=1,2,3",
        "1997-03-10",
        days(
            "1997-03: 10 | 1999-01: 10 | 1999-02: 10 | 1999-03: 10 | 2001-01: 10 | 2001-02: 10 | 2001-03: 10 "
            "| 2003-01: 10 | 2003-02: 10 | 2003-03: 10"
        ),
    ),
    (
        "three days of each third year",
        "FREQ=YEARLY;INTERVAL=3;COUNT=10;BYYEARDAY=1,100,200",
        "1997-01-01",
        days(
            "1997-01: 1 | 1997-04: 10 | 1997-07: 19 | 2000-01: 1 | 2000-04: 9 | 2000-07: 18 | 2003-01: 1 | 2003-04: 10 "
            "| 2003-07: 19 | 2006-01: 1"
        ),
    ),
    (
        "the third Tuesday, Wednesday or Thursday",
        "FREQ=MONTHLY;COUNT=3;BYDAY=TU,WE,TH;BYSETPOS=3",
        "1997-09-04",
        days("1997-09: 4 | 1997-10: 7 | 1997-11: 6"),
    ),
    (
        "every three hours, as erratum 3883 corrects the end",
        "FREQ=HOURLY;INTERVAL=3;UNTIL=19970902T210000Z",
        "1997-09-02",
        clocks("1997-09-02", "09:00 12:00 15:00"),
    ),
    (
        "every three hours, as printed: the end is 13:00 in New York",
        "FREQ=HOURLY;INTERVAL=3;UNTIL=19970902T170000Z",
        "1997-09-02",
        clocks("1997-09-02", "09:00 12:00"),
    ),
    (
        "quarters of hours",
        "FREQ=MINUTELY;INTERVAL=15;COUNT=6",
        "1997-09-02",
        clocks("1997-09-02", "09:00 09:15 09:30 09:45 10:00 10:15"),
    ),
    (
        "an hour and a half",
        "FREQ=MINUTELY;INTERVAL=90;COUNT=4",
        "1997-09-02",
        clocks("1997-09-02", "09:00 10:30 12:00 13:30"),
    ),
    (
        "weeks that start on Monday",
        "FREQ=WEEKLY;INTERVAL=2;COUNT=4;BYDAY=TU,SU;WKST=MO",
        "1997-08-05",
        days("1997-08: 5 10 19 24"),
    ),
    (
        "weeks that start on Sunday",
        "FREQ=WEEKLY;INTERVAL=2;COUNT=4;BYDAY=TU,SU;WKST=SU",
        "1997-08-05",
        days("1997-08: 5 17 19 31"),
    ),
    (
        "a day that February does not have",
        "FREQ=MONTHLY;BYMONTHDAY=15,30;COUNT=5",
        "2007-01-15",
        days("2007-01: 15 30 | 2007-02: 15 | 2007-03: 15 30"),
    ),
]

ENDLESS = [
    (
        "every other day",
        "FREQ=DAILY;INTERVAL=2",
        "1997-09-02",
        [local("1997-09-02T09:00") + timedelta(days) for days in range(0, 93, 2)],
    ),
    (
        "every other week",
        "FREQ=WEEKLY;INTERVAL=2;WKST=SU",
        "1997-09-02",
        days("1997-09: 2 16 30 | 1997-10: 14 28 | 1997-11: 11 25 | 1997-12: 9 23 | 1998-01: 6 20 | 1998-02: 3 17"),
    ),
    (
        "third-to-last days of months",
        "FREQ=MONTHLY;BYMONTHDAY=-3",
        "1997-09-28",
        days("1997-09: 28 | 1997-10: 29 | 1997-11: 28 | 1997-12: 29 | 1998-01: 29 | 1998-02: 26"),
    ),
    (
        "Tuesdays of every other month",
        "FREQ=MONTHLY;INTERVAL=2;BYDAY=TU",
        "1997-09-02",
        days("1997-09: 2 9 16 23 30 | 1997-11: 4 11 18 25 | 1998-01: 6 13 20 27 | 1998-03: 3 10 17 24 31"),
    ),
    ("the 20th Monday", "FREQ=YEARLY;BYDAY=20MO", "1997-05-19", days("1997-05: 19 | 1998-05: 18 | 1999-05: 17")),
    (
        "Monday of week 20",
        "FREQ=YEARLY;BYWEEKNO=20;BYDAY=MO",
        "1997-05-12",
        days("1997-05: 12 | 1998-05: 11 | 1999-05: 17"),
    ),
    (
        "Thursdays in March",
        "FREQ=YEARLY;BYMONTH=3;BYDAY=TH",
        "1997-03-13",
        days("1997-03: 13 20 27 | 1998-03: 5 12 19 26 | 1999-03: 4 11 18 25"),
    ),
    (
        "Thursdays in summer",
        "FREQ=YEARLY;BYDAY=TH;BYMONTH=6,7,8",
        "1997-06-05",
        days(
            "1997-06: 5 12 19 26 | 1997-07: 3 10 17 24 31 | 1997-08: 7 14 21 28 | 1998-06: 4 11 18 25 "
            "| 1998-07: 2 9 16 23 30 | 1998-08: 6 13 20 27 | 1999-06: 3 10 17 24 | 1999-07: 1 8 15 22 29 "
            "| 1999-08: 5 12 19 26"
        ),
    ),
    (
        "Fridays the 13th, of which the start is none",
        "FREQ=MONTHLY;BYDAY=FR;BYMONTHDAY=13",
        "1997-09-02",
        days("1998-02: 13 | 1998-03: 13 | 1998-11: 13 | 1999-08: 13 | 2000-10: 13"),
    ),
    (
        "the Saturday after the first Sunday",
        "FREQ=MONTHLY;BYDAY=SA;BYMONTHDAY=7,8,9,10,11,12,13",
        "1997-09-13",
        days(
            "1997-09: 13 | 1997-10: 11 | 1997-11: 8 | 1997-12: 13 | 1998-01: 10 | 1998-02: 7 | 1998-03: 7 "
            "| 1998-04: 11 | 1998-05: 9 | 1998-06: 13"
        ),
    ),
    (
        "election days",
        "FREQ=YEARLY;INTERVAL=4;BYMONTH=11;BYDAY=TU;BYMONTHDAY=2,3,4,5,6,7,8",
        "1996-11-05",
        days("1996-11: 5 | 2000-11: 7 | 2004-11: 2"),
    ),
    (
        "second-to-last weekdays",
        "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-2",
        "1997-09-29",
        days("1997-09: 29 | 1997-10: 30 | 1997-11: 27 | 1997-12: 30 | 1998-01: 29 | 1998-02: 26 | 1998-03: 30"),
    ),
    (
        "every 20 minutes, by day",
        "FREQ=DAILY;BYHOUR=9,10,11,12,13,14,15,16;BYMINUTE=0,20,40",
        "1997-09-02",
        TWENTY_MINUTES,
    ),
    (
        "every 20 minutes, by minute",
        "FREQ=MINUTELY;INTERVAL=20;BYHOUR=9,10,11,12,13,14,15,16",
        "1997-09-02",
        TWENTY_MINUTES,
    ),
]


@pytest.mark.parametrize(("text", "start", "expected"), [pytest.param(*row[1:], id=row[0]) for row in ENDING])
def test_a_rule_with_an_end_gives_what_the_rfc_lists(text: str, start: str, expected: Sequence[datetime]) -> None:
    assert list(occurrences(recurrence(text, f"{start}T09:00"))) == expected


@pytest.mark.parametrize(("text", "start", "expected"), [pytest.param(*row[1:], id=row[0]) for row in ENDLESS])
def test_a_rule_without_an_end_begins_as_the_rfc_lists(text: str, start: str, expected: Sequence[datetime]) -> None:
    assert list(islice(occurrences(recurrence(text, f"{start}T09:00")), len(expected))) == expected


def test_the_clock_stays_when_summer_time_ends() -> None:
    dates = occurrences(recurrence("FREQ=WEEKLY;COUNT=10"))
    zone = zone_named("America/New_York")
    shown = [rendered(one.instant, zone) for one in placed(dates, zone)]
    assert {text[11:16] for text in shown} == {"09:00"}
    assert [text[19:] for text in shown] == ["-04:00"] * 8 + ["-05:00"] * 2


def test_the_start_of_an_example_that_its_rule_does_not_give_is_a_date_to_add() -> None:
    series = recurrence("FREQ=MONTHLY;BYDAY=FR;BYMONTHDAY=13;UNTIL=19980301")
    with_start = replace(series, rdates=(series.start,))
    assert list(occurrences(with_start)) == [series.start, *days("1998-02: 13")]
    without_it = replace(with_start, exdates=(series.start,))
    assert list(occurrences(without_it)) == days("1998-02: 13")


def test_there_are_as_many_examples_as_in_the_rfc() -> None:
    assert len({parse_rule(text) for _, text, _, _ in [*ENDING, *ENDLESS]}) == 43
