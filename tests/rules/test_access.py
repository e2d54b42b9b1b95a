"""The table of who may do what, cell by cell."""

import pytest
from msgspec import structs

from kalends.errors import Forbidden
from kalends.model import Actor, Hold, HoldId, Instant, OrganizationId, SharingLevel, Span, UserId, Visibility
from kalends.rules import access
from kalends.rules.access import AccessLevel, access_level_of, access_level_of_participation

ME, HOST, OTHER = UserId(1), UserId(2), UserId(3)
OPERATOR = Actor(OrganizationId(9))
BLOCK, TITLE, WHOLE, COMMAND = AccessLevel


def person(**shared: SharingLevel) -> Actor:
    known = {"host": HOST, "other": OTHER}
    return Actor(OrganizationId(9), user_id=ME, shared={known[name]: level for name, level in shared.items()})


# What I see of the events of a host who lets me in so far, as a mere member, in them, or as a participant's delegate.
TABLE = {
    None: (BLOCK, WHOLE, WHOLE),
    SharingLevel.free_busy: (BLOCK, WHOLE, WHOLE),
    SharingLevel.titles: (TITLE, WHOLE, WHOLE),
    SharingLevel.read: (WHOLE, WHOLE, WHOLE),
    SharingLevel.respond: (WHOLE, WHOLE, WHOLE),
    SharingLevel.write: (COMMAND, COMMAND, COMMAND),
}
TIES = (
    {"concerned": False, "delegate": False},
    {"concerned": True, "delegate": False},
    {"concerned": False, "delegate": True},
)


def test_the_table_has_every_level():
    assert {*TABLE} - {None} == {*SharingLevel}
    assert {*access.ACCESS_TO_HOSTED} == {*SharingLevel}


@pytest.mark.parametrize("level", TABLE)
@pytest.mark.parametrize("tie", range(3), ids=["member", "concerned", "delegate"])
def test_the_access_levels_of_participants_delegates_and_others(level, tie):
    me = person(host=level) if level else person()
    assert access_level_of(me, HOST, Visibility.default, **TIES[tie]) is TABLE[level][tie]
    alone = WHOLE if TIES[tie]["concerned"] else BLOCK
    assert access_level_of(me, HOST, Visibility.private, **TIES[tie]) is alone, "a private event is its people's alone"


@pytest.mark.parametrize("visibility", Visibility)
@pytest.mark.parametrize("ties", TIES)
def test_host_and_operator_see_and_change_all(visibility, ties):
    assert access_level_of(OPERATOR, HOST, visibility, **ties) is COMMAND
    assert access_level_of(person(), ME, visibility, **ties) is COMMAND


@pytest.mark.parametrize("level", SharingLevel)
def test_the_actions_that_each_access_level_allows(level):
    me = person(other=level)
    delegate = level in (SharingLevel.respond, SharingLevel.write)
    assert access.may_answer_for(me, OTHER, Visibility.default) is delegate
    assert not access.may_answer_for(me, OTHER, Visibility.private)
    assert access.delegators_of(me) == ([OTHER] if delegate else [])
    assert access.may_manage(me, OTHER) is (level is SharingLevel.write)
    assert access.hosts_shown_to(me, TITLE) == ([] if level is SharingLevel.free_busy else [OTHER])
    assert access.hosts_shown_to(me, COMMAND) == ([OTHER] if level is SharingLevel.write else [])
    assert not access.is_self_or_operator(me, OTHER), (
        "who is let in, and a person's own details, are left to the person"
    )


def test_each_level_includes_those_before_it():
    seen = [access.ACCESS_TO_HOSTED[level] for level in SharingLevel]
    assert seen == sorted(seen)
    answers = [access.may_answer_for(person(other=level), OTHER, Visibility.default) for level in SharingLevel]
    assert answers == sorted(answers)


def test_everybody_may_act_for_themselves_and_operators_for_all():
    for actor, user_id in ((person(), ME), (OPERATOR, ME), (OPERATOR, OTHER)):
        assert access.may_answer_for(actor, user_id, Visibility.private)
        assert access.may_manage(actor, user_id)
        assert access.is_self_or_operator(actor, user_id)
    assert access.is_operator(OPERATOR)
    assert not access.is_operator(person())
    assert not access.may_answer_for(person(), OTHER, Visibility.default)
    assert not access.may_manage(person(), OTHER)


def test_a_hold_belongs_to_who_placed_it_and_to_operators():
    assert access.may_use_hold(person(), ME)
    assert not access.may_use_hold(person(other=SharingLevel.write), OTHER)
    assert not access.may_use_hold(person(), None), "one that an operator placed"
    assert access.may_use_hold(OPERATOR, OTHER)
    assert access.may_use_hold(OPERATOR, None)


def test_people_in_a_hold_see_who_placed_it_but_not_the_other_people():
    held = Hold(HoldId(1), (ME, OTHER), Span(Instant(0), Instant(1)), Instant(2), False, Instant(0), HOST)
    assert access.may_see_hold(person(), HOST, held.user_ids)
    assert not access.may_see_hold(person(), HOST, (OTHER,))
    assert access.may_see_hold(person(), ME, (OTHER,))
    assert access.may_see_hold(OPERATOR, HOST, ())
    assert access.hold_shown_to(ME, held) == structs.replace(held, user_ids=(ME,))
    assert access.hold_shown_to(ME, structs.replace(held, placed_by=None)).user_ids == (ME,)
    assert access.hold_shown_to(HOST, held) is access.hold_shown_to(None, held) is held


# Whose part in an event is shown, to whom so much is seen of it; `hides` where the event hides its participants.
PARTS = [
    (ME, TITLE, True, TITLE),
    (HOST, TITLE, True, TITLE),
    (OTHER, TITLE, False, BLOCK),
    (OTHER, TITLE, True, BLOCK),
    (OTHER, WHOLE, False, WHOLE),
    (OTHER, WHOLE, True, BLOCK),
    (OTHER, COMMAND, True, COMMAND),
    (OTHER, BLOCK, False, BLOCK),
]


@pytest.mark.parametrize(("whose", "access_level", "hides", "expected"), PARTS)
def test_what_is_shown_of_a_users_participation(whose, access_level, hides, expected):
    assert access_level_of_participation(person(), whose, access_level, HOST, hides=hides) is expected


def test_a_delegate_is_shown_the_participation_of_their_delegator():
    assert access_level_of_participation(person(other=SharingLevel.respond), OTHER, WHOLE, HOST, hides=True) is WHOLE
    assert access_level_of_participation(person(other=SharingLevel.read), OTHER, WHOLE, HOST, hides=True) is BLOCK


def test_refused_actions_are_forbidden_with_a_reason():
    access.refuse_unless(True, "never")
    with pytest.raises(Forbidden, match=r"^Not yours\.$"):
        access.refuse_unless(False, "Not yours")
