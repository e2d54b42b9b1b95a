"""The operation that explains why somebody can or cannot be booked."""

from typing import Any, ClassVar
from zoneinfo import ZoneInfo

from msgspec import UNSET, Struct, UnsetType

from kalends.errors import Invalid
from kalends.model import UTC, Actor, Response, Role, Scope, ShowAs, Status, UserId, WrittenTime, Zone
from kalends.reads import explanation as reads
from kalends.reads.explanation import EventReason, Explanation
from kalends.rest.operation import Reply
from kalends.rest.spans import span_json
from kalends.rules.access import AccessLevel
from kalends.rules.blocks import span_of
from kalends.rules.zones import zone_named
from kalends.store.database import ReadTx


class ExplainRequest(Struct, forbid_unknown_fields=True, kw_only=True):
    """A person, and a span of time."""

    user_id: UserId
    start: WrittenTime
    end: WrittenTime
    time_zone: Zone | None = None
    example: ClassVar[Any] = {
        "user_id": "usr_018f3c5a9b2d4e6f",
        "start": "2026-03-09T14:00:00+01:00",
        "end": "2026-03-09T15:00:00+01:00",
    }


class VerdictSourceJson(Struct, omit_defaults=True):
    """The reason for a verdict. `private` stands for everything invisible that blocks: events and holds, merged."""

    scope: ClassVar[Scope] = Scope.events_read
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
    """One rule and its result: it passes, advises against the booking, or blocks it."""

    rule: str
    verdict: str
    source: VerdictSourceJson | None


class ExplanationJson(Struct):
    """Whether the person can be booked as a required participant, and the verdict of every rule."""

    scope: ClassVar[Scope] = Scope.free_busy_read
    user_id: str
    start: str
    end: str
    bookable: bool
    rules: list[VerdictJson]
    example: ClassVar[Any] = {
        "user_id": "usr_018f3c5a9b2d4e6f",
        "start": "2026-03-09T13:00:00Z",
        "end": "2026-03-09T14:00:00Z",
        "bookable": False,
        "rules": [
            {"rule": "active", "verdict": "passes", "source": None},
            {
                "rule": "event",
                "verdict": "blocks",
                "source": {
                    "type": "event",
                    "id": "evt_018f3c5a9b2e0a81",
                    "title": "Planning",
                    "role": "required",
                    "response": "accepted",
                    "status": "confirmed",
                    "show_as": "busy",
                    "start": "2026-03-09T13:00:00Z",
                    "end": "2026-03-09T14:00:00Z",
                },
            },
        ],
    }


def explain_booking(tx: ReadTx, actor: Actor, body: ExplainRequest) -> Reply[ExplanationJson]:
    """Explain why somebody can or cannot be booked.

    The answer has every rule with its verdict and the reasons. Without the scope `events:read`, events and holds are
    shown only if they block, as `private`.
    """
    span = span_of(body.start, body.end, zone_named(body.time_zone) if body.time_zone else None)
    if isinstance(span, list):
        raise Invalid(*span)
    zone = zone_named(body.time_zone or UTC)
    found = reads.explain_booking(tx, actor, body.user_id, span)
    return Reply(ExplanationJson(str(body.user_id), *span_json(span, zone), found.bookable, verdicts(found, zone)))


def verdicts(found: Explanation, zone: ZoneInfo) -> list[VerdictJson]:
    """Return the verdict of every rule."""
    result = [VerdictJson("active", "blocks" if found.deleted else "passes", None)]
    result += [
        VerdictJson("event", "blocks" if reason.blocking else "passes", event_source(reason, zone))
        for reason in found.events
    ]
    for hold in found.holds:
        start, end = span_json(hold.span, zone)
        result.append(VerdictJson("hold", "blocks", VerdictSourceJson("hold", str(hold.hold_id), start=start, end=end)))
    for span in found.unseen:
        start, end = span_json(span, zone)
        result.append(VerdictJson("event", "blocks", VerdictSourceJson("private", start=start, end=end)))
    if found.works is not None:
        result.append(VerdictJson("working_hours", "passes" if found.works else "advises_against", None))
    return result


def event_source(reason: EventReason, zone: ZoneInfo) -> VerdictSourceJson:
    """Return the JSON of an event that is the reason for a verdict."""
    start, end = span_json(reason.span, zone)
    if reason.access_level is AccessLevel.titles:
        titled = VerdictSourceJson("event", str(reason.event_id), reason.title, start=start, end=end)
        titled.status, titled.show_as = reason.status, reason.show_as
        return titled
    return VerdictSourceJson(
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
