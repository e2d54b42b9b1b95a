"""Transfers: who is asked to host an event, who may answer, what an answer does, and what ends the offer."""

import json
from typing import Any

import pytest

from kalends.actions.booking import OnConflict
from kalends.actions.erasure import erase_user
from kalends.actions.events import (
    answer_transfer,
    cancel_event,
    change_event,
    delete_event,
    transfer_event,
    withdraw_transfer,
)
from kalends.actions.participants import remove_participant
from kalends.actions.user_deletion import HostedEvents, delete_user
from kalends.drafts import EventUpdate
from kalends.errors import BookingConflict, EventCancelled, Forbidden, Invalid, KalendsError, NotFound, StaleVersion
from kalends.model import Response, SharingLevel, UserId, Visibility
from kalends.reads.events import EventFilter
from kalends.reads.export import export_user
from kalends.reads.participants import list_participants
from kalends.rules.access import AccessLevel
from kalends.rules.zones import read_time
from kalends.store.events import find_event
from tests.cast import check_consistency, codes, instant
from tests.seen import list_events, read_event
from tests.threads import race

BEFORE = instant("2026-03-01T08:00+01:00")
AFTER = instant("2026-03-20T08:00+01:00")
LATER: dict[str, Any] = {"start": read_time("2026-03-11T14:00"), "end": read_time("2026-03-11T15:00")}


@pytest.fixture(autouse=True)
def before_it_all(clock):
    clock.set_to(BEFORE)


@pytest.fixture
def host(cast):
    return cast.as_person(cast.host)


@pytest.fixture
def stranger(cast):
    return cast.as_person(cast.stranger)


def offer(host, *guests, **details):
    """Create an event and ask the stranger to host it."""
    event = host.do(transfer_event, host.event(*guests, **details).id, host.stranger.id)
    assert (event.host_id, event.pending_host_id) == (host.host.id, host.stranger.id)
    return event


def stored(cast, event):
    return cast.ask(find_event, event.id)


# ------------------------------------------------------------------------------------------------------------- asking
def test_nobody_becomes_host_without_accepting(cast, host):
    made = cast.event(cast.guest, title="I quit")
    before = cast.rows()
    event = host.do(transfer_event, made.id, cast.stranger.id)
    after = cast.rows()
    assert (event.host_id, event.pending_host_id, event.version) == (cast.host.id, cast.stranger.id, 2)
    assert stored(cast, event) == event
    assert {name for name in before if before[name] != after[name]} == {"event", "audit"}
    assert [json.loads(text) for text in after["audit"][-1][-2:]] == [
        {"pending_host_id": None},
        {"pending_host_id": str(cast.stranger.id)},
    ]
    assert host.do(transfer_event, made.id, cast.stranger.id) == event
    assert cast.rows() == after, "asking once more changes nothing"
    check_consistency(cast.database, cast.actor)


@pytest.mark.parametrize("level", [None, *SharingLevel])
def test_only_write_access_to_the_new_hosts_calendar_transfers_without_an_offer(cast, host, level):
    event = cast.event()
    if level:
        cast.share(cast.stranger, cast.host, level)
    after = cast.as_person(cast.host).do(transfer_event, event.id, cast.stranger.id)
    at_once = level is SharingLevel.write
    assert (after.host_id, after.pending_host_id) == (
        (cast.stranger.id, None) if at_once else (cast.host.id, cast.stranger.id)
    )


def test_a_delegate_of_the_host_takes_an_event_over_without_an_offer(cast, stranger):
    event = cast.event()
    cast.share(cast.host, cast.stranger, SharingLevel.write)
    assert cast.as_person(cast.stranger).do(transfer_event, event.id, cast.stranger.id).host_id == cast.stranger.id


def test_a_new_offer_replaces_the_old_one(cast, host, stranger):
    event = offer(host, cast.guest)
    assert host.do(transfer_event, event.id, cast.guest.id).pending_host_id == cast.guest.id
    with stranger.refused(NotFound):
        stranger.do(answer_transfer, event.id, accept=True)
    assert cast.as_person(cast.guest).do(answer_transfer, event.id, accept=True).host_id == cast.guest.id


def test_transferring_to_the_host_withdraws_the_offer(cast, host):
    event = offer(host)
    after = host.do(transfer_event, event.id, cast.host.id)
    assert (after.host_id, after.pending_host_id, after.version) == (cast.host.id, None, 3)


def test_an_offer_needs_an_active_user(cast, host):
    event = cast.event()
    cast.do(delete_user, cast.stranger.id)
    for host_id, code in ((UserId(2**62), "unknown_user"), (cast.stranger.id, "user_inactive")):
        with host.refused(Invalid) as error:
            host.do(transfer_event, event.id, host_id)
        assert codes(error) == [code]


