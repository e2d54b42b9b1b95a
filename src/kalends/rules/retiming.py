"""Retiming a block for another release of the zone data: its wall-clock times stay, its instants change."""

from datetime import datetime
from zoneinfo import ZoneInfo

from kalends.model import Block, Instant, Span
from kalends.rules.intervals import MINUTE
from kalends.rules.zones import ONE_DAY, first_instant, local_date, rendered, to_instant, zone_named


def retimed_block(block: Block) -> Block:
    """Return a block at the instants that the zone data of this process give for its wall-clock times.

    An instant that still has its wall-clock time stays. A time that the clocks skip now moves forward by the gap, and
    one that happens twice is the first (RFC 5545 section 3.3.5). The end of a day stays the end of the day, and a block
    stays within one day. Raise TimeError if the zone is unknown.
    """
    zone = zone_named(block.time_zone)
    if rendered(block.span.start, zone) == block.start_local and rendered(block.span.end, zone) == block.end_local:
        return block
    first, last = wall_clock(block.start_local), wall_clock(block.end_local)
    start = retimed(block.span.start, block.start_local, zone)
    if last.date() > first.date():
        end = first_instant(first.date() + ONE_DAY, zone)
    else:
        end = retimed(block.span.end, block.end_local, zone)
    if end - start < MINUTE:  # a gap has swallowed it
        end = Instant(start + block.span.end - block.span.start)
    end = min(end, first_instant(local_date(start, zone) + ONE_DAY, zone))
    return Block(Span(start, end), block.time_zone, rendered(start, zone), rendered(end, zone))


def retimed(instant: Instant, local: str, zone: ZoneInfo) -> Instant:
    """Return the instant of a stored local time: the stored one, if that still has this local time."""
    if rendered(instant, zone) == local:
        return instant
    return to_instant(wall_clock(local).replace(tzinfo=zone))


def wall_clock(local: str) -> datetime:
    """Return the wall-clock time of a stored local time, without its offset."""
    return datetime.fromisoformat(local).replace(tzinfo=None)
