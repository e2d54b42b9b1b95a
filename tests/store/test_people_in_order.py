"""Migrating users and events from before sort and search keys: no stored value changes, and nothing fails."""

from typing import Any

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.config import Config

from kalends.actions.users import change_user
from kalends.drafts import UserUpdate
from kalends.model import Actor, Email, UserId
from kalends.reads.texts import find_text_troubles
from kalends.reads.users import list_users, read_user
from kalends.rules.text import caseless
from kalends.store.database import Database
from kalends.store.organizations import DEFAULT_ORGANIZATION
from kalends.store.revision import MIGRATIONS
from kalends.store.schema import ALEMBIC, migrate
from tests.store.conftest import Opener

OPERATOR = Actor(DEFAULT_ORGANIZATION)
PEOPLE = [
    (11, "Zoë", "zoe@example.org"),
    (12, "adam", "adam@münchen.example"),
    (13, "Ádám", "adam@xn--mnchen-3ya.example"),
    (14, "Bo", "bo@münchen.example"),
    (15, "\u200b", "<bo@example.org>"),
]
USER = sa.text(
    'INSERT INTO "user" (id, organization_id, name, email, email_folded, search_text, time_zone, metadata, version,'
    " created_at, updated_at, deleted_at) VALUES (:id, 1, :name, :email, :folded, :text, 'UTC', '{}', 1, 0, 0, :gone)"
)
EVENT = sa.text(
    "INSERT INTO event (id, organization_id, host_id, title, description, location, search_text, time_zone, starts_at,"
    " ends_at, start_local, end_local, status, show_as, visibility, metadata, required_count, optional_count,"
    " accepted_count, declined_count, tentative_count, needs_action_count, version, created_at, updated_at)"
    " VALUES (:id, 1, 11, :title, '', '', :text, 'UTC', 0, 1, '', '', 'cancelled', 'busy', 'default', '{}', 0, 0, 0, 0,"
    " 0, 0, 1, 0, 0)"
)


def old_user(number: int, name: str, email: str, gone: int | None = None) -> dict[str, Any]:
    """Return a user as the version before stored one."""
    text = caseless(f"{name}\n{email}")
    return {"id": number, "name": name, "email": email, "folded": caseless(email), "text": text, "gone": gone}


def fill_old(connection: sa.Connection) -> None:
    """Create the schema of the previous version, and fill it with users and events."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["connection"] = connection
    with ALEMBIC:
        command.upgrade(config, "0004")
    users = [old_user(*person) for person in PEOPLE]
    users += [old_user(10, "Gone", "bo@xn--mnchen-3ya.example", gone=1)]
    users += [old_user(100 + n, f"Person {n:04}", f"person{n}@example.org") for n in range(2_100)]
    connection.execute(USER, users)
    titles = (
        {7: "Café", 8: "Plan"} | {100 + n: "Ünal" for n in range(1_100)} | {5_000 + n: "Plan" for n in range(1_500)}
    )
    connection.execute(
        EVENT, [{"id": number, "title": title, "text": caseless(f"{title}\n\n")} for number, title in titles.items()]
    )


@pytest.fixture
def migrated(empty_url: str, opened: Opener) -> Database:
    """Return a database of the previous version, migrated to this one."""
    database = opened(empty_url, read_timeout_ms=0)
    database.change_schema(fill_old)
    assert migrate(database)[0] == "0004"
    return database


def test_people_are_in_order_and_found_without_accents(migrated: Database) -> None:
    def names(**options: Any) -> list[str]:
        return [user.name for user in migrated.read(lambda tx: list_users(tx, OPERATOR, 3_000, **options)).items]

    assert names()[:4] == ["\u200b", "adam", "Ádám", "Bo"]
    assert names()[-1] == "Zoë"
    assert names(text="zoe") == ["Zoë"]
    assert names(text="munchen") == ["adam", "Ádám", "Bo"]
    assert len(names()) == 2_105
    found = migrated.change_schema(
        lambda connection: connection.execute(sa.text("SELECT search_text, count(*) FROM event GROUP BY 1")).all()
    )
    assert sorted(found) == [("cafe\n\n", 1), ("plan\n\n", 1_501), ("unal\n\n", 1_100)]


def test_what_was_stored_is_kept_and_what_would_be_refused_is_named(migrated: Database) -> None:
    emails = {number: email for number, _, email in PEOPLE}
    for number, email in emails.items():
        assert migrated.read(lambda tx, number=number: read_user(tx, OPERATOR, UserId(number))).email == email
    both, name, address = migrated.read(find_text_troubles)
    assert both == (
        "Users whose e-mail address somebody else has, too: 1 "
        "(usr_000000000000000c (adam@münchen.example, as usr_000000000000000d))."
    )
    assert name == "Users whose name would be refused today: 1 (usr_000000000000000f ('\\u200b'))."
    assert address.startswith("Users whose e-mail address would be refused today: 1 (usr_000000000000000f (")


def test_two_users_with_one_address_can_be_changed_and_distinguished(migrated: Database) -> None:
    def change(number: int, edit: UserUpdate) -> None:
        migrated.write(lambda tx: change_user(tx, OPERATOR, UserId(number), edit))

    change(12, UserUpdate(name="Adam"))
    change(13, UserUpdate(name="Ádám Ant"))
    assert len(migrated.read(find_text_troubles)) == 3
    change(12, UserUpdate(email=Email("adam@example.org")))
    change(15, UserUpdate(name="Bo", email=Email("bo@example.org")))
    assert migrated.read(find_text_troubles) == []
