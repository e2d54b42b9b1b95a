"""Operations on working hours."""

from datetime import date
from typing import Annotated, Any, ClassVar

from msgspec import Meta, Struct

from kalends.actions.hours import clear_working_hours, set_working_hours
from kalends.errors import BadValue, Fault, Invalid
from kalends.http.conditions import Conditions, entity_tag
from kalends.limits import MAX_DAY_WINDOWS, MAX_OVERRIDES, MAX_WINDOWS
from kalends.model import Actor, Scope, UserId
from kalends.reads.hours import read_working_hours
from kalends.rest.operation import Reply
from kalends.rest.wire import TimeOfDay
from kalends.rules.hours import DAYS, Window, WorkingHours, merged_windows, window_of
from kalends.store.database import ReadTx, WriteTx


class WindowJson(Struct, forbid_unknown_fields=True):
    """A window of a day in wall-clock time; one that ends before it starts passes midnight."""

    start: TimeOfDay
    end: TimeOfDay


Windows = Annotated[list[WindowJson], Meta(max_length=MAX_DAY_WINDOWS)]


class WeekJson(Struct, forbid_unknown_fields=True, kw_only=True):
    """The windows of each day of the week; a day that is left out has none."""

    monday: Windows = []
    tuesday: Windows = []
    wednesday: Windows = []
    thursday: Windows = []
    friday: Windows = []
    saturday: Windows = []
    sunday: Windows = []


class DateOverrideJson(Struct, forbid_unknown_fields=True, kw_only=True):
    """A date whose windows differ from those of its weekday; a day off has none."""

    date: date
    windows: Windows = []


class WorkingHoursJson(Struct, forbid_unknown_fields=True, kw_only=True):
    """When a user works, in local times of their time zone."""

    scope: ClassVar[Scope] = Scope.users_read
    weekly: WeekJson
    overrides: Annotated[list[DateOverrideJson], Meta(max_length=MAX_OVERRIDES)] = []
    example: ClassVar[dict[str, Any]] = {
        "weekly": {"monday": [{"start": "09:00", "end": "17:00"}], "friday": [{"start": "22:00", "end": "06:00"}]},
        "overrides": [{"date": "2026-12-24", "windows": []}],
    }


def hours_of(body: WorkingHoursJson) -> WorkingHours:
    """Return the working hours in a body. Raise Invalid."""
    faults: list[Fault] = []
    weekly = tuple(windows_of(getattr(body.weekly, day), ("weekly", day), faults) for day in DAYS)
    overrides: dict[date, tuple[Window, ...]] = {}
    for place, one in enumerate(body.overrides):
        if one.date in overrides:
            faults.append(
                Fault(("overrides", place, "date"), "duplicate_date", f"{one.date} is named twice: name it once")
            )
        overrides[one.date] = windows_of(one.windows, ("overrides", place, "windows"), faults)
    if sum(map(len, (*weekly, *overrides.values()))) > MAX_WINDOWS:
        faults.append(Fault(("overrides",), "too_many_windows", f"must have at most {MAX_WINDOWS:,} windows in all"))
    if faults:
        raise Invalid(*faults)
    return WorkingHours(weekly, dict(sorted(overrides.items())))


def windows_of(written: list[WindowJson], where: tuple[str | int, ...], faults: list[Fault]) -> tuple[Window, ...]:
    """Return the windows of a day, with touching ones merged; faults are added to `faults`."""
    windows: list[Window] = []
    for place, one in enumerate(written):
        try:
            windows.append(window_of(int(one.start), int(one.end)))
        except BadValue as error:
            faults.append(error.fault(*where, place))
    return merged_windows(tuple(windows))


def hours_json(hours: WorkingHours) -> WorkingHoursJson:
    """Return the JSON of working hours."""
    week: dict[str, Any] = {
        day: windows_json(windows) for day, windows in zip(DAYS, hours.weekly, strict=True) if windows
    }
    overrides = [DateOverrideJson(date=day, windows=windows_json(windows)) for day, windows in hours.overrides.items()]
    return WorkingHoursJson(weekly=WeekJson(**week), overrides=overrides)


def windows_json(windows: tuple[Window, ...]) -> list[WindowJson]:
    """Return the JSON of the windows of a day."""
    return [WindowJson(TimeOfDay(one.start), TimeOfDay(one.end)) for one in windows]


def put_working_hours(
    tx: WriteTx, actor: Actor, user_id: UserId, body: WorkingHoursJson, conditions: Conditions
) -> Reply[WorkingHoursJson]:
    """Set a user's working hours.

    They are replaced as a whole. Times are local to the user's time zone. A window that ends before it starts passes
    midnight and belongs to the day on which it starts. Windows that touch are merged. Find-time and free/busy use
    working hours; they do not prevent bookings.
    """
    hours = hours_of(body)
    version = set_working_hours(tx, actor, user_id, hours, expect=conditions.versions)
    return Reply(hours_json(hours), etag=entity_tag(version))


def get_working_hours(tx: ReadTx, actor: Actor, user_id: UserId) -> Reply[WorkingHoursJson]:
    """Get a user's working hours.

    If none are set, the answer is 404, and find-time may use any time.
    """
    hours, version = read_working_hours(tx, actor, user_id)
    return Reply(hours_json(hours), etag=entity_tag(version))


def delete_working_hours(tx: WriteTx, actor: Actor, user_id: UserId, conditions: Conditions) -> Reply[None]:
    """Remove a user's working hours."""
    clear_working_hours(tx, actor, user_id, expect=conditions.versions)
    return Reply()