def test_a_cancelled_event_cannot_be_offered(cast, host):
    event = cast.event()
    cast.do(cancel_event, event.id)
    with host.refused(EventCancelled):
        host.do(transfer_event, event.id, cast.stranger.id)


# ---------------------------------------------------------------------------------------------------------- answering
def test_accepting_an_offer_makes_a_user_the_host(cast, host, stranger):
    event = offer(host, cast.guest)
    after = stranger.do(answer_transfer, event.id, accept=True)
    assert (after.host_id, after.pending_host_id, after.version) == (cast.stranger.id, None, 3)
    participation = cast.participations(event.id)[cast.stranger.id]
    assert (participation.response, participation.version) == (Response.accepted, 3)
    assert stranger.do(change_event, event.id, EventUpdate(title="Mine")).title == "Mine"
    with stranger.refused(NotFound) as error:
        stranger.do(answer_transfer, event.id, accept=True)
    assert str(error.value).startswith(f"No pending transfer of event {event.id} ")
    check_consistency(cast.database, cast.actor)


def test_accepting_an_event_that_its_host_does_not_attend_adds_no_participation(cast, host, stranger):
    event = offer(host, cast.guest, host_attends=False)
    stranger.do(answer_transfer, event.id, accept=True)
    assert cast.participations(event.id).keys() == {cast.guest.id}


def test_declining_an_offer_changes_nothing_else(cast, host, stranger):
    event = offer(host, cast.guest)
    after = stranger.do(answer_transfer, event.id, accept=False)
    assert (after.host_id, after.pending_host_id, after.version) == (cast.host.id, None, 3)
    for action, options in ((answer_transfer, {"accept": True}), (cancel_event, {})):
        with stranger.refused(NotFound):
            stranger.do(action, event.id, **options)
    check_consistency(cast.database, cast.actor)


def test_conflicts_are_checked_when_an_offer_is_accepted(cast, host, stranger):
    event = offer(host)
    busy = cast.event(host_id=cast.stranger.id)
    with stranger.refused(BookingConflict) as error:
        stranger.do(answer_transfer, event.id, accept=True)
    assert [(conflict.user_id, conflict.event_id) for conflict in error.value.conflicts] == [
        (cast.stranger.id, busy.id)
    ]
    saved = stranger.save(answer_transfer, event.id, accept=True, on_conflict=OnConflict.allow)
    assert saved.event.host_id == cast.stranger.id
    assert [conflict.event_id for conflict in saved.conflicts] == [busy.id]


def test_an_offer_of_a_full_event_cannot_be_accepted(cast, host, stranger, monkeypatch):
    event = offer(host, cast.guest)
    monkeypatch.setattr("kalends.rules.participation.MAX_PARTICIPANTS", 2)
    with stranger.refused(Invalid) as error:
        stranger.do(answer_transfer, event.id, accept=True)
    assert [(fault.where, fault.code) for fault in error.value.faults] == [(("response",), "too_many_participants")]
    cast.do(remove_participant, event.id, cast.guest.id)
    assert stranger.do(answer_transfer, event.id, accept=True).host_id == cast.stranger.id


@pytest.mark.parametrize("visibility", Visibility)
@pytest.mark.parametrize("level", [None, *SharingLevel])
def test_only_delegates_with_write_access_answer_an_offer(cast, host, level, visibility):
    """Delegates with write access may, as hosting is more than taking part; but not if the event is private."""
    event = offer(host, visibility=visibility)
    delegate = cast.person()
    if level:
        cast.share(cast.stranger, delegate, level)
    me = cast.as_person(delegate)
    if visibility is Visibility.private or level not in (SharingLevel.respond, SharingLevel.write):
        with me.refused(NotFound):
            me.do(answer_transfer, event.id, accept=True)
        with me.refused(NotFound):
            me.ask(read_event, event.id, expand=True)
        return
    assert me.ask(read_event, event.id, expand=True).access_level is AccessLevel.read
    assert [one.id for one in me.ask(list_events, asked(cast), 9, expand=False).events] == [event.id]
    if level is SharingLevel.write:
        assert me.do(answer_transfer, event.id, accept=True).host_id == cast.stranger.id
        return
    with me.refused(Forbidden):
        me.do(answer_transfer, event.id, accept=True)


def test_a_delegate_who_takes_part_in_a_private_event_does_not_accept_it(cast, host):
    event = offer(host, cast.guest, visibility=Visibility.private)
    cast.share(cast.stranger, cast.guest, SharingLevel.write)
    me = cast.as_person(cast.guest)
    with me.refused(Forbidden):
        me.do(answer_transfer, event.id, accept=True)


