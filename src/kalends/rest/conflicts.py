"""How a caller says what to do about people who are not free, and is told what was done."""

from typing import Annotated

from msgspec import UNSET, Meta, UnsetType

from kalends.actions.booking import Guard, OnConflict
from kalends.model import HoldId
from kalends.rest.operation import Body_co, Reply
from kalends.rest.queries import WriteQuery
from kalends.rest.spans import conflicts_json


class BookingQuery(WriteQuery, kw_only=True):
    """What every write takes that may book somebody's time."""

    on_conflict: Annotated[
        OnConflict, Meta(description="Refuse a change that books somebody twice, or make it and list the conflicts")
    ] = OnConflict.reject


class HoldQuery(BookingQuery, kw_only=True):
    """What creating an event takes."""

    hold: Annotated[HoldId, Meta(description="A hold that becomes this event")] | UnsetType = UNSET


def guard_of(query: BookingQuery) -> Guard:
    """Give the guard that a query asks for."""
    hold_id = query.hold if isinstance(query, HoldQuery) and query.hold is not UNSET else None
    return Guard(query.on_conflict, hold_id)


def with_conflicts(reply: Reply[Body_co], guard: Guard) -> Reply[Body_co]:
    """Return an answer with the conflicts and warnings that a guard let pass; with neither, it stays as it is."""
    for name, conflicts in (("conflicts", guard.conflicts), ("warnings", guard.warnings)):
        if conflicts:
            setattr(reply.body, name, conflicts_json(conflicts, guard.time_zone))
    return reply
