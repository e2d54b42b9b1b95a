"""Finding a time over HTTP."""

from collections import Counter
from collections.abc import Container, Sequence
from typing import Annotated
from zoneinfo import ZoneInfo

from msgspec import UNSET, Meta, Struct, UnsetType, field

from kalends.errors import Fault, Invalid
from kalends.model import UTC, Instant, Scope, Span, UserId, Zone
from kalends.reads.availability import find_time, hull, peoples_time
from kalends.rest.freebusy import MAX_PEOPLE, MAX_WINDOW, UserIds
from kalends.rest.route import Call, NoQuery, Reply, operation
from kalends.rest.spans import Bounds, SpanJson, bounds_of, span_json
from kalends.rest.wire import Minutes
from kalends.rules.intervals import DAY, MINUTE
from kalends.rules.meeting import Group, Relaxation, Slot, Wish
from kalends.rules.zones import zone_named

MAX_SPREAD = 366 * DAY
"""From the first window of a search to its last: what everybody does in between is read."""

MAX_SLOTS = 100
MAX_FINDERS = 100
"""People a search may name: each costs a look at every slot."""

NO_TIME = Span(Instant(0), Instant(0))
"""To be asked about who is there, and nothing else."""


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
    outside_working_hours: int
    """Of these, the slots in which nothing blocks them and they just do not work."""
    blocked: list[SpanJson]


class RelaxationJson(Struct):
    """What to give up, and how many slots that opens."""

    without: list[str]
    fewer_of_groups: list[int]
    """By their place; a group of which two less would do stands here twice."""
    outside_working_hours: bool
    """Meet when somebody does not work."""
    slots: int
    text: str


class FindTimeJson(Struct, omit_defaults=True):
    """The best slots; if there are none, what is in the way and the cheapest ways out."""

    slots: list[SlotJson]
    obstacles: list[ObstacleJson] | UnsetType = UNSET
    relaxations: list[RelaxationJson] | UnsetType = UNSET


@operation(
    "POST",
    "/v1/find-time",
    tag="Availability",
    scope=Scope.free_busy_read,
    cost=10,
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
            ObstacleJson(
                str(one.user_id),
                one.slots,
                one.outside_hours,
                [SpanJson(*span_json(span, zone)) for span in one.blocked],
            )
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
    parts += ["outside working hours"] if one.outside_hours else []
    text = f"{' and '.join(parts)}: {one.slots} slot{'' if one.slots == 1 else 's'}"
    return RelaxationJson(ids_json(one.without), list(one.fewer_of), one.outside_hours, one.slots, text)
