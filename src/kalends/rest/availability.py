"""People's time over HTTP: free/busy, finding a time, and why somebody can or cannot be booked."""

from collections import Counter
from collections.abc import Container, Sequence
from typing import Annotated
from zoneinfo import ZoneInfo

from msgspec import UNSET, Meta, Struct, UnsetType, field

from kalends.errors import Fault, Invalid, NotFound
from kalends.model import UTC, Busy, Instant, Response, Role, ShowAs, Span, Status, TimeText, UserId, Zone
from kalends.reads.availability import find_time, hull, peoples_time
from kalends.reads.explanation import EventReason, Explanation, explain_booking
from kalends.rest.route import Call, NoQuery, Reply, operation
from kalends.rest.spans import Bounds, SpanJson, bounds_of, span_json, span_of
from kalends.rest.wire import DateOrTime, Minutes
from kalends.rules.intervals import DAY, HOUR, MINUTE
from kalends.rules.meeting import Group, Relaxation, Slot, Wish
from kalends.rules.periods import layered
from kalends.rules.zones import zone_named

MAX_PEOPLE = 200
MAX_WINDOW = 92 * DAY + 2 * HOUR
"""92 local days, one of which may be longer than 24 hours: by two, at Troll."""

MAX_SPREAD = 366 * DAY
"""From the first window of a search to its last: what everybody does in between is read."""

MAX_SLOTS = 100
MAX_FINDERS = 100
"""People a search may name: each costs a look at every slot."""

NO_TIME = Span(Instant(0), Instant(0))
"""To be asked about who is there, and nothing else."""

UserIds = Annotated[list[UserId], Meta(min_length=1, max_length=MAX_PEOPLE)]


class FreeBusyBody(Struct, forbid_unknown_fields=True, kw_only=True):
    """Whose time, and which part of it: 92 days at most."""

    user_ids: UserIds
    since: DateOrTime = field(name="from")
    until: DateOrTime = field(name="to")
    time_zone: Zone = field(default_factory=lambda: UTC)
    working_hours: bool = False


class PeriodJson(Struct):
    """A time in which somebody is busy, or tentatively so."""

    start: str
    end: str
    strength: Busy


class ItemErrorJson(Struct):
    """Why there is no answer for one person."""

    code: str
    message: str


class PersonFreeBusyJson(Struct, omit_defaults=True):
    """One person's periods, ordered and apart; or why there are none."""

    user_id: str
    periods: list[PeriodJson] | UnsetType = UNSET
    working_hours: list[SpanJson] | UnsetType | None = UNSET
    error: ItemErrorJson | UnsetType = UNSET


class FreeBusyJson(Struct):
    """Everybody's time, in the order asked for."""

    start: str = field(name="from")
    end: str = field(name="to")
    time_zone: str
    items: list[PersonFreeBusyJson]


class OptionalJson(Struct, forbid_unknown_fields=True, kw_only=True):
    """Somebody optional, and how much it matters that they can come."""

    user_id: UserId
    weight: Annotated[int, Meta(ge=1, le=1_000)] = 1


class GroupJson(Struct, forbid_unknown_fields=True, kw_only=True):
    """Some people of whom a number has to be free."""

    user_ids: UserIds
    need: Annotated[int, Meta(ge=1, le=MAX_PEOPLE)]


class FindTimeBody(Struct, forbid_unknown_fields=True, kw_only=True):
    """What a meeting needs. `duration` and `step` are minutes, or ISO 8601 durations such as PT1H30M."""

    required: Annotated[list[UserId], Meta(max_length=MAX_PEOPLE)] = []
    optional: Annotated[list[OptionalJson], Meta(max_length=MAX_PEOPLE)] = []
    groups: Annotated[list[GroupJson], Meta(max_length=20)] = []
    duration: Minutes
    between: Annotated[list[Bounds], Meta(min_length=1, max_length=92)]
    step: Minutes = field(default_factory=lambda: Minutes(15))
    within_working_hours: bool = False
    most: Annotated[int, Meta(ge=1, le=MAX_SLOTS)] = field(default=10, name="max")
    time_zone: Zone = field(default_factory=lambda: UTC)


class SlotJson(Struct):
    """A time that suits, and how it finds everybody who was named."""

    start: str
    end: str
    free: list[str]
    tentative: list[str]
    missing: list[str]
    optional_weight: int


class ObstacleJson(Struct):
    """Somebody needed who is away in some slots, and what blocks them."""

    user_id: str
    slots: int
    blocked: list[SpanJson]


class RelaxationJson(Struct):
    """What to give up, and how many slots that opens."""

    without: list[str]
    fewer_of_groups: list[int]
    """By their place; a group of which two less would do stands here twice."""
    slots: int
    text: str


class FindTimeJson(Struct, omit_defaults=True):
    """The best slots; if there are none, what is in the way and the cheapest ways out."""

    slots: list[SlotJson]
    obstacles: list[ObstacleJson] | UnsetType = UNSET
    relaxations: list[RelaxationJson] | UnsetType = UNSET


