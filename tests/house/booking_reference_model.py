"""The reference model with conflicts: who is not free for a change, and who may make it.

`ReferenceModel` makes each change as if nobody were ever busy. This model then checks, event by event, whose time is
taken and who is not free, and undoes the change if it is not allowed.
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
"""User, start, end, strength, event if it is shown, and whether the user is needed."""


class Request(NamedTuple):
    """The actor (None is an operator), `on_conflict`, and the hold to use."""

    who: int | None = None
    on_conflict: str = "allow"
    hold: int | None = None


class Taken(NamedTuple):
    """An event in a user's time."""

    start: int
    end: int
    shown: str
    blocks: bool


@dataclass(frozen=True)
class Slot:
    """A hold."""

    people: tuple[int, ...]
    start: int
    end: int
    until: int
    by: int | None
    extended: bool = False


def taken_by(meeting: Meeting | None, who: int) -> Taken | None:
    """Return the time that a meeting takes of a user; None if they neither host it nor take part."""
    if meeting is None or (who != meeting.host and who not in meeting.participations):
        return None
    own = meeting.participations.get(who)
    if meeting.status == "cancelled" or meeting.show_as == "free" or own is None or own.response == "declined":
        return Taken(meeting.start, meeting.end, "free", blocks=False)
    if own.response == "accepted":
        return Taken(meeting.start, meeting.end, "busy", blocks=True)
    return Taken(meeting.start, meeting.end, "tentative", blocks=own.role == "required")


def takes_more(before: Taken | None, after: Taken | None) -> bool:
    """Return whether more of somebody's time is taken than before, or more firmly."""
    if after is None or after.shown == "free":
        return False
    if before is None or not before.start <= after.start <= after.end <= before.end:
        return True
    return after.blocks > before.blocks or STRENGTH[after.shown] > STRENGTH[before.shown]


def reported_conflicts(found: list[Conflict], start: int, end: int) -> list[Conflict]:
    """Replace conflicts that may not be seen by the minutes in which they block, unless a visible one is as strong."""
    reported = [conflict for conflict in found if conflict[4] is not None]
    unseen = [conflict for conflict in found if conflict[4] is None]
    for strength, minutes in groupby(range(start, end + 1), lambda at: hidden_strength(reported, unseen, at, end)):
        if strength != "free":
            first, *rest = minutes
            who, *_, needed = unseen[0]
            reported.append((who, first, (rest[-1] if rest else first) + 1, strength, None, needed))
    return reported


def hidden_strength(reported: list[Conflict], unseen: list[Conflict], at: int, end: int) -> str:
    """Return how strongly something blocks in a minute that is not seen."""
    seen, hidden = (
        max((one[3] for one in some if one[1] <= at < one[2]), key=STRENGTH.__getitem__, default="free")
        for some in ([one for one in reported if one[4] is not None], unseen)
    )
    return hidden if at < end and STRENGTH[hidden] > STRENGTH[seen] else "free"


def ordered(conflicts: Iterable[Conflict]) -> tuple[Conflict, ...]:
    """Return conflicts in an order that both engines can be compared in."""
    return tuple(sorted(conflicts, key=lambda conflict: tuple(map(str, conflict))))


