"""Saving events: an event cannot be saved without what has to be stored with it."""

import pytest
from msgspec import structs

from kalends.actions.saving import EventChange
from kalends.model import ShowAs, Status
from kalends.rules.editing import next_version
from kalends.rules.zones import read_time


@pytest.mark.parametrize(
    "changed",
    [
        lambda event, later: {"block": later.block},
        lambda event, later: {"status": Status.cancelled},
        lambda event, later: {"show_as": ShowAs.free},
    ],
    ids=["time", "status", "show_as"],
)
def test_saving_a_change_of_every_agenda_requires_all_participations(cast, changed):
    later = cast.event(start=read_time("2026-03-09T16:00"), end=read_time("2026-03-09T17:00"))
    event = cast.event(cast.guest, cast.stranger)
    participations = cast.participations(event.id)
    after = structs.replace(next_version(event, now=event.updated_at), **changed(event, later))
    some = {user_id: participations[user_id] for user_id in (cast.host.id, cast.guest.id)}
    for old in ({}, some):
        with pytest.raises(ValueError, match=f"{len(old)} of 3 participations"):
            EventChange(event, after, old, old)
    assert EventChange(event, after, participations, some).new == some
    assert EventChange(event, next_version(event, now=event.updated_at), {}, {}).old == {}
