"""What people are committed to at a time: their agenda, and the slots that are held for them right now.

A hold lapses by the clock: one whose time is up is not there any more, whether or not its rows are.
"""

import sqlalchemy as sa
from sqlalchemy import bindparam

from kalends.model import Actor, Busy, Conflict, EventId, HoldId, Instant, Span, UserId, Visibility
from kalends.rules.access import is_operator, may_read_events
from kalends.rules.conflicts import reported
from kalends.rules.intervals import earliest_start
from kalends.store.database import ReadTx
from kalends.store.query import AnyOf, Query
from kalends.store.tables import agenda, event, held_time
from kalends.store.visibility import is_part_visible, visibility_values

NOTHING = 0
"""No event and no hold has this id."""


def overlapping(rows: sa.Table) -> sa.ColumnElement[bool]:
    """Tell whether a row of a person's time overlaps `[start, end)`: one range of its key, as no block is longer."""
    return sa.and_(
        rows.c.organization_id == bindparam("org"),
        rows.c.starts_at > bindparam("earliest"),
        rows.c.starts_at < bindparam("end"),
        rows.c.ends_at > bindparam("start"),
    )


def span_values(span: Span) -> dict[str, int]:
    """Give the parameters that `overlapping` takes."""
    return {"earliest": earliest_start(span.start), "start": span.start, "end": span.end}


def blocking(is_named: sa.ColumnElement[bool]) -> Query:
    """Compose the statement for what blocks people; `is_named` says which events are named to who asks."""
    events = (
        sa.select(agenda.c.user_id, agenda.c.starts_at, agenda.c.ends_at, agenda.c.shown, agenda.c.event_id, is_named)
        .join_from(agenda, event, agenda.c.event_id == event.c.id)
        .where(
            overlapping(agenda),
            AnyOf(agenda.c.user_id, "ids"),
            agenda.c.blocking,
            agenda.c.event_id != bindparam("own_event"),
        )
    )
    holds = sa.select(
        held_time.c.user_id,
        held_time.c.starts_at,
        held_time.c.ends_at,
        sa.literal_column("'busy'", sa.Text),
        sa.null(),
        sa.false(),
    ).where(
        overlapping(held_time),
        AnyOf(held_time.c.user_id, "ids"),
        held_time.c.expires_at > bindparam("now"),
        held_time.c.hold_id != bindparam("own_hold"),
    )
    return Query(events.union_all(holds))


BLOCKING_SEEN_BY_OPERATOR = blocking(event.c.visibility == Visibility.default.value)
BLOCKING_SEEN_BY_PERSON = blocking(is_part_visible(agenda.c.user_id))


def blocking_commitments(
    tx: ReadTx,
    actor: Actor,
    people: list[UserId],
    span: Span,
    *,
    event_id: EventId | None = None,
    hold_id: HoldId | None = None,
) -> list[Conflict]:
    """Return what blocks some people in a span, but for an event and a hold of one's own, as far as it is told.

    One statement. It names an event to whom may read events and sees this one, and that this person is in it; a private
    one not even to an operator, who asks in the name of others. What is not seen is merged (see `told`).
    """
    operator, named = is_operator(actor), may_read_events(actor)
    rows = tx.rows(
        BLOCKING_SEEN_BY_OPERATOR if operator else BLOCKING_SEEN_BY_PERSON,
        org=actor.organization_id,
        ids=people,
        now=tx.now,
        own_event=event_id or NOTHING,
        own_hold=hold_id or NOTHING,
        **({} if operator else visibility_values(actor)),
        **span_values(span),
    )
    found = [
        Conflict(
            UserId(user_id),
            Span(Instant(start), Instant(end)),
            Busy(shown),
            EventId(event_id) if visible and named else None,
            needed=True,
        )
        for user_id, start, end, shown, event_id, visible in rows
    ]
    return reported(found, span)
