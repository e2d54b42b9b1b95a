"""Kalends on paper as far as time is taken: who is in the way of a change, and who may make it.

Whatever `Paper` does, it does as if nobody were ever busy; here it is looked at afterwards, event by event, what time
it takes and who is not free, and it is taken back if it may not be.
"""

from collections.abc import Iterable
from copy import copy
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any, NamedTuple

from tests.house.reference_model import Meeting, ReferenceModel, Refusal, refuse

STRENGTH = {"free": 0, "tentative": 1, "busy": 2}
GUARDED = {
    *("create_event", "change_event", "transfer_event", "answer_transfer", "delete_user"),
    *("add_participants", "set_participant", "change_role", "answer_invitation"),
}
"""What may take somebody's time."""

Conflict = tuple[int, int, int, str, int | None, bool]
"""Whose, from when, until when, how strongly, which event if that is shown, and whether the person is needed."""


class Asking(NamedTuple):
    """Who asks (None is an operator), what a conflict does, and the hold that is to be used up."""

    who: int | None = None
    on_conflict: str = "allow"
    hold: int | None = None


class Taken(NamedTuple):
    """What an event is in somebody's time."""

    start: int
    end: int
    shown: str
    blocks: bool


@dataclass(frozen=True)
class Held:
    people: tuple[int, ...]
    start: int
    end: int
    until: int
    by: int | None
    extended: bool = False


def taken_by(meeting: Meeting | None, who: int) -> Taken | None:
    """Give what a meeting is in somebody's time; None if they neither host it nor sit in it."""
    if meeting is None or (who != meeting.host and who not in meeting.chairs):
        return None
    chair = meeting.chairs.get(who)
    if meeting.status == "cancelled" or meeting.show_as == "free" or chair is None or chair.response == "declined":
        return Taken(meeting.start, meeting.end, "free", blocks=False)
    if chair.response == "accepted":
        return Taken(meeting.start, meeting.end, "busy", blocks=True)
    return Taken(meeting.start, meeting.end, "tentative", blocks=chair.role == "required")


def takes_more(before: Taken | None, after: Taken | None) -> bool:
    """Tell whether somebody's time is taken that was not: anew, elsewhere or for longer, or more firmly."""
    if after is None or after.shown == "free":
        return False
    if before is None or not before.start <= after.start <= after.end <= before.end:
        return True
    return after.blocks > before.blocks or STRENGTH[after.shown] > STRENGTH[before.shown]


def told_of(found: list[Conflict], start: int, end: int) -> list[Conflict]:
    """Leave of what is not seen of one person only in which minutes it blocks, and nothing as strong that is seen."""
    told = [conflict for conflict in found if conflict[4] is not None]
    unseen = [conflict for conflict in found if conflict[4] is None]
    for strength, minutes in groupby(range(start, end + 1), lambda at: hidden_strength(told, unseen, at, end)):
        if strength != "free":
            first, *rest = minutes
            who, *_, needed = unseen[0]
            told.append((who, first, (rest[-1] if rest else first) + 1, strength, None, needed))
    return told


def hidden_strength(told: list[Conflict], unseen: list[Conflict], at: int, end: int) -> str:
    """Return how strongly something blocks in a minute that is not seen."""
    seen, hidden = (
        max((one[3] for one in some if one[1] <= at < one[2]), key=STRENGTH.__getitem__, default="free")
        for some in ([one for one in told if one[4] is not None], unseen)
    )
    return hidden if at < end and STRENGTH[hidden] > STRENGTH[seen] else "free"


def ordered(conflicts: Iterable[Conflict]) -> tuple[Conflict, ...]:
    """Give what is in the way, in an order that both engines can be compared in."""
    return tuple(sorted(conflicts, key=lambda conflict: tuple(map(str, conflict))))


