"""Actions on participants: what the contract says about them, on both engines."""

import pytest

from kalends.actions.events import cancel_event
from kalends.actions.participants import (
    add_participants,
    answer_invitation,
    change_role,
    remove_participant,
    set_participant,
)
from kalends.actions.user_deletion import delete_user
from kalends.drafts import ParticipantCreate, ResponseUpdate
from kalends.errors import AlreadyParticipant, EventCancelled, EventEnded, Invalid, NotFound, StaleVersion
from kalends.model import EventId, ParticipantCounts, Participation, Response, Role, UserId
from kalends.store.events import find_event
from tests.cast import assemble, check_consistency, codes, instant

YES = ResponseUpdate(response="accepted")
NO = ResponseUpdate(response="declined")
NOBODY = UserId(2**62)
OPTIONAL, REQUIRED = Role.optional, Role.required


@pytest.fixture(autouse=True)
def before_the_event(clock):
    """Set the clock to the morning of the event's day."""
    clock.set_to(instant("2026-03-09T08:00+01:00"))


def invite(*people, role=REQUIRED) -> list[ParticipantCreate]:
    return [ParticipantCreate(user_id=getattr(person, "id", person), role=role) for person in people]


def version(cast, event) -> int:
    return cast.ask(find_event, event.id).version


# --------------------------------------------------------------------------------------------------------------- adding
def test_several_are_added_at_once_in_the_order_they_were_named(cast):
    event = cast.event()
    guests = [*invite(cast.stranger, role=OPTIONAL), *invite(cast.guest)]
    added = cast.do(add_participants, event.id, guests)
    assert [(guest.participation.user_id, guest.participation.role, guest.name) for guest in added] == [
        (cast.stranger.id, OPTIONAL, "Stella Stranger"),
        (cast.guest.id, REQUIRED, "Gustav Guest"),
    ]
    assert added[0].participation == Participation(cast.stranger.id, OPTIONAL, Response.needs_action, None, None, 2)
    assert (added[0].event_id, added[0].is_host, added[0].email) == (event.id, False, "stella@example.org")
    after = cast.ask(find_event, event.id)
    assert (after.version, after.counts) == (2, ParticipantCounts(required=2, optional=1, accepted=1, needs_action=2))
    check_consistency(cast.database, cast.actor)


def test_adding_nobody_changes_nothing(cast):
    event = cast.event(cast.guest)
    before = cast.rows()
    assert cast.do(add_participants, event.id, []) == []
    assert cast.rows() == before


def test_all_are_added_or_nobody_and_every_fault_is_named(cast):
    gone = cast.person()
    cast.do(delete_user, gone.id)
    event = cast.event(cast.guest)
    named = invite(NOBODY, cast.stranger, gone, cast.stranger, cast.host, cast.guest)
    with cast.refused(Invalid) as error:
        cast.do(add_participants, event.id, named)
    assert [(fault.where, fault.code) for fault in error.value.faults] == [
        ((0, "user_id"), "unknown_user"),
        ((2, "user_id"), "user_inactive"),
        ((3, "user_id"), "duplicate_participant"),
        ((4, "user_id"), "already_participant"),
        ((5, "user_id"), "already_participant"),
    ]


def test_a_participant_cannot_be_added_again(cast):
    event = cast.event(cast.guest)
    with cast.refused(AlreadyParticipant) as error:
        cast.do(add_participants, event.id, invite(cast.stranger, cast.guest, cast.host))
    assert [fault.where for fault in error.value.faults] == [(1, "user_id"), (2, "user_id")]
    assert set(codes(error)) == {"already_participant"}


def test_a_host_without_a_participation_can_be_added_and_has_accepted(cast):
    event = cast.event(host_attends=False)
    added = cast.do(add_participants, event.id, invite(cast.host, role=OPTIONAL))
    assert added[0].is_host
    assert (added[0].participation.response, added[0].participation.role) == (Response.accepted, OPTIONAL)
    check_consistency(cast.database, cast.actor)


