"""Random bookings by operators and people, which conflicts may stop: both engines find what is found on paper."""

from typing import Any, NamedTuple

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from kalends.store.database import Database
from tests.cast import check_house
from tests.conftest import Clock
from tests.house.booking_driver import BookingDriver
from tests.house.booking_reference_model import Asking, BookingReferenceModel, ordered
from tests.house.driver import instant
from tests.house.reference_model import Meeting, Refusal

pytestmark = pytest.mark.slow

NOON = 720
PEOPLE = 4
SOMEBODY = 4 * [*range(PEOPLE)] + [PEOPLE]
"""Now and then somebody who does not exist."""

picks = st.integers(0, 59)
"""Which of those that there are."""

people = st.sampled_from(SOMEBODY)
roles = st.sampled_from(["required", "required", "optional"])
answers = st.sampled_from(["accepted", "accepted", "declined", "tentative"])
starts = st.integers(25, 29).map(lambda halves: halves * 30)
lengths = st.sampled_from([30, 60, 60, 90])
guest_lists = st.lists(st.tuples(people, roles), max_size=3, unique_by=lambda guest: guest[0])


class Asks(NamedTuple):
    """Who asks, what a conflict does, and whether a hold is used up, and which."""

    kind: str
    person: int
    on_conflict: str
    hold: int | None


asking = st.builds(
    Asks,
    st.sampled_from(["operator", "operator", "host", "host", "participant", "person"]),
    st.integers(0, PEOPLE - 1),
    st.sampled_from(["reject", "reject", "reject", "allow"]),
    st.none() | st.none() | picks,
)
OPERATOR = Asks("operator", 0, "allow", None)


