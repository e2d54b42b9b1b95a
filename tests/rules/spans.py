"""Spans for tests of rules, in small numbers and in real time."""

from collections.abc import Iterable

from hypothesis import strategies as st

from kalends.model import Instant, Span


def span(start: int, end: int) -> Span:
    return Span(Instant(start), Instant(end))


def spans(low: int, high: int) -> st.SearchStrategy[Span]:
    """Return a strategy for non-empty spans within bounds."""
    edges = st.lists(st.integers(low, high), min_size=2, max_size=2, unique=True)
    return edges.map(lambda pair: span(min(pair), max(pair)))


def holds(spans: Iterable[Span], instant: int) -> bool:
    return any(one.start <= instant < one.end for one in spans)