class ExplainBody(Struct, forbid_unknown_fields=True, kw_only=True):
    """Whom, and when."""

    user_id: UserId
    start: TimeText
    end: TimeText
    time_zone: Zone | None = None


class SourceJson(Struct, omit_defaults=True):
    """What a verdict rests on; of a private event no more than that it is one."""

    type: str
    id: str | UnsetType = UNSET
    title: str | UnsetType = UNSET
    role: Role | UnsetType | None = UNSET
    response: Response | UnsetType | None = UNSET
    status: Status | UnsetType = UNSET
    show_as: ShowAs | UnsetType = UNSET
    start: str | UnsetType = UNSET
    end: str | UnsetType = UNSET


class VerdictJson(Struct):
    """One rule, and what it says: passes, advises against it, or blocks."""

    rule: str
    verdict: str
    source: SourceJson | None


class ExplanationJson(Struct):
    """Whether a required participant would be let in, and every rule that was looked at."""

    user_id: str
    start: str
    end: str
    bookable: bool
    rules: list[VerdictJson]


@operation(
    "POST",
    "/v1/free-busy",
    tag="Availability",
    query=NoQuery,
    body=FreeBusyBody,
    answer=FreeBusyJson,
    errors=(Invalid,),
    example={
        "user_ids": ["usr_018f3c5a9b2d4e6f"],
        "from": "2026-03-09",
        "to": "2026-03-14",
        "time_zone": "Europe/Berlin",
    },
)
def show_free_busy(call: Call) -> Reply:
    """Show when people are busy.

    Ordered periods that do not overlap, the stronger one showing; no titles. Somebody unknown is an error in their own
    item. With `working_hours`, also when each of them works in that time (null where nobody has said).
    """
    body: FreeBusyBody = call.body
    window = bounds_of(body.since, body.until, body.time_zone, ())
    if window.end - window.start > MAX_WINDOW:
        raise Invalid(Fault(("to",), "window_too_long", "92 days are the most"))
    zone = zone_named(body.time_zone)
    people = peoples_time(call.tx, call.actor, body.user_ids, window)
    items: list[PersonFreeBusyJson] = []
    for user_id in body.user_ids:
        person = people.get(user_id)
        if person is None:
            error = ItemErrorJson("unknown_user", f"there is no user {user_id}")
            items.append(PersonFreeBusyJson(str(user_id), error=error))
            continue
        periods = [
            PeriodJson(*span_json(period.span, zone), period.strength) for period in layered(person.periods, window)
        ]
        item = PersonFreeBusyJson(str(user_id), periods)
        if body.working_hours:
            working = person.working(window)
            item.working_hours = None if working is None else [SpanJson(*span_json(span, zone)) for span in working]
        items.append(item)
    return Reply(FreeBusyJson(*span_json(window, zone), body.time_zone, items))


@operation(
    "POST",
    "/v1/find-time",
    tag="Availability",
    query=NoQuery,
    body=FindTimeBody,
    answer=FindTimeJson,
    errors=(Invalid,),
    example={
        "required": ["usr_018f3c5a9b2d4e6f"],
        "optional": [{"user_id": "usr_018f3c5a9b2d5f70", "weight": 2}],
        "duration": 60,
        "between": [{"from": "2026-03-09", "to": "2026-03-14"}],
        "time_zone": "Europe/Berlin",
        "within_working_hours": True,
    },
)
def search_time(call: Call) -> Reply:
    """Find a time that suits.

    Everybody required is free and each group has as many as it needs; then the most optional weight, the fewest
    who are tentative, the earliest. Slots begin on steps counted from local midnight in `time_zone` and lie within one
    day. If nothing fits: what keeps whom, and the cheapest things to give up.
    """
    body: FindTimeBody = call.body
    wish, faults = wish_of(body)
    people = peoples_time(call.tx, call.actor, wish.people, NO_TIME if faults else hull(wish.between))
    faults += unknown_faults(body, people.keys())
    if faults:
        raise Invalid(*faults)
    found = find_time(people, wish, body.time_zone, body.most, within_working_hours=body.within_working_hours)
    zone = zone_named(body.time_zone)
    answer = FindTimeJson([slot_json(slot, zone) for slot in found.slots])
    if not found.slots:
        answer.obstacles = [
            ObstacleJson(str(one.user_id), one.slots, [SpanJson(*span_json(span, zone)) for span in one.blocked])
            for one in found.obstacles
        ]
        answer.relaxations = [relaxation_json(one) for one in found.relaxations]
    return Reply(answer)


