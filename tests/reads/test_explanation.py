"""Why a user can or cannot be booked: everything relevant, and only what the caller may see."""

import pytest

from kalends.actions.events import cancel_event
from kalends.actions.holds import place_hold
from kalends.actions.hours import set_working_hours
from kalends.actions.participants import answer_invitation
from kalends.actions.user_deletion import delete_user
from kalends.drafts import ResponseUpdate
from kalends.errors import Invalid, NotFound
from kalends.model import Response, Role, ShowAs, Status, Strength, UserId, Visibility
from kalends.reads.explanation import EventReason, HoldReason, explain_booking
from kalends.rules.access import AccessLevel
from kalends.rules.hours import Window, WorkingHours
from kalends.rules.intervals import HOUR, MINUTE
from kalends.rules.zones import read_time
from tests.cast import assemble, codes, instant
from tests.rules.spans import span

SLOT = span(instant("2026-03-09T14:00+01:00"), instant("2026-03-09T15:00+01:00"))
MORNING = instant("2026-03-09T08:00+01:00")


@pytest.fixture(autouse=True)
def on_the_morning(clock):
    clock.set_to(MORNING)
    return clock


def test_a_user_without_commitments_can_be_booked(cast):
    explained = cast.ask(explain_booking, cast.guest.id, SLOT)
    assert (explained.deleted, explained.events, explained.holds, explained.works) == (False, [], [], None)
    assert explained.bookable


def test_all_commitments_are_listed_in_order(cast):
    early = cast.event(
        cast.guest, start=read_time("2026-03-09T13:00"), end=read_time("2026-03-09T14:30"), title="Early"
    )
    late = cast.event(cast.guest, start=read_time("2026-03-09T14:30"), end=read_time("2026-03-09T14:45"))
    cast.do(answer_invitation, late.id, cast.guest.id, ResponseUpdate(response="accepted"))
    end = span(SLOT.end - 15 * MINUTE, SLOT.end)
    hold = cast.do(place_hold, [cast.guest.id], end, 300)
    explained = cast.ask(explain_booking, cast.guest.id, SLOT)
    needed = (Role.required, Response.needs_action)
    assert explained.events[0] == EventReason(
        early.block.span,
        Strength.tentative,
        True,
        early.id,
        *needed,
        "Early",
        Status.confirmed,
        ShowAs.busy,
        AccessLevel.write,
    )
    assert [(reason.event_id, reason.shown) for reason in explained.events[1:]] == [(late.id, Strength.busy)]
    assert explained.holds == [HoldReason(end, hold.id)]
    assert not explained.bookable


def test_commitments_that_do_not_block_are_shown_as_well(cast):
    declined, cancelled, free = (cast.event(cast.guest) for _ in range(3))
    cast.do(answer_invitation, declined.id, cast.guest.id, ResponseUpdate(response="declined"))
    cast.do(cancel_event, cancelled.id)
    cast.event(cast.guest, show_as=ShowAs.free)
    cast.do(cancel_event, free.id)
    explained = cast.ask(explain_booking, cast.guest.id, SLOT)
    assert [(reason.shown, reason.blocking) for reason in explained.events] == [(Strength.free, False)] * 4
    assert explained.bookable
    hosting = cast.event(host_attends=False)
    reasons = cast.ask(explain_booking, cast.host.id, SLOT).events
    assert [(one.role, one.response) for one in reasons if one.event_id == hosting.id] == [(None, None)]


def test_commitments_that_only_touch_are_not_shown(cast):
    cast.event(cast.guest)
    for at in (span(SLOT.start - HOUR, SLOT.start), span(SLOT.end, SLOT.end + HOUR)):
        assert cast.ask(explain_booking, cast.guest.id, at).events == []


def test_a_private_event_is_shown_without_details(cast):
    cast.event(cast.guest, visibility=Visibility.private)
    explained = cast.ask(explain_booking, cast.guest.id, SLOT)
    assert (explained.events, explained.unseen, explained.bookable) == ([], [SLOT], False)


def test_a_lapsed_hold_is_not_shown(cast, clock):
    hold = cast.do(place_hold, [cast.guest.id], SLOT, 300)
    clock.set_to(hold.expires_at - 1)
    assert not cast.ask(explain_booking, cast.guest.id, SLOT).bookable
    clock.set_to(hold.expires_at)
    assert cast.ask(explain_booking, cast.guest.id, SLOT).bookable


@pytest.mark.parametrize(("minutes", "works"), [((840, 900), True), ((840, 899), False), ((841, 1_000), False)])
def test_working_hours_advise_and_do_not_forbid(cast, minutes, works):
    cast.do(set_working_hours, cast.guest.id, WorkingHours(((Window(*minutes),),) * 7, {}))
    explained = cast.ask(explain_booking, cast.guest.id, SLOT)
    assert explained.works is works
    assert explained.bookable


def test_a_deleted_user_cannot_be_booked(cast):
    cast.do(delete_user, cast.guest.id)
    explained = cast.ask(explain_booking, cast.guest.id, SLOT)
    assert explained.deleted
    assert not explained.bookable


def test_users_of_other_organizations_are_not_found(cast, database):
    for user_id in (UserId(2**62), assemble(database).guest.id):
        with cast.refused(NotFound):
            cast.ask(explain_booking, user_id, SLOT)


@pytest.mark.parametrize(
    ("length", "code"),
    [(0, "end_before_start"), (-1, "end_before_start"), (MINUTE - 1, "too_short"), (32 * HOUR, "not_one_day")],
)
def test_only_blocks_that_an_event_could_have_are_explained(cast, length, code):
    with cast.refused(Invalid) as caught:
        cast.ask(explain_booking, cast.guest.id, span(SLOT.start, SLOT.start + length))
    assert codes(caught) == [code]


def test_an_explanation_takes_three_statements_however_many_commitments_there_are(cast):
    def explain(tx):
        explain_booking(tx, cast.actor, cast.guest.id, SLOT)
        return tx.statements

    for number in (1, 2, 10):
        for _ in range(number):
            cast.event(cast.guest)
        assert cast.database.read(explain) == 3
