"""Nobody is double-booked by accident: every way to take somebody's time, with `reject` and with `allow`."""

from collections.abc import Callable
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa

from kalends.actions.booking import OnConflict
from kalends.actions.events import cancel_event, change_event, create_event, delete_event, transfer_event
from kalends.actions.participants import (
    add_participants,
    answer_invitation,
    change_role,
    remove_participant,
    set_participant,
)
from kalends.actions.user_deletion import HostedEvents, delete_user
from kalends.drafts import EventCreate, EventUpdate, ParticipantCreate, ResponseUpdate
from kalends.errors import BookingConflict, Unavailable
from kalends.model import Conflict, Event, Role, ShowAs, Strength, User, UserId, Visibility, Zone
from kalends.rules.zones import from_instant, read_time
from kalends.store import tables
from kalends.store.database import WriteTx
from kalends.store.query import Query
from kalends.store.users import LOCK_SEVERAL
from tests.cast import BERLIN, Cast, assemble, check_consistency, instant
from tests.rules.spans import span

NOON, ONE, TWO, THREE = (read_time(f"2026-03-09T{hour}:00") for hour in (12, 13, 14, 15))
ALLOW = {"on_conflict": OnConflict.allow}
EXCLUSIVE = Query(
    sa.select(tables.agenda.c.event_id, tables.agenda.c.exclusive).where(tables.agenda.c.user_id == sa.bindparam("id"))
)


def draft(host: User, *guests: tuple[User, Role], start=TWO, end=THREE, **details: Any) -> EventCreate:
    invited = [ParticipantCreate(user_id=guest.id, role=role) for guest, role in guests]
    fixed: Any = {"host_id": host.id, "title": "Another", "start": start, "end": end, "time_zone": BERLIN}
    return EventCreate(**fixed | {"participants": invited} | details)


def exclusive(cast: Cast, who: User) -> dict[int, bool]:
    """Return for each event on somebody's agenda whether its row is exclusive."""
    return {event_id: bool(alone) for event_id, alone in cast.database.read(lambda tx: tx.rows(EXCLUSIVE, id=who.id))}


def apply_response(cast: Cast, event: Event, who: User, response: str) -> None:
    cast.do(answer_invitation, event.id, who.id, ResponseUpdate(response=response), **ALLOW)  # type: ignore[arg-type]


@pytest.fixture(autouse=True)
def before_it_all(clock):
    """Set the clock before the event: responses may change until it ends."""
    clock.set_to(instant("2026-03-01T00:00Z"))


# ---- every way to take the time of somebody needed

Way = Callable[[Cast, User, User], tuple[Any, tuple[Any, ...], dict[str, Any]]]
"""Takes the cast, another host and a user who is busy from 14 to 15; prepares data and returns the call to test."""


def creating_as_host(cast: Cast, host: User, busy: User):
    return create_event, (draft(busy),), {}


def creating_with_guest(cast: Cast, host: User, busy: User):
    return create_event, (draft(host, (busy, Role.required)),), {}


def creating_as_optional_host(cast: Cast, host: User, busy: User):
    return create_event, (draft(busy, (busy, Role.optional)),), {}


def moving(cast: Cast, host: User, busy: User):
    event = cast.event(busy, host_id=host.id, start=NOON, end=ONE)
    return (
        change_event,
        (event.id, EventUpdate(start=read_time("2026-03-09T13:30"), end=read_time("2026-03-09T14:30"))),
        {},
    )


def moving_who_declined(cast: Cast, host: User, busy: User):
    event = cast.event(busy, host_id=host.id, start=NOON, end=ONE)
    apply_response(cast, event, busy, "declined")
    return change_event, (event.id, EventUpdate(end=read_time("2026-03-09T14:01"))), {}


def moving_who_accepted_as_optional_and_keeping_that(cast: Cast, host: User, busy: User):
    event = cast.do(create_event, draft(host, (busy, Role.optional), start=NOON, end=ONE))
    apply_response(cast, event, busy, "accepted")
    return change_event, (event.id, EventUpdate(start=TWO, end=THREE)), {"keep_responses": True}


def asking_anew_by_another_zone(cast: Cast, host: User, busy: User):
    event = cast.event(busy, host_id=host.id)
    apply_response(cast, event, busy, "declined")
    return change_event, (event.id, EventUpdate(time_zone=Zone("Europe/Paris"))), {}


