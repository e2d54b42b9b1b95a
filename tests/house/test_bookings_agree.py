"""Random bookings that conflicts may stop: both engines find what the reference model finds."""

from typing import Any, NamedTuple

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from kalends.store.database import Database
from tests.cast import check_consistency
from tests.conftest import Clock
from tests.house.booking_driver import BookingDriver
from tests.house.booking_reference_model import BookingReferenceModel, Request, ordered
from tests.house.driver import instant
from tests.house.reference_model import Meeting, Refusal

pytestmark = pytest.mark.slow

NOON = 720
PEOPLE = 4
SOMEBODY = 4 * [*range(PEOPLE)] + [PEOPLE]
"""Now and then somebody who does not exist."""

undone = st.sampled_from(["cancel", "delete", "remove", "release", "user"])
picks = st.integers(0, 59)
"""The index of an existing object."""

people = st.sampled_from(SOMEBODY)
roles = st.sampled_from(["required", "required", "optional"])
answers = st.sampled_from(["accepted", "accepted", "declined", "tentative"])
starts = st.integers(25, 29).map(lambda halves: halves * 30)
lengths = st.sampled_from([30, 60, 60, 90])
guest_lists = st.lists(st.tuples(people, roles), max_size=3, unique_by=lambda guest: guest[0])


class Choice(NamedTuple):
    """The actor, `on_conflict`, and the hold to use, if any."""

    kind: str
    person: int
    on_conflict: str
    hold: int | None


choices = st.builds(
    Choice,
    st.sampled_from(["operator", "operator", "host", "host", "participant", "person"]),
    st.integers(0, PEOPLE - 1),
    st.sampled_from(["reject", "reject", "reject", "allow"]),
    st.none() | st.none() | picks,
)
OPERATOR = Choice("operator", 0, "allow", None)


