"""Changes of a world that one of its users may not see, according to the pure rules."""

import random
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import lru_cache, partial
from typing import Any, NamedTuple

import sqlalchemy as sa

from kalends.actions.booking import OnConflict
from kalends.actions.events import cancel_event, change_event, create_event, delete_event, transfer_event
from kalends.actions.holds import place_hold, release_hold
from kalends.actions.idempotency import claim_key
from kalends.actions.participants import add_participants, answer_invitation, change_role, remove_participant
from kalends.actions.sharing import share_calendar, stop_sharing
from kalends.actions.tokens import issue_token
from kalends.drafts import EventCreate, EventUpdate, ParticipantCreate, ResponseUpdate
from kalends.errors import KalendsError
from kalends.model import (
    Actor,
    Event,
    EventId,
    HoldId,
    Instant,
    Metadata,
    Participation,
    Response,
    Role,
    SharingLevel,
    ShowAs,
    Span,
    Status,
    Strength,
    TokenId,
    UserId,
    Visibility,
    WrittenTime,
)
from kalends.rules.access import AccessLevel, delegators_of
from kalends.rules.intervals import HOUR, MINUTE
from kalends.rules.participation import agenda_of
from kalends.rules.periods import Period, merge_by_strength
from kalends.rules.zones import from_instant, read_time
from kalends.store.database import ReadTx, WriteTx
from kalends.store.query import Query
from kalends.store.tables import agenda, held_time
from tests.cast import BERLIN
from tests.house.twins import A_WEEK, READ_AT, SET_METADATA, Side
from tests.reads.onlookers import Onlooker, Seen, participations_shown
from tests.reads.worlds import WORDS, World, random_times

ALL_TIME = Span(Instant(0), Instant(2**60))
AGENDA = Query(
    sa.select(
        *(agenda.c.user_id, agenda.c.event_id, agenda.c.starts_at, agenda.c.ends_at, agenda.c.shown, agenda.c.blocking)
    ).where(agenda.c.organization_id == sa.bindparam("org"))
)
HELD = Query(
    sa.select(held_time.c.user_id, held_time.c.hold_id, held_time.c.starts_at, held_time.c.ends_at).where(
        held_time.c.organization_id == sa.bindparam("org"), held_time.c.expires_at > sa.bindparam("at")
    )
)


Scopes = dict[int, set[UserId | None]]
"""By event or hold, the users whose time is read without it; 0 stands for none."""


class Revealed(Exception):
    """Raised if a change shows in what everybody may see."""


class Part(NamedTuple):
    """An event or a hold in a user's time."""

    person: int
    what: int
    period: Period
    blocking: bool


