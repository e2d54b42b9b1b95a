"""Sharing a calendar: what delegates may do, and when sharing ends."""

import pytest

from kalends.actions import sharing
from kalends.actions.events import answer_transfer, cancel_event, change_event, create_event, transfer_event
from kalends.actions.hours import clear_working_hours, set_working_hours
from kalends.actions.participants import add_participants, answer_invitation, remove_participant
from kalends.actions.sharing import share_calendar, stop_sharing
from kalends.actions.user_deletion import delete_user
from kalends.actions.users import change_user, create_user
from kalends.drafts import EventCreate, EventUpdate, ParticipantCreate, ResponseUpdate, UserCreate, UserUpdate
from kalends.errors import Forbidden, Invalid, NotFound
from kalends.model import Email, SharingLevel, UserId, Visibility
from kalends.reads.sharing import list_shares
from kalends.rules.hours import WorkingHours
from kalends.rules.zones import read_time
from tests.cast import BERLIN, assemble, codes

LET_IN = [level for level in SharingLevel if level is not SharingLevel.free_busy]
NO_HOURS = WorkingHours(((),) * 7, {})


@pytest.fixture(autouse=True)
def before_it_all(clock, cast):
    clock.set_to(cast.event(title="earlier", host_id=cast.person().id).block.span.start - 7 * 24 * 3_600_000_000)


def draft(host_id):
    return EventCreate(
        host_id=host_id,
        title="x",
        start=read_time("2026-03-10T14:00"),
        end=read_time("2026-03-10T15:00"),
        time_zone=BERLIN,
    )


def test_a_share_is_created_changed_and_removed(cast):
    host = cast.as_person(cast.host)
    made, new = host.do(share_calendar, cast.host.id, cast.guest.id, SharingLevel.titles)
    assert (made.level, new) == (SharingLevel.titles, True)
    before = cast.rows()
    assert host.do(share_calendar, cast.host.id, cast.guest.id, SharingLevel.titles) == (made, False)
    assert cast.rows() == before, "the same level once more changes nothing"
    more, new = host.do(share_calendar, cast.host.id, cast.guest.id, SharingLevel.write)
    assert (more.level, new) == (SharingLevel.write, False)
    assert host.ask(list_shares, cast.host.id, received=False) == [more]
    assert cast.as_person(cast.guest).ask(list_shares, cast.guest.id, received=True) == [more]
    assert cast.ask(list_shares, cast.guest.id, received=False) == []
    host.do(stop_sharing, cast.host.id, cast.guest.id)
    assert host.ask(list_shares, cast.host.id, received=False) == []
    with host.refused(NotFound):
        host.do(stop_sharing, cast.host.id, cast.guest.id)


@pytest.mark.parametrize("level", SharingLevel)
def test_only_the_owner_and_operators_share_a_calendar(cast, level):
    """Not even a delegate with write access: access that was granted cannot be passed on."""
    cast.share(cast.host, cast.guest, level)
    me, third = cast.as_person(cast.guest), cast.person()
    for action in (
        (share_calendar, cast.host.id, third.id, SharingLevel.free_busy),
        (stop_sharing, cast.host.id, cast.guest.id),
    ):
        with me.refused(Forbidden):
            me.do(*action)
    for received in (False, True):
        with me.refused(Forbidden):
            me.ask(list_shares, cast.host.id, received=received)


def test_nobody_shares_with_themselves_or_with_unknown_users(cast, database):
    gone, foreign, unknown = cast.person(), assemble(database).host, UserId(2**62)
    cast.do(delete_user, gone.id)
    host = cast.as_person(cast.host)
    for acting in (host, cast):
        for other, code in (
            (cast.host.id, "own_calendar"),
            (gone.id, "user_inactive"),
            (foreign.id, "unknown_user"),
            (unknown, "unknown_user"),
        ):
            with acting.refused(Invalid) as error:
                acting.do(share_calendar, cast.host.id, other, SharingLevel.read)
            assert codes(error) == [code]
        for owner in (gone.id, foreign.id, unknown):
            with acting.refused(NotFound):
                acting.do(share_calendar, owner, cast.guest.id, SharingLevel.read)
            with acting.refused(NotFound):
                acting.do(stop_sharing, owner, cast.guest.id)
            with acting.refused(NotFound):
                acting.ask(list_shares, owner, received=False)


def test_the_number_of_calendars_shared_with_one_person_is_limited(cast, monkeypatch):
    monkeypatch.setattr(sharing, "MAX_SHARES", 2)
    owners = [cast.person() for _ in range(3)]
    for owner in owners[:2]:
        cast.share(owner, cast.guest, SharingLevel.titles)
    with cast.refused(Invalid) as error:
        cast.do(share_calendar, owners[2].id, cast.guest.id, SharingLevel.titles)
    assert codes(error) == ["too_many_shares"]
    cast.share(owners[0], cast.guest, SharingLevel.write)
    cast.do(stop_sharing, owners[1].id, cast.guest.id)
    cast.share(owners[2], cast.guest, SharingLevel.titles)


def test_deleting_a_user_removes_all_shares_with_them_and_by_them(cast):
    other = cast.person()
    cast.share(cast.guest, cast.stranger, SharingLevel.read)
    cast.share(other, cast.guest, SharingLevel.read)
    cast.share(other, cast.stranger, SharingLevel.read)
    cast.do(delete_user, cast.guest.id)
    assert [(row.owner_id, row.user_id) for row in cast.ask(list_shares, other.id, received=False)] == [
        (other.id, cast.stranger.id)
    ]
    assert len(cast.rows()["share"]) == 1


