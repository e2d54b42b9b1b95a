"""Commitments: the rows of people's agenda, and the slots that are held for them now.

Every statement about somebody's time is composed with `commitments`. A hold expires by the clock: after that it does
not count, even if its rows still exist.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import msgspec
import sqlalchemy as sa
from sqlalchemy import bindparam

from kalends.model import Actor, Conflict, EventId, HoldId, Instant, Span, Strength, UserId, Visibility
from kalends.rules.access import is_operator, may_read_events
from kalends.rules.conflicts import merge_unseen
from kalends.rules.intervals import LONGEST_BLOCK
from kalends.store.database import ReadTx, Row
from kalends.store.json_text import JsonArray, json_list
from kalends.store.query import AnyOf, Query, span_list
from kalends.store.tables import agenda, event, held_time
from kalends.store.visibility import is_participation_visible, visibility_values

NOTHING = 0
"""No event and no hold has this id."""

Condition = sa.ColumnElement[bool]
Number = sa.ColumnElement[int]

START = bindparam("start", type_=sa.BigInteger)
END = bindparam("end", type_=sa.BigInteger)

ROW_DECODER = msgspec.json.Decoder(list[tuple[int, int, int, str, bool, int, bool]])


class Commitments(NamedTuple):
    """The commitments of people, as two statements that begin with the same columns.

    These are user_id, starts_at, ends_at, shown and blocking. More columns, joins and conditions may be added.
    """

    events: sa.Select[*tuple[Any, ...]]
    """Rows of `agenda`, also of events that take no time."""
    holds: sa.Select[*tuple[Any, ...]]
    """Rows of `held_time`."""


def commitments(whose: Callable[[sa.Table], Condition], start: Number = START, end: Number = END) -> Commitments:
    """Return the statements for the commitments of people in a span, by default the bound one.

    Each scans one range of the table's key for each person, as no event and no hold is longer than LONGEST_BLOCK.
    """

    def overlapping(rows: sa.Table, shown: sa.ColumnElement[str], blocking: Condition) -> sa.Select[*tuple[Any, ...]]:
        return sa.select(rows.c.user_id, rows.c.starts_at, rows.c.ends_at, shown, blocking).where(
            rows.c.organization_id == bindparam("org"),
            whose(rows),
            rows.c.starts_at > start - sa.literal_column(str(LONGEST_BLOCK), sa.BigInteger),
            rows.c.starts_at < end,
            rows.c.ends_at > start,
        )

    holds = overlapping(held_time, sa.literal_column("'busy'", sa.Text), sa.true())
    return Commitments(
        overlapping(agenda, agenda.c.shown, agenda.c.blocking), holds.where(held_time.c.expires_at > bindparam("now"))
    )


def span_values(span: Span) -> dict[str, int]:
    """Return the parameters of `commitments` for the bound span."""
    return {"start": span.start, "end": span.end}


def blocking(is_named: Condition, span: sa.FromClause | None = None) -> sa.CompoundSelect[*tuple[Any, ...]]:
    """Return the statement for what blocks people in the bound span, or in the span of a row of an enclosing statement.

    `is_named` is the condition for events that are named to the actor.
    """
    bounds = (START, END) if span is None else (span.c.starts_at, span.c.ends_at)
    events, holds = commitments(lambda rows: AnyOf(rows.c.user_id, "ids"), *bounds)
    events = events.add_columns(agenda.c.event_id, is_named.label("is_named")).join(
        event, agenda.c.event_id == event.c.id
    )
    events = events.where(agenda.c.blocking, agenda.c.event_id != bindparam("own_event"))
    holds = holds.add_columns(sa.literal_column(str(NOTHING), sa.BigInteger), sa.false())
    holds = holds.where(held_time.c.hold_id != bindparam("own_hold"))
    return events.correlate(span).union_all(holds.correlate(span))


def blocking_in_each(is_named: Condition) -> Query:
    """Return the statement for what blocks people in each of several spans: the rows of each as a list in JSON.

    In a join, PostgreSQL would read everybody's agenda from end to end.
    """
    span = span_list()
    rows = json_list(sa.select(JsonArray(*blocking(is_named, span).subquery("commitment").c)))
    return Query(sa.select(span.c.starts_at, span.c.ends_at, rows))


SEEN_BY_OPERATOR = event.c.visibility == Visibility.default.value
SEEN_BY_PERSON = is_participation_visible(agenda.c.user_id)
BLOCKING_SEEN_BY_OPERATOR = Query(blocking(SEEN_BY_OPERATOR))
BLOCKING_SEEN_BY_PERSON = Query(blocking(SEEN_BY_PERSON))
BLOCKING_IN_EACH_SEEN_BY_OPERATOR = blocking_in_each(SEEN_BY_OPERATOR)
BLOCKING_IN_EACH_SEEN_BY_PERSON = blocking_in_each(SEEN_BY_PERSON)


def blocking_commitments(
    tx: ReadTx,
    actor: Actor,
    people: list[UserId],
    spans: Sequence[Span],
    *,
    event_id: EventId | None = None,
    hold_id: HoldId | None = None,
) -> dict[Span, list[Conflict]]:
    """Return what blocks people in each of several spans, apart from the event or the hold that is being changed.

    It takes one statement. An event is named if the actor may read events, may see this one, and may see that this
    person is in it. Private events are not named to operators, who act for others. What is not named is merged
    (`merge_unseen`).
    """
    operator = is_operator(actor)
    values: dict[str, Any] = {} if operator else visibility_values(actor)
    values |= {"org": actor.organization_id, "ids": people, "now": tx.now}
    values |= {"own_event": event_id or NOTHING, "own_hold": hold_id or NOTHING}
    found: dict[Span, Sequence[Row]] = {}
    if len(spans) == 1:
        query = BLOCKING_SEEN_BY_OPERATOR if operator else BLOCKING_SEEN_BY_PERSON
        found[spans[0]] = tx.rows(query, **values, **span_values(spans[0]))
    else:
        query = BLOCKING_IN_EACH_SEEN_BY_OPERATOR if operator else BLOCKING_IN_EACH_SEEN_BY_PERSON
        bounds = {"starts": [span.start for span in spans], "ends": [span.end for span in spans]}
        for start, end, rows in tx.rows(query, **values, **bounds):
            found[Span(Instant(start), Instant(end))] = ROW_DECODER.decode(rows)
    named = may_read_events(actor)
    return {span: merge_unseen((conflict_from(row, named=named) for row in rows), span) for span, rows in found.items()}


def conflict_from(row: Row, *, named: bool) -> Conflict:
    """Return the conflict of a row of `blocking`; unless events are `named` to the actor, without the event's id."""
    user_id, start, end, shown, _, event_id, is_named = row
    span, known = Span(Instant(start), Instant(end)), EventId(event_id) if is_named and named else None
    return Conflict(UserId(user_id), span, Strength(shown), known, needed=True)
