"""Random calls on SQLite, PostgreSQL and the reference model: all three give the same answers."""

from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from kalends.errors import KalendsError
from kalends.store.database import Database
from tests.cast import check_consistency
from tests.conftest import Clock
from tests.house.driver import Driver, instant, reported
from tests.house.reference_model import OFFSETS, ReferenceModel, Refusal

pytestmark = pytest.mark.slow

NAMES = ("Ada", "Bob", "Änne", "Zoë", "ada")
EMAILS = tuple(f"{name}@example.org" for name in ("ada", "ADA", "bob", "carla", "dora", "eve", "finn"))
TITLES = ("Plan", "Größe", "100%", "a_b", "lunch")
SEARCHED = ("plan", "GRÖSSE", "%", "_", "a", "x")
NOON = 720

UNKNOWN = 19

picks = st.integers(0, UNKNOWN)
"""The index of an object; the last one does not exist."""

roles = st.sampled_from(["required", "optional"])
answers = st.sampled_from(["accepted", "declined", "tentative"])
zones = st.sampled_from(sorted(OFFSETS))
demands = st.sampled_from([None, None, None, None, "this", "another"])
"""Which version is expected."""

starts = st.integers(16, 2 * 48).map(lambda halves: halves * 30)
lengths = st.sampled_from([30, 60, 90, 120, 300, 0, -30])
guest_lists = st.lists(st.tuples(picks, roles), max_size=3)
comments = st.none() | st.just("gladly")


