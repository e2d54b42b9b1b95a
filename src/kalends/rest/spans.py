"""Spans of time in JSON: two bounds in requests, two local times in answers."""

from collections.abc import Sequence
from zoneinfo import ZoneInfo

from msgspec import UNSET, Struct, UnsetType, field

from kalends.errors import Fault, Invalid
from kalends.model import UTC, Conflict, DateOrTime, Instant, Span, Strength
from kalends.rules.zones import TimeError, bound_of, rendered, zone_named, zone_or_utc

Where = tuple[str | int, ...]


class TimeRange(Struct, forbid_unknown_fields=True, kw_only=True):
    """A window of time; a date alone means its local midnight."""

    since: DateOrTime = field(name="from")
    until: DateOrTime = field(name="to")


class SpanJson(Struct):
    """A period of time."""

    start: str
    end: str


class ConflictJson(Struct, omit_defaults=True):
    """A commitment that blocks a person; `event_id` only if the caller may see the event."""

    user_id: str
    start: str
    end: str
    strength: Strength
    event_id: str | UnsetType = UNSET


def span_json(span: Span, zone: ZoneInfo) -> tuple[str, str]:
    """Return start and end of a span as local times; in UTC if their offset has seconds (RFC 3339 cannot write it)."""
    try:
        return rendered(span.start, zone), rendered(span.end, zone)
    except TimeError:
        return rendered(span.start, zone_named(UTC)), rendered(span.end, zone_named(UTC))


def conflicts_json(conflicts: Sequence[Conflict], time_zone: str) -> list[ConflictJson]:
    """Return the JSON of conflicts, with times in a zone."""
    zone = zone_or_utc(time_zone)
    return [
        ConflictJson(
            str(conflict.user_id),
            *span_json(conflict.span, zone),
            conflict.strength,
            UNSET if conflict.event_id is None else str(conflict.event_id),
        )
        for conflict in conflicts
    ]


def bounds_of(
    since: DateOrTime, until: DateOrTime, time_zone: str, where: Where, names: tuple[str, str] = ("from", "to")
) -> Span:
    """Return the span of a window. Raise Invalid."""
    moments: list[Instant] = []
    faults: list[Fault] = []
    for name, written in zip(names, (since, until), strict=True):
        try:
            moments.append(bound_of(written, time_zone))
        except TimeError as error:
            faults.append(error.fault(*where, name))
    if not faults and moments[0] >= moments[1]:
        faults.append(Fault((*where, names[1]), "empty_span", f"must come after {names[0]}"))
    if faults:
        raise Invalid(*faults)
    return Span(moments[0], moments[1])