def test_an_operator_answers_for_everybody_and_the_host_for_nobody(cast, host):
    event = offer(host, cast.guest)
    for me in (host, cast.as_person(cast.guest)):
        with me.refused(Forbidden):
            me.do(answer_transfer, event.id, accept=True)
    assert cast.do(answer_transfer, event.id, accept=True).host_id == cast.stranger.id


def test_a_refusal_does_not_reveal_whether_somebody_is_the_pending_host(cast, host):
    """Neither to a participant of an event with hidden participants, nor to somebody who sees titles."""
    shown = cast.person()
    cast.share(cast.host, shown, SharingLevel.titles)
    event = cast.event(cast.guest, hide_participants=True)
    messages = set()
    for ask in (False, True):
        if ask:
            host.do(transfer_event, event.id, cast.stranger.id)
        for person in (cast.guest, shown):
            me = cast.as_person(person)
            with me.refused(Forbidden) as error:
                me.do(answer_transfer, event.id, accept=True)
            messages.add(str(error.value))
    assert len(messages) == 1
    with host.refused(Forbidden):
        host.do(answer_transfer, event.id, accept=True)
    host.do(withdraw_transfer, event.id)
    for me in (host, cast):
        with me.refused(NotFound):
            me.do(answer_transfer, event.id, accept=True)


# --------------------------------------------------------------------------------------------------- what ends an offer
def test_the_host_withdraws_an_offer(cast, host, stranger):
    event = offer(host)
    with stranger.refused(Forbidden):
        stranger.do(withdraw_transfer, event.id)
    with host.refused(StaleVersion):
        host.do(withdraw_transfer, event.id, expect=frozenset({1}))
    host.do(withdraw_transfer, event.id, expect=frozenset({2}))
    after = stored(cast, event)
    assert (after.host_id, after.pending_host_id, after.version) == (cast.host.id, None, 3)
    with host.refused(NotFound):
        host.do(withdraw_transfer, event.id)
    with stranger.refused(NotFound):
        stranger.do(answer_transfer, event.id, accept=True)


@pytest.mark.parametrize("takes_part", [False, True])
@pytest.mark.parametrize(
    "end",
    [
        lambda cast, event: cast.do(cancel_event, event.id),
        lambda cast, event: cast.do(delete_event, event.id),
        lambda cast, event: cast.do(transfer_event, event.id, cast.guest.id),
        lambda cast, event: cast.do(delete_user, cast.host.id, hosted=HostedEvents.cancel),
        lambda cast, event: cast.do(delete_user, cast.host.id, hosted=HostedEvents.transfer, to=cast.guest.id),
    ],
    ids=["cancelled", "deleted", "transferred", "host deleted", "host replaced"],
)
def test_an_offer_ends_with_its_event(cast, host, stranger, end, takes_part):
    event = offer(host, *([cast.stranger] if takes_part else []))
    end(cast, event)
    after = stored(cast, event)
    assert after is None or after.pending_host_id is None
    with stranger.refused(Forbidden if takes_part and after else NotFound):
        stranger.do(answer_transfer, event.id, accept=True)
    check_consistency(cast.database, cast.actor)


def test_a_transfer_by_an_operator_to_the_pending_host_needs_no_answer(cast, host, stranger):
    event = offer(host)
    assert cast.do(transfer_event, event.id, cast.stranger.id).pending_host_id is None
    with stranger.refused(NotFound):
        stranger.do(answer_transfer, event.id, accept=False)
    assert stored(cast, event).host_id == cast.stranger.id


def test_accepting_an_event_that_moved_accepts_its_new_time(cast, host, stranger):
    """A caller who wants to be sure of the time sends the version that they have seen."""
    event = offer(host)
    moved = host.do(change_event, event.id, EventUpdate(**LATER))
    assert moved.pending_host_id == cast.stranger.id
    for accept in (True, False):
        with stranger.refused(StaleVersion):
            stranger.do(answer_transfer, event.id, accept=accept, expect=frozenset({event.version}))
    cast.event(host_id=cast.stranger.id)
    after = stranger.do(answer_transfer, event.id, accept=True, expect=frozenset({moved.version}))
    assert (after.host_id, after.block) == (cast.stranger.id, moved.block)


@pytest.mark.parametrize("leave", [delete_user, erase_user])
@pytest.mark.parametrize("ended", [False, True])
@pytest.mark.parametrize("takes_part", [False, True])
def test_an_offer_ends_when_the_pending_host_is_deleted(cast, host, clock, leave, ended, takes_part):
    event = offer(host, cast.guest, *([cast.stranger] if takes_part else []))
    other = cast.event(cast.stranger, **LATER)
    if ended:
        clock.set_to(AFTER)
    cast.do(leave, cast.stranger.id)
    after = stored(cast, event)
    assert (after.host_id, after.pending_host_id, after.version) == (cast.host.id, None, 3)
    assert (cast.stranger.id in cast.participations(event.id)) is (takes_part and ended), (
        "past events go on naming them"
    )
    assert stored(cast, other).version == (1 if ended else 2)
    assert cast.ask(export_user, cast.stranger.id).asked_to_host == []
    check_consistency(cast.database, cast.actor)


