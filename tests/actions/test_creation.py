"""Creating an event: one block within one day, its host and first participants, and all faults reported at once."""

from typing import Any

import pytest

from kalends.actions.events import create_event
from kalends.actions.user_deletion import delete_user
from kalends.drafts import EventCreate, ParticipantCreate
from kalends.errors import Invalid
from kalends.model import (
    Event,
    Metadata,
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
from tests.cast import BERLIN, Cast, assemble, check_consistency, codes

NOBODY = UserId(2**62)


def draft(cast: Cast, **changes: Any) -> EventCreate:
    times = {"start": read_time("2026-03-09T14:00"), "end": read_time("2026-03-09T15:00")}
    return EventCreate(title="Planning", time_zone=BERLIN, **times, **changes)


def stored(cast: Cast, event: Event) -> Event:
    return cast.ask(find_event, event.id)


def test_a_new_event_has_the_given_members_and_its_host_attends(cast):
    event = cast.event(
        cast.guest, description="All of it", location="Room 1", status="tentative", show_as=ShowAs.free,
        visibility=Visibility.private, metadata=Metadata(colour="red"),
    )  # fmt: skip
    assert stored(cast, event) == event
    assert (event.title, event.description, event.location) == ("Planning", "All of it", "Room 1")
    assert (event.status, event.show_as, event.visibility) == (Status.tentative, ShowAs.free, Visibility.private)
    assert (event.metadata, event.version) == ('{"colour":"red"}', 1)
    assert event.block.start_local == "2026-03-09T14:00:00+01:00"
    assert event.counts == ParticipantCounts(required=2, accepted=1, needs_action=1)
    participations = cast.participations(event.id)
    assert (participations[cast.host.id].role, participations[cast.host.id].response) == (
        Role.required,
        Response.accepted,
    )
    assert (participations[cast.guest.id].role, participations[cast.guest.id].response) == (
        Role.required,
        Response.needs_action,
    )
    assert cast.stranger.id not in participations
    assert check_consistency(cast.database, cast.actor) == 1


def test_a_host_who_does_not_attend_has_no_participation(cast):
    event = cast.event(cast.guest, host_attends=False)
    assert (event.host_id, set(cast.participations(event.id))) == (cast.host.id, {cast.guest.id})
    check_consistency(cast.database, cast.actor)


def test_a_host_may_be_named_as_a_participant_to_choose_their_role(cast):
    event = cast.event(participants=[ParticipantCreate(user_id=cast.host.id, role=Role.optional)])
    participation = cast.participations(event.id)[cast.host.id]
    assert (participation.role, participation.response, event.counts.total) == (Role.optional, Response.accepted, 1)


@pytest.mark.parametrize(
    ("start", "end", "zone"),
    [
        ("2026-03-09T00:00", "2026-03-09T24:00", "Europe/Berlin"),  # 24:00 ends that day
        ("2026-03-09T22:00", "2026-03-10T00:00", "Europe/Berlin"),
        ("2026-03-29T00:00", "2026-03-29T24:00", "Europe/Berlin"),  # 23 hours
        ("2026-10-25T00:00", "2026-10-25T24:00", "Europe/Berlin"),  # 25 hours
        ("2026-03-09T23:30Z", "2026-03-10T01:30Z", "America/New_York"),  # one day there
        ("2026-03-09T14:00", "2026-03-09T14:01", "UTC"),  # the shortest
        ("1999-12-31T10:00", "1999-12-31T11:00", "UTC"),  # the past is allowed
    ],
)
def test_one_block_within_one_day(cast, start, end, zone):
    event = cast.event(start=read_time(start), end=read_time(end), time_zone=Zone(zone))
    assert stored(cast, event).block == event.block
    check_consistency(cast.database, cast.actor)


@pytest.mark.parametrize(
    ("start", "end", "code"),
    [
        ("2026-03-09T23:00", "2026-03-10T00:01", "not_one_day"),
        ("2026-03-09T23:00", "2026-03-10T24:00", "not_one_day"),
        ("2026-03-09T14:00", "2026-03-09T14:00", "end_before_start"),
        ("2026-03-09T14:00", "2026-03-09T13:00", "end_before_start"),
        ("2026-03-09T14:00", "2026-03-09T14:00:59", "too_short"),
        ("2026-03-29T02:30", "2026-03-29T04:00", "nonexistent_time"),
        ("2026-03-29T01:00:00.5", "2026-03-29T04:00", "invalid_time"),
    ],
)
def test_other_blocks_of_time_are_refused(cast, start, end, code):
    with cast.refused(Invalid) as error:
        cast.event(start=read_time(start), end=read_time(end))
    assert codes(error) == [code]


def test_the_zone_is_that_of_the_host_unless_one_is_given(cast):
    host = cast.person(time_zone=Zone("Asia/Tokyo"))
    times = {"start": read_time("2026-03-09T14:00Z"), "end": read_time("2026-03-09T14:30Z")}
    event = cast.event(host_id=host.id, time_zone=None, **times)
    assert event.block.time_zone == "Asia/Tokyo"
    assert event.block.start_local == "2026-03-09T23:00:00+09:00"
    assert cast.event(host_id=host.id, **times).block.time_zone == "Europe/Berlin"


def test_local_times_without_a_zone_are_in_the_zone_of_the_host(cast):
    host = cast.person(time_zone=Zone("Asia/Tokyo"))
    event = cast.event(host_id=host.id, time_zone=None)
    assert event.block.time_zone == "Asia/Tokyo"
    assert event.block.start_local == "2026-03-09T14:00:00+09:00"
    with cast.refused(Invalid) as error:
        cast.event(time_zone=None, start=read_time("2026-03-29T02:30"), end=read_time("2026-03-29T04:00"))
    assert codes(error) == ["nonexistent_time"]


def test_an_unknown_host_is_reported_without_checking_the_day_in_their_zone(cast):
    times = {"start": read_time("2026-03-09T23:00Z"), "end": read_time("2026-03-10T01:00Z"), "time_zone": None}
    with cast.refused(Invalid) as error:
        cast.event(host_id=NOBODY, **times)
    assert codes(error) == ["unknown_user"]
    with cast.refused(Invalid) as error:
        cast.event(host_id=NOBODY, **times | {"end": read_time("2026-03-09T22:00Z")})
    assert codes(error) == ["unknown_user", "end_before_start"]
    with cast.refused(Invalid) as error:
        cast.event(host_id=NOBODY, time_zone=None)
    assert codes(error) == ["unknown_user"]


def test_all_faults_of_a_new_event_are_reported_together(cast):
    gone = cast.person()
    cast.do(delete_user, gone.id)
    invited = [cast.guest.id, NOBODY, gone.id, cast.guest.id, cast.host.id]
    with cast.refused(Invalid) as error:
        cast.event(
            *invited, host_attends=False, start=read_time("2026-03-29T02:30"), end=read_time("2026-03-29T04:00:00.5")
        )
    assert [(fault.where, fault.code) for fault in error.value.faults] == [
        (("participants", 1, "user_id"), "unknown_user"),
        (("participants", 2, "user_id"), "user_inactive"),
        (("participants", 3, "user_id"), "duplicate_participant"),
        (("participants", 4, "user_id"), "host_does_not_attend"),
        (("start",), "nonexistent_time"),
        (("end",), "invalid_time"),
    ]
    with cast.refused(Invalid) as error:
        cast.event(host_id=gone.id)
    assert [(fault.where, fault.code) for fault in error.value.faults] == [(("host_id",), "user_inactive")]


def test_people_of_another_organization_do_not_exist(cast, database):
    other = assemble(database)
    with cast.refused(Invalid) as error:
        cast.do(
            create_event, draft(cast, host_id=other.host.id, participants=[ParticipantCreate(user_id=other.guest.id)])
        )
    assert codes(error) == ["unknown_user", "unknown_user"]
