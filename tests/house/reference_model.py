"""A reference model of Kalends: dictionaries, minutes and numbers, written from the contract, not from the rules.

People and events are numbered in the order in which they were made; times are minutes since 2026-03-09T00:00Z.
"""

import unicodedata
from dataclasses import dataclass, field, replace
from typing import Any

OFFSETS = {"UTC": 0, "Asia/Tokyo": 540, "America/Phoenix": -420}
"""Minutes by which the clocks of a zone are ahead; none of them ever changes."""

DAY = 1440

Faults = tuple[tuple[tuple[Any, ...], str], ...]


class Refusal(Exception):
    """An error: its code, and what else the caller learns."""

    def __init__(self, code: str, *more: Any) -> None:
        super().__init__(code, *more)
        self.answer = (code, *more)


@dataclass
class Person:
    name: str
    email: str
    zone: str
    updated: int
    version: int = 1
    deleted: bool = False


@dataclass(frozen=True)
class Participation:
    role: str
    response: str
    version: int
    comment: str | None = None
    responded: int | None = None


@dataclass(frozen=True)
class Meeting:
    host: int
    title: str
    start: int
    end: int
    zone: str
    status: str
    show_as: str
    updated: int
    version: int = 1
    reason: str | None = None
    participations: dict[int, Participation] = field(default_factory=dict)
    pending_host: int | None = None
    """The user who was asked to become its host and has not answered."""


def folded(text: str) -> str:
    """Return text without case and accents, as far as the names and titles of these tests go."""
    apart = unicodedata.normalize("NFKD", text.casefold())
    return "".join(letter for letter in apart if not unicodedata.combining(letter))


def refuse(faults: list[tuple[tuple[Any, ...], str]], code: str = "invalid") -> None:
    """Raise Refusal with all faults, if there are any."""
    if faults:
        raise Refusal(code, tuple(sorted(faults, key=str)))


def block_faults(start: int, end: int, zone: str | None) -> list[tuple[tuple[Any, ...], str]]:
    """Return the faults of a block; its days are not checked if its zone is unknown."""
    if end <= start:
        return [(("end",), "end_before_start")]
    if zone is not None and (start + OFFSETS[zone]) // DAY != (end - 1 + OFFSETS[zone]) // DAY:
        return [(("end",), "not_one_day")]
    return []


