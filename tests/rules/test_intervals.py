import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from kalends.model import Instant, Span
from kalends.rules.intervals import HOUR, LONGEST_BLOCK, earliest_start, overlaps
from kalends.rules.zones import known_zones
from tests.transitions import different_zones, local_days

moments = st.integers(-5, 15).map(Instant)
spans = st.tuples(moments, st.integers(1, 8)).map(lambda pair: Span(pair[0], Instant(pair[0] + pair[1])))


@given(spans, spans)
def test_spans_overlap_when_they_share_an_instant(a: Span, b: Span) -> None:
    assert overlaps(a, b) == bool(set(range(a.start, a.end)) & set(range(b.start, b.end)))


@given(spans, spans)
def test_overlapping_is_mutual(a: Span, b: Span) -> None:
    assert overlaps(a, b) == overlaps(b, a)


@given(spans)
def test_a_span_overlaps_itself_and_not_what_touches_it(span: Span) -> None:
    assert overlaps(span, span)
    assert not overlaps(span, Span(span.end, Instant(span.end + 1)))
    assert not overlaps(Span(Instant(span.start - 1), span.start), span)


@given(st.integers(-(10**15), 10**15), st.integers(1, LONGEST_BLOCK), st.integers(-(10**15), 10**15))
@example(start=-LONGEST_BLOCK + 1, length=LONGEST_BLOCK, after=0)
@example(start=-LONGEST_BLOCK, length=LONGEST_BLOCK, after=0)
def test_every_block_that_still_runs_started_after_the_earliest_start(start: int, length: int, after: int) -> None:
    runs_at = start <= after < start + length
    assert not runs_at or start > earliest_start(Instant(after))


@pytest.mark.slow
def test_the_longest_block_is_the_longest_day_that_any_clock_has_shown_since_1970() -> None:
    longest = max(
        last - first + 1
        for name in different_zones(known_zones())
        for first, last in local_days(name, since=0).values()
    )
    assert longest * 1_000_000 == LONGEST_BLOCK == 31 * HOUR
