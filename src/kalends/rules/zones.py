"""Wall clocks and instants: the only place that knows time zones (IANA) and how times are written (RFC 3339)."""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time, timedelta, timezone
from functools import lru_cache
from zoneinfo import ZoneInfo

from kalends.model import Instant, TimeText

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
MIDNIGHT = time()
FIRST_YEAR, LAST_YEAR = 1900, 9998
"""Years that can be written; one more on each side stays free for the shift between zones."""

WRITTEN = re.compile(
    r"(\d{4}-\d\d-\d\d)[Tt ](\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?(?:([Zz])|([+-])(\d\d):(\d\d))?",
    re.ASCII,
)
RELEASE = re.compile(r"(\d{4})([a-z]*)", re.ASCII)
WRITTEN_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)


class TimeError(ValueError):
    """A time that cannot be: `code` says in which way."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class Reading:
    """What a written time says: wall-clock date and time, the offset if one is written, and whether it is 24:00."""

    __slots__ = ("end_of_day", "offset", "wall")

    def __init__(self, wall: datetime, offset: timedelta | None, *, end_of_day: bool) -> None:
        self.wall = wall
        self.offset = offset
        self.end_of_day = end_of_day


ZONES: dict[str, Callable[[], ZoneInfo]] = {}
"""What makes each zone of the release of zone data that this process uses; none until `use_zones` is called."""


def use_zones(zones: Mapping[str, Callable[[], ZoneInfo]]) -> None:
    """Let these be all the zones that there are."""
    ZONES.clear()
    ZONES.update(zones)
    zone_named.cache_clear()


def known_zones() -> frozenset[str]:
    """Return the names of all zones."""
    return frozenset(ZONES)


@lru_cache(maxsize=1024)
def zone_named(name: str) -> ZoneInfo:
    """Return the zone of an IANA name. Raise TimeError `unknown_zone`."""
    if name not in ZONES:
        raise TimeError("unknown_zone", f"must be an IANA time zone such as Europe/Berlin, not {name[:64]!r}")
    return ZONES[name]()


def zone_or_utc(name: str) -> ZoneInfo:
    """Return the zone of a stored name, or UTC if this release of zone data does not have it any more."""
    try:
        return zone_named(name)
    except TimeError:
        return zone_named("UTC")


def release_order(release: str | None) -> tuple[int, int, str]:
    """Return what puts releases of zone data such as 2026a, 2026z and 2026za in order; an unknown one comes first."""
    found = RELEASE.match(release or "")
    return (int(found[1]), len(found[2]), found[2]) if found else (0, 0, "")


def written_date(text: str) -> date:
    """Read `YYYY-MM-DD`. Raises TimeError `invalid_time`."""
    try:
        day = date.fromisoformat(text if WRITTEN_DATE.fullmatch(text) else "")
    except ValueError:
        raise TimeError("invalid_time", f"must be a date such as 2026-03-09, not {text[:64]!r}") from None
    if not FIRST_YEAR <= day.year <= LAST_YEAR:
        raise TimeError("invalid_time", f"must be in a year between {FIRST_YEAR} and {LAST_YEAR}, not {day.year}")
    return day


@lru_cache(maxsize=1024)
def read_time(text: str) -> Reading:
    """Read a time as RFC 3339 writes it; offset and seconds may be missing, 24:00 is allowed. Raises TimeError.

    Each is read twice, when it is judged by itself and when its instant is asked for.
    """
    found = WRITTEN.fullmatch(text)
    if found is None:
        raise TimeError("invalid_time", f"must be a time such as 2026-03-09T14:00:00+01:00, not {text[:64]!r}")
    day, hour, minute, second, fraction, zulu, sign, offset_hours, offset_minutes = found.groups()
    end_of_day = hour == "24"
    midnight = datetime.combine(written_date(day), MIDNIGHT)
    try:
        clock = time(0 if end_of_day else int(hour), int(minute), int(second or 0), microseconds(fraction))
        offset = offset_of(sign, offset_hours, offset_minutes)
    except ValueError:
        raise TimeError("invalid_time", f"must be a time that a clock can show, not {text[:64]!r}") from None
    if end_of_day and clock != MIDNIGHT:
        raise TimeError("invalid_time", f"must be at most 24:00, where the day ends, not {text[:64]!r}")
    wall = midnight + timedelta(days=1) if end_of_day else datetime.combine(midnight, clock)
    return Reading(wall, timedelta(0) if zulu else offset, end_of_day=end_of_day)


def microseconds(fraction: str | None) -> int:
    """Give the microseconds of the digits that follow a second; what is finer is dropped."""
    return int((fraction or "0").ljust(6, "0")[:6])


def offset_of(sign: str | None, hours: str, minutes: str) -> timedelta | None:
    """Give the offset that is written, None if none is. Raises ValueError unless it is one that RFC 3339 has."""
    if sign is None:
        return None
    distance = time(int(hours), int(minutes))
    offset = timedelta(hours=distance.hour, minutes=distance.minute)
    return -offset if sign == "-" else offset


def to_instant(moment: datetime) -> Instant:
    """Give the instant of an aware datetime."""
    return Instant((moment - EPOCH) // MICROSECOND)


def from_instant(instant: int, zone: ZoneInfo | timezone = UTC) -> datetime:
    """Give the aware datetime of an instant on the clocks of a zone."""
    return (EPOCH + timedelta(microseconds=instant)).astimezone(zone)


def instant_of(text: TimeText, zone: ZoneInfo | None, *, is_bound: bool = False) -> Instant:
    """Return the instant that a written time names; without an offset it is local to `zone`.

    A wall-clock time that happens twice is the first of the two. A midnight that the clocks skip is no time, but as a
    bound, where one day ends and the next begins, it is the first instant of its day.

    Raise TimeError `invalid_time`, `nonexistent_time` (clocks sprang over it) or `time_zone_required`.
    """
    reading = read_time(text)
    if reading.offset is not None:
        return to_instant(reading.wall.replace(tzinfo=timezone(reading.offset)))
    if zone is None:
        raise TimeError("time_zone_required", "must have an offset such as Z or +01:00, or time_zone must be given")
    if reading.end_of_day:
        return end_of_day(text, reading.wall.date(), zone)
    moment = to_instant(reading.wall.replace(tzinfo=zone))
    if from_instant(moment, zone).replace(tzinfo=None) == reading.wall:
        return moment
    if is_bound and reading.wall.time() == MIDNIGHT:
        return first_instant(reading.wall.date(), zone)
    raise TimeError("nonexistent_time", f"the clocks of {zone.key} never show {text}: choose another time")


def end_of_day(text: str, next_day: date, zone: ZoneInfo) -> Instant:
    """Return the instant at which the day before `next_day` ends. Raise TimeError if calendars skip that day."""
    moment = first_instant(next_day, zone)
    if local_date(Instant(moment - 1), zone) != next_day - timedelta(days=1):
        raise TimeError("nonexistent_time", f"the calendars of {zone.key} skip the day of {text}: choose another")
    return moment


def first_instant(day: date, zone: ZoneInfo) -> Instant:
    """Give the instant at which a local date begins, even where clocks spring over its midnight."""
    midnight = datetime.combine(day, MIDNIGHT, zone)
    before, after = midnight.utcoffset(), midnight.replace(fold=1).utcoffset()
    moment = to_instant(midnight)
    if before == after or before is None or after is None:
        return moment
    return transition_between(Instant(moment - abs(after - before) // MICROSECOND), moment, zone)


def transition_between(low: Instant, high: Instant, zone: ZoneInfo) -> Instant:
    """Find the first instant of the local date of `high`, given that `low` lies on an earlier date."""
    day = from_instant(high, zone).date()
    while high - low > 1:
        middle = Instant((low + high) // 2)
        if from_instant(middle, zone).date() < day:
            low = middle
        else:
            high = middle
    return high


def day_start(text: str, zone: ZoneInfo) -> Instant:
    """Give the instant at which the written date begins in a zone. Raises TimeError `invalid_time`."""
    return first_instant(written_date(text), zone)


def local_date(instant: Instant, zone: ZoneInfo) -> date:
    """Give the date that calendars in a zone show at an instant."""
    return from_instant(instant, zone).date()


def rendered(instant: Instant, zone: ZoneInfo) -> str:
    """Return an instant as the clocks of a zone show it, with the offset, which is `Z` where it is zero (RFC 3339).

    Raise TimeError `invalid_time` where the zone's offset has seconds, which RFC 3339 cannot write.
    """
    moment = from_instant(instant, zone)
    offset = moment.utcoffset()
    if offset is not None and offset % timedelta(minutes=1):
        raise TimeError(
            "invalid_time", f"{zone.key} kept solar time then, which RFC 3339 cannot write: choose a later time"
        )
    return moment.isoformat() if offset else moment.replace(tzinfo=None).isoformat() + "Z"


def bound_of(text: str, time_zone: str) -> Instant:
    """Return the instant of a bound: a date alone is its local midnight, a time may have an offset. Raise TimeError."""
    zone = zone_named(time_zone)
    return day_start(text, zone) if len(text) <= 10 else instant_of(TimeText(text), zone, is_bound=True)
