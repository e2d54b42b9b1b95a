"""When the clocks of a zone changed, straight from the time zone database (TZif, RFC 9636)."""

import importlib.resources
import itertools
import struct
import zoneinfo
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

HEADER = struct.Struct(">4s c 15x 6l")
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
DAY = 86_400
YEAR = 366 * DAY


@cache
def transitions(name: str) -> tuple[int, ...]:
    """Return the listed times, in seconds since 1970, at which a zone's clocks may have changed."""
    data = _data(name)
    first = HEADER.unpack_from(data)
    assert first[:2] == (b"TZif", b"2") or first[1] > b"2"
    standard, walls, leaps, times, types, letters = (first[i] for i in (3, 2, 4, 5, 6, 7))
    second = HEADER.size + times * 5 + types * 6 + letters + leaps * 8 + standard + walls
    count = HEADER.unpack_from(data, second)[5]
    return struct.unpack_from(f">{count}q", data, second + HEADER.size)


def _data(name: str) -> bytes:
    for folder in zoneinfo.TZPATH:
        path = Path(folder, name)
        if path.is_file():
            return path.read_bytes()
    return importlib.resources.files("tzdata").joinpath("zoneinfo", *name.split("/")).read_bytes()


def different_zones(names: Iterable[str]) -> list[str]:
    """Return one name for each set of zones with the same clocks."""
    return sorted({_data(name): name for name in sorted(names, reverse=True)}.values())


def local_days(name: str, since: int) -> dict[int, tuple[int, int]]:
    """Return first and last second of every local date near a change after `since`, by the date's ordinal.

    Reckoned from stretches of constant offset alone: slow, obvious, and nothing of Kalends in it.
    """
    zone = zoneinfo.ZoneInfo(name)
    days: dict[int, tuple[int, int]] = {}
    changes = [moment for moment in changes_of(name, zone) if moment > since]
    edges = sorted({since, *changes, max(changes, default=since) + 10 * DAY})
    for start, end in itertools.pairwise(edges):
        offset = offset_at(start, zone)
        first, last = (start + offset) // DAY, (end - 1 + offset) // DAY
        for day in {*range(first, min(first + 4, last + 1)), *range(max(first, last - 3), last + 1)}:
            begins, ends = max(start, day * DAY - offset), min(end, (day + 1) * DAY - offset) - 1
            ordinal = EPOCH.toordinal() + day
            known = days.get(ordinal, (begins, ends))
            days[ordinal] = min(known[0], begins), max(known[1], ends)
    return days


def changes_of(name: str, zone: zoneinfo.ZoneInfo) -> list[int]:
    """Return the listed changes, and those that a rule makes in the two years after the last of them."""
    listed = list(transitions(name))
    first = max(listed[-1] if listed else 0, 0) // DAY * DAY
    for start in range(first, first + 2 * YEAR, DAY):
        low, high = start, start + DAY
        if (before := offset_at(low, zone)) != offset_at(high, zone):
            while high - low > 1:
                middle = (low + high) // 2
                low, high = (middle, high) if offset_at(middle, zone) == before else (low, middle)
            listed.append(high)
    return listed


def offset_at(moment: int, zone: zoneinfo.ZoneInfo) -> int:
    """Return how many seconds a zone's clocks are ahead of UTC."""
    offset = (EPOCH + timedelta(seconds=moment)).astimezone(zone).utcoffset()
    assert offset is not None
    return offset // timedelta(seconds=1)
