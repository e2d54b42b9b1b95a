"""Comparing spans of time: nobody else compares times."""

from kalends.model import Instant, Span

SECOND = 1_000_000
"""Microseconds in a second."""

MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR

LONGEST_BLOCK = 31 * HOUR
"""No event is longer: the longest local day of any zone since 1970 (Antarctica/Vostok, 1994-01-31) has 31 hours."""


def overlaps(a: Span, b: Span) -> bool:
    """Tell whether two half-open spans share an instant: touching is not overlapping."""
    return a.start < b.end and b.start < a.end


def contains(outer: Span, inner: Span) -> bool:
    """Tell whether every instant of one span lies in another."""
    return outer.start <= inner.start and inner.end <= outer.end


def earliest_start(after: Instant) -> Instant:
    """Give the instant after which every block starts that may still run at `after`."""
    return Instant(after - LONGEST_BLOCK)
