"""Reading why a person can or cannot be booked: each rule, its result, and the reasons for it."""

from typing import Any

import sqlalchemy as sa
from msgspec import Struct
from sqlalchemy import bindparam

from kalends.errors import Invalid, NotFound
from kalends.model import (
    Actor,
    EventId,
    HoldId,
    Instant,
    Response,
    Role,
    ShowAs,
    Span,
    Status,
    Strength,
    UserId,
    Visibility,
)
from kalends.rules.access import (
    AccessLevel,
    access_level_of,
    access_level_of_participation,
    is_operator,
    may_read_events,
    may_see_hold,
)
from kalends.rules.blocks import slot_faults
from kalends.rules.hours import WorkingHours, working_periods
from kalends.rules.periods import Period, merge_by_strength
from kalends.rules.zones import zone_or_utc
from kalends.store.commitments import commitments, span_values
from kalends.store.database import ReadTx
from kalends.store.hours import hours_from
from kalends.store.query import Query
from kalends.store.tables import agenda, event, held_time, hold, user, working_hours
from kalends.store.visibility import CONCERNED, DELEGATE, tie_values

PERSON = Query(
    sa.select(user.c.time_zone, user.c.deleted_at.is_not(None), working_hours.c.hours)
    .join_from(user, working_hours, working_hours.c.user_id == user.c.id, isouter=True)
    .where(user.c.organization_id == bindparam("org"), user.c.id == bindparam("id"))
)
COMMITMENTS = commitments(lambda rows: rows.c.user_id == bindparam("id"))
EVENTS = Query(
    COMMITMENTS.events.add_columns(
        agenda.c.event_id,
        agenda.c.role,
        agenda.c.response,
        event.c.title,
        event.c.status,
        event.c.show_as,
        event.c.visibility,
        event.c.host_id,
        event.c.hide_participants,
        CONCERNED,
        DELEGATE,
    )
    .join(event, agenda.c.event_id == event.c.id)
    .order_by(agenda.c.starts_at, agenda.c.event_id)
)
HOLDS = Query(
    COMMITMENTS.holds.add_columns(held_time.c.hold_id, hold.c.placed_by)
    .join(hold, held_time.c.hold_id == hold.c.id)
    .order_by(held_time.c.starts_at, held_time.c.hold_id)
)


class EventReason(Struct, frozen=True):
    """An event in a person's time, and how much the actor sees of it."""

    span: Span
    shown: Strength
    blocking: bool
    event_id: EventId
    role: Role | None
    response: Response | None
    title: str
    status: Status
    show_as: ShowAs
    access_level: AccessLevel


class HoldReason(Struct, frozen=True):
    """A slot that is held for a person, by a hold that the actor may see."""

    span: Span
    hold_id: HoldId


class Explanation(Struct, frozen=True):
    """All that affects booking a person in a span, as far as the actor may see it.

    `unseen` has the times at which something invisible blocks, merged and clipped to the span. `works` is None if the
    person has no working hours.
    """

    deleted: bool
    events: list[EventReason]
    holds: list[HoldReason]
    unseen: list[Span]
    works: bool | None

    @property
    def bookable(self) -> bool:
        """Return whether the person could be booked as a required participant; working hours do not prevent it."""
        blocked = self.deleted or self.holds or self.unseen or any(reason.blocking for reason in self.events)
        return not blocked


def explain_booking(tx: ReadTx, actor: Actor, user_id: UserId, span: Span) -> Explanation:
    """Return what affects booking a person in a span of at most the length of an event. Raise NotFound or Invalid."""
    faults = slot_faults(span)
    if faults:
        raise Invalid(*faults)
    tx.snapshot()
    row = tx.row(PERSON, org=actor.organization_id, id=user_id)
    if row is None:
        raise NotFound("user", user_id)
    time_zone, deleted, hours = row
    values = {"org": actor.organization_id, "id": user_id, **span_values(span)}
    events = events_within(tx, actor, user_id, values)
    seen = [reason for reason in events if reason.access_level is not AccessLevel.busy]
    own: list[HoldReason] = []
    unseen = [reason.span for reason in events if reason.blocking and reason.access_level is AccessLevel.busy]
    for _, start, end, _, _, hold_id, placed_by in tx.rows(HOLDS, **values, now=tx.now):
        held = Span(Instant(start), Instant(end))
        if may_read_events(actor) and may_see_hold(actor, placed_by, [user_id]):
            own.append(HoldReason(held, HoldId(hold_id)))
        else:
            unseen.append(held)
    shown = [reason.span for reason in seen if reason.blocking] + [reason.span for reason in own]
    return Explanation(
        deleted=bool(deleted),
        events=seen,
        holds=own,
        unseen=[period.span for period in merge_by_strength(map(as_busy, unseen), span, under=map(as_busy, shown))],
        works=works_throughout(hours_from(hours), time_zone, span),
    )


def events_within(tx: ReadTx, actor: Actor, user_id: UserId, values: dict[str, Any]) -> list[EventReason]:
    """Return all events in a person's time, with how much of each the actor sees; `values` has person and span."""
    return [
        EventReason(
            Span(Instant(start), Instant(end)),
            Strength(shown),
            bool(blocking),
            EventId(event_id),
            Role(role) if role else None,
            Response(response) if response else None,
            title,
            Status(status),
            ShowAs(show_as),
            access_level_in_explanation(actor, user_id, *ties),
        )
        for _, start, end, shown, blocking, event_id, role, response, title, status, show_as, *ties in tx.rows(
            EVENTS, **values, **tie_values(actor)
        )
    ]


def as_busy(span: Span) -> Period:
    """Return a span as a busy period."""
    return Period(span, Strength.busy)


def access_level_in_explanation(
    actor: Actor,
    person: UserId,
    visibility: str,
    host_id: UserId,
    hides: object,
    concerned: object,
    delegate: object,
) -> AccessLevel:
    """Return how much an explanation shows of an event: only that it blocks without the scope to read events.

    The same goes for private events if an operator asks, as operators act for others.
    """
    if not may_read_events(actor):
        return AccessLevel.busy
    if is_operator(actor) and visibility == Visibility.private.value:
        return AccessLevel.busy
    access_level = access_level_of(
        actor, host_id, Visibility(visibility), concerned=bool(concerned), delegate=bool(delegate)
    )
    return access_level_of_participation(actor, person, access_level, host_id, hides=bool(hides))


def works_throughout(hours: WorkingHours | None, time_zone: str, span: Span) -> bool | None:
    """Return whether a person works for the whole of a span; None if they have no working hours."""
    return None if hours is None else working_periods(hours, zone_or_utc(time_zone), span) == [span]