def showing_as_busy(cast: Cast, host: User, busy: User):
    event = cast.event(busy, host_id=host.id, show_as=ShowAs.free)
    return change_event, (event.id, EventUpdate(show_as=ShowAs.busy)), {}


def adding(cast: Cast, host: User, busy: User):
    event = cast.event(host_id=host.id)
    return add_participants, (event.id, [ParticipantCreate(user_id=busy.id)]), {}


def adding_many(cast: Cast, host: User, busy: User):
    event = cast.event(host_id=host.id)
    people = [cast.person(), busy, cast.person()]
    return add_participants, (event.id, [ParticipantCreate(user_id=who.id) for who in people]), {}


def putting(cast: Cast, host: User, busy: User):
    event = cast.event(host_id=host.id)
    return set_participant, (event.id, busy.id, Role.required), {}


def putting_who_was_optional(cast: Cast, host: User, busy: User):
    event = cast.do(create_event, draft(host, (busy, Role.optional)))
    return set_participant, (event.id, busy.id, Role.required), {}


def needing_who_was_optional(cast: Cast, host: User, busy: User):
    event = cast.do(create_event, draft(host, (busy, Role.optional)))
    return change_role, (event.id, busy.id, Role.required), {}


def accepting_as_optional(cast: Cast, host: User, busy: User):
    event = cast.do(create_event, draft(host, (busy, Role.optional)))
    return answer_invitation, (event.id, busy.id, ResponseUpdate(response="accepted")), {}


def accepting_after_declining(cast: Cast, host: User, busy: User):
    event = cast.event(busy, host_id=host.id)
    apply_response(cast, event, busy, "declined")
    return answer_invitation, (event.id, busy.id, ResponseUpdate(response="accepted")), {}


def wavering_after_declining(cast: Cast, host: User, busy: User):
    event = cast.event(busy, host_id=host.id)
    apply_response(cast, event, busy, "declined")
    return answer_invitation, (event.id, busy.id, ResponseUpdate(response="tentative")), {}


def accepting_what_was_booked_over_another(cast: Cast, host: User, busy: User):
    event = cast.event(busy, host_id=host.id)
    return answer_invitation, (event.id, busy.id, ResponseUpdate(response="accepted")), {}


def handing_over(cast: Cast, host: User, busy: User):
    event = cast.event(host_id=host.id)
    return transfer_event, (event.id, busy.id), {}


def handing_over_to_who_declined(cast: Cast, host: User, busy: User):
    event = cast.event(busy, host_id=host.id)
    apply_response(cast, event, busy, "declined")
    return transfer_event, (event.id, busy.id), {}


def inheriting(cast: Cast, host: User, busy: User):
    cast.event(host_id=host.id)
    return delete_user, (host.id,), {"hosted": HostedEvents.transfer, "to": busy.id}


WAYS: list[Way] = [
    creating_as_host,
    creating_with_guest,
    creating_as_optional_host,
    moving,
    moving_who_accepted_as_optional_and_keeping_that,
    showing_as_busy,
    adding,
    adding_many,
    putting,
    putting_who_was_optional,
    needing_who_was_optional,
    accepting_as_optional,
    accepting_after_declining,
    wavering_after_declining,
    accepting_what_was_booked_over_another,
    handing_over,
    handing_over_to_who_declined,
    inheriting,
]


@pytest.mark.parametrize("way", WAYS)
def test_nobody_is_booked_twice_unless_conflicts_are_allowed(cast, way):
    other = cast.person()
    taken = cast.event(cast.guest)
    action, arguments, options = way(cast, other, cast.guest)
    conflict = Conflict(cast.guest.id, taken.block.span, Strength.tentative, taken.id, needed=True)
    with cast.refused(BookingConflict) as caught:
        cast.do(action, *arguments, **options)
    assert caught.value.conflicts == (conflict,)
    assert caught.value.time_zone == BERLIN
    if action is delete_user:
        cast.do(action, *arguments, **options, **ALLOW)
    else:
        saved = cast.save(action, *arguments, **options, **ALLOW)
        assert (saved.conflicts, saved.warnings) == ((conflict,), ())
    assert sorted(exclusive(cast, cast.guest).values()) == [False, True], "only the first has the time to itself"
    assert exclusive(cast, cast.guest)[taken.id]
    check_consistency(cast.database, cast.actor)


