"""Deleting a user: what happens to the events that they host and to their participations."""

from typing import Any

import pytest

from kalends.actions import user_deletion
from kalends.actions.events import cancel_event, change_event, transfer_event
from kalends.actions.participants import add_participants, remove_participant
from kalends.actions.user_deletion import HostedEvents, delete_user
from kalends.actions.users import create_user
from kalends.drafts import EventUpdate, ParticipantCreate, UserCreate
from kalends.errors import HostsEvents, Invalid, NotFound, StaleVersion, TooManyEvents
from kalends.model import Email, Status, UserId
from kalends.reads.events import EventFilter
from kalends.reads.users import list_users, read_user
from kalends.rules.zones import read_time
from kalends.store.database import Database
from tests.cast import Cast, assemble, check_consistency, instant
from tests.seen import list_events, read_event
from tests.threads import at_once, waiting_writers

TOMORROW: dict[str, Any] = {"start": read_time("2026-03-10T14:00"), "end": read_time("2026-03-10T15:00")}


@pytest.fixture(autouse=True)
def after_the_event(clock):
    """Set the clock to an hour after the default event of the cast."""
    clock.set_to(instant("2026-03-09T16:00+01:00"))


def read(cast: Cast, event):
    found, _, participants = cast.ask(read_event, event.id, expand=True)
    return found, participants


def test_a_deleted_user_is_gone_and_their_address_is_free_again(cast):
    cast.do(delete_user, cast.guest.id)
    with pytest.raises(NotFound):
        cast.ask(read_user, cast.guest.id)
    assert cast.guest.id not in {user.id for user in cast.ask(list_users, 50).items}
    again = cast.do(create_user, UserCreate(name="Gustav II", email=Email(cast.guest.email)))
    assert again.id != cast.guest.id
    with cast.refused(NotFound):
        cast.do(delete_user, cast.guest.id)
    cast.do(delete_user, again.id)


def test_past_events_keep_a_tombstone_and_future_participations_are_freed(cast):
    past = cast.event(cast.guest, cast.stranger)
    future = cast.event(cast.guest, cast.stranger, **TOMORROW)
    cast.do(delete_user, cast.guest.id)
    event, guests = read(cast, past)
    assert (event, {guest.name for guest in guests}) == (past, {"Hanna Host", "Gustav Guest", "Stella Stranger"})
    event, guests = read(cast, future)
    assert (event.version, event.counts.total) == (2, 2)
    assert {guest.participation.user_id for guest in guests} == {cast.host.id, cast.stranger.id}
    listed = cast.ask(list_events, EventFilter(user_id=cast.guest.id), 50, expand=False).events
    assert [event.id for event in listed] == [past.id]
    check_consistency(cast.database, cast.actor)


def test_an_event_is_past_the_moment_it_ends(cast, clock):
    event = cast.event(cast.guest)
    clock.set_to(event.block.span.end - 1)
    with cast.refused(HostsEvents):
        cast.do(delete_user, cast.host.id)
    clock.set_to(event.block.span.end)
    cast.do(delete_user, cast.host.id)
    assert read(cast, event)[0].host_id == cast.host.id
    check_consistency(cast.database, cast.actor)


def test_a_host_of_future_events_is_not_deleted_and_the_refusal_counts_them(cast):
    cast.event(cast.guest)
    for _ in range(3):
        cast.event(cast.guest, **TOMORROW)
    cancelled = cast.event(**TOMORROW)
    cast.do(cancel_event, cancelled.id)
    with cast.refused(HostsEvents) as error:
        cast.do(delete_user, cast.host.id)
    assert error.value.count == 3


def test_a_user_with_too_many_future_events_is_not_deleted(cast, monkeypatch):
    for _ in range(3):
        cast.event(cast.guest, **TOMORROW)
    monkeypatch.setattr(user_deletion, "MAX_DELETED_EVENTS", 2)
    for person, hosted in ((cast.guest, None), (cast.host, HostedEvents.cancel)):
        with cast.refused(TooManyEvents) as error:
            cast.do(delete_user, person.id, hosted=hosted)
        assert str(error.value).startswith("Unfinished events of the user: 3. At most 2 can be cancelled")
    monkeypatch.setattr(user_deletion, "MAX_DELETED_EVENTS", 3)
    monkeypatch.setattr(user_deletion, "MAX_TRANSFERRED_EVENTS", 2)
    with cast.refused(TooManyEvents) as error:
        cast.do(delete_user, cast.host.id, hosted=HostedEvents.transfer, to=cast.stranger.id)
    assert str(error.value).startswith("The user hosts 3 unfinished events, and at most 2 can be transferred")
    cast.do(delete_user, cast.guest.id)
    cast.do(delete_user, cast.host.id, hosted=HostedEvents.cancel)
    check_consistency(cast.database, cast.actor)


def test_the_number_of_statements_does_not_grow_with_future_events(cast):
    def statements(person):
        cast.event(person, cast.stranger, **TOMORROW)
        return lambda tx: delete_user(tx, cast.actor, person.id) or tx.statements

    few, many = cast.person(), cast.person()
    for _ in range(5):
        cast.event(many, cast.stranger, **TOMORROW)
    assert cast.database.write(statements(many)) == cast.database.write(statements(few))
    check_consistency(cast.database, cast.actor)


