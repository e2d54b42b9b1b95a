"""The text of rules: what is read, how it is written, and what is refused."""

from datetime import UTC, date, datetime

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from kalends.rules.recurrence.parsing import parse_rule
from kalends.rules.recurrence.rule import PART_OF_FIELD, Frequency, Rule, RuleError, WeekdayNumber, format_rule
from tests.rules.recurrence.rules import ends, rules_with_starts


def test_every_part_has_its_field() -> None:
    rule = parse_rule(
        "FREQ=YEARLY;COUNT=10;INTERVAL=2;BYSECOND=0,60;BYMINUTE=0,59;BYHOUR=0,23;BYDAY=MO,-1FR,+20SU,53TU;"
        "BYMONTHDAY=1,-31;BYYEARDAY=366,-366;BYMONTH=12,1;BYSETPOS=-1,366;WKST=SU"
    )
    assert rule == Rule(
        frequency=Frequency.YEARLY,
        count=10,
        interval=2,
        by_second=(0, 60),
        by_minute=(0, 59),
        by_hour=(0, 23),
        by_day=(WeekdayNumber(0), WeekdayNumber(1, 53), WeekdayNumber(4, -1), WeekdayNumber(6, 20)),
        by_month_day=(-31, 1),
        by_year_day=(-366, 366),
        by_month=(1, 12),
        by_set_pos=(-1, 366),
        week_start=6,
    )
    assert parse_rule("FREQ=YEARLY;BYWEEKNO=53,-53,20").by_week_no == (-53, 20, 53)


@pytest.mark.parametrize(
    ("text", "until"),
    [
        ("20270630", date(2027, 6, 30)),
        ("20270630T215959", datetime(2027, 6, 30, 21, 59, 59)),  # noqa: DTZ001
        ("20270630T215959Z", datetime(2027, 6, 30, 21, 59, 59, tzinfo=UTC)),
        ("20270630t215959z", datetime(2027, 6, 30, 21, 59, 59, tzinfo=UTC)),
        ("00010101", date(1, 1, 1)),
        ("99991231T235959Z", datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)),
    ],
)
def test_an_end_is_a_date_a_local_time_or_a_time_in_utc(text: str, until: date) -> None:
    rule = parse_rule(f"FREQ=DAILY;UNTIL={text}")
    assert rule.until == until
    assert type(rule.until) is type(until)
    assert format_rule(rule) == f"FREQ=DAILY;UNTIL={text.upper()}"


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("freq=weekly", "FREQ=WEEKLY"),
        ("BYDAY=we,Mo;INTERVAL=1;WKST=MO;FREQ=WEEKLY", "FREQ=WEEKLY;BYDAY=MO,WE"),
        ("BYMONTHDAY=+31,07,-1,7;FREQ=MONTHLY;INTERVAL=002", "FREQ=MONTHLY;INTERVAL=2;BYMONTHDAY=-1,7,31"),
        ("FREQ=MONTHLY;BYDAY=+1SU,-1SU,SU", "FREQ=MONTHLY;BYDAY=-1SU,SU,1SU"),
        (
            "WKST=SU;BYSETPOS=1;BYHOUR=9;BYWEEKNO=1;COUNT=3;FREQ=YEARLY",
            "FREQ=YEARLY;COUNT=3;BYHOUR=9;BYWEEKNO=1;BYSETPOS=1;WKST=SU",
        ),
    ],
)
def test_a_rule_has_one_canonical_text(text: str, canonical: str) -> None:
    assert format_rule(parse_rule(text)) == canonical


@given(rules_with_starts(most_parts=8), ends)
@settings(max_examples=60)
def test_a_rule_that_is_written_reads_as_the_same(pair: tuple[Rule, datetime], end: dict[str, object]) -> None:
    rule = replace(pair[0], **end)
    assert parse_rule(format_rule(rule)) == rule