class Bookings(RuleBasedStateMachine):
    """Plays a call on both engines and on paper, and compares."""

    databases: tuple[Database, ...]
    clock: Clock

    def __init__(self) -> None:
        super().__init__()
        self.clock.set_to(instant(NOON))
        self.paper = BookingReferenceModel(NOON)
        self.stages = [BookingDriver(database) for database in self.databases]

    def play(self, asks: Asks, call: str, *arguments: Any, event: int | None = None) -> None:
        asked = Asking(self.asker(asks, event), asks.on_conflict, self.used_hold(asks))
        paper, *found = [outcome(one, asked, call, *arguments) for one in (self.paper, *self.stages)]
        for stage, outcome_there in zip(self.stages, found, strict=True):
            assert outcome_there == paper, stage.database.dialect.name

    def play_on(self, asks: Asks, call: str, event: int, *arguments: Any) -> None:
        self.play(asks, call, event, *arguments, event=event)

    def teardown(self) -> None:
        for number, meeting in enumerate(self.paper.meetings):
            if meeting:
                self.play(OPERATOR, "read_event", number)
        for stage in self.stages:
            check_house(stage.database, stage.actor)

    @initialize(guests=st.lists(guest_lists, min_size=3, max_size=3), start=starts)
    def some_people_and_events(self, guests: list[list[tuple[int, str]]], start: int) -> None:
        for number in range(PEOPLE):
            self.play(OPERATOR, "create_user", f"Person {number}", f"person{number}@example.org", "UTC")
        for host, invited in enumerate(guests):
            given = [(who, role) for who, role in invited if who < PEOPLE]
            self.play(OPERATOR, "create_event", host, "Plan", start, start + 60, "UTC", given, True, "busy")

    # ------------------------------------------------------------------------------------------ picking
    def meeting(self, event: int | None) -> Meeting | None:
        return self.paper.meetings[event] if event is not None and event < len(self.paper.meetings) else None

    def asker(self, asks: Asks, event: int | None) -> int | None:
        """Give who asks: None is an operator, and a host or participant is one of the event."""
        meeting = self.meeting(event)
        if asks.kind == "operator":
            return None
        if meeting is None or asks.kind == "person":
            return asks.person
        participates = sorted(meeting.chairs) or [meeting.host]
        return meeting.host if asks.kind == "host" else participates[asks.person % len(participates)]

    def event(self, pick: int) -> int:
        """Pick an event that stands, mostly; or one that was cancelled or never was."""
        there = [number for number, meeting in enumerate(self.paper.meetings) if meeting]
        standing = [number for number in there if there and self.paper.meeting(number).status != "cancelled"]
        found = there if pick % 10 == 1 else standing
        return found[pick % len(found)] if found and pick != 7 else len(self.paper.meetings)

    def hold(self, pick: int) -> int:
        """Pick a hold that is kept, mostly; or one that is used up or never was."""
        kept = [place for place, held in enumerate(self.paper.holds) if held]
        return kept[pick % len(kept)] if kept and pick % 10 else pick // 10

    def holder(self, asks: Asks, place: int) -> Asks:
        """Return who asks: mostly whoever placed the hold, and now and then somebody whom it keeps."""
        held = self.paper.holds[place] if place < len(self.paper.holds) else None
        if held is None or asks.kind == "person":
            return asks
        if asks.kind == "participant":
            return asks._replace(kind="person", person=held.people[asks.person % len(held.people)])
        return asks._replace(kind="operator") if held.by is None else asks._replace(kind="person", person=held.by)

    def used_hold(self, asks: Asks) -> int | None:
        if asks.hold is None or not (any(self.paper.holds) or asks.hold % 10 == 0):
            return None
        return self.hold(asks.hold)

    def participation(self, event: int, pick: int) -> int:
        meeting = self.meeting(event)
        participates = sorted(meeting.chairs) if meeting else []
        return participates[pick % len(participates)] if participates and pick % 10 else pick % PEOPLE

    # ------------------------------------------------------------------------------------------ events
    @rule(
        asks=asking,
        host=people,
        start=starts,
        length=lengths,
        guests=guest_lists,
        attends=st.sampled_from([True, True, True, False]),
        show_as=st.sampled_from(["busy", "busy", "busy", "free"]),
    )
    def create_event(self, asks: Asks, host: int, start: int, length: int, **given: Any) -> None:
        """Most people host themselves; what a hold is used for takes its time, mostly."""
        host = asks.person if asks.kind in ("host", "participant") else host
        place = self.used_hold(asks)
        held = self.paper.holds[place] if place is not None and place < len(self.paper.holds) else None
        if held and asks.person:
            start, length = held.start, held.end - held.start
            host = host if asks.kind != "operator" else held.people[0]
        times = (start, start + length, "UTC")
        self.play(asks, "create_event", host, "Plan", *times, given["guests"], given["attends"], given["show_as"])

    @rule(
        asks=asking,
        pick=picks,
        start=st.none() | starts,
        length=st.none() | lengths,
        more=st.fixed_dictionaries(
            {},
            optional={
                "show_as": st.sampled_from(["busy", "free"]),
                "status": st.sampled_from(["confirmed", "tentative"]),
                "title": st.sampled_from(["Plan", "Lunch"]),
            },
        ),
        keep=st.booleans(),
    )
    def change_event(self, asks: Asks, pick: int, start: int | None, length: int | None, **given: Any) -> None:
        event = self.event(pick)
        changes, meeting = dict(given["more"]), self.meeting(event)
        if start is not None:
            changes["start"] = start
        if (start is not None or length is not None) and meeting:
            changes["end"] = (meeting.start if start is None else start) + (length or meeting.end - meeting.start)
        self.play_on(asks, "change_event", event, changes, given["keep"], None)

    @rule(asks=asking, pick=picks, other=picks, who=picks, declines=st.booleans(), keep=st.booleans())
    def move_event_onto_another(self, asks: Asks, pick: int, other: int, who: int, declines: bool, keep: bool) -> None:
        """Where it meets people who are needed in both, or one who is needed there and declined here."""
        event, there = self.event(pick), self.event(other)
        meeting = self.meeting(there)
        if meeting:
            if declines:
                somebody = self.participation(there, who)
                self.play_on(OPERATOR, "set_participant", event, somebody, "required", False, None)
                self.play_on(OPERATOR, "answer_invitation", event, somebody, "declined", None, None)
            changes = {"start": meeting.start, "end": meeting.end}
            self.play_on(asks, "change_event", event, changes, keep, None)

    @rule(asks=asking, pick=picks, to=people)
    def transfer_event(self, asks: Asks, pick: int, to: int) -> None:
        self.play_on(asks, "transfer_event", self.event(pick), to, None)

    @rule(asks=asking, pick=picks, other=picks, accept=st.sampled_from([True, True, False]), changed=st.booleans())
    def answer_transfer(self, asks: Asks, pick: int, other: int, accept: bool, changed: bool) -> None:
        """Mostly who is asked answers; now and then the event has changed since they were."""
        event = self.event(pick)
        meeting = self.meeting(event)
        if meeting and meeting.asked is None and other % 4:
            self.play_on(Asks("host", 0, "allow", None), "transfer_event", event, other % PEOPLE, None)
            meeting = self.meeting(event)
        if changed:
            self.play_on(OPERATOR, "change_event", event, {"title": "Talk"}, True, None)
        if meeting and meeting.asked is not None and other % 5:
            asks = asks._replace(kind="person", person=meeting.asked)
        self.play_on(asks, "answer_transfer", event, accept, None)

    @rule(asks=asking, pick=picks)
    def withdraw_transfer(self, asks: Asks, pick: int) -> None:
        self.play_on(asks, "withdraw_transfer", self.event(pick), None)

    # ------------------------------------------------------------------------------------------ participants
    @rule(asks=asking, pick=picks, guests=guest_lists)
    def add_participants(self, asks: Asks, pick: int, guests: list[tuple[int, str]]) -> None:
        """Mostly people who are not in it."""
        event = self.event(pick)
        meeting = self.meeting(event)
        new = [(who, role) for who, role in guests if pick % 4 == 0 or not meeting or who not in meeting.chairs]
        self.play_on(asks, "add_participants", event, new, None)

    @rule(asks=asking, pick=picks, who=people, role=roles)
    def set_participant(self, asks: Asks, pick: int, who: int, role: str) -> None:
        self.play_on(asks, "set_participant", self.event(pick), who, role, False, None)

    @rule(asks=asking, pick=picks, other=picks, role=roles)
    def change_role(self, asks: Asks, pick: int, other: int, role: str) -> None:
        event = self.event(pick)
        self.play_on(asks, "change_role", event, self.participation(event, other), role, None)

    @rule(asks=asking, pick=picks, other=picks, response=answers)
    def answer_invitation(self, asks: Asks, pick: int, other: int, response: str) -> None:
        """Most people answer for themselves."""
        event = self.event(pick)
        who = self.asker(asks, event)
        who = self.participation(event, other) if who is None or other % 5 == 0 else who
        self.play_on(asks, "answer_invitation", event, who, response, None, None)

    # ------------------------------------------------------------------------------------------ holds and undoing
    @rule(asks=asking, held=st.lists(people, min_size=1, max_size=2), start=starts, length=lengths)
    def place_hold(self, asks: Asks, held: list[int], start: int, length: int) -> None:
        self.play(asks, "place_hold", held, start, start + length, 20)

    @rule(asks=asking, pick=picks, minutes=st.sampled_from([5, 30]))
    def extend_hold(self, asks: Asks, pick: int, minutes: int) -> None:
        """Now and then, somebody has booked over it."""
        place = self.hold(pick)
        held = self.paper.holds[place] if place < len(self.paper.holds) else None
        if held and pick % 4 == 0:
            time = (held.start, held.end, "UTC")
            self.play(OPERATOR, "create_event", held.people[0], "Plan", *time, [], True, "busy")
        if self.paper.holds:
            self.play(self.holder(asks, place), "extend_hold", place, minutes)

    @rule(asks=asking, pick=picks, other=picks, what=st.sampled_from(["cancel", "delete", "remove", "release", "user"]))
    def undo(self, asks: Asks, pick: int, other: int, what: str) -> None:
        event = self.event(pick)
        if what == "cancel":
            self.play_on(asks, "cancel_event", event, None, None)
        elif what == "delete":
            self.play_on(asks, "delete_event", event, None)
        elif what == "remove":
            self.play_on(asks, "remove_participant", event, self.participation(event, other), None)
        elif what == "release":
            self.play(self.holder(asks, self.hold(pick)), "release_hold", self.hold(pick))
        elif other % 3 == 0:  # rarely, so that most of what is played is among people who are there
            self.play(asks._replace(hold=None), "delete_user", pick % PEOPLE, "transfer", other // 3 % PEOPLE, None)

    @rule(quarters=st.integers(1, 2))
    def time_passes(self, quarters: int) -> None:
        self.paper.now += quarters * 15
        self.clock.set_to(instant(self.paper.now))


def outcome(one: BookingReferenceModel | BookingDriver, asked: Asking, call: str, *arguments: Any) -> Any:
    """Give what came of a call, with what was in the way."""
    try:
        answer = one.asked(asked, call, *arguments)
    except Refusal as refusal:
        return refusal.answer
    return answer, ordered(one.conflicts), ordered(one.warnings)


def test_both_engines_find_the_conflicts_that_are_found_on_paper(both_databases, clock):
    machine = type("BookingsOnBoth", (Bookings,), {"databases": both_databases, "clock": clock})
    run_state_machine_as_test(machine, settings=settings(max_examples=120, stateful_step_count=30))