def test_the_501st_participant_is_refused(cast):
    crowd = [cast.person() for _ in range(500)]
    event = cast.event(*crowd[:498])
    with cast.refused(Invalid) as error:
        cast.do(add_participants, event.id, invite(crowd[498], crowd[499]))
    assert [(fault.where, fault.code) for fault in error.value.faults] == [((), "too_many_participants")]
    cast.do(add_participants, event.id, invite(crowd[498]))
    with cast.refused(Invalid) as error:
        cast.do(set_participant, event.id, crowd[499].id, REQUIRED)
    assert codes(error) == ["too_many_participants"]
    assert cast.do(set_participant, event.id, crowd[498].id, OPTIONAL)[1] is False
    check_consistency(cast.database, cast.actor)


# -------------------------------------------------------------------------------------------------------------- seating
def test_putting_a_participant_twice_keeps_the_participation(cast):
    event = cast.event()
    first, is_new = cast.do(set_participant, event.id, cast.guest.id, OPTIONAL)
    assert (is_new, first.participation.role, first.participation.version) == (True, OPTIONAL, 2)
    before = cast.rows()
    assert cast.do(set_participant, event.id, cast.guest.id, OPTIONAL) == (first, False)
    assert cast.rows() == before


@pytest.mark.parametrize("verb", [set_participant, change_role])
def test_a_change_of_role_keeps_the_answer(cast, verb):
    event = cast.event(cast.guest)
    cast.do(answer_invitation, event.id, cast.guest.id, ResponseUpdate(response="tentative", comment="perhaps"))
    cast.do(verb, event.id, cast.guest.id, OPTIONAL)
    participation = cast.participations(event.id)[cast.guest.id]
    assert (participation.role, participation.response, participation.comment, participation.version) == (
        OPTIONAL,
        Response.tentative,
        "perhaps",
        3,
    )
    assert version(cast, event) == 3
    check_consistency(cast.database, cast.actor)


def test_a_role_that_is_left_out_or_the_same_changes_nothing(cast):
    event = cast.event(cast.guest)
    before = cast.rows()
    assert cast.do(change_role, event.id, cast.guest.id, None).participation.role is REQUIRED
    assert cast.do(change_role, event.id, cast.guest.id, REQUIRED).participation.role is REQUIRED
    assert cast.rows() == before


def test_putting_a_participant_can_require_that_they_are_new(cast):
    event = cast.event(cast.guest)
    with cast.refused(StaleVersion) as error:
        cast.do(set_participant, event.id, cast.guest.id, OPTIONAL, only_new=True)
    assert (error.value.kind, error.value.current) == ("participant", 1)
    assert cast.do(set_participant, event.id, cast.stranger.id, OPTIONAL, only_new=True)[1]


def test_putting_a_participant_can_require_an_existing_version(cast):
    event = cast.event(cast.guest)
    with cast.refused(StaleVersion) as error:
        cast.do(set_participant, event.id, cast.stranger.id, OPTIONAL, expect=frozenset({1}))
    assert error.value.current == 0
    with cast.refused(StaleVersion):
        cast.do(set_participant, event.id, cast.guest.id, OPTIONAL, expect=frozenset({2}))
    assert (
        cast.do(set_participant, event.id, cast.guest.id, OPTIONAL, expect=frozenset({1}))[0].participation.version == 2
    )


def test_only_an_active_user_can_be_added(cast):
    event = cast.event()
    cast.do(delete_user, cast.guest.id)
    for user_id, code in ((NOBODY, "unknown_user"), (cast.guest.id, "user_inactive")):
        with cast.refused(Invalid) as error:
            cast.do(set_participant, event.id, user_id, REQUIRED)
        assert [(fault.where, fault.code) for fault in error.value.faults] == [(("user_id",), code)]


