"""The plan as rows: of Kalends' own tables, and of the conventional ones of the peers."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, NamedTuple

import sqlalchemy as sa

from bench.plan import EVENT_STEP, FIRST_EVENT, FIRST_USER, MADE_AT, SECOND, USER_STEP, Plan, PlannedEvent
from kalends.model import Instant, Response, Role, ShowAs, Status
from kalends.rules.busy import strength_of
from kalends.rules.emails import email_key
from kalends.rules.text import sort_key
from kalends.rules.zones import rendered, zone_named
from kalends.store.events import event_text
from kalends.store.organizations import DEFAULT_ORGANIZATION
from kalends.store.users import user_text
from kalends.store.zone_data import load_zone_data

ORGANIZATION = int(DEFAULT_ORGANIZATION)
COUNTED = ("required", "optional", "accepted", "declined", "tentative", "needs_action")

Batch = dict[str, list[tuple[Any, ...]]]
"""Rows by the name of their table."""


class Family(NamedTuple):
    """A schema of the data: its tables, and functions that create rows of users and events."""

    name: str
    tables: dict[str, tuple[str, ...]]
    """The columns that are filled, by table."""
    user_row: Callable[[Plan, int], tuple[Any, ...]]
    event_rows: Callable[[PlannedEvent, str], Batch]

    def batches(self, plan: Plan, size: int = 20_000) -> Iterator[tuple[int, Batch]]:
        """Yield all rows in batches, each with its number of users or events."""
        load_zone_data()
        for first in range(0, plan.people, size):
            people = range(first, min(first + size, plan.people))
            yield len(people), {next(iter(self.tables)): [self.user_row(plan, person) for person in people]}
        for first in range(0, plan.events, size):
            numbers = range(first, min(first + size, plan.events))
            batch: Batch = {name: [] for name in self.tables}
            for number in numbers:
                planned = plan.event(number)
                for name, rows in self.event_rows(planned, plan.zone_of(planned.host)).items():
                    batch[name] += rows
            yield len(numbers), batch


def user_id(person: int) -> int:
    """Return a person's id in Kalends."""
    return FIRST_USER + person * USER_STEP


def event_id(number: int) -> int:
    """Return an event's id in Kalends."""
    return FIRST_EVENT + number * EVENT_STEP


def person_texts(person: int) -> tuple[str, str]:
    """Return name and e-mail address."""
    return f"Person {person * 7_919 % 1_000_003:06}", f"person{person}@example.org"


def event_texts(number: int) -> tuple[str, str, str, str]:
    """Return title, description, location and metadata."""
    title = f"Weekly planning {number}"
    about = f"What was done, what is next and who needs help with it, part {number % 97}."
    return title, about, f"Room {number % 40}", f'{{"project":{number % 1_000}}}' if number % 3 == 0 else "{}"


@lru_cache(maxsize=1 << 20)
def local(moment: int, zone: str) -> str:
    """Format a time as local time of a zone."""
    return rendered(Instant(moment), zone_named(zone))


