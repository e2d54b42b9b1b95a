"""A small random world, created by actions, and a filter in Python for the expected content of lists."""

import random
import unicodedata
from dataclasses import dataclass, field, replace
from typing import Any

from kalends.actions.events import cancel_event, transfer_event
from kalends.actions.participants import answer_invitation, remove_participant
from kalends.drafts import ParticipantCreate, ResponseUpdate
from kalends.model import Actor, Event, EventId, Participation, Response, Role, Status, UserId, Zone
from kalends.reads.events import EventFilter
from kalends.rules.zones import read_time
from tests.cast import Cast
from tests.seen import read_event

WORDS = ("Größe 100%", "STRASSE", "a_b", "back\\slash", "Planning", "lunch", "Ünïcode")
SEARCHED = ("grÖSSE", "100%", "straße", "_", "\\", "LAN", "x", "%", "e", "")
HALF_HOUR = 1_800_000_000
MORNING = 1_773_010_800_000_000
"""2026-03-09T00:00 in Berlin."""


@dataclass
class World:
    """Users and events with their participations, as they were created."""

    cast: Cast
    people: list[UserId]
    events: dict[EventId, tuple[Event, dict[UserId, Participation]]] = field(default_factory=dict)

    def note(self, event_id: EventId) -> Event:
        """Record an event as it is stored."""
        event = self.cast.ask(read_event, event_id, expand=False)[0]
        self.events[event_id] = (event, self.cast.participations(event_id))
        return event

    def expected(self, wanted: EventFilter) -> list[Event]:
        """Return the expected content of a list, in order."""
        found = [event for event, participations in self.events.values() if matches(event, participations, wanted)]
        return sorted(found, key=lambda event: (event.block.span.start, event.id))


def matches(event: Event, participations: dict[UserId, Participation], wanted: EventFilter) -> bool:
    """Return whether an event matches all filters."""
    span = event.block.span
    named = wanted.participant_id if wanted.participant_id is not None else wanted.user_id
    participation = participations.get(named) if named is not None else None
    text = folded(f"{event.title}\n{event.location}\n{event.description}")
    return all(
        (
            wanted.user_id is None or wanted.user_id == event.host_id or wanted.user_id in participations,
            wanted.host_id is None or wanted.host_id == event.host_id,
            wanted.participant_id is None or wanted.participant_id in participations,
            wanted.pending_host_id is None or wanted.pending_host_id == event.pending_host_id,
            wanted.since is None or span.end > wanted.since,
            wanted.until is None or span.start < wanted.until,
            wanted.response is None or (participation is not None and participation.response is wanted.response),
            wanted.role is None or (participation is not None and participation.role is wanted.role),
            event.status is wanted.status if wanted.status else event.status is not Status.cancelled,
            wanted.text is None or folded(wanted.text) in text,
            wanted.after is None or (span.start, event.id) > wanted.after,
        )
    )


def folded(text: str) -> str:
    """Return text without case and accents, as far as the texts of these tests go."""
    apart = unicodedata.normalize("NFKD", text.casefold())
    return "".join(letter for letter in apart if not unicodedata.combining(letter))


def random_times(choice: random.Random) -> dict[str, Any]:
    """Return a block of one to six half hours on one of three days, so that many events start together."""
    first, length = choice.randrange(0, 42), choice.randrange(1, 7)
    day = choice.randrange(9, 12)
    return {
        "start": read_time(f"2026-03-{day:02}T{first // 2:02}:{first % 2 * 3}0"),
        "end": read_time(f"2026-03-{day:02}T{(first + length) // 2:02}:{(first + length) % 2 * 3}0"),
        "time_zone": Zone("Europe/Berlin"),
    }


def random_event(world: World, choice: random.Random, **details: Any) -> Event:
    """Create an event with random participants and responses."""
    cast = world.cast
    host = choice.choice(world.people)
    guests = choice.sample([person for person in world.people if person != host], choice.randrange(len(world.people)))
    event = cast.event(
        host_id=host,
        host_attends=choice.random() < 0.7,
        title=choice.choice(WORDS),
        location=choice.choice(("", *WORDS)),
        description=choice.choice(("", *WORDS)),
        status=choice.choice(("confirmed", "tentative")),
        participants=[ParticipantCreate(user_id=guest, role=choice.choice(list(Role))) for guest in guests],
        **random_times(choice),
        **details,
    )
    for concerned in cast.participations(event.id):
        said = choice.choice(list(Response))
        if choice.random() < 0.05:
            cast.do(remove_participant, event.id, concerned)
        elif said is not Response.needs_action:
            cast.force(answer_invitation, event.id, concerned, ResponseUpdate(response=said.value))
    if choice.random() < 0.5:
        as_host = replace(cast, actor=Actor(cast.actor.organization_id, user_id=host))
        as_host.do(transfer_event, event.id, choice.choice(world.people))
    if choice.random() < 0.2:
        cast.do(cancel_event, event.id)
    return world.note(event.id)


def random_world(cast: Cast, seed: int, events: int) -> World:
    """Create a world of five users."""
    people = [cast.host.id, cast.guest.id, cast.stranger.id, cast.person().id, cast.person().id]
    world, choice = World(cast, people), random.Random(seed)
    for _ in range(events):
        random_event(world, choice)
    return world
