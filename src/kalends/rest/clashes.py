"""Conflicts and warnings over HTTP, and the parameters that say how to deal with them."""

from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType

from kalends.actions.booking import Guard, OnConflict
from kalends.model import Busy, Clash, HoldId
from kalends.rest.route import WriteQuery
from kalends.rules.zones import rendered, zone_named


class BookingQuery(WriteQuery, kw_only=True):
    """What every write takes that may book somebody's time."""

    on_conflict: Annotated[
        OnConflict, Meta(description="Refuse a change that books somebody twice, or make it and list the conflicts")
    ] = OnConflict.reject


class HoldQuery(BookingQuery, kw_only=True):
    """What creating an event takes."""

    hold: Annotated[HoldId, Meta(description="A hold that becomes this event")] | UnsetType = UNSET


class ClashJson(Struct, omit_defaults=True):
    """A commitment in the way; `event_id` only of an event that the caller may see."""

    user_id: str
    start: str
    end: str
    strength: Busy
    event_id: str | UnsetType = UNSET


def guard_of(query: BookingQuery) -> Guard:
    """Give the guard that a query asks for."""
    hold_id = query.hold if isinstance(query, HoldQuery) and query.hold is not UNSET else None
    return Guard(query.on_conflict, hold_id)


def clashes_json(clashes: list[Clash] | tuple[Clash, ...], time_zone: str) -> list[ClashJson]:
    """Write clashes, their times on the clocks of a zone."""
    zone = zone_named(time_zone)
    return [
        ClashJson(
            str(clash.user_id),
            rendered(clash.span.start, zone),
            rendered(clash.span.end, zone),
            clash.strength,
            UNSET if clash.event_id is None else str(clash.event_id),
        )
        for clash in clashes
    ]