class BookingReferenceModel(ReferenceModel):
    """What is known, and what can be done with it by somebody whom conflicts may stop."""

    def __init__(self, now: int) -> None:
        super().__init__(now)
        self.holds: list[Held | None] = []
        self.asking = Asking()
        self.conflicts: list[Conflict] = []
        self.warnings: list[Conflict] = []
        self._answering = False

    def asked(self, asking: Asking, call: str, *arguments: Any) -> Any:
        """Do what somebody asks for, or leave everything as it was. Raises Refusal."""
        before = list(self.meetings), [copy(person) for person in self.people], list(self.holds)
        self.asking, self.conflicts, self.warnings = asking, [], []
        try:
            answer = getattr(self, call)(*arguments)
            if call in GUARDED:
                self._judge(call, before[0])
        except Refusal:
            self.meetings, self.people, self.holds = before
            raise
        return answer

    # -------------------------------------------------------------------------------------------- what is in the way
    def _judge(self, call: str, meetings: list[Meeting | None]) -> None:
        """Look at what each event takes after a change, one after the other; `meetings` are those before it."""
        changed, self.meetings = self.meetings, meetings + [None] * (len(self.meetings) - len(meetings))
        for number, after in enumerate(changed):
            before = self.meetings[number]
            if after is not before and after is not None:
                if self.asking.hold is not None and call == "create_event":
                    self._use_hold(after, {after.host, *after.chairs})
                self._look(number, before, after)
            self.meetings[number] = after
        if call == "delete_user":  # which says nothing of who is booked twice
            self.conflicts, self.warnings = [], []

    def _look(self, number: int, before: Meeting | None, after: Meeting) -> None:
        conflicts: list[Conflict] = []
        for who in sorted({after.host, *after.chairs}):
            taken = taken_by(after, who)
            if taken and takes_more(taken_by(before, who), taken):
                found = self.in_the_way(who, after.start, after.end, number, needed=taken.blocks)
                (conflicts if taken.blocks else self.warnings).extend(found)
        if conflicts and self.asking.on_conflict == "reject":
            raise Refusal("conflict", ordered(conflicts))
        self.conflicts += conflicts

    def in_the_way(
        self, who: int, start: int, end: int, number: int | None, *, needed: bool = True, hold: int | None = None
    ) -> list[Conflict]:
        """Give what blocks somebody but for an event and a hold."""
        found: list[Conflict] = []
        for other, meeting in enumerate(self.meetings):
            taken = taken_by(meeting, who)
            if meeting and taken and taken.blocks and other != number and taken.start < end and start < taken.end:
                shown = self.asking.who in (None, who, meeting.host, meeting.asked, *meeting.chairs)
                found.append((who, taken.start, taken.end, taken.shown, other if shown else None, needed))
        for place, held in enumerate(self.holds):
            keeps = held is not None and who in held.people and held.until > self.now and place != hold
            if held and keeps and held.start < end and start < held.end:
                found.append((who, held.start, held.end, "busy", None, needed))
        return told_of(found, start, end)

    def _use_hold(self, meeting: Meeting, people: set[int]) -> None:
        held = self._own_hold(self.asking.hold)
        if held is None:
            refuse([(("hold",), "hold_lapsed")])
        elif not (held.start < meeting.end and meeting.start < held.end) or people.isdisjoint(held.people):
            refuse([(("hold",), "hold_elsewhere")])
        if self.asking.hold is not None:
            self.holds[self.asking.hold] = None

    def _own_hold(self, place: int | None) -> Held | None:
        held = self._kept_hold(place)
        return held if held and self.asking.who in (None, held.by) else None

    def _kept_hold(self, place: int | None) -> Held | None:
        held = self.holds[place] if place is not None and 0 <= place < len(self.holds) else None
        return held if held and held.until > self.now else None

    # ---------------------------------------------------------------------------------------------- who may do what
    def changing(self, number: int, expect: Any) -> Meeting:
        meeting, who = self.meeting(number), self.asking.who
        if who is not None and who != meeting.host:
            if who not in meeting.chairs and who != meeting.asked:
                raise Refusal("not_found", "event")
            if not self._answering:
                raise Refusal("forbidden")
        return super().changing(number, expect)

    def create_event(self, host: int, *rest: Any, **more: Any) -> Any:
        if self.asking.who not in (None, host):
            raise Refusal("forbidden")
        return super().create_event(host, *rest, **more)

    def transfer_event(self, number: int, to: int, expect: Any) -> Any:
        before = self.changing(number, expect)
        if self.asking.who in (None, to) and to != before.host:
            return super().transfer_event(number, to, expect)
        self.refuse_cancelled(before)
        refuse(self.bookable(to, ("host_id",)))
        return self._ask(number, None if to == before.host else to)

    def answer_transfer(self, number: int, accept: bool, expect: Any) -> Any:
        self._answering = True
        try:
            before = self.changing(number, None)
        finally:
            self._answering = False
        who = self.asking.who
        if before.asked is None and who in (None, before.host):
            raise Refusal("not_found", "pending transfer of event")
        if before.asked is None or who not in (None, before.asked):
            raise Refusal("forbidden")
        self.refuse_stale("event", before.version, expect)
        if not accept:
            return self._ask(number, None)
        self.meetings[number] = self.transferred(before, before.asked)
        return self.shown_event(number)

    def withdraw_transfer(self, number: int, expect: Any) -> None:
        if self.changing(number, expect).asked is None:
            raise Refusal("not_found", "pending transfer of event")
        self._ask(number, None)

    def _ask(self, number: int, asked: int | None) -> Any:
        meeting = self.meeting(number)
        if asked != meeting.asked:
            self.meetings[number] = self.next(meeting, asked=asked)
        return self.shown_event(number)

    def answer_invitation(self, number: int, who: int, *rest: Any, **more: Any) -> Any:
        self._answering = True
        try:
            self.changing(number, None)
            if self.asking.who not in (None, who):
                raise Refusal("forbidden")
            return super().answer_invitation(number, who, *rest, **more)
        finally:
            self._answering = False

    def delete_user(self, who: int, *rest: Any, **more: Any) -> None:
        if self.asking.who is not None:
            raise Refusal("forbidden")
        super().delete_user(who, *rest, **more)

    def change_event(self, number: int, changes: dict[str, Any], keep: bool, expect: Any) -> Any:
        before = self.changing(number, expect)
        super().change_event(number, changes, keep, expect)
        after = self.meeting(number)
        moved = (before.start, before.end, before.zone) != (after.start, after.end, after.zone)
        if moved and not keep and self.asking.on_conflict == "reject":
            self._leave_declined(number, before, after)
        return self.shown_event(number)

    def _leave_declined(self, number: int, before: Meeting, after: Meeting) -> None:
        """Who declined and is busy at the new time is not asked anew: they are not needed."""
        for who, chair in before.chairs.items():
            taken = taken_by(after, who)
            if chair.response == "declined" and taken and taken.blocks:
                found = self.in_the_way(who, after.start, after.end, number, needed=False)
                if found:
                    self.warnings += found
                    after.chairs[who] = chair

    # --------------------------------------------------------------------------------------------------------- holds
    def place_hold(self, people: list[int], start: int, end: int, minutes: int) -> Any:
        faults: list[tuple[tuple[Any, ...], str]] = []
        for place, who in enumerate(people):
            faults += self.bookable(who, ("user_ids", place))
            faults += [(("user_ids", place), "duplicate_user")] if who in people[:place] else []
        refuse(faults)
        self._refuse_taken_slot(people, start, end, None)
        self.holds.append(Held(tuple(sorted(people)), start, end, self.now + minutes, self.asking.who))
        return self.shown_hold(len(self.holds) - 1)

    def extend_hold(self, place: int, minutes: int) -> Any:
        held = self._hold(place)
        if self.asking.who not in (None, held.by):
            raise Refusal("forbidden")
        if held.extended:
            raise Refusal("hold_extended")
        self._refuse_taken_slot(held.people, held.start, held.end, place)
        self.holds[place] = replace(held, until=max(held.until, self.now + minutes), extended=True)
        return self.shown_hold(place)

    def release_hold(self, place: int) -> None:
        held, who = self._hold(place), self.asking.who
        left = () if who in (None, held.by) else tuple(one for one in held.people if one != who)
        self.holds[place] = replace(held, people=left) if left else None

    def shown_hold(self, place: int) -> Any:
        held = self._hold(place)
        return (place, held.people, held.start, held.end, held.until, held.extended)

    def _hold(self, place: int) -> Held:
        """Return a hold that somebody placed or that keeps their time."""
        held = self._kept_hold(place)
        if held is None or self.asking.who not in (None, held.by, *held.people):
            raise Refusal("not_found", "hold")
        return held

    def _refuse_taken_slot(self, people: Iterable[int], start: int, end: int, own: int | None) -> None:
        found = [conflict for who in people for conflict in self.in_the_way(who, start, end, None, hold=own)]
        if found:
            raise Refusal("conflict", ordered(found))