class Change:
    """One attempt at a change that the onlooker may not see."""

    def __init__(self, side: Side, choice: random.Random) -> None:
        self.onlooker = side.onlooker
        self.world = side.world
        self.choice = choice
        self.operator = side.world.cast.actor
        self.me = side.onlooker.actor.user_id
        self.close = {self.me, *delegators_of(side.onlooker.actor)}
        self.others = [person for person in self.world.people if person != self.me]
        self.strangers = [person for person in self.world.people if person not in self.close]
        self.touched: list[EventId] = []
        self.gone: list[EventId] = []
        self.holds: list[HoldId] = []
        self.tokens: list[TokenId] = []
        self.side = side

    # ------------------------------------------------------------------------------------------ what is hidden
    def event(self, access_level: AccessLevel, *, blocking: bool = False) -> Event:
        """Choose an event that the onlooker sees at this level, and that blocks somebody."""
        found = [
            event
            for event, participations in self.world.events.values()
            if self.onlooker.access_level(event.id) is access_level
            and (not blocking or any(row.blocking for row in agenda_of(event, participations.values())))
        ]
        chosen = self.choice.choice(found)
        self.touched.append(chosen.id)
        return chosen

    def is_hidden(self, event_id: EventId, person: UserId) -> bool:
        """Return whether the onlooker is not shown whether somebody takes part in an event."""
        event, _ = self.world.events[event_id]
        access_level = self.onlooker.access_level(event_id)
        if access_level < AccessLevel.read:
            private = event.visibility is Visibility.private  # of which a delegate knows nothing
            return person not in ({self.me} if private else self.close)
        hides = event.hide_participants and access_level < AccessLevel.write
        return hides and person not in {event.host_id, *self.close}

    def participation(self, *, taken: bool = True) -> tuple[EventId, UserId, Participation | None]:
        """Choose a participation that is hidden, or one that may be taken."""
        found = [
            (event.id, person, participations.get(person))
            for event, participations in self.world.events.values()
            for person in self.world.people
            if (person in participations) == taken and self.is_hidden(event.id, person)
        ]
        chosen = self.choice.choice(found)
        self.touched.append(chosen[0])
        return chosen

    # ------------------------------------------------------------------------------------------ what is changed
    def answer(self, tx: WriteTx) -> None:
        event_id, person, participation = self.participation()
        said = self.choice.choice(("accepted", "declined", "tentative"))
        if (
            participation is not None
            and participation.response is not Response.needs_action
            and self.choice.random() < 0.5
        ):
            said = participation.response.value
        answer = ResponseUpdate(response=said, comment=f"comment {self.choice.random()}")
        answer_invitation(tx, self.operator, event_id, person, answer, on_conflict=OnConflict.allow)

    def role(self, tx: WriteTx) -> None:
        event_id, person, participation = self.participation()
        role = Role.optional if participation is not None and participation.role is Role.required else Role.required
        change_role(tx, self.operator, event_id, person, role, on_conflict=OnConflict.allow)

    def leave(self, tx: WriteTx) -> None:
        event_id, person, _ = self.participation()
        remove_participant(tx, self.operator, event_id, person)

    def join(self, tx: WriteTx) -> None:
        event_id, person, _ = self.participation(taken=False)
        guests = [ParticipantCreate(user_id=person, role=self.choice.choice(list(Role)))]
        add_participants(tx, self.operator, event_id, guests, on_conflict=OnConflict.allow)
        if self.choice.random() < 0.7:
            answer_invitation(
                tx, self.operator, event_id, person, ResponseUpdate(response="declined"), on_conflict=OnConflict.allow
            )

    def text(self, tx: WriteTx) -> None:
        event = self.event(self.choice.choice((AccessLevel.busy, AccessLevel.titles)))
        edit: dict[str, Any] = {
            "location": f"location {self.choice.random()}",
            "description": self.choice.choice(WORDS),
            "metadata": Metadata(note=self.choice.random()),
            "hide_participants": not event.hide_participants,
        }
        if self.onlooker.access_level(event.id) is AccessLevel.busy:
            edit |= {"title": self.choice.choice(WORDS), "visibility": Visibility.private}
        names = self.choice.sample(sorted(edit), self.choice.randrange(1, len(edit) + 1))
        change_event(tx, self.operator, event.id, EventUpdate(**{name: edit[name] for name in names}))

    def state(self, tx: WriteTx) -> None:
        """Move an unseen event, or change how it is shown."""
        event = self.event(AccessLevel.busy)
        edits: list[dict[str, Any]] = [
            random_times(self.choice),
            {"show_as": ShowAs.free if event.show_as is ShowAs.busy else ShowAs.busy},
            {"status": "tentative" if event.status is Status.confirmed else "confirmed"},
        ]
        edit, keep = EventUpdate(**self.choice.choice(edits)), self.choice.random() < 0.8
        change_event(tx, self.operator, event.id, edit, keep_responses=keep, on_conflict=OnConflict.allow)

    def end(self, tx: WriteTx) -> None:
        event = self.event(AccessLevel.busy)
        if self.choice.random() < 0.5:
            cancel_event(tx, self.operator, event.id, "a reason")
        else:
            self.gone.append(event.id)
            delete_event(tx, self.operator, event.id)

    def transfer(self, tx: WriteTx) -> None:
        event, actor = self.event(AccessLevel.busy), self.onlooker.actor
        successors = [
            one for one in self.strangers if actor.shared.get(one, SharingLevel.free_busy) is SharingLevel.free_busy
        ]
        transfer_event(tx, self.operator, event.id, self.choice.choice(successors), on_conflict=OnConflict.allow)

    def offer(self, tx: WriteTx) -> None:
        """Ask a user to host an event, where it is not shown whether they are involved in it."""
        event_id, person, _ = self.participation(taken=False)
        event = self.world.events[event_id][0]
        if event.pending_host_id in self.close:
            raise Revealed
        transfer_event(tx, Actor(self.operator.organization_id, None, event.host_id), event_id, person)

    def split(self, tx: WriteTx) -> None:
        """Split an event into two that touch."""
        event, participations = self.world.events[self.event(AccessLevel.busy, blocking=True).id]
        span = event.block.span
        minutes = (span.end - span.start) // MINUTE
        middle = Instant(span.start + self.choice.choice(range(1, minutes)) * MINUTE)
        edit = EventUpdate(end=written(middle))
        change_event(tx, self.operator, event.id, edit, keep_responses=True, on_conflict=OnConflict.allow)
        rest = EventCreate(
            host_id=event.host_id,
            title="the rest",
            start=written(middle),
            end=written(span.end),
            time_zone=BERLIN,
            show_as=event.show_as,
            visibility=event.visibility,
            host_attends=event.host_id in participations,
            participants=[
                ParticipantCreate(user_id=who, role=participation.role)
                for who, participation in participations.items()
                if who != event.host_id
            ],
        )
        made = create_event(tx, self.operator, rest, on_conflict=OnConflict.allow).event
        self.touched.append(made.id)
        for who, participation in participations.items():
            if participation.response is not Response.needs_action:
                answer = ResponseUpdate(response=participation.response.value)
                answer_invitation(tx, self.operator, made.id, who, answer, on_conflict=OnConflict.allow)
        if event.status is Status.cancelled:
            cancel_event(tx, self.operator, made.id)

    def create(self, tx: WriteTx) -> None:
        """Create an event that takes nobody's time, or time that is already taken."""
        host, *guests = self.choice.sample(self.others, self.choice.randrange(1, len(self.others)))
        draft = EventCreate(
            host_id=host,
            title="unseen",
            visibility=Visibility.private,
            show_as=self.choice.choice((ShowAs.free, ShowAs.busy)),
            host_attends=self.choice.random() < 0.5,
            participants=[ParticipantCreate(user_id=guest, role=Role.optional) for guest in guests],
            **random_times(self.choice),
        )
        made = create_event(tx, self.operator, draft, on_conflict=OnConflict.allow).event
        self.touched.append(made.id)
        for guest in guests:
            answer = ResponseUpdate(response=self.choice.choice(("declined", "declined", "tentative")))
            answer_invitation(tx, self.operator, made.id, guest, answer, on_conflict=OnConflict.allow)

    def hold(self, tx: WriteTx) -> None:
        """Split a hold into two that touch, or place one that expires before anybody reads it."""
        foreign = [one for one in self.side.holds if self.me not in (one.placed_by, *one.user_ids)]
        placed_by = Actor(self.operator.organization_id, None, self.choice.choice(self.others))
        if foreign and self.choice.random() < 0.5:
            old = self.choice.choice(foreign)
            release_hold(tx, self.operator, old.id)
            middle = Instant((old.span.start + old.span.end) // 2)
            spans = [Span(old.span.start, middle), Span(middle, old.span.end)]
            self.holds += [place_hold(tx, placed_by, list(old.user_ids), span, A_WEEK).id for span in spans]
        else:
            start = Instant(READ_AT + self.choice.randrange(1, 40) * HOUR)
            self.holds.append(place_hold(tx, placed_by, self.others[:2], Span(start, Instant(start + HOUR)), 600).id)

    def around(self, tx: WriteTx) -> None:
        """Change what does not belong to events: tokens, keys, shares, and the metadata of users."""
        one, other = self.choice.sample(self.others, 2)
        actor = Actor(self.operator.organization_id, None, one)
        token, _ = issue_token(tx, actor, "another's", self.choice.randbytes(20))
        self.tokens.append(token.id)
        claim_key(tx, Actor(self.operator.organization_id, token.id, one), "a-key", b"another request")
        tx.run(SET_METADATA, at=other, text=f'{{"note":{self.choice.random()}}}')
        if self.choice.random() < 0.5:
            share_calendar(tx, self.operator, one, other, self.choice.choice(list(SharingLevel)))
        else:
            stop_sharing(tx, self.operator, one, other)


CHANGES = 3 * (
    *(Change.answer, Change.role, Change.leave, Change.join, Change.text, Change.state, Change.end, Change.transfer),
    *(Change.split, Change.split, Change.create, Change.hold, Change.around, Change.offer),
)
"""Each is tried several times, as not every one is possible in every world."""


def blocked_by(event: Event, participations: Mapping[UserId, Participation]) -> list[UserId]:
    """Return whom an event blocks; if nobody, its host."""
    return [row.user_id for row in agenda_of(event, participations.values()) if row.blocking] or [event.host_id]


class Changed:
    """What was changed: the kinds of changes, and the changed objects."""

    def __init__(self) -> None:
        self.kinds: list[str] = []
        self.events: list[EventId] = []
        self.holds: list[HoldId] = []
        self.tokens: list[TokenId] = []
        self.times: list[tuple[list[UserId], Span]] = []
        """The users whose time is changed, and when."""

    def note(self, world: World, event_id: EventId) -> None:
        """Record the state of an event."""
        event, participations = world.events[event_id]
        self.events.append(event_id)
        self.times.append((blocked_by(event, participations), event.block.span))


def change_unseen(side: Side, choice: random.Random) -> Changed:
    """Change a world in ways that its onlooker may not see; a change that would show is not made."""
    done, before, scopes = Changed(), shown_to(side.onlooker), visible_details(side)
    for kind in choice.sample(CHANGES, len(CHANGES)):
        change = Change(side, choice)
        with suppress(Revealed, KalendsError, IndexError):
            side.database.write(partial(unnoticed, change, kind, scopes))
            record(change, done)
            done.kinds.append(kind.__name__)
            assert shown_to(side.onlooker) == before, f"{kind.__name__} is seen"
    return done


def record(change: Change, done: Changed) -> None:
    """Record what was changed, before and after."""
    done.holds += change.holds
    done.tokens += change.tokens
    for event_id in dict.fromkeys(change.touched):
        if event_id in change.world.events:
            done.note(change.world, event_id)
        if event_id in change.gone:
            del change.world.events[event_id]
        else:
            change.world.note(event_id)
            done.note(change.world, event_id)


def unnoticed(change: Change, kind: Callable[[Change, WriteTx], None], scopes: Scopes, tx: WriteTx) -> None:
    """Perform a change. Raise Revealed if it changes what is shown of anybody's time."""
    before = shown_to_all(tx, change.operator, scopes)
    kind(change, tx)
    if shown_to_all(tx, change.operator, scopes) != before:
        raise Revealed


def visible_details(side: Side) -> Scopes:
    """Return the events and holds that the onlooker may see in detail, and in whose time; changes leave these out."""
    onlooker = side.onlooker
    everybody: set[UserId | None] = {*onlooker.world.people}
    own: set[UserId | None] = {onlooker.actor.user_id, *delegators_of(onlooker.actor)}
    seen = {event_id: onlooker.access_level(event_id) for event_id in onlooker.world.events}
    behind = {
        int(event_id): everybody if access_level is AccessLevel.write else own
        for event_id, access_level in seen.items()
        if access_level
    }
    holds = {int(hold.id): everybody for hold in side.holds if hold.placed_by == onlooker.actor.user_id}
    return {0: everybody} | behind | holds


def shown_to_all(tx: ReadTx, actor: Actor, scopes: Scopes) -> Any:
    """Return when everybody is busy or blocked, also without each event or hold that can be left out."""
    parts = [
        Part(person, what, Period(Span(Instant(start), Instant(end)), Strength(shown)), bool(blocking))
        for person, what, start, end, shown, blocking in tx.rows(AGENDA, org=actor.organization_id)
    ] + [
        Part(person, what, Period(Span(Instant(start), Instant(end)), Strength.busy), blocking=True)
        for person, what, start, end in tx.rows(HELD, org=actor.organization_id, at=READ_AT)
    ]
    by_person = {person: [part for part in parts if part.person == person] for person in scopes[0]}
    return {
        (left_out, person, blocking): busy_times(
            tuple(part.period for part in by_person[person] if part.what != left_out and part.blocking >= blocking)
        )
        for left_out, people in scopes.items()
        for person in people
        for blocking in (False, True)
    }


@lru_cache(maxsize=4096)
def busy_times(periods: tuple[Period, ...]) -> list[Period]:
    """Return when somebody is busy."""
    return merge_by_strength(periods, ALL_TIME)


def shown_to(onlooker: Onlooker) -> list[tuple[Seen, list[Participation] | None]]:
    """Return everything that the onlooker is shown of events."""
    events = [onlooker.shown(event_id) for event_id in sorted(onlooker.world.events) if onlooker.access_level(event_id)]
    return [(one, participations_shown(onlooker.world.events[one.event.id][1], one.people)) for one in events]


def written(moment: Instant) -> WrittenTime:
    return read_time(from_instant(moment).isoformat().replace("+00:00", "Z"))
