"""When a meeting may begin: on the steps of the wall clock in a zone, within a window and within one local day."""

from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from kalends.model import Instant, Span
from kalends.rules.hours import WALL_EPOCH, steady_segments
from kalends.rules.intervals import DAY
from kalends.rules.zones import first_instant


class DayPart(NamedTuple):
    """Instants of one local date with a constant offset, and the instant at which such clocks show 00:00."""

    midnight: Instant
    span: Span


class StartSpan(NamedTuple):
    """Starts with which a meeting stays in a window and in one local day, which began at `opening`."""

    midnight: Instant
    opening: Instant
    span: Span


def start_spans(window: Span, zone: ZoneInfo, duration: int) -> Iterator[StartSpan]:
    """Yield all starts with which a meeting lies within a window, and begins and ends on the same local date."""
    for day, parts in day_parts(window, zone).items():
        opening = parts[0].midnight
        if opening < parts[0].span.start:  # the window begins later, or clocks skip this midnight
            opening = first_instant(day, zone)
        for place, part in enumerate(parts):
            for last in parts[place:]:  # the meeting ends in this part of the day
                start = max(part.span.start, last.span.start - duration + 1)
                end = min(part.span.end, last.span.end - duration + 1)
                if start < end:
                    yield StartSpan(part.midnight, opening, Span(Instant(start), Instant(end)))


def day_parts(window: Span, zone: ZoneInfo) -> dict[date, list[DayPart]]:
    """Cut a window where the local date or the offset changes; a date that clocks fall back into has several parts."""
    parts: dict[date, list[DayPart]] = {}
    for segment, offset in steady_segments(window, zone):
        for number in range((segment.start + offset) // DAY, (segment.end - 1 + offset) // DAY + 1):
            midnight = Instant(number * DAY - offset)
            span = Span(max(midnight, segment.start), min(Instant(midnight + DAY), segment.end))
            parts.setdefault(WALL_EPOCH.date() + timedelta(number), []).append(DayPart(midnight, span))
    return parts


def grid_starts(spans: Iterable[StartSpan], step: int) -> Iterator[int]:
    """Yield the starts at which the wall clock shows a multiple of the step since 00:00, and the first of each day.

    An hour that clocks repeat is on the grid twice, one that they skip is not. Where they skip midnight, the day still
    has a first start.
    """
    for midnight, opening, span in spans:
        skipped = -((midnight - span.start) // step)
        first = midnight + skipped * step
        if span.start <= opening < min(span.end, first):
            yield opening
        yield from range(first, span.end, step)


def slot_starts(spans: Iterable[StartSpan], step: int, edges: Iterable[Instant]) -> list[Instant]:
    """Return in order the starts on the grid, and those edges with which a meeting stays in one of the spans.

    None of this depends on where a window begins: a wider window has all starts of a narrower one.
    """
    spans = sorted(spans, key=lambda one: one.span)
    starts = set(grid_starts(spans, step))
    ordered = sorted(set(edges))
    place = 0
    for one in spans:
        while place < len(ordered) and ordered[place] < one.span.start:
            place += 1
        while place < len(ordered) and ordered[place] < one.span.end:
            starts.add(ordered[place])
            place += 1
    return sorted(map(Instant, starts))
