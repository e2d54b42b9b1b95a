import itertools

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kalends.drafts import Answer
from kalends.errors import EventCancelled, EventEnded
from kalends.model import MAX_PARTICIPANTS, Busy, Instant, Response, Role, Seat, Status, Tally, UserId
from kalends.rules.seats import (
    agenda_of,
    agenda_row,
    answered,
    asked_again,
    new_seat,
    refuse_cancelled,
    seat_limit_faults,
    tallied,
)
from tests.rules.test_revise import EVENT, HOST, NOW

GUEST = UserId(5)
END = EVENT.block.span.end

seats = st.builds(
    Seat,
    user_id=st.integers(1, 9).map(UserId),
    role=st.sampled_from(Role),
    response=st.sampled_from(Response),
    comment=st.none(),
    responded_at=st.none(),
    version=st.just(1),
)
casts = st.lists(seats, max_size=9, unique_by=lambda seat: seat.user_id)


def test_a_host_has_accepted_and_a_guest_has_yet_to_answer() -> None:
    assert new_seat(EVENT, HOST, Role.optional, now=NOW) == Seat(
        HOST, Role.optional, Response.accepted, None, NOW, EVENT.version
    )
    assert new_seat(EVENT, GUEST, Role.required, now=NOW) == Seat(
        GUEST, Role.required, Response.needs_action, None, None, EVENT.version
    )


@pytest.mark.parametrize(("user_id", "response"), [*itertools.product((HOST, GUEST), Response)])
def test_everybody_but_the_host_is_asked_again(user_id: UserId, response: Response) -> None:
    seat = Seat(user_id, Role.optional, response, "maybe", NOW, 1)
    again = asked_again(EVENT, seat)
    if user_id == HOST or response is Response.needs_action:
        assert again is seat
    else:
        assert again == Seat(user_id, Role.optional, Response.needs_action, None, None, 2)


@pytest.mark.parametrize("response", ["accepted", "declined", "tentative"])
def test_an_answer_may_change_until_the_event_ends(response: str) -> None:
    seat = new_seat(EVENT, GUEST, Role.required, now=NOW)
    answer = Answer(response=response, comment="see you")  # pyright: ignore[reportArgumentType] (one of the three)
    last = Instant(END - 1)
    assert answered(EVENT, seat, answer, now=last) == Seat(
        GUEST, Role.required, Response(response), "see you", last, EVENT.version + 1
    )
    with pytest.raises(EventEnded):
        answered(EVENT, seat, answer, now=END)


def test_nothing_changes_in_a_cancelled_event() -> None:
    refuse_cancelled(EVENT)
    refuse_cancelled(msgspec.structs.replace(EVENT, status=Status.tentative))
    with pytest.raises(EventCancelled):
        refuse_cancelled(msgspec.structs.replace(EVENT, status=Status.cancelled))


@given(casts, casts)
def test_counts_follow_the_seats(old: list[Seat], new: list[Seat]) -> None:
    before = tallied(Tally(), come=old)
    after = tallied(before, gone=old, come=new)
    assert before.total == len(old)
    assert after == tallied(Tally(), come=new)
    assert after.total == len(new) == sum((after.accepted, after.declined, after.tentative, after.needs_action))
    assert after.optional == sum(seat.role is Role.optional for seat in new)
    assert after.declined == sum(seat.response is Response.declined for seat in new)


@given(casts)
def test_the_agenda_holds_one_row_for_everybody_concerned(cast: list[Seat]) -> None:
    rows = {row.user_id: row for row in agenda_of(EVENT, cast)}
    assert rows.keys() == {HOST} | {seat.user_id for seat in cast}
    for seat in cast:
        assert rows[seat.user_id] == agenda_row(EVENT, seat.user_id, seat)
        assert (rows[seat.user_id].role, rows[seat.user_id].response) == (seat.role, seat.response)
    for user_id, row in rows.items():
        assert row.hosting == (user_id == HOST)
        assert (row.event_id, row.span, row.status) == (EVENT.id, EVENT.block.span, EVENT.status)


def test_a_host_who_does_not_attend_has_the_event_on_the_agenda_and_is_free() -> None:
    row = agenda_row(EVENT, HOST, None)
    assert row is not None
    assert (row.hosting, row.role, row.response, row.shown, row.blocking) == (True, None, None, Busy.free, False)


def test_an_event_is_nothing_to_a_stranger() -> None:
    assert agenda_row(EVENT, UserId(77), None) is None


@pytest.mark.parametrize(("count", "codes"), [(0, []), (500, []), (501, ["too_many_participants"])])
def test_an_event_has_500_participants_at_most(count: int, codes: list[str]) -> None:
    assert MAX_PARTICIPANTS == 500
    faults = seat_limit_faults(count, ("participants",))
    assert [fault.code for fault in faults] == codes
    assert all(fault.where == ("participants",) for fault in faults)
