"""The one-day rule: an event is a single block of time within one local day of its zone."""

from zoneinfo import ZoneInfo

from kalends.errors import Fault
from kalends.model import Block, Instant, Span, WrittenTime
from kalends.rules.intervals import LONGEST_BLOCK, MINUTE, SECOND
from kalends.rules.zones import TimeError, instant_of, local_date, rendered, zone_named


def block_of(start: WrittenTime, end: WrittenTime, time_zone: str) -> Block | list[Fault]:
    """Return the block between two written times, or their faults."""
    try:
        zone = zone_named(time_zone)
    except TimeError as error:
        return [error.fault("time_zone")]
    span = span_of(start, end, zone)
    return span if isinstance(span, list) else placed(span, time_zone)


def faults_in_any_zone(start: WrittenTime, end: WrittenTime) -> list[Fault]:
    """Return the faults that two written times have in every zone, for use if the zone is unknown."""
    span = span_of(start, end, None)
    if isinstance(span, Span):
        return span_faults(span)
    return [fault for fault in span if fault.code != "time_zone_required"]


def span_of(start: WrittenTime, end: WrittenTime, zone: ZoneInfo | None) -> Span | list[Fault]:
    """Return the span between two times, or the faults of both; without a zone they need offsets."""
    moments: list[Instant] = []
    faults: list[Fault] = []
    for name, written in (("start", start), ("end", end)):
        try:
            moments.append(whole_seconds(instant_of(written, zone, is_bound=name == "end")))
        except TimeError as error:
            faults.append(error.fault(name))
    return faults or Span(moments[0], moments[1])


def placed(span: Span, time_zone: str) -> Block | list[Fault]:
    """Return the block of a span in a zone, or the faults if it is not within one local day."""
    zone = zone_named(time_zone)
    faults = span_faults(span) or day_faults(span, zone)
    if faults:
        return faults
    try:
        return Block(span, time_zone, rendered(span.start, zone), rendered(span.end, zone))
    except TimeError as error:
        return [error.fault("start")]


def span_faults(span: Span) -> list[Fault]:
    """Return the faults of a span's order and length: an event takes at least a minute."""
    if span.end <= span.start:
        return [Fault(("end",), "end_before_start", "must come after the start")]
    if span.end - span.start < MINUTE:
        return [Fault(("end",), "too_short", "must be at least one minute after the start")]
    return []


def slot_faults(span: Span) -> list[Fault]:
    """Return the faults of a span that no event can have in any zone."""
    if span.end - span.start > LONGEST_BLOCK:
        return [Fault(("end",), "not_one_day", "must be at most one day after the start")]
    return span_faults(span)


def day_faults(span: Span, zone: ZoneInfo) -> list[Fault]:
    """Return the fault of a span that leaves its local day; midnight at the end of the day is still that day."""
    last_moment = Instant(span.end - 1)
    if span.end - span.start <= LONGEST_BLOCK and local_date(span.start, zone) == local_date(last_moment, zone):
        return []
    message = f"must be on the same day as the start in {zone.key}, or midnight at the end of that day"
    return [Fault(("end",), "not_one_day", message)]


def whole_seconds(moment: Instant) -> Instant:
    """Return the instant if it is a whole second, as calendars have them (RFC 5545 3.3.5). Raise TimeError."""
    if moment % SECOND:
        raise TimeError("invalid_time", "must be on a whole second")
    return moment
