"""Single reads, and searching users."""

import pytest

from kalends.actions.participants import answer_invitation
from kalends.actions.user_deletion import delete_user
from kalends.actions.users import change_user
from kalends.drafts import ResponseUpdate, UserUpdate
from kalends.errors import NotFound
from kalends.model import EventId, Metadata, UserId
from kalends.reads.participants import list_participants, read_participant
from kalends.reads.users import list_users, read_user
from kalends.rules.access import AccessLevel
from tests.cast import assemble, instant
from tests.seen import read_event

UNKNOWN_USER, UNKNOWN_EVENT = UserId(2**62), EventId(2**62)


def names(cast, text=None) -> list[str]:
    return [user.name for user in cast.ask(list_users, 50, text=text).items]


def test_an_event_is_read_alone_or_with_its_participants(cast):
    event = cast.event(cast.guest)
    assert cast.ask(read_event, event.id, expand=False) == (event, AccessLevel.write, None)
    again, _, guests = cast.ask(read_event, event.id, expand=True)
    assert again == event
    assert [(guest.name, guest.email, guest.is_host) for guest in guests] == [
        ("Hanna Host", "hanna@example.org", True),
        ("Gustav Guest", "gustav@example.org", False),
    ]


def test_participants_are_shown_as_their_users_are_now(cast):
    event = cast.event(cast.guest)
    cast.do(change_user, cast.guest.id, UserUpdate(name="Gus", metadata=Metadata(a=1)))
    guest = cast.ask(read_participant, event.id, cast.guest.id)
    assert (guest.name, guest.user_version, guest.event_id, guest.is_host) == ("Gus", 2, event.id, False)
    assert guest in cast.ask(list_participants, event.id, 9).items


def test_an_event_nobody_attends_has_an_empty_list(cast):
    event = cast.event(host_attends=False)
    assert cast.ask(read_event, event.id, expand=True) == (event, AccessLevel.write, [])
    assert cast.ask(list_participants, event.id, 9).items == []


def test_unknown_objects_and_those_of_other_organizations_are_not_found(cast, database):
    event = cast.event(cast.guest)
    other = assemble(database)
    own = other.event(other.guest)
    for stage, read, arguments, kind in (
        (cast, read_event, (UNKNOWN_EVENT,), "event"),
        (other, read_event, (event.id,), "event"),
        (cast, read_user, (UNKNOWN_USER,), "user"),
        (other, read_user, (cast.guest.id,), "user"),
        (cast, list_participants, (UNKNOWN_EVENT, 5), "event"),
        (other, list_participants, (event.id, 5), "event"),
        (cast, read_participant, (UNKNOWN_EVENT, cast.guest.id), "event"),
        (other, read_participant, (event.id, cast.guest.id), "event"),
        (cast, read_participant, (event.id, cast.stranger.id), "participant"),
        (other, read_participant, (own.id, cast.guest.id), "participant"),
    ):
        options = {"expand": True} if read is read_event else {}
        with pytest.raises(NotFound) as error:
            stage.ask(read, *arguments, **options)
        assert (error.value.kind, error.value.name) == (kind, arguments[-1] if kind == "participant" else arguments[0])


def test_users_come_in_the_order_of_their_names_without_regard_to_case_and_accents(cast):
    for name in ("anna", "Änne", "Zoë", "李"):
        cast.person(name)
    assert names(cast) == ["anna", "Änne", "Gustav Guest", "Hanna Host", "Stella Stranger", "Zoë", "李"]


def test_users_are_found_by_parts_of_name_or_address_without_regard_to_case(cast):
    cast.person("Änne 100%_\\")
    assert names(cast, "HANNA") == ["Hanna Host"]
    assert names(cast, "gustav@") == ["Gustav Guest"]
    assert names(cast, "st") == ["Gustav Guest", "Hanna Host", "Stella Stranger"]
    for text in ("äNNE", "A\u0308nne", "0%_", "\\", "%"):
        assert names(cast, text) == ["Änne 100%_\\"]
    assert names(cast, "nobody") == []
    assert len(names(cast, "")) == 4
    page = cast.ask(list_users, 1, text="st")
    assert [user.name for user in cast.ask(list_users, 5, text="st", after=page.next_key).items] == [
        "Hanna Host",
        "Stella Stranger",
    ]


def test_deleted_and_other_peoples_users_are_not_listed(cast, database):
    assemble(database)
    cast.do(delete_user, cast.stranger.id)
    assert names(cast) == ["Gustav Guest", "Hanna Host"]
    assert names(cast, "stella") == []


def test_an_event_and_its_participants_are_read_in_one_snapshot(cast, clock):
    """The participants are read with two statements; the second does not see a write between them."""
    clock.set_to(instant("2026-03-09T08:00+01:00"))
    event = cast.event(cast.guest)

    def read(tx):
        tx.snapshot()
        found, *_ = read_event(tx, cast.actor, event.id, expand=False)
        cast.do(answer_invitation, event.id, cast.guest.id, ResponseUpdate(response="accepted"))
        return found, list_participants(tx, cast.actor, event.id, 9).items

    found, guests = cast.database.read(read)
    assert found.counts.needs_action == [guest.participation.response for guest in guests].count("needs_action") == 1