@pytest.mark.parametrize("way", [*WAYS, moving_who_declined, asking_anew_by_another_zone])
def test_people_are_locked_in_one_call(cast, way, monkeypatch):
    """Locking people in two calls could deadlock."""
    cast.event(cast.guest)
    action, arguments, options = way(cast, cast.person(), cast.guest)
    calls: list[Any] = []
    rows = WriteTx.rows
    monkeypatch.setattr(WriteTx, "rows", lambda tx, query, **values: calls.append(query) or rows(tx, query, **values))
    cast.do(action, *arguments, **options, **ALLOW)
    assert calls.count(LOCK_SEVERAL) <= 1
    assert cast.database.dialect.name == "sqlite" or LOCK_SEVERAL in calls


@pytest.mark.parametrize("way", [moving_who_declined, asking_anew_by_another_zone])
def test_somebody_who_declined_is_not_needed_when_an_event_moves(cast, way):
    """If they are busy at the new time they stay declined, with a warning; if they are free they are asked again."""
    taken = cast.event(cast.guest)
    action, (event_id, edit), _ = way(cast, cast.person(), cast.guest)
    conflict = Conflict(cast.guest.id, taken.block.span, Strength.tentative, taken.id, needed=False)
    before = cast.participations(event_id)[cast.guest.id]
    saved = cast.save(action, event_id, edit)
    assert (saved.conflicts, saved.warnings) == ((), (conflict,))
    assert cast.participations(event_id)[cast.guest.id] == before
    assert exclusive(cast, cast.guest) == {taken.id: True, event_id: False}
    check_consistency(cast.database, cast.actor)
    cast.do(delete_event, taken.id)
    cast.do(action, event_id, EventUpdate(end=read_time("2026-03-09T14:30")))
    assert cast.participations(event_id)[cast.guest.id].response == "needs_action"
    assert exclusive(cast, cast.guest) == {event_id: True}


@pytest.mark.parametrize("way", [moving_who_declined, asking_anew_by_another_zone])
def test_if_conflicts_are_allowed_a_move_asks_everybody_again(cast, way):
    taken = cast.event(cast.guest)
    action, arguments, _ = way(cast, cast.person(), cast.guest)
    event, conflicts, _ = cast.save(action, *arguments, **ALLOW)
    assert conflicts == (Conflict(cast.guest.id, taken.block.span, Strength.tentative, taken.id, needed=True),)
    assert cast.participations(event.id)[cast.guest.id].response == "needs_action"
    assert exclusive(cast, cast.guest) == {taken.id: True, event.id: False}


def test_a_move_in_the_past_asks_again_by_the_same_rule(cast, clock):
    taken = cast.event(cast.guest)
    _, (event_id, edit), _ = moving_who_declined(cast, cast.person(), cast.guest)
    clock.set_to(instant("2026-04-01T00:00Z"))
    cast.do(change_event, event_id, edit)
    assert cast.participations(event_id)[cast.guest.id].response == "declined"
    assert exclusive(cast, cast.guest) == {taken.id: True, event_id: False}


def test_optional_people_who_declined_are_asked_again_wherever_the_event_moves(cast):
    taken = cast.event(cast.guest)
    event = cast.do(create_event, draft(cast.person(), (cast.guest, Role.optional), start=NOON, end=ONE))
    apply_response(cast, event, cast.guest, "declined")
    saved = cast.save(change_event, event.id, EventUpdate(start=TWO, end=THREE))
    assert cast.participations(event.id)[cast.guest.id].response == "needs_action"
    assert [(conflict.event_id, conflict.needed) for conflict in saved.warnings] == [(taken.id, False)]


@pytest.mark.parametrize("way", WAYS)
def test_the_same_actions_succeed_if_the_other_event_only_touches(cast, way):
    other = cast.person()
    cast.event(cast.guest, start=THREE, end=read_time("2026-03-09T16:00"))
    cast.event(cast.guest, start=read_time("2026-03-09T11:00"), end=NOON)
    action, arguments, options = way(cast, other, cast.guest)
    if action is delete_user:
        cast.do(action, *arguments, **options)
    else:
        saved = cast.save(action, *arguments, **options)
        assert (saved.conflicts, saved.warnings) == ((), ())
    assert all(exclusive(cast, cast.guest).values())


