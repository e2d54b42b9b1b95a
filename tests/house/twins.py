"""Two identical worlds: the same ids, secrets and times, each in a database of its own."""

import itertools
import random
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any, NamedTuple

import pytest
import sqlalchemy as sa

import tests.cast
from kalends import app as composition
from kalends.actions.holds import place_hold
from kalends.actions.hours import set_working_hours
from kalends.actions.tokens import issue_token
from kalends.errors import BookingConflict
from kalends.model import ALL_SCOPES, Actor, Hold, Instant, Scope, SharingLevel, ShowAs, Span, User, Visibility
from kalends.rules.hours import Window, WorkingHours
from kalends.rules.intervals import HOUR
from kalends.rules.zones import instant_of, read_time
from kalends.settings import Settings
from kalends.store import database as store
from kalends.store.database import Database, WriteTx
from kalends.store.query import Query
from kalends.store.tables import user as users
from tests.cast import Cast, assemble
from tests.conftest import Clock, app_over
from tests.databases import Databases
from tests.reads.onlookers import Onlooker
from tests.reads.worlds import World, random_event

MADE, CHANGED, READ_AT = (instant_of(read_time(f"2026-03-{time}:00Z"), None) for time in ("08T10", "08T16", "09T10"))
"""When both worlds are made, when one of them is changed, and when the requests come: in the middle of the events."""

EVENTS = 18
LEVELS = (SharingLevel.titles, SharingLevel.read, SharingLevel.respond, SharingLevel.write, None, None)
A_WEEK = 7 * 86_400
NINE_TO_FIVE = WorkingHours(((Window(9 * 60, 17 * 60),),) * 5 + ((), ()), {})
SET_METADATA = Query(sa.update(users).where(users.c.id == sa.bindparam("at")).values(metadata=sa.bindparam("text")))


class Twin(Database):
    """A database that saves writes only while `keeps` is set, and otherwise answers as if it did."""

    keeps = True

    def write(self, work: Callable[[WriteTx], Any], *, dry_run: bool = False) -> Any:
        return super().write(work, dry_run=dry_run or not self.keeps)


class Stream:
    """A reproducible source of ids and secrets: after `restart` it repeats them."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._monkeypatch = monkeypatch

    def restart(self, number: int) -> None:
        """Restart at a number; each seed has its own range."""
        self._monkeypatch.setattr(store, "new_ids", itertools.count(number))
        self._monkeypatch.setattr(secrets, "token_bytes", random.Random(number).randbytes)


class Side(NamedTuple):
    """One of two worlds: its onlooker, all its holds, and its application."""

    database: Twin
    app: Any
    world: World
    onlooker: Onlooker
    holds: list[Hold]
    tokens: dict[frozenset[Scope], str]
    """The onlooker's secrets: with all scopes, and with each alone."""


class Services(NamedTuple):
    """Two databases of one engine, and what is the same in both."""

    databases: list[Twin]
    apps: list[Any]
    clock: Clock
    stream: Stream


@contextmanager
def services(databases: Databases, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> Iterator[Services]:
    """Create two databases in which the same requests give the same answers."""
    monkeypatch.setattr(composition, "last_used_recorder", lambda _: lambda _: None)  # at any moment
    with databases.migrated() as one, databases.migrated() as other:
        twins = [Twin(Settings(database_url=url, read_timeout_ms=0), clock) for url in (one, other)]
        yield Services(twins, [app_over(twin) for twin in twins], clock, Stream(monkeypatch))
        for twin in twins:
            twin.close()


def two_worlds(services: Services, seed: int, monkeypatch: pytest.MonkeyPatch) -> tuple[Side, Side]:
    """Create a random world twice, and choose one of its users as the onlooker."""
    sides: list[Side] = []
    for database, app in zip(services.databases, services.apps, strict=True):
        services.clock.set_to(MADE)
        services.stream.restart(first_id(seed))
        monkeypatch.setattr(tests.cast, "numbers", itertools.count(1))
        database.keeps = True
        sides.append(one_world(database, app, random.Random(seed)))
    return sides[0], sides[1]


def first_id(seed: int, call: int = 0) -> int:
    """Return the first id of a seed, or of one of its calls, none of which uses more than a thousand."""
    return (seed + 1 << 36) + call * 1_000


def one_world(database: Twin, app: Any, choice: random.Random) -> Side:
    """Create a world of seven users with events, holds and tokens, who share calendars with one of them at random."""
    cast = assemble(database)
    people = [cast.host, cast.guest, cast.stranger, *(cast.person() for _ in range(4))]
    world = World(cast, [person.id for person in people])
    person, *others = choice.sample(people, len(people))
    for other, level in zip(others, LEVELS, strict=True):
        if level:
            cast.share(other, person, level)
    far = [other.id for other, level in zip(others, LEVELS, strict=True) if level in (None, SharingLevel.titles)]
    for _ in range(EVENTS):
        random_event(
            World(cast, far if choice.random() < 0.4 else choice.sample(world.people, 4), world.events),
            choice,
            visibility=Visibility.private if choice.random() < 0.3 else Visibility.default,
            hide_participants=choice.random() < 0.6,
            show_as=ShowAs.free if choice.random() < 0.3 else ShowAs.busy,
        )
    for other in people[:3]:
        cast.do(set_working_hours, other.id, NINE_TO_FIVE)
    holds = [hold for other in people for hold in some_holds(world, actor_of(cast, other), choice)]
    tokens = {scopes: cast.token_for(person, scopes=scopes) for scopes in (ALL_SCOPES, *map(scope_alone, Scope))}
    for other in people:
        cast.do(issue_token, f"of {other.name}", secrets.token_bytes(20))
    return Side(database, app, world, Onlooker(world, cast.as_person(person)), holds, tokens)


def scope_alone(scope: Scope) -> frozenset[Scope]:
    return frozenset({scope})


def actor_of(cast: Cast, person: User) -> Actor:
    return Actor(cast.actor.organization_id, user_id=person.id)


def some_holds(world: World, actor: Actor, choice: random.Random) -> list[Hold]:
    """Place holds for a user who is free."""
    placed: list[Hold] = []
    for _ in range(2):
        people = choice.sample(world.people, choice.randrange(1, 3))
        start = instant_of(read_time(f"2026-03-{choice.randrange(9, 12):02}T{choice.randrange(1, 22):02}:00Z"), None)
        span = Span(start, Instant(start + HOUR))
        with suppress(BookingConflict):
            placed.append(
                world.cast.database.write(partial(place_hold, actor=actor, people=people, span=span, seconds=A_WEEK))
            )
    return placed