@lru_cache(maxsize=1 << 20)
def stamp(moment: int) -> datetime:
    """Return a time as a datetime in UTC."""
    return datetime.fromtimestamp(moment // SECOND, UTC)


@lru_cache(maxsize=1_000)
def shown(status: str, show_as: str, role: str | None, response: str | None) -> tuple[str, bool]:
    """Return how a participation is shown and whether it blocks, by the rule."""
    busy, blocking = strength_of(Status(status), ShowAs(show_as), role and Role(role), response and Response(response))
    return busy.value, blocking


def counts_of(planned: PlannedEvent) -> list[int]:
    """Count the participations by role and by response."""
    words = [word for participation in planned.participations for word in (participation.role, participation.response)]
    words_tentative = [participation.response for participation in planned.participations].count("tentative")
    return [words_tentative if name == "tentative" else words.count(name) for name in COUNTED]


def own_user(plan: Plan, person: int) -> tuple[Any, ...]:
    """Return a row of Kalends' users."""
    name, email = person_texts(person)
    texts = (name, sort_key(name), email, email_key(email), user_text(name, email))
    return (user_id(person), ORGANIZATION, *texts, plan.zone_of(person), "{}", 1, MADE_AT, MADE_AT, None)


def own_event(planned: PlannedEvent, zone: str) -> Batch:
    """Return the rows of an event in Kalends' tables."""
    number, host, participations, start, end, status, show_as = planned
    key, made = event_id(number), MADE_AT + number * 6 * SECOND
    title, about, place, more = event_texts(number)
    search = event_text(title, place, about)
    times = (start, end, local(start, zone), local(end, zone))
    event = (key, ORGANIZATION, user_id(host), title, about, place, search, zone, *times, status, show_as)
    participants: list[tuple[Any, ...]] = []
    agenda: list[tuple[Any, ...]] = []
    for person, role, response in participations:
        who = user_id(person)
        answered = None if response == "needs_action" else made
        participants.append((ORGANIZATION, key, who, role, response, None, answered, 1))
        busy, blocks = shown(status, show_as, role, response)
        agenda.append(
            (ORGANIZATION, who, start, key, end, person == host, role, response, status, busy, blocks, blocks)
        )
    if all(person != host for person, _, _ in participations):
        agenda.append((ORGANIZATION, user_id(host), start, key, end, True, None, None, status, "free", False, False))
    return {
        "event": [(*event, "default", None, more, *counts_of(planned), 1, made, made)],
        "participant": participants,
        "agenda": agenda,
    }


def peer_user(plan: Plan, person: int) -> tuple[Any, ...]:
    """Return a row of the peers' users."""
    return (person + 1, *person_texts(person), plan.zone_of(person), "{}", 1, stamp(MADE_AT), stamp(MADE_AT))


def peer_event(planned: PlannedEvent, zone: str) -> Batch:
    """Return the rows of an event in the peers' tables."""
    number, host, participations, start, end, status, show_as = planned
    made = stamp(MADE_AT + number * 6 * SECOND)
    title, about, place, more = event_texts(number)
    event = (number + 1, host + 1, title, about, place, stamp(start), stamp(end), zone, status, show_as, "default")
    return {
        "events": [(*event, more, *counts_of(planned), 1, made, made)],
        "participants": [
            (number + 1, person + 1, role, response, None, None if response == "needs_action" else made)
            for person, role, response in participations
        ],
    }


peer_metadata = sa.MetaData()
MOMENT = sa.DateTime(timezone=True)


def required(name: str, kind: Any, *rest: Any, **options: Any) -> sa.Column[Any]:
    """Return a column that is not nullable."""
    return sa.Column(name, kind, *rest, nullable=False, **options)


PEER_USERS = sa.Table(
    "users",
    peer_metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    *(required(name, sa.Text) for name in ("name", "email", "time_zone", "metadata")),
    required("version", sa.Integer),
    *(required(name, MOMENT) for name in ("created_at", "updated_at")),
    sa.Index("users_email", "email", unique=True),
)
PEER_EVENTS = sa.Table(
    "events",
    peer_metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    required("host_id", sa.Integer, sa.ForeignKey("users.id")),
    *(required(name, sa.Text) for name in ("title", "description", "location")),
    *(required(name, MOMENT) for name in ("starts_at", "ends_at")),
    *(required(name, sa.Text) for name in ("time_zone", "status", "show_as", "visibility", "metadata")),
    *(required(f"{name}_count", sa.Integer) for name in COUNTED),
    required("version", sa.Integer),
    *(required(name, MOMENT) for name in ("created_at", "updated_at")),
    required("hide_participants", sa.Boolean, server_default=sa.false()),
    sa.Index("events_host", "host_id", "starts_at"),
    sa.Index("events_start", "starts_at"),
)
PEER_PARTICIPANTS = sa.Table(
    "participants",
    peer_metadata,
    sa.Column("event_id", sa.Integer, sa.ForeignKey("events.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("user_id", sa.Integer, sa.ForeignKey("users.id"), primary_key=True),
    *(required(name, sa.Text) for name in ("role", "response")),
    sa.Column("comment", sa.Text),
    sa.Column("responded_at", MOMENT),
    sa.Index("participants_user", "user_id", "event_id"),
)

OWN_COLUMNS = {
    "user": "id organization_id name name_key email email_folded search_text time_zone metadata version created_at"
    " updated_at deleted_at",
    "event": "id organization_id host_id title description location search_text time_zone starts_at ends_at start_local"
    " end_local status show_as visibility cancel_reason metadata required_count optional_count accepted_count"
    " declined_count tentative_count needs_action_count version created_at updated_at",
    "participant": "organization_id event_id user_id role response comment responded_at version",
    "agenda": "organization_id user_id starts_at event_id ends_at hosting role response status shown blocking"
    " exclusive",
}
KALENDS = Family(
    "kalends", {name: tuple(columns.split()) for name, columns in OWN_COLUMNS.items()}, own_user, own_event
)
PEERS = Family(
    "peers",
    {
        table.name: tuple(column.name for column in table.columns if column.server_default is None)
        for table in (PEER_USERS, PEER_EVENTS, PEER_PARTICIPANTS)
    },
    peer_user,
    peer_event,
)