@pytest.mark.parametrize(
    "freed",
    [
        lambda cast, event: cast.do(cancel_event, event.id),
        lambda cast, event: cast.do(delete_event, event.id),
        lambda cast, event: cast.do(change_event, event.id, EventUpdate(show_as=ShowAs.free)),
        lambda cast, event: cast.do(remove_participant, event.id, cast.guest.id),
        lambda cast, event: cast.do(change_role, event.id, cast.guest.id, Role.optional),
        lambda cast, event: apply_response(cast, event, cast.guest, "declined"),
    ],
    ids=["cancelled", "deleted", "free", "removed", "optional", "declined"],
)
def test_events_that_do_not_block_are_no_conflict(cast, freed):
    event = cast.event(cast.guest)
    freed(cast, event)
    made, conflicts, _ = cast.save(create_event, draft(cast.guest))
    assert conflicts == ()
    assert exclusive(cast, cast.guest)[made.id]


@pytest.mark.parametrize(("response", "strength"), [("accepted", Strength.busy), ("tentative", Strength.tentative)])
def test_a_conflict_says_how_busy_somebody_is(cast, response, strength):
    event = cast.event(cast.guest)
    apply_response(cast, event, cast.guest, response)
    with cast.refused(BookingConflict) as caught:
        cast.do(create_event, draft(cast.guest, (cast.host, Role.required)))
    assert [(conflict.user_id, conflict.strength) for conflict in caught.value.conflicts] == [
        (cast.host.id, Strength.busy),
        (cast.guest.id, strength),
    ]


def test_optional_people_who_are_busy_are_added_with_a_warning(cast):
    taken = cast.event(cast.guest)
    other = cast.person()
    warning = Conflict(cast.guest.id, taken.block.span, Strength.tentative, taken.id, needed=False)
    event, *found = cast.save(create_event, draft(other, (cast.guest, Role.optional)))
    assert found == [(), (warning,)]
    cast.do(remove_participant, event.id, cast.guest.id)
    assert cast.save(set_participant, event.id, cast.guest.id, Role.optional).warnings == (warning,)
    _, *found = cast.save(change_event, event.id, EventUpdate(end=read_time("2026-03-09T15:30")))
    assert found == [(), (warning,)]
    assert exclusive(cast, cast.guest) == {taken.id: True, event.id: False}


def test_changes_that_take_no_more_time_are_never_refused(cast):
    cast.event(cast.guest)
    event = cast.event(cast.guest, cast.stranger)
    assert exclusive(cast, cast.guest)[event.id] is False
    for action, *arguments in (
        (change_event, event.id, EventUpdate(title="Renamed", status="tentative")),
        (answer_invitation, event.id, cast.guest.id, ResponseUpdate(response="tentative")),
        (change_role, event.id, cast.stranger.id, Role.optional),
        (transfer_event, event.id, cast.host.id),
        (answer_invitation, event.id, cast.guest.id, ResponseUpdate(response="declined")),
        (remove_participant, event.id, cast.guest.id),
    ):
        cast.do(action, *arguments)
    check_consistency(cast.database, cast.actor)


def test_an_event_never_conflicts_with_itself(cast):
    event = cast.event(cast.guest)
    assert cast.do(change_event, event.id, EventUpdate(end=read_time("2026-03-09T15:30"))).version == 2
    assert cast.do(change_event, event.id, EventUpdate(start=read_time("2026-03-09T14:30"))).version == 3
    apply_response(cast, event, cast.guest, "accepted")
    cast.do(transfer_event, event.id, cast.guest.id)


def test_a_refusal_names_every_busy_person_and_every_conflicting_event(cast):
    one = cast.event(cast.guest, start=read_time("2026-03-09T13:30"), end=read_time("2026-03-09T14:10"))
    two = cast.event(cast.guest, start=read_time("2026-03-09T14:10"), end=read_time("2026-03-09T16:00"))
    with cast.refused(BookingConflict) as caught:
        cast.do(create_event, draft(cast.host, (cast.guest, Role.required), (cast.stranger, Role.required)))
    people: list[UserId] = [cast.host.id, cast.host.id, cast.guest.id, cast.guest.id]
    assert [conflict.user_id for conflict in caught.value.conflicts] == people
    assert [conflict.event_id for conflict in caught.value.conflicts] == [one.id, two.id, one.id, two.id]
    assert [conflict.span for conflict in caught.value.conflicts] == [one.block.span, two.block.span] * 2


