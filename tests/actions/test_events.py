"""Actions on events: what the contract says about them, on both engines."""

from typing import Any

import pytest

from kalends.actions.events import cancel_event, change_event, delete_event, transfer_event
from kalends.actions.participants import answer_invitation, remove_participant
from kalends.actions.user_deletion import HostedEvents, delete_user
from kalends.drafts import EventUpdate, ResponseUpdate
from kalends.errors import EventCancelled, Invalid, NotFound, StaleVersion
from kalends.model import (
    Event,
    EventId,
    ParticipantCounts,
    Response,
    Role,
    ShowAs,
    Status,
    UserId,
    Visibility,
    Zone,
)
from kalends.rules.zones import read_time
from kalends.store.events import find_event
from tests.cast import Cast, assemble, check_consistency, codes, instant

YES = ResponseUpdate(response="accepted")
NO = ResponseUpdate(response="declined")
NOBODY = UserId(2**62)
NOTHING = EventId(2**62)


def edit(**changes: Any) -> EventUpdate:
    times = {name: read_time(changes.pop(name)) for name in ("start", "end") if name in changes}
    return EventUpdate(**times, **changes)


def stored(cast: Cast, event: Event) -> Event:
    return cast.ask(find_event, event.id)


# ------------------------------------------------------------------------------------------------------------- changing
def test_changes_of_texts_ask_nobody_again(cast, clock):
    event = cast.event(cast.guest)
    set_before(clock)
    cast.do(answer_invitation, event.id, cast.guest.id, YES)
    before = cast.participations(event.id)
    after = cast.do(
        change_event, event.id,
        edit(title="Plan B", description="New", location="Hall", visibility=Visibility.private, metadata={"a": 1}),
    )  # fmt: skip
    assert cast.participations(event.id) == before
    assert (after.title, after.description, after.location, after.metadata) == ("Plan B", "New", "Hall", '{"a":1}')
    assert after.version == 3
    cleared = cast.do(change_event, event.id, edit(description=None, location=None, metadata=None))
    assert (cleared.description, cleared.location, cleared.metadata, cleared.version) == ("", "", "{}", 4)
    assert stored(cast, event) == cleared
    check_consistency(cast.database, cast.actor)


def set_before(clock) -> None:
    """Set the clock to the morning of the day on which the cast meets."""
    clock.set_to(instant("2026-03-09T08:00+01:00"))


@pytest.mark.parametrize(
    "move",
    [
        {"start": "2026-03-09T14:30"},
        {"end": "2026-03-09T15:30"},
        {"start": "2026-03-10T09:00", "end": "2026-03-10T10:00"},
        {"time_zone": Zone("Europe/London")},
    ],
)
@pytest.mark.parametrize("keep", [False, True])
def test_a_move_asks_everybody_but_the_host_again(cast, clock, move, keep):
    set_before(clock)
    event = cast.event(cast.guest, cast.stranger)
    cast.do(answer_invitation, event.id, cast.guest.id, ResponseUpdate(response="accepted", comment="gladly"))
    cast.do(answer_invitation, event.id, cast.host.id, NO)
    before = cast.participations(event.id)
    after = cast.do(change_event, event.id, edit(**move), keep_responses=keep)
    participations = cast.participations(event.id)
    assert after.version == 4
    assert participations[cast.host.id] == before[cast.host.id]
    assert participations[cast.stranger.id] == before[cast.stranger.id]
    guest = participations[cast.guest.id]
    if keep:
        assert guest == before[cast.guest.id]
    else:
        assert (guest.response, guest.comment, guest.responded_at) == (Response.needs_action, None, None)
        assert (guest.version, guest.role) == (before[cast.guest.id].version + 1, Role.required)
    assert after.counts.needs_action == (1 if keep else 2)
    check_consistency(cast.database, cast.actor)


def test_status_and_show_as_change_what_everybody_is_busy_with(cast):
    event = cast.event(cast.guest)
    before = cast.participations(event.id)
    after = cast.do(change_event, event.id, edit(show_as=ShowAs.free))
    assert (after.show_as, after.version) == (ShowAs.free, 2)
    assert {row[9] for row in cast.rows()["agenda"]} == {"free"}
    after = cast.do(change_event, event.id, edit(status="tentative"))
    assert (after.status, after.version) == (Status.tentative, 3)
    assert {row[8] for row in cast.rows()["agenda"]} == {"tentative"}
    assert cast.participations(event.id) == before


