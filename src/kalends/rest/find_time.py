"""The operation that finds a time."""

from collections.abc import Container
from typing import Annotated, Any, ClassVar

from msgspec import UNSET, Meta, Struct, UnsetType, field

from kalends.errors import Fault, Invalid
from kalends.limits import (
    MAX_GROUPS,
    MAX_PEOPLE,
    MAX_SEARCH_WINDOWS,
    MAX_SEARCHED_COMMITMENTS,
    MAX_SEARCHED_PEOPLE,
    MAX_SLOTS,
    MAX_SPREAD_DAYS,
    MAX_WEIGHT,
    MAX_WINDOW_DAYS,
)
from kalends.model import UTC, Actor, DateOrTime, Instant, Span, UserId, Zone
from kalends.reads import availability as reads
from kalends.reads.availability import busy_times
from kalends.rest.find_time_answer import FindTimeResultJson, find_time_result_json
from kalends.rest.freebusy import MAX_WINDOW, UserIds
from kalends.rest.operation import Reply
from kalends.rest.spans import TimeRange, bounds_of
from kalends.rest.wire import Minutes
from kalends.rules.intervals import DAY, MINUTE
from kalends.rules.meeting import Group, MeetingRequest
from kalends.rules.zones import TimeError, bound_of
from kalends.store.database import ReadTx

STARTS_A_COMMITMENT = 15
"""The number of starts that cost as much as one commitment."""

NO_TIME = Span(Instant(0), Instant(0))
"""A span to read only which users exist."""


class OptionalPersonJson(Struct, forbid_unknown_fields=True, kw_only=True):
    """An optional person, and the weight of their presence."""

    user_id: UserId
    weight: Annotated[int, Meta(ge=1, le=MAX_WEIGHT)] = 1


class GroupJson(Struct, forbid_unknown_fields=True, kw_only=True):
    """People of whom a number has to be free."""

    user_ids: UserIds
    need: Annotated[int, Meta(ge=1, le=MAX_PEOPLE)]


class FindTimeRequest(Struct, forbid_unknown_fields=True, kw_only=True):
    """The requirements of a meeting. `duration` and `step` are minutes, or ISO 8601 durations such as PT1H30M."""

    required: Annotated[list[UserId], Meta(max_length=MAX_PEOPLE)] = []
    optional: Annotated[list[OptionalPersonJson], Meta(max_length=MAX_PEOPLE)] = []
    groups: Annotated[list[GroupJson], Meta(max_length=MAX_GROUPS)] = []
    duration: Minutes
    between: Annotated[list[TimeRange], Meta(min_length=1, max_length=MAX_SEARCH_WINDOWS)]
    step: Minutes = field(default_factory=lambda: Minutes(15))
    not_before: DateOrTime | UnsetType = UNSET
    """No slot begins before this time, or before this date; default: now."""
    within_working_hours: bool = False
    most: Annotated[int, Meta(ge=1, le=MAX_SLOTS)] = field(default=10, name="max")
    time_zone: Zone = field(default_factory=lambda: UTC)
    example: ClassVar[Any] = {
        "required": ["usr_018f3c5a9b2d4e6f"],
        "optional": [{"user_id": "usr_018f3c5a9b2d5f70", "weight": 2}],
        "duration": 60,
        "between": [{"from": "2026-03-09", "to": "2026-03-14"}],
        "time_zone": "Europe/Berlin",
        "not_before": "2026-03-09",
        "within_working_hours": True,
    }


