"""The real service behind the same calls as the reference model: ids become numbers, values become plain."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from inspect import signature
from typing import Any

from kalends.actions import events, participants, user_deletion, users
from kalends.actions.booking import OnConflict
from kalends.drafts import EventCreate, EventUpdate, ParticipantCreate, ResponseUpdate, UserCreate, UserUpdate
from kalends.errors import KalendsError
from kalends.model import (
    Email,
    Event,
    EventId,
    Instant,
    Participant,
    Response,
    Role,
    ShowAs,
    Status,
    User,
    UserId,
    WrittenTime,
    Zone,
)
from kalends.reads import participants as participant_reads
from kalends.reads import users as user_reads
from kalends.reads.events import EventFilter
from kalends.rules.zones import read_time
from kalends.store.database import Database
from tests import seen
from tests.cast import new_organization, without_conflicts

MINUTE = 60_000_000
EPOCH = datetime(2026, 3, 9, tzinfo=UTC)
EPOCH_INSTANT = int(EPOCH.timestamp()) * 1_000_000
UNKNOWN = 2**62
PAGE = 3
WIRE_NAMES = {"user": "user_id", "host": "host_id", "participant": "participant_id"}


def instant(minute: int) -> Instant:
    return Instant(EPOCH_INSTANT + minute * MINUTE)


def written(minute: int) -> WrittenTime:
    return read_time((EPOCH + timedelta(minutes=minute)).strftime("%Y-%m-%dT%H:%MZ"))


def minute_of(moment: Instant | None) -> int | None:
    return None if moment is None else (moment - EPOCH_INSTANT) // MINUTE


def reported(error: KalendsError) -> tuple[Any, ...]:
    """Return what a caller learns from an error."""
    details = vars(error)
    if "faults" in details:
        faults = ((fault.where, fault.code) for fault in details["faults"])
        return (error.code, tuple(sorted(faults, key=str)))
    return (error.code, *(details[name] for name in ("kind", "current", "count") if name in details))


class Driver:
    """One organization in one database."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.actor = new_organization(database)
        self.users: list[UserId] = []
        self.events: list[EventId] = []

    def do(self, action: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
        """Run an action with conflicts allowed, as nobody is ever busy in the model."""
        if "on_conflict" in signature(action).parameters:
            options["on_conflict"] = OnConflict.allow
        return without_conflicts(self.database.write(lambda tx: action(tx, self.actor, *arguments, **options)))

    def ask(self, read: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
        return self.database.read(lambda tx: read(tx, self.actor, *arguments, **options))

    # ------------------------------------------------------------------------------------------------ numbers and ids
    def user(self, number: int) -> UserId:
        return self.users[number] if 0 <= number < len(self.users) else UserId(UNKNOWN + number)

    def event(self, number: int) -> EventId:
        return self.events[number] if 0 <= number < len(self.events) else EventId(UNKNOWN + number)

    def invitations(self, guests: Any) -> list[ParticipantCreate]:
        return [ParticipantCreate(user_id=self.user(guest), role=Role(role)) for guest, role in guests]

    def shown_user(self, user: User) -> Any:
        number = self.users.index(user.id)
        return (number, user.name, user.email, user.time_zone, user.version, minute_of(user.updated_at))

    def shown_event(self, event: Event) -> Any:
        counts, span = event.counts, event.block.span
        return (
            *(self.events.index(event.id), self.users.index(event.host_id), event.title, minute_of(span.start)),
            *(minute_of(span.end), event.block.time_zone, event.status, event.show_as, event.cancel_reason),
            (counts.required, counts.optional, counts.accepted, counts.declined, counts.tentative, counts.needs_action),
            *(event.version, minute_of(event.updated_at)),
            None if event.pending_host_id is None else self.users.index(event.pending_host_id),
        )

    def shown_participant(self, guest: Participant) -> Any:
        participation = guest.participation
        return (
            *(self.events.index(guest.event_id), self.users.index(participation.user_id), guest.name, guest.email),
            *(
                guest.user_version,
                guest.is_host,
                participation.role,
                participation.response,
                participation.comment,
                minute_of(participation.responded_at),
            ),
            participation.version,
        )

    def shown_participants(self, guests: list[Participant]) -> Any:
        return [self.shown_participant(guest) for guest in guests]

    # ---------------------------------------------------------------------------------------------------------- people
    def create_user(self, name: str, email: str, zone: str) -> Any:
        user = self.do(users.create_user, UserCreate(name=name, email=Email(email), time_zone=Zone(zone)))
        self.users.append(user.id)
        return self.shown_user(user)

    def change_user(self, who: int, changes: dict[str, str], expect: Any) -> Any:
        edit = UserUpdate(**{"time_zone" if name == "zone" else name: value for name, value in changes.items()})  # pyright: ignore[reportArgumentType]
        return self.shown_user(self.do(users.change_user, self.user(who), edit, expect=expect))

    def delete_user(self, who: int, hosted: str | None, to: int | None, expect: Any) -> None:
        successor = None if to is None else self.user(to)
        options = {"hosted": hosted and user_deletion.HostedEvents(hosted), "to": successor, "expect": expect}
        self.do(user_deletion.delete_user, self.user(who), **options)

    def read_user(self, who: int) -> Any:
        return self.shown_user(self.ask(user_reads.read_user, self.user(who)))

    def list_users(self, text: str | None) -> Any:
        found, after = [], None
        while True:
            page = self.ask(user_reads.list_users, PAGE, text=text, after=after)
            found += [self.shown_user(user) for user in page.items]
            after = page.next_key
            if after is None:
                return found

    # ---------------------------------------------------------------------------------------------------------- events
    def create_event(
        self, host: int, title: str, start: int, end: int, zone: str | None, guests: Any, attends: bool, show_as: str
    ) -> Any:
        draft = EventCreate(
            host_id=self.user(host),
            title=title,
            start=written(start),
            end=written(end),
            time_zone=Zone(zone) if zone else None,
            participants=self.invitations(guests),
            host_attends=attends,
            show_as=ShowAs(show_as),
        )
        event = self.do(events.create_event, draft)
        self.events.append(event.id)
        return self.shown_event(event)

    def change_event(self, number: int, changes: dict[str, Any], keep: bool, expect: Any) -> Any:
        edit: dict[str, Any] = dict(changes)
        edit |= {name: written(changes[name]) for name in ("start", "end") if name in changes}
        if "zone" in edit:
            edit["time_zone"] = Zone(edit.pop("zone"))
        if "show_as" in edit:
            edit["show_as"] = ShowAs(edit["show_as"])
        options = {"keep_responses": keep, "expect": expect}
        return self.shown_event(self.do(events.change_event, self.event(number), EventUpdate(**edit), **options))

    def cancel_event(self, number: int, reason: str | None, expect: Any) -> Any:
        return self.shown_event(self.do(events.cancel_event, self.event(number), reason, expect=expect))

    def delete_event(self, number: int, expect: Any) -> None:
        self.do(events.delete_event, self.event(number), expect=expect)

    def transfer_event(self, number: int, to: int, expect: Any) -> Any:
        return self.shown_event(self.do(events.transfer_event, self.event(number), self.user(to), expect=expect))

    def read_event(self, number: int) -> Any:
        event, _, guests = self.ask(seen.read_event, self.event(number), expand=True)
        return self.shown_event(event), self.shown_participants(guests)

    def list_events(self, wanted: dict[str, Any]) -> Any:
        values: dict[str, Any] = {WIRE_NAMES.get(name, name): value for name, value in wanted.items()}
        values |= {name: self.user(values[name]) for name in WIRE_NAMES.values() if name in values}
        values |= {name: instant(values[name]) for name in ("since", "until") if name in values}
        for name, kind in (("response", Response), ("role", Role), ("status", Status)):
            values |= {name: kind(values[name])} if name in values else {}
        found: list[Any] = []
        while True:
            page = self.ask(seen.list_events, EventFilter(**values), PAGE, expand=True)
            for event in page.events:
                found.append((self.shown_event(event), self.shown_participants(page.participants[event.id])))  # noqa: PERF401
            if page.next_key is None:
                return found
            values["after"] = page.next_key

    # ---------------------------------------------------------------------------------------------------- participants
    def add_participants(self, number: int, guests: Any, expect: Any) -> Any:
        invited = self.invitations(guests)
        return self.shown_participants(
            self.do(participants.add_participants, self.event(number), invited, expect=expect)
        )

    def set_participant(self, number: int, who: int, role: str, only_new: bool, expect: Any) -> Any:
        options = {"only_new": only_new, "expect": expect}
        place = (self.event(number), self.user(who))
        guest, is_new = self.do(participants.set_participant, *place, Role(role), **options)
        return self.shown_participant(guest), is_new

    def change_role(self, number: int, who: int, role: str, expect: Any) -> Any:
        place = (self.event(number), self.user(who))
        return self.shown_participant(self.do(participants.change_role, *place, Role(role), expect=expect))

    def remove_participant(self, number: int, who: int, expect: Any) -> None:
        self.do(participants.remove_participant, self.event(number), self.user(who), expect=expect)

    def answer_invitation(self, number: int, who: int, response: Any, comment: str | None, expect: Any) -> Any:
        answer = ResponseUpdate(response=response, comment=comment)
        place = (self.event(number), self.user(who))
        return self.shown_participant(self.do(participants.answer_invitation, *place, answer, expect=expect))

    def read_participant(self, number: int, who: int) -> Any:
        return self.shown_participant(self.ask(participant_reads.read_participant, self.event(number), self.user(who)))

    def list_participants(self, number: int) -> Any:
        found, after = [], None
        while True:
            page = self.ask(participant_reads.list_participants, self.event(number), PAGE, after)
            found += self.shown_participants(page.items)
            after = page.next_key
            if after is None:
                return found
