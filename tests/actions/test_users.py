"""Actions on users, except deletion."""

import pytest

from kalends.actions.user_deletion import delete_user
from kalends.actions.users import change_user, create_user
from kalends.drafts import UserCreate, UserUpdate
from kalends.errors import EmailTaken, Invalid, NotFound, StaleVersion
from kalends.model import Email, Metadata, UserId, Zone
from kalends.reads.users import read_user
from tests.cast import BERLIN, assemble, codes


def test_a_new_user_has_the_given_members(cast):
    draft = UserCreate(name="Ada", email=Email("Ada@Example.org"), time_zone=BERLIN, metadata=Metadata(team=["x"]))
    ada = cast.do(create_user, draft)
    assert (ada.name, ada.email, ada.time_zone, ada.metadata, ada.version) == (
        "Ada", "Ada@Example.org", "Europe/Berlin", '{"team":["x"]}', 1,
    )  # fmt: skip
    assert ada.created_at == ada.updated_at
    assert cast.ask(read_user, ada.id) == ada
    assert cast.do(create_user, UserCreate(name="Bob", email=Email("bob@example.org"))).time_zone == "UTC"


@pytest.mark.parametrize("email", ["gustav@example.org", "GUSTAV@Example.ORG", "\uff27ustav@example.org"])
def test_an_address_belongs_to_one_user_whatever_its_case(cast, email):
    with cast.refused(EmailTaken) as error:
        cast.person(email=Email(email))
    assert error.value.email == email
    with cast.refused(EmailTaken):
        cast.do(change_user, cast.host.id, UserUpdate(email=Email(email)))


def test_another_organization_may_have_the_same_address(cast, database):
    assert assemble(database).guest.email == cast.guest.email


def test_an_edit_changes_only_the_given_members_and_makes_one_version(cast, clock):
    clock.set_to(cast.guest.updated_at + 5_000_000)
    edit = UserUpdate(name="Gus", email=Email("Gustav@example.org"), metadata=Metadata(a=1, b=2))
    gus = cast.do(change_user, cast.guest.id, edit)
    assert (gus.name, gus.email, gus.metadata, gus.version) == ("Gus", "Gustav@example.org", '{"a":1,"b":2}', 2)
    assert (gus.time_zone, gus.created_at) == (cast.guest.time_zone, cast.guest.created_at)
    assert gus.updated_at == cast.guest.updated_at + 5_000_000
    merged = cast.do(change_user, cast.guest.id, UserUpdate(metadata=Metadata(a=None), time_zone=Zone("UTC")))
    assert (merged.metadata, merged.time_zone, merged.version) == ('{"b":2}', "UTC", 3)
    assert cast.do(change_user, cast.guest.id, UserUpdate(metadata=None)).metadata == "{}"
    assert cast.ask(read_user, cast.guest.id).version == 4


def test_an_edit_without_changes_stores_nothing(cast):
    before = cast.rows()
    assert cast.do(change_user, cast.guest.id, UserUpdate(name="Gustav Guest", metadata=None)) == cast.guest
    assert cast.rows() == before


def test_too_much_metadata_is_refused(cast):
    with cast.refused(Invalid) as error:
        cast.do(change_user, cast.guest.id, UserUpdate(metadata=Metadata(a="x" * 20_000)))
    assert codes(error) == ["metadata_too_large"]


def test_a_stale_version_is_refused(cast):
    with cast.refused(StaleVersion) as error:
        cast.do(change_user, cast.guest.id, UserUpdate(name="Gus"), expect=frozenset({2}))
    assert (error.value.kind, error.value.current) == ("user", 1)
    assert cast.do(change_user, cast.guest.id, UserUpdate(name="Gus"), expect=frozenset({1, 2})).version == 2


def test_unknown_deleted_and_other_peoples_users_are_not_found(cast, database):
    cast.do(delete_user, cast.stranger.id)
    for user_id in (UserId(2**62), cast.stranger.id, assemble(database).guest.id):
        with cast.refused(NotFound) as error:
            cast.do(change_user, user_id, UserUpdate(name="Gus"))
        assert (error.value.kind, error.value.name) == ("user", user_id)
