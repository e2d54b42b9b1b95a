"""Sets of spans: merging, clipping to a window, and merging by strength."""

from collections.abc import Iterable, Mapping

from msgspec import Struct

from kalends.model import Instant, Span, Strength

STRENGTH = {Strength.free: 0, Strength.tentative: 1, Strength.busy: 2}


class Period(Struct, frozen=True):
    """A span in which somebody is busy or tentatively busy."""

    span: Span
    strength: Strength


def merge(spans: Iterable[Span]) -> list[Span]:
    """Return the same instants in as few spans as possible, in order: spans that overlap or touch become one."""
    result: list[Span] = []
    for span in sorted(spans):
        if result and span.start <= result[-1].end:
            if span.end > result[-1].end:
                result[-1] = Span(result[-1].start, span.end)
        else:
            result.append(span)
    return result


def clip(spans: Iterable[Span], window: Span) -> list[Span]:
    """Return the parts of spans that lie in a window."""
    parts = (Span(max(span.start, window.start), min(span.end, window.end)) for span in spans)
    return [part for part in parts if part.start < part.end]


def merge_by_strength(periods: Iterable[Period], window: Span, *, under: Iterable[Period] = ()) -> list[Period]:
    """Return the periods in a window, in order and without overlaps; where they overlap, the stronger one remains.

    Free periods are left out, and touching periods of equal strength become one. The result does not show what lies
    under another period that is as strong. It sweeps over the edges in O(n log n).
    """
    edges: list[tuple[Instant, int, int, Strength]] = []
    for layer, several in enumerate((periods, under)):
        for period in several:
            for part in clip([period.span], window):
                edges += [(part.start, 1, layer, period.strength), (part.end, -1, layer, period.strength)]
    depths = dict.fromkeys(Strength, 0), dict.fromkeys(Strength, 0)
    result: list[Period] = []
    begun, current = window.start, Strength.free
    for moment, step, layer, strength in sorted(edges):
        depths[layer][strength] += step
        own, other = map(strongest, depths)
        shown = own if STRENGTH[own] > STRENGTH[other] else Strength.free
        if shown is not current:
            extend(result, Period(Span(begun, moment), current))
            begun, current = moment, shown
    return result


def strongest(depth: Mapping[Strength, int]) -> Strength:
    """Return the strongest of what there is."""
    return next((level for level in (Strength.busy, Strength.tentative) if depth[level]), Strength.free)


def extend(result: list[Period], period: Period) -> None:
    """Add a period to an ordered list, as part of its last one where they touch and are equally strong."""
    if period.strength is Strength.free or period.span.start == period.span.end:
        return
    if result and result[-1].strength is period.strength and result[-1].span.end == period.span.start:
        result[-1] = Period(Span(result[-1].span.start, period.span.end), period.strength)
    else:
        result.append(period)
