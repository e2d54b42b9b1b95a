"""Random calls against SQLite, PostgreSQL and a service on paper: all three give the same answers."""

import os
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from kalends.errors import KalendsError
from kalends.settings import Settings
from kalends.store.database import Database
from kalends.store.schema import migrate
from tests.cast import check_house
from tests.conftest import Clock
from tests.house.paper import OFFSETS, Paper, Refusal
from tests.house.stage import Stage, instant, told
from tests.postgres import create_database

NAMES = ("Ada", "Bob", "Änne", "Zoë", "ada")
EMAILS = tuple(f"{name}@example.org" for name in ("ada", "ADA", "bob", "carla", "dora", "eve", "finn"))
TITLES = ("Plan", "Größe", "100%", "a_b", "lunch")
SEARCHED = ("plan", "GRÖSSE", "%", "_", "a", "x")
NOON = 720

people = st.integers(-1, 6)
numbers = st.integers(-1, 7)
roles = st.sampled_from(["required", "optional"])
answers = st.sampled_from(["accepted", "declined", "tentative"])
zones = st.sampled_from(sorted(OFFSETS))
expected = st.none() | st.none() | st.frozensets(st.integers(0, 5), max_size=5)
starts = st.integers(0, 2 * 48).map(lambda halves: halves * 30)
lengths = st.sampled_from([-30, 0, 30, 30, 60, 60, 90, 120, 300])
guest_lists = st.lists(st.tuples(people, roles), max_size=4)
comments = st.none() | st.just("gladly")


