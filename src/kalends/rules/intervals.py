"""Comparing spans of time, which no other module does."""

from kalends.model import Instant, Span

SECOND = 1_000_000
"""Microseconds in a second."""

MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR

LONGEST_BLOCK = 31 * HOUR
"""No event is longer: the longest local day of any zone since 1970 (Antarctica/Vostok, 1994-01-31) has 31 hours."""


def overlaps(a: Span, b: Span) -> bool:
    """Return whether two half-open spans share an instant; spans that touch do not overlap."""
    return a.start < b.end and b.start < a.end


def contains(outer: Span, inner: Span) -> bool:
    """Return whether every instant of one span lies in another."""
    return outer.start <= inner.start and inner.end <= outer.end


def earliest_start(after: Instant) -> Instant:
    """Return the instant after which every block starts that may not have ended at `after`."""
    return Instant(after - LONGEST_BLOCK)
