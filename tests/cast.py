"""The cast of the tests: an organization for each test, with a host, a guest and a stranger."""

import itertools
import secrets
from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import pytest
import sqlalchemy as sa

from kalends.actions.booking import OnConflict
from kalends.actions.events import create_event
from kalends.actions.saving import Saved
from kalends.actions.sharing import share_calendar
from kalends.actions.tokens import issue_token
from kalends.actions.users import create_user
from kalends.drafts import EventCreate, ParticipantCreate, UserCreate
from kalends.model import (
    ALL_SCOPES,
    Actor,
    Email,
    Event,
    EventId,
    Instant,
    OrganizationId,
    Participation,
    Role,
    Scope,
    SharingLevel,
    User,
    UserId,
    Zone,
)
from kalends.rules.participation import agenda_of, updated_counts
from kalends.rules.zones import read_time
from kalends.store import tables
from kalends.store.database import Database, ReadTx, Row
from kalends.store.events import COLUMNS, event_from
from kalends.store.participants import participations_of
from kalends.store.query import Query
from kalends.store.shares import shares_with

NEW_ORGANIZATION = Query(sa.insert(tables.organization))
numbers = itertools.count(1)

BERLIN = Zone("Europe/Berlin")

ROWS = {
    table.name: Query(
        sa.select(*(column for column in table.c if column.name != "last_used_at"))
        .where(table.c.organization_id == sa.bindparam("org"))
        .order_by(*table.primary_key.columns)
    )
    for table in tables.metadata.sorted_tables
    if "organization_id" in table.c
}
ALL_EVENTS = Query(sa.select(*COLUMNS).where(tables.event.c.organization_id == sa.bindparam("org")))
DELETED = Query(
    sa.select(tables.user.c.id).where(
        tables.user.c.organization_id == sa.bindparam("org"), tables.user.c.deleted_at.is_not(None)
    )
)


def instant(text: str) -> Instant:
    """Return the instant of a time in ISO 8601 with an offset."""
    return Instant(int(datetime.fromisoformat(text).timestamp()) * 1_000_000)


def new_organization(database: Database) -> Actor:
    """Create an organization for one test, and return its operator."""

    def make(tx: Any) -> OrganizationId:
        organization_id = OrganizationId(tx.new_id())
        tx.run(NEW_ORGANIZATION, id=organization_id, name="of a test", created_at=tx.now)
        return organization_id

    return Actor(database.write(make))


@dataclass(frozen=True)
class Cast:
    """The users of a test, their organization and its database."""

    database: Database
    actor: Actor
    host: User
    guest: User
    stranger: User

    def person(self, name: str = "", **details: Any) -> User:
        """Create a user in the organization."""
        number = next(numbers)
        name = name or f"Person {number:05}"
        details = {"email": Email(f"person{number}@example.org"), "time_zone": BERLIN} | details
        return self.database.write(lambda tx: create_user(tx, self.actor, UserCreate(name=name, **details)))

    def event(self, *guests: User | UserId, **details: Any) -> Event:
        """Create an event of the host with required participants; by default an hour on 9 March 2026 in Berlin."""
        ids = [guest.id if isinstance(guest, User) else guest for guest in guests]
        invited = [ParticipantCreate(user_id=user_id, role=Role.required) for user_id in ids]
        details = {
            "host_id": self.host.id,
            "title": "Planning",
            "start": read_time("2026-03-09T14:00"),
            "end": read_time("2026-03-09T15:00"),
            "time_zone": BERLIN,
            "participants": invited,
        } | details
        return self.force(create_event, EventCreate(**details))

    def do(self, action: Any, *arguments: Any, **options: Any) -> Any:
        """Run an action in a transaction of its own; return what it saved, without the conflicts."""
        return without_conflicts(self.database.write(lambda tx: action(tx, self.actor, *arguments, **options)))

    def force(self, action: Any, *arguments: Any, **options: Any) -> Any:
        """Run an action with `on_conflict=allow`."""
        return self.do(action, *arguments, on_conflict=OnConflict.allow, **options)

    def save(self, action: Any, *arguments: Any, **options: Any) -> Saved:
        """Run an action; return the event that it saved, with the conflicts."""
        saved = saved_in(self.database.write(lambda tx: action(tx, self.actor, *arguments, **options)))
        assert saved is not None
        return saved

    def ask(self, read: Any, *arguments: Any, **options: Any) -> Any:
        """Run a read in a transaction of its own."""
        return self.database.read(lambda tx: read(tx, self.actor, *arguments, **options))

    def share(self, owner: User, person: User, level: SharingLevel) -> None:
        """Share a user's calendar with another user."""
        self.do(share_calendar, owner.id, person.id, level)

    def as_person(self, person: User) -> "Cast":
        """Return the same cast with this person as the actor, who has what is shared with them by now."""
        organization_id = self.actor.organization_id
        shares = self.database.read(lambda tx: shares_with(tx, organization_id, person.id))
        shared = {share.owner_id: share.level for share in shares}
        return replace(self, actor=Actor(organization_id, user_id=person.id, shared=shared))

    def token_for(
        self, person: User | None = None, *, scopes: AbstractSet[Scope] = ALL_SCOPES, expires_at: Instant | None = None
    ) -> str:
        """Create a token for a user, or for an operator, and return its secret."""
        bearer = Actor(self.actor.organization_id, user_id=person and person.id)
        secret = secrets.token_bytes(20)
        return self.database.write(
            lambda tx: issue_token(tx, bearer, "of a test", secret, scopes=scopes, expires_at=expires_at)
        )[1]

    def participations(self, event_id: EventId) -> dict[UserId, Participation]:
        """Return the stored participations of an event."""
        return self.database.read(lambda tx: participations_of(tx, event_id))

    def rows(self) -> dict[str, list[Row]]:
        """Return all that is stored of the organization."""
        return rows_of(self.database, self.actor)

    @contextmanager
    def refused(self, kind: type[Exception]) -> Iterator[Any]:
        """Check that an error is raised and that nothing in the database changes."""
        before = self.rows()
        with pytest.raises(kind) as caught:
            yield caught
        assert self.rows() == before