def test_an_edit_without_changes_stores_nothing(cast):
    event = cast.event(cast.guest)
    before = cast.rows()
    same = edit(title="Planning", start="2026-03-09T14:00", end="2026-03-09T14:00Z", show_as=ShowAs.busy)
    assert cast.do(change_event, event.id, edit()) == event
    assert cast.do(change_event, event.id, same) == event
    assert cast.rows() == before


def test_all_faults_of_an_edit_are_reported_together(cast):
    event = cast.event()
    with cast.refused(Invalid) as error:
        odd, skipped = "2026-03-29T01:00:00.5", "2026-03-29T02:30"
        cast.do(change_event, event.id, edit(start=odd, end=skipped, metadata={"a": "x" * 20_000}))
    assert codes(error) == ["invalid_time", "nonexistent_time", "metadata_too_large"]
    with cast.refused(Invalid) as error:
        cast.do(change_event, event.id, edit(end="2026-03-10T15:00"))
    assert codes(error) == ["not_one_day"]


def test_deleted_people_stay_in_a_past_event_until_it_moves_to_the_future(cast, clock):
    clock.set_to(instant("2026-03-10T08:00+01:00"))
    event = cast.event(cast.guest, cast.stranger)
    cast.do(delete_user, cast.guest.id)
    cast.do(change_event, event.id, edit(start="2026-03-09T13:00"))
    assert cast.guest.id in cast.participations(event.id)
    after = cast.do(change_event, event.id, edit(start="2026-03-11T13:00", end="2026-03-11T14:00"), keep_responses=True)
    assert set(cast.participations(event.id)) == {cast.host.id, cast.stranger.id}
    assert after.counts.total == 2
    check_consistency(cast.database, cast.actor)


def test_a_past_event_of_a_deleted_host_moves_to_the_future_only_with_another_host(cast, clock):
    clock.set_to(instant("2026-03-10T08:00+01:00"))
    event = cast.event(cast.guest)
    cast.do(delete_user, cast.host.id)
    again = edit(start="2026-03-11T13:00", end="2026-03-11T14:00")
    with cast.refused(Invalid) as error:
        cast.do(change_event, event.id, again)
    assert [(fault.where, fault.code) for fault in error.value.faults] == [(("end",), "user_inactive")]
    cast.do(transfer_event, event.id, cast.stranger.id)
    assert cast.host.id in cast.participations(event.id)
    cast.do(change_event, event.id, again)
    assert set(cast.participations(event.id)) == {cast.guest.id, cast.stranger.id}
    check_consistency(cast.database, cast.actor)


# --------------------------------------------------------------------------------------------- versions, unknown events
ON_EVENTS = {
    "change": lambda cast, event_id, **expect: cast.do(change_event, event_id, edit(title="New"), **expect),
    "cancel": lambda cast, event_id, **expect: cast.do(cancel_event, event_id, **expect),
    "transfer": lambda cast, event_id, **expect: cast.do(transfer_event, event_id, cast.guest.id, **expect),
    "delete": lambda cast, event_id, **expect: cast.do(delete_event, event_id, **expect),
}


@pytest.mark.parametrize("verb", ON_EVENTS)
def test_a_stale_version_is_refused_and_a_current_one_is_not(cast, verb):
    event = cast.event(cast.guest)
    current = cast.do(change_event, event.id, edit(title="First"))
    for stale in (frozenset({1}), frozenset({0, 3}), frozenset()):
        with cast.refused(StaleVersion) as error:
            ON_EVENTS[verb](cast, event.id, expect=stale)
        assert (error.value.kind, error.value.current) == ("event", 2)
    ON_EVENTS[verb](cast, event.id, expect=frozenset({7, current.version}))


@pytest.mark.parametrize("verb", ON_EVENTS)
def test_an_unknown_event_is_not_found(cast, verb):
    for unknown in (NOTHING, EventId(int(cast.host.id))):
        with cast.refused(NotFound) as error:
            ON_EVENTS[verb](cast, unknown, expect=frozenset({1}))
        assert (error.value.kind, error.value.name) == ("event", unknown)


# ------------------------------------------------------------------------------------------------- cancelling, deleting
def test_a_cancelled_event_stays_readable_and_frees_everybody(cast):
    event = cast.event(cast.guest)
    after = cast.do(cancel_event, event.id, "Snow")
    assert (after.status, after.cancel_reason, after.version) == (Status.cancelled, "Snow", 2)
    assert after.counts == event.counts
    assert stored(cast, event) == after
    assert {(row[8], row[9], bool(row[10])) for row in cast.rows()["agenda"]} == {("cancelled", "free", False)}
    before = cast.rows()
    assert cast.do(cancel_event, event.id, "Rain") == after
    assert cast.rows() == before