@pytest.mark.parametrize("level", [None, *SharingLevel])
def test_write_access_lets_delegates_manage_the_events_of_the_host(cast, level):
    event = cast.event(cast.guest)
    if level:
        cast.share(cast.host, cast.stranger, level)
    me = cast.as_person(cast.stranger)
    calls = (
        (create_event, draft(cast.host.id)),
        (change_event, event.id, EventUpdate(title="moved")),
        (add_participants, event.id, [ParticipantCreate(user_id=cast.stranger.id)]),
        (remove_participant, event.id, cast.stranger.id),
        (set_working_hours, cast.host.id, NO_HOURS),
        (clear_working_hours, cast.host.id),
        (cancel_event, event.id),
    )
    for action, *arguments in calls:
        if level is SharingLevel.write:
            me.do(action, *arguments)
        else:
            with me.refused((Forbidden, NotFound)):
                me.do(action, *arguments)
    with me.refused(Forbidden):
        me.do(change_user, cast.host.id, UserUpdate(name="x"))


@pytest.mark.parametrize("level", [None, *SharingLevel])
def test_respond_access_lets_delegates_answer_for_a_participant_and_for_a_host(cast, level):
    event = cast.event(cast.guest)
    if level:
        cast.share(cast.guest, cast.stranger, level)
    me = cast.as_person(cast.stranger)
    if level in (SharingLevel.respond, SharingLevel.write):
        answered = me.do(answer_invitation, event.id, cast.guest.id, ResponseUpdate(response="accepted"))
        assert answered.participation.response == "accepted"
        with me.refused(Forbidden):
            me.do(answer_invitation, event.id, cast.host.id, ResponseUpdate(response="declined"))
        with me.refused(Forbidden):
            me.do(change_event, event.id, EventUpdate(title="x"))
    else:
        with me.refused(NotFound):
            me.do(answer_invitation, event.id, cast.guest.id, ResponseUpdate(response="accepted"))
    hosted = cast.event(host_id=cast.guest.id, start=read_time("2026-03-11T14:00"), end=read_time("2026-03-11T15:00"))
    if level in (SharingLevel.respond, SharingLevel.write):
        assert me.do(answer_invitation, hosted.id, cast.guest.id, ResponseUpdate(response="declined"))
    else:
        with me.refused((Forbidden, NotFound)):
            me.do(answer_invitation, hosted.id, cast.guest.id, ResponseUpdate(response="declined"))


def test_without_a_share_everybody_answers_only_for_themselves(cast):
    event = cast.event(cast.guest, cast.stranger)
    me = cast.as_person(cast.guest)
    assert me.do(answer_invitation, event.id, cast.guest.id, ResponseUpdate(response="accepted"))
    for other in (cast.host.id, cast.stranger.id, UserId(2**62)):
        with me.refused(Forbidden):
            me.do(answer_invitation, event.id, other, ResponseUpdate(response="declined"))
    host = cast.as_person(cast.host)
    with host.refused(Forbidden):
        host.do(answer_invitation, event.id, cast.guest.id, ResponseUpdate(response="declined"))


def test_transferring_an_event_transfers_the_right_to_change_it(cast):
    """The old host stays as a participant: they can see the event but no longer change it."""
    event = cast.event()
    host, guest = cast.as_person(cast.host), cast.as_person(cast.guest)
    assert host.do(transfer_event, event.id, cast.guest.id).host_id == cast.host.id
    assert guest.do(answer_transfer, event.id, accept=True).host_id == cast.guest.id
    with host.refused(Forbidden):
        host.do(transfer_event, event.id, cast.host.id)
    assert host.do(answer_invitation, event.id, cast.host.id, ResponseUpdate(response="declined"))
    assert guest.do(change_event, event.id, EventUpdate(title="Mine")).title == "Mine"


def test_delegates_lose_access_to_events_that_are_transferred_or_made_private(cast):
    cast.share(cast.host, cast.stranger, SharingLevel.write)
    me = cast.as_person(cast.stranger)
    away, hidden = cast.event(), cast.event(start=read_time("2026-03-11T14:00"), end=read_time("2026-03-11T15:00"))
    assert me.do(transfer_event, away.id, cast.guest.id).pending_host_id == cast.guest.id
    assert cast.as_person(cast.guest).do(answer_transfer, away.id, accept=True).host_id == cast.guest.id
    assert me.do(change_event, hidden.id, EventUpdate(visibility=Visibility.private)).visibility == "private"
    with me.refused(Forbidden):  # they see it still: the old host takes part
        me.do(change_event, away.id, EventUpdate(title="x"))
    with me.refused(NotFound):
        me.do(change_event, hidden.id, EventUpdate(title="x"))


def test_people_host_in_their_own_name_and_add_nobody_to_the_organization(cast, database):
    me = cast.as_person(cast.guest)
    assert me.do(create_event, draft(cast.guest.id)).host_id == cast.guest.id
    for host_id in (cast.host.id, UserId(2**62), assemble(database).host.id):
        with me.refused(Forbidden):
            me.do(create_event, draft(host_id))
    with me.refused(Forbidden):
        me.do(create_user, UserCreate(name="x", email=Email("x@example.org")))
    for user_id in (cast.guest.id, cast.host.id, UserId(2**62)):
        with me.refused(Forbidden):
            me.do(delete_user, user_id)
    assert me.do(change_user, cast.guest.id, UserUpdate(name="Gus")).name == "Gus"
