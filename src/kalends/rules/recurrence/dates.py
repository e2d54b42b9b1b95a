"""All dates of a recurrence: those of its rule and its RDATEs, without its EXDATEs (RFC 5545 section 3.8.5)."""

from collections import deque
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from heapq import merge
from itertools import islice
from typing import NamedTuple
from zoneinfo import ZoneInfo

from msgspec import Struct

from kalends.model import Instant, Span
from kalends.rules.recurrence.days import LAST_DAY
from kalends.rules.recurrence.expansion import Expansion
from kalends.rules.recurrence.periods import DAY, local_time, seconds_of
from kalends.rules.recurrence.rule import Rule, RuleError
from kalends.rules.recurrence.steps import Steps
from kalends.rules.zones import from_instant, to_instant, zone_named

LONGEST_SHIFT = timedelta(days=2)
"""More than a change of the clocks, or of the date line, ever moved a wall clock."""

END_OF_TIME = (LAST_DAY + 1) * DAY


class Recurrence(Struct, frozen=True):
    """A rule, the wall-clock time at which it starts, its zone, and the dates that are added and left out.

    All times are local and on whole seconds.
    """

    rule: Rule
    start: datetime
    time_zone: str
    rdates: tuple[datetime, ...] = ()
    exdates: tuple[datetime, ...] = ()


class Occurrence(NamedTuple):
    """A date of a recurrence: what the rule gives (RECURRENCE-ID), and the instant at which it is."""

    local: datetime
    instant: Instant


def occurrences(
    recurrence: Recurrence, *, since: datetime | None = None, before: datetime | None = None, steps: Steps | None = None
) -> Iterator[datetime]:
    """Yield the local times of a recurrence, in order and none twice, from `since` on and before `before`.

    Dates before `since` cost nothing, unless the rule has COUNT, which counts from the start.
    Raise RuleError `rule_too_costly`.
    """
    steps = steps or Steps()
    excluded, last = set(recurrence.exdates), None
    for local in merge(rule_dates(recurrence, since, before, steps), sorted(recurrence.rdates)):
        if before is not None and local >= before:
            return
        if local == last or local in excluded or (since is not None and local < since):
            continue
        yield local
        last = local
        steps.allow_more()


def rule_dates(
    recurrence: Recurrence, since: datetime | None, before: datetime | None, steps: Steps
) -> Iterator[datetime]:
    """Yield the dates of the rule alone; if it has COUNT, those before `since` as well."""
    rule, zone = recurrence.rule, zone_named(recurrence.time_zone)
    begin = seconds_of(recurrence.start)
    if since is not None and rule.count is None:
        begin = max(begin, seconds_of(since))
    end = min(end_of_rule(rule), END_OF_TIME if before is None else seconds_of(before))
    dates = map(local_time, islice(Expansion(rule, recurrence.start, steps).times(begin, end), rule.count))
    until = rule.until
    if isinstance(until, datetime) and until.tzinfo:
        return (local for local in dates if to_instant(local.replace(tzinfo=zone)) <= to_instant(until))
    return dates


def end_of_rule(rule: Rule) -> int:
    """Return a time that no date of a rule reaches: UNTIL in UTC is compared more exactly later.

    A date alone means all of that day.
    """
    until = rule.until
    if until is None:
        return END_OF_TIME
    if not isinstance(until, datetime):
        return seconds_of(datetime.combine(until, datetime.min.time())) + DAY
    return seconds_of(until) + 1 + (LONGEST_SHIFT // timedelta(seconds=1) if until.tzinfo else 0)


def first_occurrences(recurrence: Recurrence, limit: int, *, steps: Steps | None = None) -> list[datetime]:
    """Return at most `limit` of the first dates of a recurrence; ask for one more to know whether there are more."""
    return list(islice(occurrences(recurrence, steps=steps), limit))


def first_date(rule: Rule, start: datetime, time_zone: str, *, steps: Steps | None = None) -> datetime | None:
    """Return the first date that a rule gives from its start on, None if it gives none up to the year 9999."""
    return next(occurrences(Recurrence(rule, start, time_zone), steps=steps), None)


def check_start(rule: Rule, start: datetime, time_zone: str) -> None:
    """Raise RuleError `start_not_in_rule`, which names the next date, or `no_occurrences` if there is none."""
    first = first_date(rule, start, time_zone)
    if first is None:
        raise RuleError("no_occurrences", "the rule gives no date from the start on: change the rule or the start")
    if first != start:
        raise RuleError(
            "start_not_in_rule",
            f"the rule does not give the start {start.isoformat()}: change the rule, or start at "
            f"{first.isoformat()}, the next date that it gives",
        )


def placed(dates: Iterable[datetime], zone: ZoneInfo) -> Iterator[Occurrence]:
    """Yield the instants of local times that are in order, themselves in order and none twice.

    A time that the clocks skip moves forward by the gap, and one that happens twice is the first (RFC 5545 section
    3.3.5). If a moved time is equal to another date, only that date is kept.
    """
    moved: deque[Occurrence] = deque()
    for local in dates:
        occurrence = Occurrence(local, to_instant(local.replace(tzinfo=zone)))
        if is_skipped(local, zone):
            moved.append(occurrence)
            continue
        while moved and moved[0].instant < occurrence.instant:
            yield moved.popleft()
        if moved and moved[0].instant == occurrence.instant:
            moved.popleft()
        yield occurrence
    yield from moved


def is_skipped(local: datetime, zone: ZoneInfo) -> bool:
    """Return whether the clocks of a zone skip a local time (PEP 495: its first offset is then the smaller)."""
    before, after = (local.replace(tzinfo=zone, fold=fold).utcoffset() or timedelta(0) for fold in (0, 1))
    return before < after


def occurrences_in(recurrence: Recurrence, window: Span, *, steps: Steps | None = None) -> Iterator[Occurrence]:
    """Yield the occurrences that begin in a window of instants, in order. Raise RuleError `rule_too_costly`."""
    zone = zone_named(recurrence.time_zone)
    since, before = (from_instant(one, zone).replace(tzinfo=None) for one in (window.start, window.end))
    dates = occurrences(recurrence, since=since - LONGEST_SHIFT, before=before + LONGEST_SHIFT, steps=steps)
    for occurrence in placed(dates, zone):
        if occurrence.instant >= window.end:
            return
        if occurrence.instant >= window.start:
            yield occurrence
