"""The cast of the tests: an organization of its own for each test, with a host, a guest and a stranger in it."""

import itertools
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from kalends.actions.events import create_event
from kalends.actions.users import create_user
from kalends.model import (
    Actor,
    Email,
    Event,
    EventDraft,
    Invitation,
    OrganizationId,
    Role,
    TimeText,
    User,
    UserDraft,
    UserId,
    Zone,
)
from kalends.store import tables
from kalends.store.database import Database
from kalends.store.query import Query

NEW_ORGANIZATION = Query(sa.insert(tables.organization))
numbers = itertools.count(1)

BERLIN = Zone("Europe/Berlin")


def new_organization(database: Database) -> Actor:
    """Make an organization that nobody else sees, and give its operator."""

    def make(tx: Any) -> OrganizationId:
        organization_id = OrganizationId(tx.new_id())
        tx.run(NEW_ORGANIZATION, id=organization_id, name="of a test", created_at=tx.now)
        return organization_id

    return Actor(database.write(make))


@dataclass(frozen=True)
class Cast:
    """Who plays in a test, on which stage."""

    database: Database
    actor: Actor
    host: User
    guest: User
    stranger: User

    def person(self, name: str = "", **details: Any) -> User:
        """Add somebody to the organization."""
        number = next(numbers)
        name = name or f"Person {number:05}"
        details = {"email": Email(f"person{number}@example.org"), "time_zone": BERLIN} | details
        return self.database.write(lambda tx: create_user(tx, self.actor, UserDraft(name=name, **details)))

    def event(self, *guests: User | UserId, **details: Any) -> Event:
        """Have the host invite some people, all of them required; by default to an hour on 9 March 2026 in Berlin."""
        ids = [guest.id if isinstance(guest, User) else guest for guest in guests]
        invited = [Invitation(user_id=user_id, role=Role.required) for user_id in ids]
        details = {
            "host_id": self.host.id,
            "title": "Planning",
            "start": TimeText("2026-03-09T14:00"),
            "end": TimeText("2026-03-09T15:00"),
            "time_zone": BERLIN,
            "participants": invited,
        } | details
        return self.database.write(lambda tx: create_event(tx, self.actor, EventDraft(**details)))


def assemble(database: Database) -> Cast:
    """Give a fresh cast in an organization of its own."""
    actor = new_organization(database)

    def enter(tx: Any) -> list[User]:
        names = ("Hanna Host", "Gustav Guest", "Stella Stranger")
        mails = (Email(name.split()[0].lower() + "@example.org") for name in names)
        return [
            create_user(tx, actor, UserDraft(name=name, email=mail, time_zone=BERLIN))
            for name, mail in zip(names, mails, strict=True)
        ]

    return Cast(database, actor, *database.write(enter))
