"""The operation free/busy."""

from typing import Annotated, Any, ClassVar

from msgspec import UNSET, Meta, Struct, UnsetType, field

from kalends.errors import Fault, Invalid
from kalends.limits import MAX_PEOPLE, MAX_SHOWN_WINDOWS, MAX_WINDOW_DAYS
from kalends.model import UTC, Actor, DateOrTime, Scope, Strength, UserId, Zone
from kalends.reads.availability import busy_times
from kalends.rest.operation import Reply
from kalends.rest.spans import SpanJson, bounds_of, span_json
from kalends.rules.intervals import DAY, HOUR
from kalends.rules.periods import merge_by_strength
from kalends.rules.zones import zone_named
from kalends.store.database import ReadTx

MAX_WINDOW = MAX_WINDOW_DAYS * DAY + 2 * HOUR
"""Local days, one of which may be longer than 24 hours: by two hours in Antarctica/Troll."""

TOO_MANY_WINDOWS = f"the users work in more than {MAX_SHOWN_WINDOWS:,} windows: ask for less time or fewer users"

UserIds = Annotated[list[UserId], Meta(min_length=1, max_length=MAX_PEOPLE)]


class FreeBusyRequest(Struct, forbid_unknown_fields=True, kw_only=True):
    """People, and a span of at most 92 days."""

    user_ids: UserIds
    since: DateOrTime = field(name="from")
    until: DateOrTime = field(name="to")
    time_zone: Zone = field(default_factory=lambda: UTC)
    working_hours: bool = False
    example: ClassVar[Any] = {
        "user_ids": ["usr_018f3c5a9b2d4e6f"],
        "from": "2026-03-09",
        "to": "2026-03-14",
        "time_zone": "Europe/Berlin",
    }


class PeriodJson(Struct):
    """A span in which somebody is busy or tentatively busy."""

    start: str
    end: str
    strength: Strength


class ItemErrorJson(Struct):
    """The error for one person."""

    code: str
    message: str


class PersonFreeBusyJson(Struct, omit_defaults=True):
    """One person's periods, in order and without overlaps, or an error."""

    scope: ClassVar[Scope] = Scope.free_busy_read
    user_id: str
    periods: list[PeriodJson] | UnsetType = UNSET
    working_hours: list[SpanJson] | UnsetType | None = UNSET
    error: ItemErrorJson | UnsetType = UNSET


class FreeBusyJson(Struct):
    """The busy periods of everybody, in the order of the request."""

    start: str = field(name="from")
    end: str = field(name="to")
    time_zone: str
    items: list[PersonFreeBusyJson]
    example: ClassVar[Any] = {
        "from": "2026-03-09T00:00:00+01:00",
        "to": "2026-03-14T00:00:00+01:00",
        "time_zone": "Europe/Berlin",
        "items": [
            {
                "user_id": "usr_018f3c5a9b2d4e6f",
                "periods": [
                    {"start": "2026-03-09T14:00:00+01:00", "end": "2026-03-09T15:00:00+01:00", "strength": "busy"}
                ],
            }
        ],
    }


def get_free_busy(tx: ReadTx, actor: Actor, body: FreeBusyRequest) -> Reply[FreeBusyJson]:
    """Get when people are busy.

    Periods are in order and do not overlap; where commitments overlap, the stronger one counts. Titles are not shown.
    For an unknown user, their item has an error. With `working_hours`, the answer also has everybody's working periods
    in that time (null if none are set).
    """
    window = bounds_of(body.since, body.until, body.time_zone, ())
    if window.end - window.start > MAX_WINDOW:
        raise Invalid(Fault(("to",), "window_too_long", f"must be at most {MAX_WINDOW_DAYS} days after from"))
    zone = zone_named(body.time_zone)
    people = busy_times(tx, actor, body.user_ids, window, hours=body.working_hours)
    items: list[PersonFreeBusyJson] = []
    windows = 0
    for user_id in body.user_ids:
        person = people.get(user_id)
        if person is None:
            error = ItemErrorJson("unknown_user", f"there is no user {user_id}: check the id")
            items.append(PersonFreeBusyJson(str(user_id), error=error))
            continue
        periods = [
            PeriodJson(*span_json(period.span, zone), period.strength)
            for period in merge_by_strength(person.periods, window)
        ]
        item = PersonFreeBusyJson(str(user_id), periods)
        if body.working_hours:
            working = person.working(window)
            windows += len(working or ())
            if windows > MAX_SHOWN_WINDOWS:
                raise Invalid(Fault(("working_hours",), "too_many_windows", TOO_MANY_WINDOWS))
            item.working_hours = None if working is None else [SpanJson(*span_json(span, zone)) for span in working]
        items.append(item)
    return Reply(FreeBusyJson(*span_json(window, zone), body.time_zone, items))
