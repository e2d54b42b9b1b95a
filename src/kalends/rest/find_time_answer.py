"""The answer of find-time: slots, or why there are none, for programs and for people."""

from collections import Counter
from collections.abc import Sequence
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

from msgspec import UNSET, Struct, UnsetType

from kalends.model import Instant, Scope, Span, UserId
from kalends.reads.availability import Finding
from kalends.rest.spans import SpanJson, span_json
from kalends.rules.intervals import MINUTE
from kalends.rules.meeting import MeetingRequest, Slot
from kalends.rules.no_slot import Reason, ReasonCode, Relaxation
from kalends.rules.zones import zone_named


class SlotJson(Struct):
    """A suitable time, and the state of everybody in the request."""

    start: str
    end: str
    free: list[str]
    tentative: list[str]
    missing: list[str]
    optional_weight: int


class ReasonJson(Struct, omit_defaults=True):
    """Why there is no slot: a code for programs, a text for people, and the window if it is about one."""

    code: ReasonCode
    text: str
    window: SpanJson | UnsetType = UNSET


class ObstacleJson(Struct):
    """A person needed who is away with some starts, and what blocks them."""

    user_id: str
    slots: int
    outside_working_hours: int
    """Of these, the starts with which they are away only because they do not work."""
    blocked: list[SpanJson]


class RelaxationJson(Struct):
    """Requirements to give up, and the number of slots that this gives."""

    without: list[str]
    """Make these people optional."""
    fewer_of_groups: list[int]
    """Need one person less of these groups, by their place; a group that needs two less is listed twice."""
    outside_working_hours: bool
    """Ignore working hours."""
    step: int | None
    """Use this step, in minutes."""
    slots: int
    text: str


class FindTimeResultJson(Struct, omit_defaults=True):
    """The best slots; if there are none, the number of starts tried, the reasons, the obstacles and the relaxations."""

    scope: ClassVar[Scope] = Scope.free_busy_read
    slots: list[SlotJson]
    starts: int | UnsetType = UNSET
    reasons: list[ReasonJson] | UnsetType = UNSET
    obstacles: list[ObstacleJson] | UnsetType = UNSET
    relaxations: list[RelaxationJson] | UnsetType = UNSET
    example: ClassVar[Any] = {
        "slots": [
            {
                "start": "2026-03-09T09:00:00+01:00",
                "end": "2026-03-09T10:00:00+01:00",
                "free": ["usr_018f3c5a9b2d4e6f", "usr_018f3c5a9b2d5f70"],
                "tentative": [],
                "missing": [],
                "optional_weight": 2,
            }
        ]
    }


def find_time_result_json(found: Finding, meeting: MeetingRequest, time_zone: str) -> FindTimeResultJson:
    """Return the JSON of the result of a search."""
    zone = zone_named(time_zone)
    if found.slots:
        return FindTimeResultJson([slot_json(slot, zone) for slot in found.slots])
    steps = [one.step // MINUTE for one in found.relaxations if one.step is not None]
    return FindTimeResultJson(
        [],
        found.starts,
        [reason_json(one, found, meeting, steps, zone) for one in found.reasons],
        [
            ObstacleJson(
                str(one.user_id),
                one.slots,
                one.outside_hours,
                [SpanJson(*span_json(span, zone)) for span in one.blocked],
            )
            for one in found.obstacles
        ],
        [relaxation_json(one) for one in found.relaxations],
    )


def slot_json(slot: Slot, zone: ZoneInfo) -> SlotJson:
    """Return the JSON of a slot."""
    free, tentative, missing = map(ids_json, (slot.free, slot.tentative, slot.missing))
    return SlotJson(*span_json(slot.span, zone), free, tentative, missing, slot.weight)


def ids_json(people: Sequence[UserId]) -> list[str]:
    """Return the ids of people as text."""
    return [str(person) for person in people]


def reason_json(
    reason: Reason, found: Finding, meeting: MeetingRequest, steps: list[int], zone: ZoneInfo
) -> ReasonJson:
    """Return the JSON of a reason why there is no slot."""
    if reason.window is None:
        return ReasonJson(reason.code, reason_anywhere(reason, found, meeting, steps))
    start, end = span_json(reason.window, zone)
    text = reason_in_window(reason, meeting, zone)
    return ReasonJson(reason.code, f"From {start} to {end}: {text}", SpanJson(start, end))


def reason_anywhere(reason: Reason, found: Finding, meeting: MeetingRequest, steps: list[int]) -> str:
    """Return a sentence on why there is no slot in any window."""
    if reason.code is ReasonCode.step_too_coarse:
        return (
            f"Everybody needed is free for {minutes_of(meeting.duration)}, but not from a multiple of "
            f"{minutes_of(meeting.step)} on: try step {steps[0]}."
        )
    if found.starts == 1:
        return "There is one possible start, and somebody needed is away: see obstacles and relaxations."
    return f"There are {found.starts} possible starts, each with somebody needed away: see obstacles and relaxations."


def reason_in_window(reason: Reason, meeting: MeetingRequest, zone: ZoneInfo) -> str:
    """Return a sentence on why a meeting cannot begin in a window."""
    window, takes = reason.window or Span(Instant(0), Instant(0)), f"the meeting takes {minutes_of(meeting.duration)}"
    if reason.code is ReasonCode.window_too_short:
        return f"the window has {minutes_of(window.end - window.start)}, and {takes}. Give a longer window."
    if reason.code is ReasonCode.in_the_past:
        since, _ = span_json(Span(meeting.not_before or window.start, window.end), zone)
        left = max(0, window.end - (meeting.not_before or window.start))
        return (
            f"{minutes_of(left)} of the window are left after {since}, before which nothing may begin, and {takes}. "
            "Give a later window, or an earlier not_before."
        )
    if reason.code is ReasonCode.not_one_day:
        return f"a meeting lies within one local day of {zone.key}, {takes}, and no day in the window is long enough."
    first, last = span_json(reason.starts or window, zone)
    return (
        f"{takes}, so it could begin from {first} to {last}, and no multiple of {minutes_of(meeting.step)} lies there. "
        "Give a wider window or a smaller step."
    )


def minutes_of(length: int) -> str:
    """Return a length of time in whole minutes as text."""
    minutes = length // MINUTE
    return "1 minute" if minutes == 1 else f"{minutes} minutes"


def relaxation_json(one: Relaxation) -> RelaxationJson:
    """Return the JSON of a relaxation."""
    step = None if one.step is None else one.step // MINUTE
    parts = [f"without {person}" for person in one.without]
    parts += [f"with {less} less of group {number}" for number, less in Counter(one.fewer_of).items()]
    parts += ["outside working hours"] if one.outside_hours else []
    parts += [] if step is None else [f"try step {step}"]
    text = f"{' and '.join(parts)}: {one.slots} slot{'' if one.slots == 1 else 's'}"
    return RelaxationJson(ids_json(one.without), list(one.fewer_of), one.outside_hours, step, one.slots, text)