def some(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Return a strategy for some of the fields, or none."""
    return st.fixed_dictionaries({}, optional=fields)


class Kalends(RuleBasedStateMachine):
    """Performs each call with both drivers and the reference model, and compares the results."""

    databases: tuple[Database, ...]
    clock: Clock

    def __init__(self) -> None:
        super().__init__()
        self.clock.set_to(instant(NOON))
        self.model = ReferenceModel(NOON)
        self.drivers = [Driver(database) for database in self.databases]

    def play(self, call: str, *arguments: Any) -> Any:
        try:
            expected_answer = getattr(self.model, call)(*arguments)
        except Refusal as refusal:
            expected_answer = refusal.answer
        for driver in self.drivers:
            try:
                answer = getattr(driver, call)(*arguments)
            except KalendsError as error:
                answer = reported(error)
            assert answer == expected_answer, driver.database.dialect.name

    def teardown(self) -> None:
        for driver in self.drivers:
            check_consistency(driver.database, driver.actor)

    @initialize(guests=st.lists(st.sets(st.integers(0, 4), max_size=4), min_size=4, max_size=4), start=starts)
    def some_people_and_events(self, guests: list[set[int]], start: int) -> None:
        for name, email in zip(NAMES, EMAILS[2:], strict=False):
            self.play("create_user", name, email, "UTC")
        for host, invited in enumerate(guests):
            participations = [(guest, "required") for guest in sorted(invited)]
            self.play("create_event", host % 2, "Plan", start, start + 30, "UTC", participations, True, "busy")

    # ---------------------------------------------------------------------------------------------------------- picking
    def person(self, pick: int) -> int:
        return -1 if pick == UNKNOWN else pick % len(self.model.people)

    def guests(self, picked: list[tuple[int, str]]) -> list[tuple[int, str]]:
        return [(self.person(pick), role) for pick, role in picked]

    def event(self, pick: int) -> int:
        there = [number for number, meeting in enumerate(self.model.meetings) if meeting]
        return there[pick % len(there)] if there and pick != UNKNOWN else len(self.model.meetings) - 1

    def pick_participant(self, event: int, pick: int) -> int:
        """Pick a participant of an event, or every fifth time any user."""
        concerned = sorted(self.participations(event))
        return concerned[pick % len(concerned)] if concerned and pick % 5 else self.person(pick)

    def participations(self, event: int) -> dict[int, Any]:
        meeting = self.model.meetings[event] if event >= 0 else None
        return meeting.participations if meeting else {}

    def versions(self, demand: str | None, thing: Any) -> frozenset[int] | None:
        """Return a strategy for the versions that are expected of a user, an event or a participation."""
        if demand is None:
            return None
        current = thing.version if thing else 0
        return frozenset({current, 77} if demand == "this" else {current + 1, 77})

    def of_person(self, who: int, demand: str | None) -> frozenset[int] | None:
        return self.versions(demand, self.model.people[who] if who >= 0 else None)

    def of_event(self, event: int, demand: str | None) -> frozenset[int] | None:
        return self.versions(demand, self.model.meetings[event] if event >= 0 else None)

    def of_participation(self, event: int, who: int, demand: str | None) -> frozenset[int] | None:
        return self.versions(demand, self.participations(event).get(who))

    # ---------------------------------------------------------------------------------------------------------- people
    @rule(halves=st.integers(1, 6))
    def time_passes(self, halves: int) -> None:
        self.model.now += halves * 30
        self.clock.set_to(instant(self.model.now))

    @rule(name=st.sampled_from(NAMES), email=st.sampled_from(EMAILS), zone=zones)
    def create_user(self, name: str, email: str, zone: str) -> None:
        self.play("create_user", name, email, zone)

    @rule(
        pick=picks,
        changes=some(name=st.sampled_from(NAMES), email=st.sampled_from(EMAILS), zone=zones),
        demand=demands,
    )
    def change_user(self, pick: int, changes: dict[str, str], demand: str | None) -> None:
        who = self.person(pick)
        self.play("change_user", who, changes, self.of_person(who, demand))

    @rule(pick=picks, hosted=st.sampled_from([None, "cancel", "transfer"]), to=picks, demand=demands)
    def delete_user(self, pick: int, hosted: str | None, to: int, demand: str | None) -> None:
        who = self.person(pick)
        successor = self.person(to) if (hosted == "transfer") is bool(to % 7) else None
        self.play("delete_user", who, hosted, successor, self.of_person(who, demand))

    @rule(pick=picks, text=st.none() | st.sampled_from(SEARCHED))
    def read_users(self, pick: int, text: str | None) -> None:
        self.play("read_user", self.person(pick))
        self.play("list_users", text)

    # ---------------------------------------------------------------------------------------------------------- events
    @rule(
        host=picks,
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
            "create_event",
            *(self.person(given["host"]), given["title"], start, start + length, given["zone"]),
            *(self.guests(given["guests"]), given["attends"], given["show_as"]),
        )

    @rule(
        pick=picks,
        changes=some(
            title=st.sampled_from(TITLES),
            status=st.sampled_from(["confirmed", "tentative"]),
            show_as=st.sampled_from(["busy", "free"]),
        ),
        demand=demands,
    )
    def change_text(self, pick: int, changes: dict[str, Any], demand: str | None) -> None:
        event = self.event(pick)
        self.play("change_event", event, changes, False, self.of_event(event, demand))

    @rule(
        pick=picks,
        start=starts,
        length=lengths,
        which=st.sampled_from([("start", "end"), ("start", "end"), ("start",), ("end",), ()]),
        more=some(zone=zones, title=st.sampled_from(TITLES)),
        keep=st.booleans(),
        demand=demands,
    )
    def move_event(self, pick: int, start: int, length: int, demand: str | None, **given: Any) -> None:
        event, times = self.event(pick), {"start": start, "end": start + length}
        changes = {name: times[name] for name in given["which"]} | given["more"]
        self.play("change_event", event, changes, given["keep"], self.of_event(event, demand))

    @rule(pick=picks, reason=comments, demand=demands)
    def cancel_event(self, pick: int, reason: str | None, demand: str | None) -> None:
        event = self.event(pick)
        self.play("cancel_event", event, reason, self.of_event(event, demand))

    @rule(pick=picks, demand=demands)
    def delete_event(self, pick: int, demand: str | None) -> None:
        event = self.event(pick)
        self.play("delete_event", event, self.of_event(event, demand))

    @rule(pick=picks, to=picks, demand=demands)
    def transfer_event(self, pick: int, to: int, demand: str | None) -> None:
        event = self.event(pick)
        self.play("transfer_event", event, self.person(to), self.of_event(event, demand))

    @rule(
        wanted=some(
            user=picks,
            host=picks,
            participant=picks,
            since=starts,
            until=starts,
            role=roles,
            response=answers | st.just("needs_action"),
            text=st.sampled_from(SEARCHED),
            status=st.sampled_from(["confirmed", "tentative", "cancelled"]),
        )
    )
    def list_events(self, wanted: dict[str, Any]) -> None:
        named = {name: self.person(wanted[name]) for name in ("user", "host", "participant") if name in wanted}
        self.play("list_events", wanted | named)

    @rule(pick=picks)
    def list_what_concerns_somebody(self, pick: int) -> None:
        for name in ("user", "host", "participant"):
            self.play("list_events", {name: self.person(pick)})

    @rule(pick=picks, other=picks)
    def read_event(self, pick: int, other: int) -> None:
        event = self.event(pick)
        self.play("read_event", event)
        self.play("list_participants", event)
        self.play("read_participant", event, self.pick_participant(event, other))

    # ---------------------------------------------------------------------------------------------------- participants
    @rule(pick=picks, guests=guest_lists, demand=demands)
    def add_participants(self, pick: int, guests: list[tuple[int, str]], demand: str | None) -> None:
        event = self.event(pick)
        self.play("add_participants", event, self.guests(guests), self.of_event(event, demand))

    @rule(pick=picks, other=picks, role=roles, only_new=st.booleans(), demand=demands)
    def set_participant(self, pick: int, other: int, role: str, only_new: bool, demand: str | None) -> None:
        event, who = self.event(pick), self.person(other)
        self.play("set_participant", event, who, role, only_new, self.of_participation(event, who, demand))

    @rule(pick=picks, other=picks, role=roles, demand=demands)
    def change_role(self, pick: int, other: int, role: str, demand: str | None) -> None:
        event = self.event(pick)
        who = self.pick_participant(event, other)
        self.play("change_role", event, who, role, self.of_participation(event, who, demand))

    @rule(pick=picks, other=picks, demand=demands)
    def remove_participant(self, pick: int, other: int, demand: str | None) -> None:
        event = self.event(pick)
        who = self.pick_participant(event, other)
        self.play("remove_participant", event, who, self.of_participation(event, who, demand))

    @rule(pick=picks, other=picks, response=answers, comment=comments, demand=demands)
    def answer_invitation(self, pick: int, other: int, response: str, comment: str | None, demand: str | None) -> None:
        event = self.event(pick)
        who = self.pick_participant(event, other)
        self.play("answer_invitation", event, who, response, comment, self.of_participation(event, who, demand))


def test_both_engines_answer_like_the_reference_model(both_databases, clock):
    machine = type("KalendsOnBoth", (Kalends,), {"databases": both_databases, "clock": clock})
    run_state_machine_as_test(machine, settings=settings(max_examples=40, stateful_step_count=50))