def wish_of(body: FindTimeBody) -> tuple[Wish, list[Fault]]:
    """Read what is wished for, and say everything that is wrong with it."""
    faults: list[Fault] = []
    windows: list[Span] = []
    for place, one in enumerate(body.between):
        try:
            windows.append(bounds_of(one.since, one.until, body.time_zone, ("between", place)))
        except Invalid as error:
            faults += error.faults
    if sum(window.end - window.start for window in windows) > MAX_WINDOW:
        faults.append(Fault(("between",), "window_too_long", "92 days in all are the most"))
    elif windows and hull(windows).end - hull(windows).start > MAX_SPREAD:
        faults.append(Fault(("between",), "window_too_long", "366 days from first to last are the most"))
    for name, minutes, least in (("duration", body.duration, 1), ("step", body.step, 5)):
        if not least <= minutes <= DAY // MINUTE:
            faults.append(Fault((name,), "out_of_range", f"{least} to 1440 minutes"))
    for place, group in enumerate(body.groups):
        if group.need > len(set(group.user_ids)):
            faults.append(Fault(("groups", place, "need"), "out_of_range", "more than there are people in the group"))
    wish = Wish(
        tuple(dict.fromkeys(body.required)),
        {one.user_id: one.weight for one in body.optional if one.user_id not in body.required},
        tuple(Group(tuple(dict.fromkeys(group.user_ids)), group.need) for group in body.groups),
        body.duration * MINUTE,
        body.step * MINUTE,
        tuple(windows),
    )
    if not 1 <= len(wish.people) <= MAX_FINDERS:
        faults.append(Fault((), "out_of_range", f"name 1 to {MAX_FINDERS} people"))
    return wish, faults


def unknown_faults(body: FindTimeBody, known: Container[UserId]) -> list[Fault]:
    """Give a fault for everybody named who is not there."""
    named: list[tuple[UserId, tuple[str | int, ...]]] = []
    named += [(user_id, ("required", place)) for place, user_id in enumerate(body.required)]
    named += [(one.user_id, ("optional", place, "user_id")) for place, one in enumerate(body.optional)]
    for number, group in enumerate(body.groups):
        named += [(user_id, ("groups", number, "user_ids", place)) for place, user_id in enumerate(group.user_ids)]
    return [Fault(where, "unknown_user", f"there is no user {who}") for who, where in named if who not in known]


def slot_json(slot: Slot, zone: ZoneInfo) -> SlotJson:
    """Write a slot."""
    free, tentative, missing = map(ids_json, (slot.free, slot.tentative, slot.missing))
    return SlotJson(*span_json(slot.span, zone), free, tentative, missing, slot.weight)


def ids_json(people: Sequence[UserId]) -> list[str]:
    """Write the ids of some people."""
    return [str(person) for person in people]


def relaxation_json(one: Relaxation) -> RelaxationJson:
    """Write what to give up, for programs and for people."""
    parts = [f"without {person}" for person in one.without]
    parts += [f"with {less} less of group {number}" for number, less in Counter(one.fewer_of).items()]
    text = f"{' and '.join(parts)}: {one.slots} slot{'' if one.slots == 1 else 's'}"
    return RelaxationJson(ids_json(one.without), list(one.fewer_of), one.slots, text)


@operation(
    "POST",
    "/v1/explain",
    tag="Availability",
    query=NoQuery,
    body=ExplainBody,
    answer=ExplanationJson,
    errors=(NotFound, Invalid),
    example={
        "user_id": "usr_018f3c5a9b2d4e6f",
        "start": "2026-03-09T14:00:00+01:00",
        "end": "2026-03-09T15:00:00+01:00",
    },
)
def explain(call: Call) -> Reply:
    """Explain why somebody can or cannot be booked.

    Every rule that bears on it, its verdict, and what it rests on.
    """
    body: ExplainBody = call.body
    span = span_of(body.start, body.end, body.time_zone)
    if isinstance(span, list):
        raise Invalid(*span)
    zone = zone_named(body.time_zone or UTC)
    found = explain_booking(call.tx, call.actor, body.user_id, span)
    return Reply(ExplanationJson(str(body.user_id), *span_json(span, zone), found.bookable, verdicts(found, zone)))


def verdicts(found: Explanation, zone: ZoneInfo) -> list[VerdictJson]:
    """Write every rule that was looked at."""
    result = [VerdictJson("active", "blocks" if found.deleted else "passes", None)]
    result += [
        VerdictJson("event", "blocks" if reason.blocking else "passes", event_source(reason, zone))
        for reason in found.events
    ]
    for hold in found.holds:
        start, end = span_json(hold.span, zone)
        result.append(VerdictJson("hold", "blocks", SourceJson("hold", str(hold.hold_id), start=start, end=end)))
    if found.works is not None:
        result.append(VerdictJson("working_hours", "passes" if found.works else "advises_against", None))
    return result


def event_source(reason: EventReason, zone: ZoneInfo) -> SourceJson:
    """Write the event that a verdict rests on."""
    start, end = span_json(reason.span, zone)
    if not reason.visible:
        return SourceJson("private", start=start, end=end)
    return SourceJson(
        "event",
        str(reason.event_id),
        reason.title,
        reason.role,
        reason.response,
        reason.status,
        reason.show_as,
        start,
        end,
    )