# ------------------------------------------------------------------------------------------------------------- removing
def test_removing_the_hosts_participation_keeps_the_host(cast):
    event = cast.event(cast.guest)
    cast.do(remove_participant, event.id, cast.host.id)
    after = cast.ask(find_event, event.id)
    assert (after.host_id, after.counts, after.version) == (
        cast.host.id,
        ParticipantCounts(required=1, needs_action=1),
        2,
    )
    assert [row[6] for row in cast.rows()["agenda"] if row[1] == cast.host.id] == [None]
    check_consistency(cast.database, cast.actor)


def test_a_removed_participant_comes_back_without_their_response(cast):
    event = cast.event(cast.guest)
    cast.do(answer_invitation, event.id, cast.guest.id, YES)
    cast.do(remove_participant, event.id, cast.guest.id)
    assert set(cast.participations(event.id)) == {cast.host.id}
    with cast.refused(NotFound) as error:
        cast.do(remove_participant, event.id, cast.guest.id)
    assert (error.value.kind, error.value.name) == ("participant", cast.guest.id)
    back = cast.do(set_participant, event.id, cast.guest.id, REQUIRED)[0]
    assert (back.participation.response, back.participation.version) == (Response.needs_action, 4)
    check_consistency(cast.database, cast.actor)


# ------------------------------------------------------------------------------------------------------------ answering
@pytest.mark.parametrize("response", ["accepted", "declined", "tentative"])
def test_an_answer_is_kept_with_its_comment_and_time(cast, response):
    event = cast.event(cast.guest)
    said = cast.do(answer_invitation, event.id, cast.guest.id, ResponseUpdate(response=response, comment="so"))
    at = instant("2026-03-09T08:00+01:00")
    assert said.participation == Participation(cast.guest.id, REQUIRED, Response(response), "so", at, 2)
    assert version(cast, event) == 2
    check_consistency(cast.database, cast.actor)


def test_answers_may_change_until_the_event_ends(cast, clock):
    event = cast.event(cast.guest)
    for answer in (YES, NO, ResponseUpdate(response="tentative")):
        assert cast.do(answer_invitation, event.id, cast.guest.id, answer).participation.response == answer.response
    clock.set_to(event.block.span.end - 1)
    cast.do(answer_invitation, event.id, cast.guest.id, YES)
    clock.set_to(event.block.span.end)
    with cast.refused(EventEnded):
        cast.do(answer_invitation, event.id, cast.guest.id, NO)


@pytest.mark.parametrize("comment", [None, "so"])
def test_the_same_answer_once_more_changes_nothing(cast, clock, comment):
    event = cast.event(cast.guest)
    said = cast.do(answer_invitation, event.id, cast.guest.id, ResponseUpdate(response="accepted", comment=comment))
    before = cast.rows()
    clock.set_to(event.block.span.start)
    again = cast.do(answer_invitation, event.id, cast.guest.id, ResponseUpdate(response="accepted", comment=comment))
    assert again == said
    assert cast.rows() == before, "no new version, no new time of the answer, no entry in the audit log"
    other = cast.do(
        answer_invitation, event.id, cast.guest.id, ResponseUpdate(response="accepted", comment="otherwise")
    )
    assert (other.participation.comment, other.participation.responded_at) == ("otherwise", event.block.span.start)


def test_participants_and_roles_cannot_change_once_the_event_has_ended(cast, clock):
    """Nobody can be invited to an event that has ended; an event in the past may be created with its participants."""
    event, other = cast.event(cast.guest), cast.person()
    invitation = ParticipantCreate(user_id=other.id)
    clock.set_to(event.block.span.end - 1)
    cast.do(add_participants, event.id, [invitation])
    cast.do(remove_participant, event.id, other.id)
    clock.set_to(event.block.span.end)
    for action, arguments in (
        (add_participants, (event.id, [invitation])),
        (add_participants, (event.id, [])),
        (set_participant, (event.id, other.id, REQUIRED)),
        (set_participant, (event.id, cast.guest.id, OPTIONAL)),
        (change_role, (event.id, cast.guest.id, OPTIONAL)),
    ):
        with cast.refused(EventEnded):
            cast.do(action, *arguments)
    before = cast.rows()
    cast.do(set_participant, event.id, cast.guest.id, REQUIRED)
    cast.do(change_role, event.id, cast.guest.id, REQUIRED)
    assert cast.rows() == before, "the same role once more is no change"
    cast.do(remove_participant, event.id, cast.guest.id)
    assert cast.event(other).counts.total == 2