def find_time(tx: ReadTx, actor: Actor, body: FindTimeRequest) -> Reply[FindTimeResultJson]:
    """Find a time that suits everybody.

    In each slot, everybody required is free and each group has as many people as it needs. Slots with the highest
    optional weight come first, then those with the fewest tentatively busy people, then the earliest. Slots begin when
    clocks in `time_zone` show a multiple of `step` since 00:00 (in an hour that clocks repeat: both times), at the
    first moment of a local day, and when somebody in the request becomes free, even between two steps. They lie within
    one local day, and begin no earlier than `not_before`. A wider window never loses a slot. If there is no slot, the
    answer has the reasons, the people who are away, and the cheapest requirements to give up.
    """
    meeting, faults = meeting_request_of(body, tx.now)
    horizon = None if faults else meeting.horizon
    most = max(0, MAX_SEARCHED_COMMITMENTS - starts_at_most(meeting) // STARTS_A_COMMITMENT)
    hours = body.within_working_hours
    people = busy_times(tx, actor, meeting.people, horizon or NO_TIME, hours=hours, most=most)
    faults += unknown_faults(body, people.keys())
    if faults:
        raise Invalid(*faults)
    found = reads.find_time(people, meeting, body.time_zone, body.most, within_working_hours=body.within_working_hours)
    return Reply(find_time_result_json(found, meeting, body.time_zone))


def starts_at_most(meeting: MeetingRequest) -> int:
    """Return the largest number of starts that the windows may have on the grid."""
    return sum(window.end - window.start for window in meeting.windows) // max(meeting.step, MINUTE)


def meeting_request_of(body: FindTimeRequest, now: Instant) -> tuple[MeetingRequest, list[Fault]]:
    """Return the meeting request of a body, and its faults."""
    windows, window_faults = windows_of(body)
    not_before, not_before_faults = not_before_of(body, now)
    meeting = MeetingRequest(
        tuple(dict.fromkeys(body.required)),
        {one.user_id: one.weight for one in body.optional if one.user_id not in body.required},
        tuple(Group(tuple(dict.fromkeys(group.user_ids)), group.need) for group in body.groups),
        body.duration * MINUTE,
        body.step * MINUTE,
        windows,
        not_before,
    )
    return meeting, window_faults + not_before_faults + range_faults(body, len(meeting.people))


def range_faults(body: FindTimeRequest, people: int) -> list[Fault]:
    """Return a fault for each number that is too small or too large; `people` is the number of people in it."""
    minutes = {"duration": body.duration, "step": body.step}
    faults = [
        Fault((name,), "out_of_range", f"must be between 1 and 1,440 minutes, not {number}")
        for name, number in minutes.items()
        if not 1 <= number <= DAY // MINUTE
    ]
    faults += [
        Fault(
            ("groups", place, "need"),
            "out_of_range",
            f"must be at most the number of people in the group, not {group.need}",
        )
        for place, group in enumerate(body.groups)
        if group.need > len(set(group.user_ids))
    ]
    if not 1 <= people <= MAX_SEARCHED_PEOPLE:
        faults.append(Fault((), "out_of_range", f"must name 1 to {MAX_SEARCHED_PEOPLE} people in all"))
    return faults


def windows_of(body: FindTimeRequest) -> tuple[tuple[Span, ...], list[Fault]]:
    """Return the windows, and their faults."""
    faults: list[Fault] = []
    windows: list[Span] = []
    for place, one in enumerate(body.between):
        try:
            windows.append(bounds_of(one.since, one.until, body.time_zone, ("between", place)))
        except Invalid as error:
            faults += error.faults
    if sum(window.end - window.start for window in windows) > MAX_WINDOW:
        faults.append(Fault(("between",), "window_too_long", f"must be at most {MAX_WINDOW_DAYS} days in all"))
    elif windows and max(one.end for one in windows) - min(one.start for one in windows) > MAX_SPREAD_DAYS * DAY:
        faults.append(
            Fault(("between",), "window_too_long", f"must be at most {MAX_SPREAD_DAYS} days from the first to the last")
        )
    return tuple(windows), faults


def not_before_of(body: FindTimeRequest, now: Instant) -> tuple[Instant, list[Fault]]:
    """Return the earliest start, by default now, and its faults."""
    if body.not_before is UNSET:
        return now, []
    try:
        return bound_of(body.not_before, body.time_zone), []
    except TimeError as error:
        return now, [error.fault("not_before")]


def unknown_faults(body: FindTimeRequest, known: Container[UserId]) -> list[Fault]:
    """Return a fault for each user in the request who does not exist."""
    named: list[tuple[UserId, tuple[str | int, ...]]] = []
    named += [(user_id, ("required", place)) for place, user_id in enumerate(body.required)]
    named += [(one.user_id, ("optional", place, "user_id")) for place, one in enumerate(body.optional)]
    for number, group in enumerate(body.groups):
        named += [(user_id, ("groups", number, "user_ids", place)) for place, user_id in enumerate(group.user_ids)]
    return [
        Fault(where, "unknown_user", f"there is no user {who}: check the id")
        for who, where in named
        if who not in known
    ]