def some(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Give some of the fields, or none."""
    return st.fixed_dictionaries({}, optional=fields)


class Kalends(RuleBasedStateMachine):
    """Plays a call on every stage and on paper, and compares."""

    databases: tuple[Database, ...]
    clock: Clock

    def __init__(self) -> None:
        super().__init__()
        self.clock.set_to(instant(NOON))
        self.paper = Paper(NOON)
        self.stages = [Stage(database) for database in self.databases]

    def play(self, call: str, *arguments: Any) -> Any:
        try:
            expected_answer = getattr(self.paper, call)(*arguments)
        except Refusal as refusal:
            expected_answer = refusal.answer
        for stage in self.stages:
            try:
                answer = getattr(stage, call)(*arguments)
            except KalendsError as error:
                answer = told(error)
            assert answer == expected_answer, stage.database.dialect.name

    def teardown(self) -> None:
        for stage in self.stages:
            check_house(stage.database, stage.actor)

    @initialize()
    def three_people(self) -> None:
        for name, email in zip(NAMES, EMAILS[2:5], strict=False):
            self.play("create_user", name, email, "UTC")

    @rule(minutes=st.integers(1, 16))
    def time_passes(self, minutes: int) -> None:
        self.paper.now += minutes * 30
        self.clock.set_to(instant(self.paper.now))

    # ---------------------------------------------------------------------------------------------------------- people
    @rule(name=st.sampled_from(NAMES), email=st.sampled_from(EMAILS), zone=zones)
    def create_user(self, name: str, email: str, zone: str) -> None:
        self.play("create_user", name, email, zone)

    @rule(
        who=people,
        changes=some(name=st.sampled_from(NAMES), email=st.sampled_from(EMAILS), zone=zones),
        expect=expected,
    )
    def change_user(self, who: int, changes: dict[str, str], expect: Any) -> None:
        self.play("change_user", who, changes, expect)

    @rule(
        who=people,
        hosted=st.sampled_from([None, "cancel", "transfer", "transfer"]),
        to=people,
        heir=st.booleans(),
        expect=expected,
    )
    def delete_user(self, who: int, hosted: str | None, to: int, heir: bool, expect: Any) -> None:
        self.play("delete_user", who, hosted, to if heir else None, expect)

    @rule(who=people, text=st.none() | st.sampled_from(SEARCHED))
    def read_users(self, who: int, text: str | None) -> None:
        self.play("read_user", who)
        self.play("list_users", text)

    # ---------------------------------------------------------------------------------------------------------- events
    @rule(
        host=people,
        title=st.sampled_from(TITLES),
        start=starts,
        length=lengths,
        zone=st.none() | zones,
        guests=guest_lists,
        attends=st.booleans(),
        show_as=st.sampled_from(["busy", "free"]),
    )
    def create_event(self, start: int, length: int, **given: Any) -> None:
        self.play(
            "create_event", given["host"], given["title"], start, start + length, given["zone"], given["guests"],
            given["attends"], given["show_as"],
        )  # fmt: skip

    @rule(host=st.integers(0, 2), start=starts, guests=st.sets(st.integers(0, 5), max_size=4), role=roles)
    def create_good_event(self, host: int, start: int, guests: set[int], role: str) -> None:
        invited = [(guest, role) for guest in sorted(guests)]
        self.play("create_event", host, "Plan", start, start + 30, "UTC", invited, True, "busy")

    @rule(
        number=numbers,
        changes=some(
            title=st.sampled_from(TITLES),
            status=st.sampled_from(["confirmed", "tentative"]),
            show_as=st.sampled_from(["busy", "free"]),
        ),
        expect=expected,
    )
    def change_text(self, number: int, changes: dict[str, Any], expect: Any) -> None:
        self.play("change_event", number, changes, False, expect)

    @rule(
        number=numbers,
        start=starts,
        length=lengths,
        which=st.sampled_from([("start", "end"), ("start", "end"), ("start",), ("end",), ()]),
        more=some(zone=zones, title=st.sampled_from(TITLES)),
        keep=st.booleans(),
        expect=expected,
    )
    def move_event(self, number: int, start: int, length: int, which: Any, more: Any, keep: bool, expect: Any) -> None:
        times = {"start": start, "end": start + length}
        self.play("change_event", number, {name: times[name] for name in which} | more, keep, expect)

    @rule(number=numbers, reason=comments, expect=expected)
    def cancel_event(self, number: int, reason: str | None, expect: Any) -> None:
        self.play("cancel_event", number, reason, expect)

    @rule(number=numbers, expect=expected)
    def delete_event(self, number: int, expect: Any) -> None:
        self.play("delete_event", number, expect)

    @rule(number=numbers, to=people, expect=expected)
    def transfer_event(self, number: int, to: int, expect: Any) -> None:
        self.play("transfer_event", number, to, expect)

    @rule(
        wanted=some(
            user=people, host=people, participant=people, since=starts, until=starts, role=roles,
            response=answers | st.just("needs_action"), text=st.sampled_from(SEARCHED),
            status=st.sampled_from(["confirmed", "tentative", "cancelled"]),
        )
    )  # fmt: skip
    def list_events(self, wanted: dict[str, Any]) -> None:
        self.play("list_events", wanted)

    @rule(who=people)
    def list_what_concerns_somebody(self, who: int) -> None:
        for name in ("user", "host", "participant"):
            self.play("list_events", {name: who})

    @rule(number=numbers, who=people)
    def read_event(self, number: int, who: int) -> None:
        self.play("read_event", number)
        self.play("list_participants", number)
        self.play("read_participant", number, who)

    # ---------------------------------------------------------------------------------------------------- participants
    @rule(number=numbers, guests=guest_lists, expect=expected)
    def add_participants(self, number: int, guests: Any, expect: Any) -> None:
        self.play("add_participants", number, guests, expect)

    @rule(number=numbers, who=people, role=roles, only_new=st.booleans(), expect=expected)
    def seat_participant(self, number: int, who: int, role: str, only_new: bool, expect: Any) -> None:
        self.play("seat_participant", number, who, role, only_new, expect)

    @rule(number=numbers, who=people, role=roles, expect=expected)
    def change_role(self, number: int, who: int, role: str, expect: Any) -> None:
        self.play("change_role", number, who, role, expect)

    @rule(number=numbers, who=people, expect=expected)
    def remove_participant(self, number: int, who: int, expect: Any) -> None:
        self.play("remove_participant", number, who, expect)

    @rule(number=numbers, who=people, response=answers, comment=comments, expect=expected)
    def answer_invitation(self, number: int, who: int, response: str, comment: str | None, expect: Any) -> None:
        self.play("answer_invitation", number, who, response, comment, expect)


@pytest.fixture
def both_databases(postgres_url: str, tmp_path, clock: Clock) -> Iterator[tuple[Database, ...]]:
    """A fresh database of each engine, with one clock for both."""
    urls = (f"sqlite:///{tmp_path / 'both.db'}", create_database(postgres_url, f"kalends_both_{os.getpid()}"))
    databases = tuple(Database(Settings(database_url=url), clock) for url in urls)
    for database in databases:
        migrate(database)
    yield databases
    for database in databases:
        database.close()


def test_both_engines_answer_like_the_paper(both_databases, clock):
    machine = type("KalendsOnBoth", (Kalends,), {"databases": both_databases, "clock": clock})
    run_state_machine_as_test(machine, settings=settings(max_examples=60, stateful_step_count=50))
