"""Wall-clock times and instants: the only module that knows time zones (IANA) and the notation of times (RFC 3339)."""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time, timedelta, timezone
from functools import lru_cache
from zoneinfo import ZoneInfo

from kalends.errors import BadValue
from kalends.model import DateOrTime, Instant, WrittenTime

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
MIDNIGHT = time()
ONE_DAY = timedelta(days=1)
FIRST_YEAR, LAST_YEAR = 1900, 9998
"""Years that can be written; one more on each side stays free for the shift between zones."""

WRITTEN = re.compile(
    r"(\d{4}-\d\d-\d\d)[Tt ](\d\d):\d\d(?::\d\d(?:\.\d{1,9})?)?(?:[Zz]|[+-]\d\d:(\d\d))?",
    re.ASCII,
)
RELEASE = re.compile(r"(\d{4})([a-z]*)", re.ASCII)
WRITTEN_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)


class TimeError(BadValue):
    """A time that does not exist or cannot be read, or an unknown time zone."""


ZONES: dict[str, Callable[[], ZoneInfo]] = {}
"""Functions that create the zones of the release that this process uses; empty until `use_zones` is called."""


def use_zones(zones: Mapping[str, Callable[[], ZoneInfo]]) -> None:
    """Set the zones that this process uses."""
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
    """Return a sort key for releases of zone data such as 2026a, 2026z and 2026za; an unknown one comes first."""
    found = RELEASE.match(release or "")
    return (int(found[1]), len(found[2]), found[2]) if found else (0, 0, "")


def read_date(text: str) -> date:
    """Read a date, `YYYY-MM-DD`. Raise TimeError `invalid_time`."""
    try:
        day = date.fromisoformat(text if WRITTEN_DATE.fullmatch(text) else "")
    except ValueError:
        raise TimeError("invalid_time", f"must be a date such as 2026-03-09, not {text[:64]!r}") from None
    if not FIRST_YEAR <= day.year <= LAST_YEAR:
        raise TimeError("invalid_time", f"must be in a year between {FIRST_YEAR} and {LAST_YEAR}, not {day.year}")
    return day


def read_time(text: str) -> WrittenTime:
    """Read a time (RFC 3339); offset and seconds may be missing, 24:00 is allowed. Raise TimeError `invalid_time`."""
    found = WRITTEN.fullmatch(text)
    if found is None:
        raise TimeError("invalid_time", f"must be a time such as 2026-03-09T14:00:00+01:00, not {text[:64]!r}")
    day, hour, offset_minute = found.groups()
    ends_day = hour == "24"
    try:
        clock = datetime.fromisoformat((f"{day}T00{text[13:]}" if ends_day else text).upper())
    except ValueError:
        clock = None
    if clock is None or not FIRST_YEAR <= clock.year <= LAST_YEAR:
        read_date(day)  # raises where the date is at fault
    if clock is None or (offset_minute or "") > "59":
        raise TimeError("invalid_time", f"must have a valid hour, minute, second and offset, not {text[:64]!r}")
    if ends_day and clock.time() != MIDNIGHT:
        raise TimeError("invalid_time", f"must be at most 24:00, the end of the day, not {text[:64]!r}")
    return WrittenTime(text, clock + ONE_DAY if ends_day else clock, ends_day=ends_day)


def read_date_or_time(text: str) -> DateOrTime:
    """Read a date, or a time. Raise TimeError `invalid_time`."""
    if len(text) <= len("2026-03-09"):
        return DateOrTime(text, datetime.combine(read_date(text), MIDNIGHT))
    written = read_time(text)
    return DateOrTime(text, written.clock, ends_day=written.ends_day)


def to_instant(moment: datetime) -> Instant:
    """Return the instant of an aware datetime."""
    return Instant((moment - EPOCH) // MICROSECOND)


def from_instant(instant: int, zone: ZoneInfo | timezone = UTC) -> datetime:
    """Return the aware datetime of an instant on the clocks of a zone."""
    return (EPOCH + timedelta(microseconds=instant)).astimezone(zone)


def instant_of(written: WrittenTime, zone: ZoneInfo | None, *, is_bound: bool = False) -> Instant:
    """Return the instant that a written time names; without an offset it is local to `zone`.

    A wall-clock time that happens twice is the first of the two. If the clocks skip midnight, it is an error, but as a
    bound (`is_bound`) it is the first instant of its day.

    Raise TimeError `nonexistent_time` (the clocks skip it) or `time_zone_required`.
    """
    if written.clock.tzinfo is not None:
        return to_instant(written.clock)
    if zone is None:
        raise TimeError("time_zone_required", "must have an offset such as Z or +01:00, or time_zone must be given")
    if written.ends_day:
        return end_of_day(written, zone)
    moment = to_instant(written.clock.replace(tzinfo=zone))
    if from_instant(moment, zone).replace(tzinfo=None) == written.clock:
        return moment
    if is_bound and written.clock.time() == MIDNIGHT:
        return first_instant(written.clock.date(), zone)
    raise TimeError("nonexistent_time", f"the clocks of {zone.key} never show {written}: choose another time")


def end_of_day(written: WrittenTime, zone: ZoneInfo) -> Instant:
    """Return the instant at which the day of a time such as 24:00 ends.

    Raise TimeError `nonexistent_time` if calendars skip that day.
    """
    next_day = written.clock.date()
    moment = first_instant(next_day, zone)
    if local_date(Instant(moment - 1), zone) != next_day - ONE_DAY:
        raise TimeError("nonexistent_time", f"the calendars of {zone.key} skip the day of {written}: choose another")
    return moment


def first_instant(day: date, zone: ZoneInfo) -> Instant:
    """Return the instant at which a local date begins, even if the clocks skip its midnight."""
    midnight = datetime.combine(day, MIDNIGHT, zone)
    before, after = midnight.utcoffset(), midnight.replace(fold=1).utcoffset()
    moment = to_instant(midnight)
    if before == after or before is None or after is None:
        return moment
    return transition_between(Instant(moment - abs(after - before) // MICROSECOND), moment, zone)


def transition_between(low: Instant, high: Instant, zone: ZoneInfo) -> Instant:
    """Return the first instant of the local date of `high`, given that `low` is on an earlier date."""
    day = from_instant(high, zone).date()
    while high - low > 1:
        middle = Instant((low + high) // 2)
        if from_instant(middle, zone).date() < day:
            low = middle
        else:
            high = middle
    return high


def local_date(instant: Instant, zone: ZoneInfo) -> date:
    """Return the date that calendars in a zone show at an instant."""
    return from_instant(instant, zone).date()


def rendered(instant: Instant, zone: ZoneInfo) -> str:
    """Return an instant as the clocks of a zone show it, with the offset, which is `Z` where it is zero (RFC 3339).

    Raise TimeError `invalid_time` where the zone's offset has seconds, which RFC 3339 cannot write.
    """
    moment = from_instant(instant, zone)
    offset = moment.utcoffset()
    if offset is not None and offset % timedelta(minutes=1):
        raise TimeError(
            "invalid_time",
            f"{zone.key} had a UTC offset with seconds then, which RFC 3339 cannot express: choose a later time",
        )
    return moment.isoformat() if offset else moment.replace(tzinfo=None).isoformat() + "Z"


def bound_of(written: DateOrTime, time_zone: str) -> Instant:
    """Return the instant of a bound: a date alone is its local midnight, a time may have an offset. Raise TimeError."""
    return instant_of(written, zone_named(time_zone), is_bound=True)