@pytest.mark.parametrize(
    ("text", "part", "says"),
    [
        ("", None, "unknown part ''"),
        ("FREQ=DAILY;", None, "unknown part ''"),
        ("RRULE:FREQ=DAILY", None, "unknown part 'RRULE:FREQ'"),
        ("FREQ=DAILY;X-NAME=1", None, "unknown part 'X-NAME'"),
        ("FREQ=DAILY;RSCALE=GREGORIAN", None, "unknown part 'RSCALE'"),
        ("FREQ", "FREQ", "not ''"),
        ("FREQ=", "FREQ", "not ''"),
        ("FREQ=FORTNIGHTLY", "FREQ", "one of SECONDLY"),
        ("BYDAY=MO", "FREQ", "is missing"),
        ("FREQ=DAILY;FREQ=DAILY", "FREQ", "twice"),
        ("FREQ=DAILY;BYHOUR=1;BYHOUR=2", "BYHOUR", "twice"),
        ("FREQ=DAILY;INTERVAL=0", "INTERVAL", "from 1 to 999999999, not '0'"),
        ("FREQ=DAILY;INTERVAL=-1", "INTERVAL", "not '-1'"),
        ("FREQ=DAILY;INTERVAL=1000000000", "INTERVAL", "not '1000000000'"),
        ("FREQ=DAILY;INTERVAL=1,2", "INTERVAL", "not '1,2'"),
        ("FREQ=DAILY;COUNT=0", "COUNT", "not '0'"),
        ("FREQ=DAILY;COUNT=+1", "COUNT", "not '+1'"),
        ("FREQ=DAILY;COUNT=" + "9" * 5_000, "COUNT", "not '999"),
        ("FREQ=DAILY;COUNT=1;UNTIL=20270101", "COUNT", "leave one of them out"),
        ("FREQ=DAILY;UNTIL=2027-01-01", "UNTIL", "such as 20270630T215959Z"),
        ("FREQ=DAILY;UNTIL=20270230", "UNTIL", "not '20270230'"),
        ("FREQ=DAILY;UNTIL=20270101T240000Z", "UNTIL", "not '20270101T240000Z'"),
        ("FREQ=DAILY;UNTIL=20270101T0900", "UNTIL", "not '20270101T0900'"),
        ("FREQ=DAILY;UNTIL=20270101Z", "UNTIL", "not '20270101Z'"),
        ("FREQ=DAILY;UNTIL=00000101", "UNTIL", "not '00000101'"),
        ("FREQ=DAILY;BYSECOND=61", "BYSECOND", "from 0 to 60, not '61'"),
        ("FREQ=DAILY;BYMINUTE=60", "BYMINUTE", "from 0 to 59, not '60'"),
        ("FREQ=DAILY;BYHOUR=24", "BYHOUR", "from 0 to 23, not '24'"),
        ("FREQ=DAILY;BYHOUR=9,", "BYHOUR", "not ''"),
        ("FREQ=DAILY;BYHOUR=-1", "BYHOUR", "not '-1'"),
        ("FREQ=DAILY;BYHOUR=٩", "BYHOUR", "not '٩'"),
        ("FREQ=DAILY;BYMONTH=0", "BYMONTH", "from 1 to 12, not '0'"),
        ("FREQ=DAILY;BYMONTH=5L", "BYMONTH", "not '5L'"),
        ("FREQ=MONTHLY;BYMONTHDAY=0", "BYMONTHDAY", "from 1 to 31 or from -31 to -1, not '0'"),
        ("FREQ=MONTHLY;BYMONTHDAY=32", "BYMONTHDAY", "not '32'"),
        ("FREQ=YEARLY;BYYEARDAY=367", "BYYEARDAY", "not '367'"),
        ("FREQ=YEARLY;BYWEEKNO=54", "BYWEEKNO", "not '54'"),
        ("FREQ=MINUTELY;BYHOUR=0;BYSETPOS=400", "BYSETPOS", "from 1 to 366 or from -366 to -1, not '400'"),
        ("FREQ=WEEKLY;BYDAY=XX", "BYDAY", "not 'XX'"),
        ("FREQ=WEEKLY;BYDAY=1", "BYDAY", "not '1'"),
        ("FREQ=WEEKLY;BYDAY=MONDAY", "BYDAY", "not 'MONDAY'"),
        ("FREQ=MONTHLY;BYDAY=0MO", "BYDAY", "not '0'"),
        ("FREQ=MONTHLY;BYDAY=54MO", "BYDAY", "not '54'"),
        ("FREQ=DAILY;WKST=1MO", "WKST", "not '1MO'"),
        ("FREQ=WEEKLY;BYDAY=1MO", "BYDAY", "use MONTHLY or YEARLY"),
        ("FREQ=SECONDLY;BYDAY=-1MO", "BYDAY", "cannot have numbers with FREQ=SECONDLY"),
        ("FREQ=YEARLY;BYWEEKNO=1;BYDAY=MO,1TU", "BYDAY", "beside BYWEEKNO"),
        ("FREQ=MONTHLY;BYWEEKNO=1", "BYWEEKNO", "leave it out, or use YEARLY"),
        ("FREQ=DAILY;BYYEARDAY=1", "BYYEARDAY", "use SECONDLY or MINUTELY or HOURLY or YEARLY"),
        ("FREQ=WEEKLY;BYYEARDAY=1", "BYYEARDAY", "beside FREQ=WEEKLY"),
        ("FREQ=MONTHLY;BYYEARDAY=1", "BYYEARDAY", "beside FREQ=MONTHLY"),
        ("FREQ=WEEKLY;BYMONTHDAY=1", "BYMONTHDAY", "beside FREQ=WEEKLY"),
        ("FREQ=MONTHLY;BYSETPOS=1", "BYSETPOS", "add one, such as BYDAY"),
    ],
)
def test_texts_that_the_rfc_does_not_allow_are_refused_with_the_part_named(
    text: str, part: str | None, says: str
) -> None:
    with pytest.raises(RuleError) as refused:
        parse_rule(text)
    assert (refused.value.code, refused.value.part) == ("invalid_rule", part)
    assert says in str(refused.value)
    assert str(refused.value).startswith(part or "the rule")
    assert len(str(refused.value)) < 300


crumbs = st.lists(
    st.sampled_from(
        [*PART_OF_FIELD.values(), *Frequency.__members__, "=", "=", ";", ";", ",", "-1", "MO", "9", "Z", "é"]
    )
).map("".join)


@given(st.text() | crumbs | crumbs.map("FREQ=DAILY;".__add__))
@example("FREQ=DAILY;BYDAY=\ud800")
@settings(max_examples=60)
def test_any_text_gives_a_rule_or_a_rule_error(text: str) -> None:
    try:
        rule = parse_rule(text)
    except RuleError as error:
        assert error.code == "invalid_rule"  # noqa: PT017 (most texts are no rules, some are)
    else:
        assert parse_rule(format_rule(rule)) == rule