def test_the_host_may_decline_and_the_event_runs_without_them(cast):
    event = cast.event(cast.guest)
    cast.do(answer_invitation, event.id, cast.host.id, NO)
    after = cast.ask(find_event, event.id)
    assert (after.host_id, after.status, after.counts.declined) == (cast.host.id, "confirmed", 1)
    check_consistency(cast.database, cast.actor)


def test_only_participants_can_answer(cast):
    event = cast.event(cast.guest)
    with cast.refused(NotFound):
        cast.do(answer_invitation, event.id, cast.stranger.id, YES)


# ------------------------------------------------------------------------------------------ cancelled, stale, elsewhere
ON_PARTICIPATIONS = {
    "role": lambda cast, event_id, **expect: cast.do(change_role, event_id, cast.guest.id, OPTIONAL, **expect),
    "answer": lambda cast, event_id, **expect: cast.do(answer_invitation, event_id, cast.guest.id, YES, **expect),
    "participation": lambda cast, event_id, **expect: cast.do(
        set_participant, event_id, cast.guest.id, OPTIONAL, **expect
    ),
    "remove": lambda cast, event_id, **expect: cast.do(remove_participant, event_id, cast.guest.id, **expect),
}
NEW_PARTICIPATIONS = {
    "add": lambda cast, event_id, **expect: cast.do(add_participants, event_id, invite(cast.stranger), **expect),
    "new": lambda cast, event_id, **expect: cast.do(set_participant, event_id, cast.stranger.id, OPTIONAL, **expect),
}
ALL = ON_PARTICIPATIONS | NEW_PARTICIPATIONS


@pytest.mark.parametrize("verb", ALL)
def test_participants_of_a_cancelled_event_cannot_change(cast, verb):
    event = cast.event(cast.guest)
    cast.do(cancel_event, event.id)
    with cast.refused(EventCancelled):
        ALL[verb](cast, event.id)


@pytest.mark.parametrize("verb", ON_PARTICIPATIONS)
def test_changes_of_a_participant_expect_the_version_of_the_participation(cast, verb):
    event = cast.event(cast.guest)
    cast.do(answer_invitation, event.id, cast.guest.id, NO)
    cast.do(add_participants, event.id, invite(cast.stranger))
    for stale in (1, 3):
        with cast.refused(StaleVersion) as error:
            ON_PARTICIPATIONS[verb](cast, event.id, expect=frozenset({stale}))
        assert (error.value.kind, error.value.current) == ("participant", 2)
    ON_PARTICIPATIONS[verb](cast, event.id, expect=frozenset({2}))
    assert version(cast, event) == 4
    check_consistency(cast.database, cast.actor)


def test_adding_expects_the_events_version(cast):
    event = cast.event()
    with cast.refused(StaleVersion) as error:
        NEW_PARTICIPATIONS["add"](cast, event.id, expect=frozenset({2}))
    assert (error.value.kind, error.value.current) == ("event", 1)
    NEW_PARTICIPATIONS["add"](cast, event.id, expect=frozenset({1}))


@pytest.mark.parametrize("verb", ALL)
def test_participations_of_unknown_events_and_other_organizations_are_not_found(cast, database, verb):
    event = cast.event(cast.guest)
    other = assemble(database)
    before = cast.rows()
    for event_id in (EventId(2**62), event.id):
        with other.refused(NotFound) as error:
            ALL[verb](other, event_id)
        assert error.value.kind == "event"
    assert cast.rows() == before
