import itertools

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kalends.drafts import ResponseUpdate
from kalends.errors import EventCancelled, EventEnded
from kalends.limits import MAX_PARTICIPANTS
from kalends.model import (
    Instant,
    ParticipantCounts,
    Participation,
    Response,
    Role,
    Status,
    Strength,
    UserId,
)
from kalends.rules.participation import (
    agenda_of,
    agenda_row,
    apply_response,
    new_participation,
    participant_limit_faults,
    refuse_cancelled,
    reset_response,
    updated_counts,
)
from tests.rules.test_editing import EVENT, HOST, NOW

PARTICIPANT = UserId(5)
END = EVENT.block.span.end

participations = st.builds(
    Participation,
    user_id=st.integers(1, 9).map(UserId),
    role=st.sampled_from(Role),
    response=st.sampled_from(Response),
    comment=st.none(),
    responded_at=st.none(),
    version=st.just(1),
)
casts = st.lists(participations, max_size=9, unique_by=lambda participation: participation.user_id)


def test_a_host_has_accepted_and_a_guest_has_yet_to_answer() -> None:
    assert new_participation(EVENT, HOST, Role.optional, now=NOW) == Participation(
        HOST, Role.optional, Response.accepted, None, NOW, EVENT.version
    )
    assert new_participation(EVENT, PARTICIPANT, Role.required, now=NOW) == Participation(
        PARTICIPANT, Role.required, Response.needs_action, None, None, EVENT.version
    )


@pytest.mark.parametrize(("user_id", "response"), [*itertools.product((HOST, PARTICIPANT), Response)])
def test_everybody_but_the_host_is_asked_again(user_id: UserId, response: Response) -> None:
    participation = Participation(user_id, Role.optional, response, "maybe", NOW, 1)
    again = reset_response(EVENT, participation)
    if user_id == HOST or response is Response.needs_action:
        assert again is participation
    else:
        assert again == Participation(user_id, Role.optional, Response.needs_action, None, None, 2)


@pytest.mark.parametrize("response", ["accepted", "declined", "tentative"])
def test_an_answer_may_change_until_the_event_ends(response: str) -> None:
    participation = new_participation(EVENT, PARTICIPANT, Role.required, now=NOW)
    answer = ResponseUpdate(response=response, comment="see you")  # pyright: ignore[reportArgumentType] (one of the three)
    last = Instant(END - 1)
    assert apply_response(EVENT, participation, answer, now=last) == Participation(
        PARTICIPANT, Role.required, Response(response), "see you", last, EVENT.version + 1
    )
    with pytest.raises(EventEnded):
        apply_response(EVENT, participation, answer, now=END)


def test_nothing_changes_in_a_cancelled_event() -> None:
    refuse_cancelled(EVENT)
    refuse_cancelled(msgspec.structs.replace(EVENT, status=Status.tentative))
    with pytest.raises(EventCancelled):
        refuse_cancelled(msgspec.structs.replace(EVENT, status=Status.cancelled))


@given(casts, casts)
def test_counts_follow_the_participations(old: list[Participation], new: list[Participation]) -> None:
    before = updated_counts(ParticipantCounts(), added=old)
    after = updated_counts(before, removed=old, added=new)
    assert before.total == len(old)
    assert after == updated_counts(ParticipantCounts(), added=new)
    assert after.total == len(new) == sum((after.accepted, after.declined, after.tentative, after.needs_action))
    assert after.optional == sum(participation.role is Role.optional for participation in new)
    assert after.declined == sum(participation.response is Response.declined for participation in new)


@given(casts)
def test_the_agenda_holds_one_row_for_everybody_concerned(cast: list[Participation]) -> None:
    rows = {row.user_id: row for row in agenda_of(EVENT, cast)}
    assert rows.keys() == {HOST} | {participation.user_id for participation in cast}
    for participation in cast:
        assert rows[participation.user_id] == agenda_row(EVENT, participation.user_id, participation)
        assert (rows[participation.user_id].role, rows[participation.user_id].response) == (
            participation.role,
            participation.response,
        )
    for user_id, row in rows.items():
        assert row.hosting == (user_id == HOST)
        assert (row.event_id, row.span, row.status) == (EVENT.id, EVENT.block.span, EVENT.status)


def test_a_host_who_does_not_attend_has_the_event_on_the_agenda_and_is_free() -> None:
    row = agenda_row(EVENT, HOST, None)
    assert row is not None
    assert (row.hosting, row.role, row.response, row.shown, row.blocking) == (True, None, None, Strength.free, False)


def test_a_stranger_has_no_agenda_row_of_an_event() -> None:
    assert agenda_row(EVENT, UserId(77), None) is None


@pytest.mark.parametrize(("count", "codes"), [(0, []), (500, []), (501, ["too_many_participants"])])
def test_an_event_has_500_participants_at_most(count: int, codes: list[str]) -> None:
    assert MAX_PARTICIPANTS == 500
    faults = participant_limit_faults(count, ("participants",))
    assert [fault.code for fault in faults] == codes
    assert all(fault.where == ("participants",) for fault in faults)
