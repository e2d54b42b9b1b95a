"""Who sees what in a random world with private events and shares, computed in Python with rules/access.py."""

import random
from dataclasses import dataclass
from typing import NamedTuple

from msgspec import structs

from kalends.model import (
    Actor,
    Event,
    EventId,
    Instant,
    ParticipantCounts,
    Participation,
    SharingLevel,
    Span,
    UserId,
    Visibility,
)
from kalends.reads.events import EventFilter
from kalends.rules.access import (
    AccessLevel,
    access_level_of,
    access_level_of_participation,
    delegators_of,
    hides_participants,
)
from kalends.rules.intervals import overlaps
from tests.cast import Cast
from tests.reads.worlds import World, random_event

WHOLE_ONLY = ("participant_id", "pending_host_id", "response", "role", "text")
"""Filters that match only events of which everything is visible."""


class Seen(NamedTuple):
    """An event as an onlooker sees it, their access level, and the participants that they see."""

    event: Event
    access_level: AccessLevel
    people: list[UserId] | None


@dataclass(frozen=True)
class Onlooker:
    """A user or an operator who reads a world."""

    world: World
    cast: Cast

    @property
    def actor(self) -> Actor:
        return self.cast.actor

    def access_level(self, event_id: EventId) -> AccessLevel:
        """Return their access level to an event."""
        event, _ = self.world.events[event_id]
        concerned = self.concerned(event_id) | {event.pending_host_id}
        return access_level_of(
            self.actor,
            event.host_id,
            event.visibility,
            concerned=self.actor.user_id in concerned,
            delegate=bool(concerned & {*delegators_of(self.actor)}),
        )

    def concerned(self, event_id: EventId) -> set[UserId]:
        """Return the host and the participants of an event."""
        event, participations = self.world.events[event_id]
        return {event.host_id, *participations}

    def part(self, event_id: EventId, person: UserId) -> AccessLevel:
        """Return their access level to an event in a user's time, if they look at that."""
        if person not in self.concerned(event_id):
            return AccessLevel.busy
        event, _ = self.world.events[event_id]
        access_level = self.access_level(event_id)
        if self.actor.user_id is None:
            return access_level
        return access_level_of_participation(
            self.actor, person, access_level, event.host_id, hides=event.hide_participants
        )

    def named(self, event_id: EventId, person: UserId) -> AccessLevel:
        """Return the same for conflicts and explanations, which hide private events from operators, too."""
        event, _ = self.world.events[event_id]
        secret = self.actor.user_id is None and event.visibility is Visibility.private
        return AccessLevel.busy if secret else self.part(event_id, person)

    def people(self, event_id: EventId) -> list[UserId] | None:
        """Return the participants of an event that they see; None if they see none."""
        event, participations = self.world.events[event_id]
        access_level = self.access_level(event_id)
        if access_level < AccessLevel.read:
            return None
        if not hides_participants(access_level, hides=event.hide_participants):
            return sorted(participations)
        return sorted({event.host_id, self.actor.user_id, *delegators_of(self.actor)} & participations.keys())

    def shown(self, event_id: EventId) -> Seen:
        """Return an event as they see it."""
        event, access_level = self.world.events[event_id][0], self.access_level(event_id)
        if access_level < AccessLevel.read:
            event = title_of(event)
        elif hides_participants(access_level, hides=event.hide_participants):
            event = structs.replace(event, counts=ParticipantCounts(), version=0, updated_at=Instant(0))
            if event.pending_host_id not in {self.actor.user_id, *delegators_of(self.actor)}:
                event = structs.replace(event, pending_host_id=None)
        return Seen(event, access_level, self.people(event_id))

    def listed(self, wanted: EventFilter) -> list[Seen]:
        """Return what their list has to contain, in order."""
        named = wanted.user_id or wanted.host_id or wanted.participant_id or wanted.pending_host_id
        if self.actor.user_id and not named:
            wanted = structs.replace(wanted, user_id=self.actor.user_id)
        found = [event.id for event in self.world.expected(wanted) if self.is_listed(event.id, wanted)]
        return [self.shown(event_id) for event_id in found]

    def is_listed(self, event_id: EventId, wanted: EventFilter) -> bool:
        asks_for_all = any(getattr(wanted, name) is not None for name in WHOLE_ONLY)
        least = AccessLevel.read if asks_for_all else AccessLevel.titles
        people = [one for one in (wanted.user_id, wanted.participant_id) if one is not None]
        return (
            self.access_level(event_id) >= least
            and all(self.part(event_id, one) >= least for one in people)
            and wanted.pending_host_id in (None, self.shown(event_id).event.pending_host_id)
        )

    def access_levels(self, person: UserId, span: Span) -> dict[EventId, AccessLevel]:
        """Return their access level to each event in a user's time within a span."""
        there = (event for event, _ in self.world.events.values() if person in self.concerned(event.id))
        return {event.id: self.named(event.id, person) for event in there if overlaps(event.block.span, span)}


def title_of(event: Event) -> Event:
    """Return an event with only what access to titles shows, as tests/seen.py reads it."""
    return structs.replace(
        event,
        description="",
        location="",
        visibility=Visibility.default,
        hide_participants=False,
        cancel_reason=None,
        metadata="{}",
        counts=ParticipantCounts(),
        version=0,
        created_at=Instant(0),
        updated_at=Instant(0),
        pending_host_id=None,
    )


def world_with_secrets(cast: Cast, choice: random.Random, events: int) -> tuple[World, list[Onlooker]]:
    """Create a world of six users with random shares; return its onlookers, an operator first."""
    people = [cast.host, cast.guest, cast.stranger, cast.person(), cast.person(), cast.person()]
    world = World(cast, [person.id for person in people])
    for owner in people:
        for other in people:
            level = choice.choice((None, None, *SharingLevel))
            if owner is not other and level:
                cast.share(owner, other, level)
    for _ in range(events):
        secret, hides = choice.random() < 0.35, choice.random() < 0.5
        visibility = Visibility.private if secret else Visibility.default
        random_event(world, choice, visibility=visibility, hide_participants=hides)
    return world, [Onlooker(world, seeing) for seeing in (cast, *map(cast.as_person, people))]


def participations_shown(
    participations: dict[UserId, Participation], people: list[UserId] | None
) -> list[Participation] | None:
    """Return the participations of some users as lists show them, without versions."""
    return None if people is None else [structs.replace(participations[person], version=0) for person in people]