class ReferenceModel:
    """The state of an organization, and the calls that change it."""

    def __init__(self, now: int) -> None:
        self.now = now
        self.people: list[Person] = []
        self.meetings: list[Meeting | None] = []

    # ---------------------------------------------------------------------------------------------------------- people
    def create_user(self, name: str, email: str, zone: str) -> Any:
        self.refuse_taken(email, None)
        self.people.append(Person(name, email, zone, self.now))
        return self.shown_user(len(self.people) - 1)

    def change_user(self, who: int, changes: dict[str, str], expect: Any) -> Any:
        person = self.active(who)
        self.refuse_stale("user", person.version, expect)
        if any(getattr(person, name) != value for name, value in changes.items()):
            self.refuse_taken(changes.get("email", person.email), who)
            self.people[who] = replace(person, **changes, version=person.version + 1, updated=self.now)
        return self.shown_user(who)

    def delete_user(self, who: int, hosted: str | None, to: int | None, expect: Any) -> None:
        person = self.active(who)
        self.refuse_stale("user", person.version, expect)
        if (hosted == "transfer") != (to is not None) or to == who:
            refuse([(("to",), "wrong_successor")])
        if to is not None:
            refuse(self.bookable(to, ("to",)))
        ahead = [n for n, meeting in enumerate(self.meetings) if meeting and meeting.end > self.now]
        hosting = [n for n in ahead if self.meeting(n).host == who and self.meeting(n).status != "cancelled"]
        if hosting and hosted is None:
            raise Refusal("hosts_events", len(hosting))
        for number in ahead:
            meeting = self.meeting(number)
            if number in hosting and to is not None:
                meeting = self.transferred(meeting, to)
            elif number in hosting:
                meeting = self.next(meeting, status="cancelled", pending_host=None)
            elif who in meeting.participations or who == meeting.pending_host:
                meeting = self.next(meeting, pending_host=None if who == meeting.pending_host else meeting.pending_host)
            self.meetings[number] = replace(
                meeting, participations={n: c for n, c in meeting.participations.items() if n != who}
            )
        for number, meeting in enumerate(self.meetings):
            if meeting and who == meeting.pending_host:
                self.meetings[number] = self.next(meeting, pending_host=None)
        person.deleted = True

    def read_user(self, who: int) -> Any:
        self.active(who)
        return self.shown_user(who)

    def list_users(self, text: str | None) -> Any:
        found = [n for n, person in enumerate(self.people) if not person.deleted]
        if text is not None:
            found = [n for n in found if folded(text) in folded(f"{self.people[n].name}\n{self.people[n].email}")]
        return [self.shown_user(n) for n in sorted(found, key=lambda n: (folded(self.people[n].name), n))]

    # ---------------------------------------------------------------------------------------------------------- events
    def create_event(
        self, host: int, title: str, start: int, end: int, zone: str | None, guests: Any, attends: bool, show_as: str
    ) -> Any:
        faults = self.bookable(host, ("host_id",))
        seen: set[int] = set()
        for place, (guest, _) in enumerate(guests):
            where = ("participants", place, "user_id")
            faults += self.bookable(guest, where)
            if guest in seen:
                faults.append((where, "duplicate_participant"))
            elif guest == host and not attends:
                faults.append((where, "host_does_not_attend"))
            seen.add(guest)
        known = zone or (self.people[host].zone if not self.bookable(host, ()) else None)
        refuse(faults + block_faults(start, end, known))
        roles = ({host: "required"} if attends else {}) | dict(guests)
        meeting = Meeting(host, title, start, end, str(known), "confirmed", show_as, self.now)
        self.meetings.append(
            replace(meeting, participations={n: self.new_participation(meeting, n, role) for n, role in roles.items()})
        )
        return self.shown_event(len(self.meetings) - 1)

    def change_event(self, number: int, changes: dict[str, Any], keep: bool, expect: Any) -> Any:
        before = self.changing(number, expect)
        self.refuse_cancelled(before)
        after = replace(before, **changes)
        moved = (after.start, after.end, after.zone) != (before.start, before.end, before.zone)
        if {"start", "end", "zone"} & changes.keys():
            refuse(block_faults(after.start, after.end, after.zone))
        if after == before:
            return self.shown_event(number)
        after = self.next(after)
        if moved and not keep:
            for who, own in before.participations.items():
                if who != before.host and own.response != "needs_action":
                    after.participations[who] = Participation(own.role, "needs_action", own.version + 1)
        if moved and after.end > self.now:
            refuse([(("end",), "user_inactive")] if self.people[after.host].deleted else [])
            after = replace(
                after, participations={n: c for n, c in after.participations.items() if not self.people[n].deleted}
            )
        self.meetings[number] = after
        return self.shown_event(number)

    def cancel_event(self, number: int, reason: str | None, expect: Any) -> Any:
        before = self.changing(number, expect)
        if before.status != "cancelled":
            self.meetings[number] = self.next(before, status="cancelled", reason=reason, pending_host=None)
        return self.shown_event(number)

    def delete_event(self, number: int, expect: Any) -> None:
        self.changing(number, expect)
        self.meetings[number] = None

    def transfer_event(self, number: int, to: int, expect: Any) -> Any:
        before = self.changing(number, expect)
        self.refuse_cancelled(before)
        refuse(self.bookable(to, ("host_id",)))
        if to != before.host:
            self.meetings[number] = self.transferred(before, to)
        return self.shown_event(number)

    def read_event(self, number: int) -> Any:
        self.changing(number, None)
        return self.shown_event(number), self.reported_participants(number)

    def list_events(self, wanted: dict[str, Any]) -> Any:
        if {"response", "role"} & wanted.keys() and not {"user", "participant"} & wanted.keys():
            refuse([((name,), "person_required") for name in ("response", "role") if name in wanted])
        found = [n for n, meeting in enumerate(self.meetings) if meeting and self.wanted(meeting, wanted)]
        found.sort(key=lambda n: (self.meeting(n).start, n))
        return [(self.shown_event(n), self.reported_participants(n)) for n in found]

    # ---------------------------------------------------------------------------------------------------- participants
    def add_participants(self, number: int, guests: Any, expect: Any) -> Any:
        before = self.changing(number, expect)
        self.refuse_cancelled(before)
        self.refuse_ended(before)
        faults, taken, seen = [], [], set()
        for place, (guest, _) in enumerate(guests):
            faults += self.bookable(guest, (place, "user_id"))
            if guest in seen:
                faults.append(((place, "user_id"), "duplicate_participant"))
            elif guest in before.participations:
                taken.append(((place, "user_id"), "already_participant"))
            seen.add(guest)
        refuse(faults + taken if faults else [])
        refuse(taken, "already_participant")
        if guests:
            self.add(number, dict(guests))
        return [self.shown_participant(number, guest) for guest, _ in guests]

    def set_participant(self, number: int, who: int, role: str, only_new: bool, expect: Any) -> Any:
        before = self.changing(number, None)
        own = before.participations.get(who)
        if own is not None and only_new:
            raise Refusal("stale_version", "participant", own.version)
        self.refuse_stale("participant", own.version if own else 0, expect)
        if own is not None:
            return self.change_role(number, who, role, None), False
        self.refuse_cancelled(before)
        self.refuse_ended(before)
        refuse(self.bookable(who, ("user_id",)))
        self.add(number, {who: role})
        return self.shown_participant(number, who), True

    def change_role(self, number: int, who: int, role: str, expect: Any) -> Any:
        before = self.changing(number, None)
        own = self.participation_of(before, who, expect)
        if own.role != role:
            self.refuse_cancelled(before)
            self.refuse_ended(before)
            self.put(number, who, replace(own, role=role, version=own.version + 1))
        return self.shown_participant(number, who)

    def remove_participant(self, number: int, who: int, expect: Any) -> None:
        before = self.changing(number, None)
        self.participation_of(before, who, expect)
        self.refuse_cancelled(before)
        after = self.next(before)
        del after.participations[who]
        self.meetings[number] = after

    def answer_invitation(self, number: int, who: int, response: str, comment: str | None, expect: Any) -> Any:
        before = self.changing(number, None)
        own = self.participation_of(before, who, expect)
        self.refuse_cancelled(before)
        self.refuse_ended(before)
        if (own.response, own.comment) != (response, comment):
            self.put(number, who, Participation(own.role, response, own.version + 1, comment, self.now))
        return self.shown_participant(number, who)

    def read_participant(self, number: int, who: int) -> Any:
        self.participation_of(self.changing(number, None), who, None)
        return self.shown_participant(number, who)

    def list_participants(self, number: int) -> Any:
        self.changing(number, None)
        return self.shown_participants(number)

    # ------------------------------------------------------------------------------------------------------- what if
    def active(self, who: int) -> Person:
        if not 0 <= who < len(self.people) or self.people[who].deleted:
            raise Refusal("not_found", "user")
        return self.people[who]

    def bookable(self, who: int, where: tuple[Any, ...]) -> list[tuple[tuple[Any, ...], str]]:
        if not 0 <= who < len(self.people):
            return [(where, "unknown_user")]
        return [(where, "user_inactive")] if self.people[who].deleted else []

    def meeting(self, number: int) -> Meeting:
        meeting = self.meetings[number] if 0 <= number < len(self.meetings) else None
        if meeting is None:
            raise Refusal("not_found", "event")
        return meeting

    def changing(self, number: int, expect: Any) -> Meeting:
        meeting = self.meeting(number)
        self.refuse_stale("event", meeting.version, expect)
        return replace(meeting, participations=dict(meeting.participations))

    def participation_of(self, meeting: Meeting, who: int, expect: Any) -> Participation:
        if who not in meeting.participations:
            raise Refusal("not_found", "participant")
        self.refuse_stale("participant", meeting.participations[who].version, expect)
        return meeting.participations[who]

    def refuse_stale(self, kind: str, version: int, expect: Any) -> None:
        if expect is not None and version not in expect:
            raise Refusal("stale_version", kind, version)

    def refuse_ended(self, meeting: Meeting) -> None:
        if self.now >= meeting.end:
            raise Refusal("event_ended")

    def refuse_cancelled(self, meeting: Meeting) -> None:
        if meeting.status == "cancelled":
            raise Refusal("event_cancelled")

    def refuse_taken(self, email: str, own: int | None) -> None:
        if any(folded(p.email) == folded(email) and not p.deleted for n, p in enumerate(self.people) if n != own):
            raise Refusal("email_taken", ((("email",), "email_taken"),))

    def wanted(self, meeting: Meeting, wanted: dict[str, Any]) -> bool:
        named = wanted.get("participant", wanted.get("user"))
        own = meeting.participations.get(-9 if named is None else named)
        user, participant = wanted.get("user"), wanted.get("participant")
        return (
            (user is None or user == meeting.host or user in meeting.participations)
            and (participant is None or participant in meeting.participations)
            and wanted.get("host", meeting.host) == meeting.host
            and meeting.end > wanted.get("since", meeting.end - 1)
            and meeting.start < wanted.get("until", meeting.start + 1)
            and ("response" not in wanted or (own is not None and own.response == wanted["response"]))
            and ("role" not in wanted or (own is not None and own.role == wanted["role"]))
            and (meeting.status == wanted["status"] if "status" in wanted else meeting.status != "cancelled")
            and folded(wanted.get("text", "")) in folded(meeting.title)
        )

    # ------------------------------------------------------------------------------------------------------ what then
    def next(self, meeting: Meeting, **changes: Any) -> Meeting:
        copied = dict(meeting.participations)
        return replace(meeting, **changes, participations=copied, version=meeting.version + 1, updated=self.now)

    def new_participation(self, meeting: Meeting, who: int, role: str) -> Participation:
        if who == meeting.host:
            return Participation(role, "accepted", meeting.version, None, self.now)
        return Participation(role, "needs_action", meeting.version)

    def add(self, number: int, roles: dict[int, str]) -> None:
        after = self.next(self.meeting(number))
        after.participations.update({who: self.new_participation(after, who, role) for who, role in roles.items()})
        self.meetings[number] = after

    def put(self, number: int, who: int, own: Participation) -> None:
        after = self.next(self.meeting(number))
        after.participations[who] = own
        self.meetings[number] = after

    def transferred(self, meeting: Meeting, to: int) -> Meeting:
        after = self.next(meeting, host=to, pending_host=None)
        if {meeting.host, to} & meeting.participations.keys():
            own = meeting.participations.get(to)
            version = own.version + 1 if own else after.version
            after.participations[to] = Participation("required", "accepted", version, None, self.now)
        return after

    # ---------------------------------------------------------------------------------------------------- what is shown
    def shown_user(self, who: int) -> Any:
        person = self.people[who]
        return (who, person.name, person.email, person.zone, person.version, person.updated)

    def shown_event(self, number: int) -> Any:
        meeting = self.meeting(number)
        said = [word for one in meeting.participations.values() for word in (one.role, one.response)]
        kinds = ("required", "optional", "accepted", "declined", "tentative", "needs_action")
        return (
            *(number, meeting.host, meeting.title, meeting.start, meeting.end, meeting.zone, meeting.status),
            *(meeting.show_as, meeting.reason, tuple(said.count(kind) for kind in kinds)),
            *(meeting.version, meeting.updated, meeting.pending_host),
        )

    def shown_participants(self, number: int) -> Any:
        return [self.shown_participant(number, who) for who in sorted(self.meeting(number).participations)]

    def reported_participants(self, number: int) -> Any:
        """Return the participants as an event shows them: without the versions of participations and people."""
        return [(*guest[:4], 0, *guest[5:-1], 0) for guest in self.shown_participants(number)]

    def shown_participant(self, number: int, who: int) -> Any:
        meeting, person = self.meeting(number), self.people[who]
        own = meeting.participations[who]
        return (
            *(number, who, person.name, person.email, person.version, who == meeting.host, own.role),
            *(own.response, own.comment, own.responded, own.version),
        )
