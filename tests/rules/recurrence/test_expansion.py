"""The expansion of rules, compared with a slow and obvious one, and with itself."""

from datetime import datetime, timedelta
from itertools import islice, pairwise

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from kalends.rules.recurrence.dates import Recurrence, occurrences
from kalends.rules.recurrence.rule import Frequency, Rule, RuleError
from tests.rules.recurrence.reference import expanded
from tests.rules.recurrence.rules import NAMES, allowed, rules_with_starts, values_of

NUMBER = {
    Frequency.SECONDLY: 300,
    Frequency.MINUTELY: 300,
    Frequency.HOURLY: 200,
    Frequency.DAILY: 100,
    Frequency.WEEKLY: 40,
    Frequency.MONTHLY: 20,
    Frequency.YEARLY: 5,
}
"""Periods that are compared."""

LIMITS = {
    "by_month": Frequency.MONTHLY,
    "by_month_day": Frequency.DAILY,
    "by_year_day": Frequency.HOURLY,
    "by_day": Frequency.DAILY,
    "by_hour": Frequency.HOURLY,
    "by_minute": Frequency.MINUTELY,
    "by_second": Frequency.SECONDLY,
}
"""The longest frequency with which a part limits (the table of RFC 5545 section 3.3.10)."""


def dates(rule: Rule, start: datetime, since: datetime | None = None, before: datetime | None = None) -> list[datetime]:
    try:
        return list(islice(occurrences(Recurrence(rule, start, "UTC"), since=since, before=before), 5_000))
    except RuleError as error:
        assert error.code == "rule_too_costly"  # noqa: PT017 (a random rule may be one)
        assume(False)
        raise


@given(rules_with_starts())
@settings(max_examples=80, deadline=None)
def test_a_rule_gives_what_walking_through_its_periods_gives(pair: tuple[Rule, datetime]) -> None:
    rule, start = pair
    expected, end = expanded(rule, start, NUMBER[rule.frequency])
    expected = expected[:5_000]
    assert dates(rule, start, before=end) == expected


@pytest.mark.slow
@given(rules_with_starts())
@settings(max_examples=2_000, deadline=None)
def test_many_rules_give_what_walking_through_their_periods_gives(pair: tuple[Rule, datetime]) -> None:
    rule, start = pair
    expected, end = expanded(rule, start, NUMBER[rule.frequency])
    assert dates(rule, start, before=end) == expected[:5_000]


@given(rules_with_starts(), st.data())
@settings(max_examples=60, deadline=None)
def test_dates_are_in_order_and_a_window_shows_those_within_it(
    pair: tuple[Rule, datetime], data: st.DataObject
) -> None:
    rule, start = pair
    _, end = expanded(replace(rule, by_set_pos=()), start, 3)
    end = start + 20 * (end - start)
    all_dates = dates(rule, start, before=end)
    assume(len(all_dates) < 5_000)
    assert all(one < other for one, other in pairwise(all_dates))
    length = int((end - start).total_seconds())
    since = start + timedelta(seconds=data.draw(st.integers(-10, length)))
    before = since + timedelta(seconds=data.draw(st.integers(0, length)))
    before = min(before, end)
    assert dates(rule, start, since, before) == [one for one in all_dates if since <= one < before]


@given(rules_with_starts(most_parts=2), st.data())
@settings(max_examples=60, deadline=None)
def test_a_part_that_limits_takes_dates_away_and_adds_none(pair: tuple[Rule, datetime], data: st.DataObject) -> None:
    rule, start = pair
    rule = replace(rule, by_set_pos=())
    names = [name for name, longest in LIMITS.items() if rule.frequency <= longest and not getattr(rule, name)]
    assume(names)
    name = data.draw(st.sampled_from(names))
    values = data.draw(values_of(name, start, with_numbers=False))
    _, end = expanded(rule, start, 50)
    wide, narrow = (dates(one, start, before=end) for one in (rule, replace(rule, **{name: values})))
    assume(len(wide) < 5_000)
    assert set(narrow) <= set(wide)


@given(rules_with_starts(most_parts=3))
@settings(max_examples=60, deadline=None)
def test_positions_and_their_complement_make_the_whole_set(pair: tuple[Rule, datetime]) -> None:
    rule, start = pair
    _, end = expanded(replace(rule, by_set_pos=()), start, 2)
    whole = dates(replace(rule, by_set_pos=()), start, before=end)
    first = dates(replace(rule, by_set_pos=(1, 2)), start, before=end)
    others = dates(replace(rule, by_set_pos=tuple(range(3, 367))), start, before=end)
    assert set(first) | set(others) <= set(whole)
    assert not set(first) & set(others)


def test_random_rules_have_every_part() -> None:
    assert {name for name in NAMES if any(allowed(name, frequency) for frequency in Frequency)} == set(NAMES)
    assert LIMITS.keys() <= set(NAMES)
