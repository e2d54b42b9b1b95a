"""Sets of spans compared with the plainest calculation: instant by instant."""

import itertools

from hypothesis import given
from hypothesis import strategies as st

from kalends.model import Strength
from kalends.rules.periods import Period, clip, merge, merge_by_strength
from tests.rules.spans import holds, span, spans

LAST = 40
STRENGTH = [Strength.free, Strength.tentative, Strength.busy]
SOME_SPANS = st.lists(spans(0, LAST), max_size=12)
PERIODS = st.lists(st.builds(Period, spans(0, LAST), st.sampled_from(Strength)), max_size=12)


@given(SOME_SPANS)
def test_merged_spans_cover_the_same_instants_in_as_few_spans_as_possible(given_spans):
    result = merge(given_spans)
    assert [holds(result, at) for at in range(LAST)] == [holds(given_spans, at) for at in range(LAST)]
    assert all(one.start < one.end for one in result)
    assert all(one.end < other.start for one, other in itertools.pairwise(result))
    assert merge(result) == result


def test_touching_spans_are_merged():
    assert merge([span(3, 5), span(1, 3), span(6, 7)]) == [span(1, 5), span(6, 7)]
    assert merge([span(1, 9), span(2, 3)]) == [span(1, 9)]
    assert merge([]) == []


@given(SOME_SPANS, spans(0, LAST))
def test_clipped_spans_lie_in_the_window_and_lose_nothing_of_it(given_spans, window):
    result = clip(given_spans, window)
    for at in range(-1, LAST + 1):
        inside = window.start <= at < window.end
        assert sum(holds([one], at) for one in result) == (
            sum(holds([one], at) for one in given_spans) if inside else 0
        )
    assert all(one.start < one.end for one in result)


def strongest(periods: list[Period], at: int) -> Strength:
    """Return the strongest of all periods at an instant."""
    return max((one.strength for one in periods if holds([one.span], at)), key=STRENGTH.index, default=Strength.free)


@given(PERIODS, spans(0, LAST))
def test_merging_by_strength_shows_the_strongest_at_every_instant(periods, window):
    result = merge_by_strength(periods, window)
    for at in range(-1, LAST + 1):
        inside = window.start <= at < window.end
        assert strongest(result, at) is (strongest(periods, at) if inside else Strength.free)
    assert all(one.strength is not Strength.free and one.span.start < one.span.end for one in result)
    for one, other in itertools.pairwise(result):
        assert one.span.end <= other.span.start
        assert one.span.end < other.span.start or one.strength is not other.strength


def test_touching_periods_of_equal_strength_are_merged():
    one, other = Period(span(0, 2), Strength.busy), Period(span(2, 4), Strength.busy)
    assert merge_by_strength(
        [one, other, Period(span(4, 5), Strength.tentative), Period(span(1, 3), Strength.tentative)], span(0, 9)
    ) == [
        Period(span(0, 4), Strength.busy),
        Period(span(4, 5), Strength.tentative),
    ]


@given(
    st.permutations(
        [Period(span(0, 9), Strength.tentative), Period(span(2, 4), Strength.busy), Period(span(4, 6), Strength.busy)]
    )
)
def test_merging_by_strength_does_not_depend_on_the_order(periods):
    assert merge_by_strength(periods, span(1, 8)) == [
        Period(span(1, 2), Strength.tentative),
        Period(span(2, 6), Strength.busy),
        Period(span(6, 8), Strength.tentative),
    ]


@given(PERIODS, PERIODS, spans(0, LAST))
def test_nothing_shows_of_periods_under_equally_strong_ones(some, others, window):
    result = merge_by_strength(some, window, under=others)
    own, other = merge_by_strength(some, window), merge_by_strength(others, window)
    for at in range(-1, LAST + 1):
        shown = strongest(own, at)
        covered = STRENGTH.index(shown) <= STRENGTH.index(strongest(other, at))
        assert strongest(result, at) is (Strength.free if covered else shown)
    assert all(one.span.end <= other.span.start for one, other in itertools.pairwise(result))