def test_a_past_event_of_a_deleted_host_can_still_be_accepted(cast, host, stranger, clock):
    event = offer(host, cast.guest)
    clock.set_to(AFTER)
    cast.do(delete_user, cast.host.id)
    assert stored(cast, event).pending_host_id == cast.stranger.id
    assert stranger.do(answer_transfer, event.id, accept=True).host_id == cast.stranger.id
    assert cast.host.id in cast.participations(event.id)


def test_an_offer_is_answered_once_however_many_answer(cast, host, stranger):
    event = offer(host)
    works = [
        lambda: stranger.do(answer_transfer, event.id, accept=True) and None,
        lambda: stranger.do(answer_transfer, event.id, accept=False) and None,
        lambda: host.do(withdraw_transfer, event.id),
        lambda: cast.do(delete_user, cast.stranger.id, hosted=HostedEvents.cancel),
    ]
    results = race(works)
    assert all(result is None or isinstance(result, KalendsError) for result in results)
    after = stored(cast, event)
    assert after.pending_host_id is None
    assert (after.status == "cancelled") is (after.host_id == cast.stranger.id)
    check_consistency(cast.database, cast.actor)


def test_nobody_is_offered_an_event_while_they_are_deleted(cast, host):
    events = [cast.event(**LATER) for _ in range(6)]
    works = [lambda event=event: host.do(transfer_event, event.id, cast.stranger.id) and None for event in events]
    results = race([*works, lambda: cast.do(delete_user, cast.stranger.id)])
    for result in results:
        assert result is None or [fault.code for fault in result.faults] == ["user_inactive"]
    check_consistency(cast.database, cast.actor)


# ------------------------------------------------------------------------------------------------------- who sees it
def asked(cast):
    return EventFilter(pending_host_id=cast.stranger.id)


@pytest.mark.parametrize("visibility", Visibility)
@pytest.mark.parametrize("hides", [False, True])
def test_the_pending_host_sees_what_a_participant_would(cast, host, stranger, visibility, hides):
    made = cast.event(cast.guest, visibility=visibility, hide_participants=hides)
    with stranger.refused(NotFound):
        stranger.ask(read_event, made.id, expand=True)
    host.do(transfer_event, made.id, cast.stranger.id)
    seen = stranger.ask(read_event, made.id, expand=True)
    (listed,) = stranger.ask(list_events, asked(cast), 9, expand=False).events
    assert (seen.access_level, seen.event) == (AccessLevel.read, listed)
    assert listed.pending_host_id == cast.stranger.id
    people = {cast.host.id} if hides else {cast.host.id, cast.guest.id}
    assert {one.participation.user_id for one in seen.participants or ()} == people
    assert {one.participation.user_id for one in stranger.ask(list_participants, made.id, 9).items} == people
    assert stranger.ask(list_events, EventFilter(), 9, expand=False).events == [], "it is not theirs yet"
    with stranger.refused(Forbidden):
        stranger.do(change_event, made.id, EventUpdate(title="x"))
    stranger.do(answer_transfer, made.id, accept=False)
    with stranger.refused(NotFound):
        stranger.ask(read_event, made.id, expand=True)
    assert stranger.ask(list_events, asked(cast), 9, expand=False).events == []


@pytest.mark.parametrize("hides", [False, True])
def test_who_else_sees_the_pending_host(cast, host, hides):
    """Those who see the whole event; if it hides its participants, those who may change it."""
    people = {level: cast.person() for level in (SharingLevel.titles, SharingLevel.read, SharingLevel.write)}
    for level, person in people.items():
        cast.share(cast.host, person, level)
    event = offer(host, cast.guest, hide_participants=hides)
    viewers = {None: cast, "host": host, "guest": cast.as_person(cast.guest)}
    viewers |= {level: cast.as_person(person) for level, person in people.items()}
    shown = {who for who, me in viewers.items() if me.ask(read_event, event.id, expand=False).event.pending_host_id}
    found = {who for who, me in viewers.items() if me.ask(list_events, asked(cast), 9, expand=False).events}
    own = EventFilter(pending_host_id=cast.stranger.id, user_id=cast.guest.id)
    assert shown == found == {None, "host", SharingLevel.write} | (set() if hides else {"guest", SharingLevel.read})
    assert bool(viewers["guest"].ask(list_events, own, 9, expand=False).events) is not hides