def test_a_cancelled_event_can_be_deleted_and_nothing_else(cast):
    event = cast.event(cast.guest)
    cast.do(cancel_event, event.id)
    for verb in ("change", "transfer"):
        with cast.refused(EventCancelled):
            ON_EVENTS[verb](cast, event.id)
    cast.do(delete_event, event.id)
    assert not any(cast.rows()[table] for table in ("event", "participant", "agenda"))


def test_a_deleted_event_is_gone(cast):
    kept = cast.event(cast.guest)
    event = cast.event(cast.guest, cast.stranger)
    cast.do(delete_event, event.id)
    assert stored(cast, event) is None
    assert stored(cast, kept) == kept
    assert check_consistency(cast.database, cast.actor) == 1


# --------------------------------------------------------------------------------------------------------- transferring
def test_an_event_is_transferred_to_a_participant(cast):
    event = cast.event(cast.guest)
    after = cast.do(transfer_event, event.id, cast.guest.id)
    assert (after.host_id, after.version, after.counts) == (cast.guest.id, 2, ParticipantCounts(required=2, accepted=2))
    participations = cast.participations(event.id)
    assert (participations[cast.guest.id].response, participations[cast.guest.id].version) == (Response.accepted, 2)
    assert participations[cast.host.id].version == 1
    check_consistency(cast.database, cast.actor)


def test_an_event_is_transferred_to_somebody_who_takes_no_part(cast):
    event = cast.event(cast.guest)
    after = cast.do(transfer_event, event.id, cast.stranger.id)
    assert (after.host_id, after.counts.total) == (cast.stranger.id, 3)
    check_consistency(cast.database, cast.actor)


def test_a_new_host_attends_if_the_old_one_did(cast):
    event = cast.event(cast.guest, host_attends=False)
    after = cast.do(transfer_event, event.id, cast.stranger.id)
    assert (after.host_id, set(cast.participations(event.id))) == (cast.stranger.id, {cast.guest.id})
    check_consistency(cast.database, cast.actor)
    after = cast.do(transfer_event, event.id, cast.guest.id)
    assert (after.host_id, after.counts) == (cast.guest.id, ParticipantCounts(required=1, accepted=1))
    check_consistency(cast.database, cast.actor)


def test_transferring_to_the_host_changes_nothing(cast):
    event = cast.event(cast.guest)
    before = cast.rows()
    assert cast.do(transfer_event, event.id, cast.host.id) == event
    assert cast.rows() == before


def test_only_an_active_user_can_become_host(cast):
    event = cast.event(cast.guest)
    cast.do(delete_user, cast.stranger.id, hosted=HostedEvents.cancel)
    for host_id, code in ((NOBODY, "unknown_user"), (cast.stranger.id, "user_inactive")):
        with cast.refused(Invalid) as error:
            cast.do(transfer_event, event.id, host_id)
        assert [(fault.where, fault.code) for fault in error.value.faults] == [(("host_id",), code)]


def test_an_event_has_500_participants_at_most_its_host_among_them(cast):
    crowd = [cast.person().id for _ in range(500)]
    with cast.refused(Invalid) as error:
        cast.event(*crowd)
    assert [(fault.where, fault.code) for fault in error.value.faults] == [(("participants",), "too_many_participants")]
    full = cast.event(*crowd, host_attends=False)
    assert full.counts.total == 500
    event = cast.event(*crowd[:499])
    assert event.counts.total == 500
    with cast.refused(Invalid) as error:
        cast.force(transfer_event, event.id, crowd[499])
    assert [(fault.where, fault.code) for fault in error.value.faults] == [(("host_id",), "too_many_participants")]
    assert cast.force(transfer_event, event.id, crowd[0]).counts.total == 500
    cast.do(remove_participant, event.id, crowd[1])
    assert cast.force(transfer_event, event.id, crowd[499]).counts.total == 500
    check_consistency(cast.database, cast.actor)


# -------------------------------------------------------------------------------------------------- other organizations
@pytest.mark.parametrize("verb", ON_EVENTS)
def test_events_of_another_organization_do_not_exist(cast, database, verb):
    event = cast.event(cast.guest)
    other = assemble(database)
    before = cast.rows()
    with other.refused(NotFound):
        ON_EVENTS[verb](other, event.id)
    assert cast.rows() == before