def without_conflicts(answer: Any) -> Any:
    """Return what an action answers, or of what it saved the event alone, or the participants instead of the event."""
    saved = saved_in(answer)
    if saved is None:
        return answer
    participants, *is_new = (saved.event,) if saved is answer else (part for part in answer if part is not saved)
    return (participants, *is_new) if is_new else participants


def saved_in(answer: Any) -> Saved | None:
    """Return the event that an action saved, with the conflicts, if it answers with that."""
    if isinstance(answer, Saved):
        return answer
    return next((part for part in answer if isinstance(part, Saved)), None) if isinstance(answer, tuple) else None


def rows_of(database: Database, actor: Actor) -> dict[str, list[Row]]:
    """Return all that is stored of an organization, by table."""

    def read(tx: ReadTx) -> dict[str, list[Row]]:
        tx.snapshot()
        return {name: tx.rows(query, org=actor.organization_id) for name, query in ROWS.items()}

    return database.read(read)


def check_consistency(database: Database, actor: Actor) -> int:
    """Check all derived data of an organization against its source, and return the number of events."""

    def read(tx: ReadTx) -> int:
        tx.snapshot()
        deleted = {UserId(row[0]) for row in tx.rows(DELETED, org=actor.organization_id)}
        events = [event_from(row) for row in tx.rows(ALL_EVENTS, org=actor.organization_id)]
        expected = set()
        for event in events:
            participations = participations_of(tx, event.id)
            assert event.counts == updated_counts(type(event.counts)(), added=participations.values())
            assert all(participation.version <= event.version for participation in participations.values())
            assert event.pending_host_id not in {event.host_id, *deleted}
            assert event.pending_host_id is None or event.status != "cancelled"
            if event.block.span.end > tx.now:
                assert not participations.keys() & deleted
                assert event.host_id not in deleted or event.status == "cancelled"
            expected |= {agenda_values(row) for row in agenda_of(event, participations.values())}
        stored = tx.rows(ROWS["agenda"], org=actor.organization_id)
        assert {(*row[1:5], bool(row[5]), *row[6:10], bool(row[10])) for row in stored} == expected
        return len(events)

    return database.read(read)


def agenda_values(row: Any) -> tuple[Any, ...]:
    """Return an agenda row in the order of its table, without the organization."""
    what = (row.hosting, row.role, row.response, row.status, row.shown, row.blocking)
    return (row.user_id, row.span.start, row.event_id, row.span.end, *what)


def codes(error: Any) -> list[str]:
    """Return the codes of an error's faults."""
    return [fault.code for fault in error.value.faults]


def assemble(database: Database) -> Cast:
    """Create a cast in an organization of its own."""
    actor = new_organization(database)

    def enter(tx: Any) -> list[User]:
        names = ("Hanna Host", "Gustav Guest", "Stella Stranger")
        mails = (Email(name.split()[0].lower() + "@example.org") for name in names)
        return [
            create_user(tx, actor, UserCreate(name=name, email=mail, time_zone=BERLIN))
            for name, mail in zip(names, mails, strict=True)
        ]

    return Cast(database, actor, *database.write(enter))