def test_a_conflict_with_a_private_event_does_not_name_it(cast):
    taken = cast.event(cast.guest, visibility=Visibility.private)
    with cast.refused(BookingConflict) as caught:
        cast.do(create_event, draft(cast.guest))
    assert caught.value.conflicts == (Conflict(cast.guest.id, taken.block.span, Strength.tentative, None, needed=True),)


def test_a_long_block_of_another_day_reaches_into_the_next(cast):
    """An event that is still running is found, however early it began."""
    night = cast.event(
        cast.guest,
        start=read_time("1994-01-31T00:00"),
        end=read_time("1994-01-31T24:00"),
        time_zone=Zone("Antarctica/Vostok"),
    )
    length = night.block.span.end - night.block.span.start
    assert length == 31 * 3_600_000_000
    last = span(night.block.span.end - 60_000_000, night.block.span.end)
    at = [from_instant(moment).isoformat() for moment in (last.start, last.end)]
    with cast.refused(BookingConflict):
        cast.do(create_event, draft(cast.guest, start=read_time(at[0]), end=read_time(at[1]), time_zone=Zone("UTC")))


def test_events_of_other_organizations_are_no_conflict(cast, database):
    cast.event(cast.guest)
    other = assemble(database)
    made = other.do(create_event, draft(other.host, (other.guest, Role.required)))
    assert other.participations(made.id).keys() == {other.host.id, other.guest.id}


# ---- the constraint of the database


def test_time_that_becomes_free_again_is_exclusive_again(cast):
    first, second = cast.event(cast.guest), cast.event(cast.guest)
    assert exclusive(cast, cast.guest) == {first.id: True, second.id: False}
    cast.do(delete_event, first.id)
    apply_response(cast, second, cast.guest, "accepted")
    assert exclusive(cast, cast.guest) == {second.id: True}
    apply_response(cast, second, cast.guest, "declined")
    assert exclusive(cast, cast.guest) == {second.id: False}, "nothing to itself, as it takes no time"


@pytest.mark.parametrize("engine", ["postgresql"], indirect=True, scope="session")
def test_postgresql_refuses_a_conflicting_row_that_no_action_wrote(cast):
    event = cast.event(cast.guest)
    row = next(row for row in cast.rows()["agenda"] if row[1] == cast.guest.id)
    names = [column.name for column in tables.agenda.c]
    insert = Query(sa.insert(tables.agenda))

    def forge(tx: Any, **other: Any) -> None:
        tx.run(insert, **dict(zip(names, row, strict=True)) | {"event_id": event.id + 1} | other)

    with pytest.raises(Unavailable) as caught:
        cast.database.write(lambda tx: forge(tx, starts_at=event.block.span.start + 1))
    constraint = caught.value.__cause__.__cause__  # type: ignore[union-attr]
    assert isinstance(constraint, psycopg.errors.ExclusionViolation)
    assert constraint.diag.constraint_name == "no_double_booking"
    touching = {"starts_at": event.block.span.end, "ends_at": event.block.span.end + 1}
    for harmless in (touching, {"exclusive": False}, {"user_id": cast.person().id}):
        cast.database.write(lambda tx, harmless=harmless: forge(tx, **harmless), dry_run=True)


def test_an_event_with_an_allowed_conflict_may_be_shortened(cast):
    """Only time outside its old span is checked for conflicts."""
    cast.event(cast.guest)
    twice = cast.event(cast.guest, start=read_time("2026-03-09T14:00"), end=read_time("2026-03-09T16:00"))
    shorter, conflicts, _ = cast.save(change_event, twice.id, EventUpdate(end=read_time("2026-03-09T14:30")))
    assert (conflicts, shorter.version) == ((), 2)
    assert exclusive(cast, cast.guest)[twice.id] is False
    with cast.refused(BookingConflict):
        cast.do(change_event, twice.id, EventUpdate(end=read_time("2026-03-09T14:45")))