def test_deleting_a_host_can_cancel_their_events(cast):
    past = cast.event(cast.guest)
    future = cast.event(cast.guest, **TOMORROW)
    cast.do(delete_user, cast.host.id, hosted=HostedEvents.cancel)
    assert read(cast, past)[0] == past
    event, guests = read(cast, future)
    assert (event.status, event.host_id, event.version) == (Status.cancelled, cast.host.id, 2)
    assert [guest.participation.user_id for guest in guests] == [cast.guest.id]
    check_consistency(cast.database, cast.actor)


def test_deleting_a_host_can_transfer_their_events(cast):
    past = cast.event(cast.guest)
    concerned = cast.event(cast.guest, cast.stranger, **TOMORROW)
    unattended = cast.event(cast.guest, **TOMORROW)
    away = cast.event(cast.guest, host_attends=False, **TOMORROW)
    cancelled = cast.event(cast.guest, **TOMORROW)
    cast.do(cancel_event, cancelled.id)
    cast.force(delete_user, cast.host.id, hosted=HostedEvents.transfer, to=cast.stranger.id)
    assert read(cast, past)[0] == past
    assert read(cast, cancelled)[0].host_id == cast.host.id
    for event, people in (
        (concerned, {cast.guest, cast.stranger}),
        (unattended, {cast.guest, cast.stranger}),
        (away, {cast.guest}),
    ):
        after, guests = read(cast, event)
        assert (after.host_id, after.version, after.status) == (cast.stranger.id, 2, Status.confirmed)
        assert {guest.participation.user_id for guest in guests} == {person.id for person in people}
        assert {guest.participation.user_id for guest in guests if guest.is_host} <= {cast.stranger.id}
    check_consistency(cast.database, cast.actor)


def test_an_event_that_keeps_its_host_and_loses_no_participation_keeps_its_version(cast):
    event = cast.event(cast.guest, host_attends=False, **TOMORROW)
    cast.do(cancel_event, event.id)
    before = read(cast, event)
    cast.do(delete_user, cast.host.id)
    assert read(cast, event) == before
    check_consistency(cast.database, cast.actor)


def test_the_successor_is_another_active_user_and_named_only_when_needed(cast, database):
    cast.event(**TOMORROW)
    gone = cast.person()
    cast.do(delete_user, gone.id)
    elsewhere = assemble(database).guest.id
    for hosted, to, code in (
        (HostedEvents.transfer, None, "wrong_successor"),
        (HostedEvents.cancel, cast.guest.id, "wrong_successor"),
        (None, cast.guest.id, "wrong_successor"),
        (HostedEvents.transfer, cast.host.id, "wrong_successor"),
        (HostedEvents.transfer, gone.id, "user_inactive"),
        (HostedEvents.transfer, UserId(1), "unknown_user"),
        (HostedEvents.transfer, elsewhere, "unknown_user"),
    ):
        with cast.refused(Invalid) as error:
            cast.do(delete_user, cast.host.id, hosted=hosted, to=to)
        assert [(fault.where, fault.code) for fault in error.value.faults] == [(("to",), code)]
    with cast.refused(NotFound):
        cast.do(delete_user, UserId(2), hosted=HostedEvents.transfer, to=UserId(1))


def test_a_stale_version_is_refused(cast):
    with cast.refused(StaleVersion) as error:
        cast.do(delete_user, cast.guest.id, expect=frozenset({2}))
    assert (error.value.kind, error.value.current) == ("user", 1)
    cast.do(delete_user, cast.guest.id, expect=frozenset({1}))


def test_users_of_another_organization_do_not_exist(cast, database):
    before = cast.rows()
    with assemble(database).refused(NotFound):
        assemble(database).do(delete_user, cast.guest.id)
    assert cast.rows() == before


def test_a_participation_that_is_added_while_its_user_is_deleted_is_freed(cast, database: Database):
    """The deletion has read what concerns the user and waits for their lock; meanwhile they are added to an event."""
    event = cast.event(**TOMORROW)

    def add(tx):
        add_participants(tx, cast.actor, event.id, [ParticipantCreate(user_id=cast.guest.id)])
        deletion.start()
        waiting_writers(database, 1)

    deletion = at_once(lambda: cast.do(delete_user, cast.guest.id))
    database.write(add)
    deletion.result()
    assert set(cast.participations(event.id)) == {cast.host.id}
    assert read(cast, event)[0].version == 3
    check_consistency(cast.database, cast.actor)


def test_a_past_event_that_moves_to_the_future_while_its_guest_is_deleted_loses_them(cast, database: Database):
    event = cast.event(cast.guest)

    def move(tx):
        change_event(tx, cast.actor, event.id, EventUpdate(**TOMORROW))
        deletion.start()
        waiting_writers(database, 1)

    deletion = at_once(lambda: cast.do(delete_user, cast.guest.id))
    database.write(move)
    deletion.result()
    assert set(cast.participations(event.id)) == {cast.host.id}
    check_consistency(cast.database, cast.actor)


def test_a_user_may_transfer_events_and_be_deleted_step_by_step(cast):
    event = cast.event(cast.guest, **TOMORROW)
    cast.do(transfer_event, event.id, cast.guest.id)
    cast.do(remove_participant, event.id, cast.host.id)
    before = read(cast, event)
    cast.do(delete_user, cast.host.id)
    assert read(cast, event) == before
