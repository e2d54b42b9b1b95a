"""Conflicts: what to do about people who are not free, in queries, and the conflicts of a change, in answers."""

from typing import Annotated

from msgspec import UNSET, Meta, UnsetType

from kalends.actions.booking import OnConflict
from kalends.actions.saving import Saved
from kalends.model import HoldId
from kalends.rest.operation import Body_co, Reply
from kalends.rest.queries import WriteQuery
from kalends.rest.spans import conflicts_json


class BookingQuery(WriteQuery, kw_only=True):
    """The query of every write that may book somebody's time."""

    on_conflict: Annotated[
        OnConflict, Meta(description="Refuse a change that books somebody twice, or make it and list the conflicts")
    ] = OnConflict.reject


class HoldQuery(BookingQuery, kw_only=True):
    """The query of creating an event."""

    hold: Annotated[HoldId, Meta(description="A hold that becomes this event")] | UnsetType = UNSET


def with_conflicts(reply: Reply[Body_co], saved: Saved) -> Reply[Body_co]:
    """Return a reply with what blocks the people of a saved event; if nothing does, the reply as it is."""
    for name, conflicts in (("conflicts", saved.conflicts), ("warnings", saved.warnings)):
        if conflicts:
            setattr(reply.body, name, conflicts_json(conflicts, saved.event.block.time_zone))
    return reply