class Bookings(RuleBasedStateMachine):
    """Performs each call on both engines and the reference model, and compares the results."""

    databases: tuple[Database, ...]
    clock: Clock

    def __init__(self) -> None:
        super().__init__()
        self.clock.set_to(instant(NOON))
        self.model = BookingReferenceModel(NOON)
        self.drivers = [BookingDriver(database) for database in self.databases]

    def play(self, choice: Choice, call: str, *arguments: Any, event: int | None = None) -> None:
        request = Request(self.actor(choice, event), choice.on_conflict, self.used_hold(choice))
        expected, *found = [outcome(one, request, call, *arguments) for one in (self.model, *self.drivers)]
        for driver, outcome_there in zip(self.drivers, found, strict=True):
            assert outcome_there == expected, driver.database.dialect.name

    def play_on(self, choice: Choice, call: str, event: int, *arguments: Any) -> None:
        self.play(choice, call, event, *arguments, event=event)

    def teardown(self) -> None:
        for number, meeting in enumerate(self.model.meetings):
            if meeting:
                self.play(OPERATOR, "read_event", number)
        for driver in self.drivers:
            check_consistency(driver.database, driver.actor)

    @initialize(guests=st.lists(guest_lists, min_size=3, max_size=3), start=starts)
    def some_people_and_events(self, guests: list[list[tuple[int, str]]], start: int) -> None:
        for number in range(PEOPLE):
            self.play(OPERATOR, "create_user", f"Person {number}", f"person{number}@example.org", "UTC")
        for host, invited in enumerate(guests):
            given = [(who, role) for who, role in invited if who < PEOPLE]
            self.play(OPERATOR, "create_event", host, "Plan", start, start + 60, "UTC", given, True, "busy")

    # ------------------------------------------------------------------------------------------ picking
    def meeting(self, event: int | None) -> Meeting | None:
        return self.model.meetings[event] if event is not None and event < len(self.model.meetings) else None

    def actor(self, choice: Choice, event: int | None) -> int | None:
        """Return the actor: None is an operator; a host or a participant is one of the event."""
        meeting = self.meeting(event)
        if choice.kind == "operator":
            return None
        if meeting is None or choice.kind == "person":
            return choice.person
        concerned = sorted(meeting.participations) or [meeting.host]
        return meeting.host if choice.kind == "host" else concerned[choice.person % len(concerned)]

    def event(self, pick: int) -> int:
        """Pick an event, mostly an active one, sometimes one that is cancelled or does not exist."""
        there = [number for number, meeting in enumerate(self.model.meetings) if meeting]
        standing = [number for number in there if there and self.model.meeting(number).status != "cancelled"]
        found = there if pick % 10 == 1 else standing
        return found[pick % len(found)] if found and pick != 7 else len(self.model.meetings)

    def hold(self, pick: int) -> int:
        """Pick a hold, mostly an active one, sometimes one that is used or does not exist."""
        kept = [place for place, slot in enumerate(self.model.holds) if slot]
        return kept[pick % len(kept)] if kept and pick % 10 else pick // 10

    def holder(self, choice: Choice, place: int) -> Choice:
        """Return the choice with another actor: mostly who placed the hold, sometimes a user whose time it keeps."""
        slot = self.model.holds[place] if place < len(self.model.holds) else None
        if slot is None or choice.kind == "person":
            return choice
        if choice.kind == "participant":
            return choice._replace(kind="person", person=slot.people[choice.person % len(slot.people)])
        return choice._replace(kind="operator") if slot.by is None else choice._replace(kind="person", person=slot.by)

    def used_hold(self, choice: Choice) -> int | None:
        if choice.hold is None or not (any(self.model.holds) or choice.hold % 10 == 0):
            return None
        return self.hold(choice.hold)

    def pick_participant(self, event: int, pick: int) -> int:
        meeting = self.meeting(event)
        concerned = sorted(meeting.participations) if meeting else []
        return concerned[pick % len(concerned)] if concerned and pick % 10 else pick % PEOPLE

    # ------------------------------------------------------------------------------------------ events
    @rule(
        choice=choices,
        host=people,
        start=starts,
        length=lengths,
        guests=guest_lists,
        attends=st.sampled_from([True, True, True, False]),
        show_as=st.sampled_from(["busy", "busy", "busy", "free"]),
    )
    def create_event(self, choice: Choice, host: int, start: int, length: int, **given: Any) -> None:
        """Create an event, mostly hosted by the actor; one that uses a hold mostly has its time."""
        host = choice.person if choice.kind in ("host", "participant") else host
        place = self.used_hold(choice)
        slot = self.model.holds[place] if place is not None and place < len(self.model.holds) else None
        if slot and choice.person:
            start, length = slot.start, slot.end - slot.start
            host = host if choice.kind != "operator" else slot.people[0]
        times = (start, start + length, "UTC")
        self.play(choice, "create_event", host, "Plan", *times, given["guests"], given["attends"], given["show_as"])

    @rule(
        choice=choices,
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
    def change_event(self, choice: Choice, pick: int, start: int | None, length: int | None, **given: Any) -> None:
        event = self.event(pick)
        changes, meeting = dict(given["more"]), self.meeting(event)
        if start is not None:
            changes["start"] = start
        if (start is not None or length is not None) and meeting:
            changes["end"] = (meeting.start if start is None else start) + (length or meeting.end - meeting.start)
        self.play_on(choice, "change_event", event, changes, given["keep"], None)

    @rule(choice=choices, pick=picks, other=picks, who=picks, declines=st.booleans(), keep=st.booleans())
    def move_event_onto_another(
        self, choice: Choice, pick: int, other: int, who: int, declines: bool, keep: bool
    ) -> None:
        """Move an event onto another with a user who is needed in both, or who is needed there and declined here."""
        event, there = self.event(pick), self.event(other)
        meeting = self.meeting(there)
        if meeting:
            if declines:
                somebody = self.pick_participant(there, who)
                self.play_on(OPERATOR, "set_participant", event, somebody, "required", False, None)
                self.play_on(OPERATOR, "answer_invitation", event, somebody, "declined", None, None)
            changes = {"start": meeting.start, "end": meeting.end}
            self.play_on(choice, "change_event", event, changes, keep, None)

    @rule(choice=choices, pick=picks, to=people)
    def transfer_event(self, choice: Choice, pick: int, to: int) -> None:
        self.play_on(choice, "transfer_event", self.event(pick), to, None)

    @rule(choice=choices, pick=picks, other=picks, accept=st.sampled_from([True, True, False]), changed=st.booleans())
    def answer_transfer(self, choice: Choice, pick: int, other: int, accept: bool, changed: bool) -> None:
        """Answer a transfer, mostly as the pending host; sometimes the event has changed since the offer."""
        event = self.event(pick)
        meeting = self.meeting(event)
        if meeting and meeting.pending_host is None and other % 4:
            self.play_on(Choice("host", 0, "allow", None), "transfer_event", event, other % PEOPLE, None)
            meeting = self.meeting(event)
        if changed:
            self.play_on(OPERATOR, "change_event", event, {"title": "Talk"}, True, None)
        if meeting and meeting.pending_host is not None and other % 5:
            choice = choice._replace(kind="person", person=meeting.pending_host)
        self.play_on(choice, "answer_transfer", event, accept, None)

    @rule(choice=choices, pick=picks)
    def withdraw_transfer(self, choice: Choice, pick: int) -> None:
        self.play_on(choice, "withdraw_transfer", self.event(pick), None)

    # ------------------------------------------------------------------------------------------ participants
    @rule(choice=choices, pick=picks, guests=guest_lists)
    def add_participants(self, choice: Choice, pick: int, guests: list[tuple[int, str]]) -> None:
        """Add participants, mostly users who do not take part yet."""
        event = self.event(pick)
        meeting = self.meeting(event)
        new = [(who, role) for who, role in guests if pick % 4 == 0 or not meeting or who not in meeting.participations]
        self.play_on(choice, "add_participants", event, new, None)

    @rule(choice=choices, pick=picks, who=people, role=roles)
    def set_participant(self, choice: Choice, pick: int, who: int, role: str) -> None:
        self.play_on(choice, "set_participant", self.event(pick), who, role, False, None)

    @rule(choice=choices, pick=picks, other=picks, role=roles)
    def change_role(self, choice: Choice, pick: int, other: int, role: str) -> None:
        event = self.event(pick)
        self.play_on(choice, "change_role", event, self.pick_participant(event, other), role, None)

    @rule(choice=choices, pick=picks, other=picks, response=answers)
    def answer_invitation(self, choice: Choice, pick: int, other: int, response: str) -> None:
        """Answer an invitation, mostly as the participant."""
        event = self.event(pick)
        who = self.actor(choice, event)
        who = self.pick_participant(event, other) if who is None or other % 5 == 0 else who
        self.play_on(choice, "answer_invitation", event, who, response, None, None)

    # ------------------------------------------------------------------------------------------ holds and undoing
    @rule(choice=choices, whose=st.lists(people, min_size=1, max_size=2), start=starts, length=lengths)
    def place_hold(self, choice: Choice, whose: list[int], start: int, length: int) -> None:
        self.play(choice, "place_hold", whose, start, start + length, 20)

    @rule(choice=choices, pick=picks, minutes=st.sampled_from([5, 30]))
    def extend_hold(self, choice: Choice, pick: int, minutes: int) -> None:
        """Extend a hold; sometimes its time has been booked meanwhile."""
        place = self.hold(pick)
        slot = self.model.holds[place] if place < len(self.model.holds) else None
        if slot and pick % 4 == 0:
            time = (slot.start, slot.end, "UTC")
            self.play(OPERATOR, "create_event", slot.people[0], "Plan", *time, [], True, "busy")
        if self.model.holds:
            self.play(self.holder(choice, place), "extend_hold", place, minutes)

    @rule(choice=choices, pick=picks, other=picks, what=undone)
    def undo(self, choice: Choice, pick: int, other: int, what: str) -> None:
        event = self.event(pick)
        if what == "cancel":
            self.play_on(choice, "cancel_event", event, None, None)
        elif what == "delete":
            self.play_on(choice, "delete_event", event, None)
        elif what == "remove":
            self.play_on(choice, "remove_participant", event, self.pick_participant(event, other), None)
        elif what == "release":
            self.play(self.holder(choice, self.hold(pick)), "release_hold", self.hold(pick))
        elif other % 3 == 0:  # rarely, so that most of what is played is among people who are there
            self.play(choice._replace(hold=None), "delete_user", pick % PEOPLE, "transfer", other // 3 % PEOPLE, None)

    @rule(quarters=st.integers(1, 2))
    def time_passes(self, quarters: int) -> None:
        self.model.now += quarters * 15
        self.clock.set_to(instant(self.model.now))


def outcome(one: BookingReferenceModel | BookingDriver, request: Request, call: str, *arguments: Any) -> Any:
    """Return the result or refusal of a call, with its conflicts."""
    try:
        answer = one.perform(request, call, *arguments)
    except Refusal as refusal:
        return refusal.answer
    return answer, ordered(one.conflicts), ordered(one.warnings)


def test_both_engines_find_the_conflicts_of_the_reference_model(both_databases, clock):
    machine = type("BookingsOnBoth", (Bookings,), {"databases": both_databases, "clock": clock})
    run_state_machine_as_test(machine, settings=settings(max_examples=120, stateful_step_count=30))