class BookingReferenceModel(ReferenceModel):
    """The state, and the calls of a user whom conflicts may stop."""

    def __init__(self, now: int) -> None:
        super().__init__(now)
        self.holds: list[Slot | None] = []
        self.request = Request()
        self.conflicts: list[Conflict] = []
        self.warnings: list[Conflict] = []
        self._answering = False

    def perform(self, request: Request, call: str, *arguments: Any) -> Any:
        """Perform a call. Raise Refusal, with everything as it was, if it is not allowed."""
        before = list(self.meetings), [copy(person) for person in self.people], list(self.holds)
        self.request, self.conflicts, self.warnings = request, [], []
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
        """Check the time that each event takes after a change; `meetings` are the events before it."""
        changed, self.meetings = self.meetings, meetings + [None] * (len(self.meetings) - len(meetings))
        for number, after in enumerate(changed):
            before = self.meetings[number]
            if after is not before and after is not None:
                if self.request.hold is not None and call == "create_event":
                    self._use_hold(after, {after.host, *after.participations})
                self._look(number, before, after)
            self.meetings[number] = after
        if call == "delete_user":  # which says nothing of who is booked twice
            self.conflicts, self.warnings = [], []

    def _look(self, number: int, before: Meeting | None, after: Meeting) -> None:
        conflicts: list[Conflict] = []
        for who in sorted({after.host, *after.participations}):
            taken = taken_by(after, who)
            if taken and takes_more(taken_by(before, who), taken):
                found = self.in_the_way(who, after.start, after.end, number, needed=taken.blocks)
                (conflicts if taken.blocks else self.warnings).extend(found)
        if conflicts and self.request.on_conflict == "reject":
            raise Refusal("conflict", ordered(conflicts))
        self.conflicts += conflicts

    def in_the_way(
        self, who: int, start: int, end: int, number: int | None, *, needed: bool = True, hold: int | None = None
    ) -> list[Conflict]:
        """Return what blocks somebody, except an event and a hold."""
        found: list[Conflict] = []
        for other, meeting in enumerate(self.meetings):
            taken = taken_by(meeting, who)
            if meeting and taken and taken.blocks and other != number and taken.start < end and start < taken.end:
                shown = self.request.who in (None, who, meeting.host, meeting.pending_host, *meeting.participations)
                found.append((who, taken.start, taken.end, taken.shown, other if shown else None, needed))
        for place, slot in enumerate(self.holds):
            keeps = slot is not None and who in slot.people and slot.until > self.now and place != hold
            if slot and keeps and slot.start < end and start < slot.end:
                found.append((who, slot.start, slot.end, "busy", None, needed))
        return reported_conflicts(found, start, end)

    def _use_hold(self, meeting: Meeting, people: set[int]) -> None:
        slot = self._own_hold(self.request.hold)
        if slot is None:
            refuse([(("hold",), "hold_lapsed")])
        elif not (slot.start < meeting.end and meeting.start < slot.end) or people.isdisjoint(slot.people):
            refuse([(("hold",), "hold_elsewhere")])
        if self.request.hold is not None:
            self.holds[self.request.hold] = None

    def _own_hold(self, place: int | None) -> Slot | None:
        slot = self._kept_hold(place)
        return slot if slot and self.request.who in (None, slot.by) else None

    def _kept_hold(self, place: int | None) -> Slot | None:
        slot = self.holds[place] if place is not None and 0 <= place < len(self.holds) else None
        return slot if slot and slot.until > self.now else None

    # ---------------------------------------------------------------------------------------------- who may do what
    def changing(self, number: int, expect: Any) -> Meeting:
        meeting, who = self.meeting(number), self.request.who
        if who is not None and who != meeting.host:
            if who not in meeting.participations and who != meeting.pending_host:
                raise Refusal("not_found", "event")
            if not self._answering:
                raise Refusal("forbidden")
        return super().changing(number, expect)

    def create_event(self, host: int, *rest: Any, **more: Any) -> Any:
        if self.request.who not in (None, host):
            raise Refusal("forbidden")
        return super().create_event(host, *rest, **more)

    def transfer_event(self, number: int, to: int, expect: Any) -> Any:
        before = self.changing(number, expect)
        if self.request.who in (None, to) and to != before.host:
            return super().transfer_event(number, to, expect)
        self.refuse_cancelled(before)
        refuse(self.bookable(to, ("host_id",)))
        return self._offer(number, None if to == before.host else to)

    def answer_transfer(self, number: int, accept: bool, expect: Any) -> Any:
        self._answering = True
        try:
            before = self.changing(number, None)
        finally:
            self._answering = False
        who = self.request.who
        if before.pending_host is None and who in (None, before.host):
            raise Refusal("not_found", "pending transfer of event")
        if before.pending_host is None or who not in (None, before.pending_host):
            raise Refusal("forbidden")
        self.refuse_stale("event", before.version, expect)
        if not accept:
            return self._offer(number, None)
        self.meetings[number] = self.transferred(before, before.pending_host)
        return self.shown_event(number)

    def withdraw_transfer(self, number: int, expect: Any) -> None:
        if self.changing(number, expect).pending_host is None:
            raise Refusal("not_found", "pending transfer of event")
        self._offer(number, None)

    def _offer(self, number: int, to: int | None) -> Any:
        meeting = self.meeting(number)
        if to != meeting.pending_host:
            self.meetings[number] = self.next(meeting, pending_host=to)
        return self.shown_event(number)

    def answer_invitation(self, number: int, who: int, *rest: Any, **more: Any) -> Any:
        self._answering = True
        try:
            self.changing(number, None)
            if self.request.who not in (None, who):
                raise Refusal("forbidden")
            return super().answer_invitation(number, who, *rest, **more)
        finally:
            self._answering = False

    def delete_user(self, who: int, *rest: Any, **more: Any) -> None:
        if self.request.who is not None:
            raise Refusal("forbidden")
        super().delete_user(who, *rest, **more)

    def change_event(self, number: int, changes: dict[str, Any], keep: bool, expect: Any) -> Any:
        before = self.changing(number, expect)
        super().change_event(number, changes, keep, expect)
        after = self.meeting(number)
        moved = (before.start, before.end, before.zone) != (after.start, after.end, after.zone)
        if moved and not keep and self.request.on_conflict == "reject":
            self._leave_declined(number, before, after)
        return self.shown_event(number)

    def _leave_declined(self, number: int, before: Meeting, after: Meeting) -> None:
        """Keep the response of users who declined and are busy at the new time: they are not needed."""
        for who, own in before.participations.items():
            taken = taken_by(after, who)
            if own.response == "declined" and taken and taken.blocks:
                found = self.in_the_way(who, after.start, after.end, number, needed=False, hold=self.request.hold)
                if found:
                    self.warnings += found
                    after.participations[who] = own

    # --------------------------------------------------------------------------------------------------------- holds
    def place_hold(self, people: list[int], start: int, end: int, minutes: int) -> Any:
        faults: list[tuple[tuple[Any, ...], str]] = []
        for place, who in enumerate(people):
            faults += self.bookable(who, ("user_ids", place))
            faults += [(("user_ids", place), "duplicate_user")] if who in people[:place] else []
        refuse(faults)
        self._refuse_taken_slot(people, start, end, None)
        self.holds.append(Slot(tuple(sorted(people)), start, end, self.now + minutes, self.request.who))
        return self.shown_hold(len(self.holds) - 1)

    def extend_hold(self, place: int, minutes: int) -> Any:
        slot = self._hold(place)
        if self.request.who not in (None, slot.by):
            raise Refusal("forbidden")
        if slot.extended:
            raise Refusal("hold_extended")
        self._refuse_taken_slot(slot.people, slot.start, slot.end, place)
        self.holds[place] = replace(slot, until=max(slot.until, self.now + minutes), extended=True)
        return self.shown_hold(place)

    def release_hold(self, place: int) -> None:
        slot, who = self._hold(place), self.request.who
        left = () if who in (None, slot.by) else tuple(one for one in slot.people if one != who)
        self.holds[place] = replace(slot, people=left) if left else None

    def shown_hold(self, place: int) -> Any:
        slot = self._hold(place)
        return (place, slot.people, slot.start, slot.end, slot.until, slot.extended)

    def _hold(self, place: int) -> Slot:
        """Return a hold that somebody placed or that keeps their time."""
        slot = self._kept_hold(place)
        if slot is None or self.request.who not in (None, slot.by, *slot.people):
            raise Refusal("not_found", "hold")
        return slot

    def _refuse_taken_slot(self, people: Iterable[int], start: int, end: int, own: int | None) -> None:
        found = [conflict for who in people for conflict in self.in_the_way(who, start, end, None, hold=own)]
        if found:
            raise Refusal("conflict", ordered(found))
