"""The data of the benchmark, computed by arithmetic alone: who meets when. Nobody is ever booked twice.

Time is cut into half hours from 10:00 to 18:00 UTC, every day of two years. Event n lies in slot n * 7919 modulo the
number of slots, so neighbours by id are far apart in time, which is the hard case for a cache. In a slot the people are
shuffled, and its events take them in groups of 2 to 12, 6 on average. The first 200 people are regulars with a fixed
share of the participations, so that they have a full page of events in small data, too.
"""

from itertools import accumulate
from typing import NamedTuple

VERSION = "a"
"""The version of the data: changing it creates all data again."""

SECOND = 1_000_000
MINUTE = 60 * SECOND
HALF_HOUR = 30 * MINUTE
DAY = 24 * 60 * MINUTE
DAYS = 730
SLOTS_A_DAY = 16
SLOTS = DAYS * SLOTS_A_DAY
FIRST_DAY = 1_893_456_000 * SECOND
"""2030-01-01T00:00:00Z: in the future, where invitations can be answered."""

FIRST_FREE_DAY = FIRST_DAY + (DAYS + 1) * DAY
"""From here on everybody is free."""

OPENING = 10 * 60 * MINUTE
MADE_AT = 1_640_995_200 * SECOND
REGULARS = 200
LED_BY_REGULARS = 8
"""Events of a slot whose first guest is one of the regular guests."""

SIZES = (6, 2, 7, 4, 12, 5)
BEFORE = (0, *accumulate(SIZES))
FIRST_USER = 264_500_000_000_000_000
USER_STEP = 4_194_304_003
FIRST_EVENT = 270_000_000_000_000_000
EVENT_STEP = 26_000_000_003
"""Ids as large as real ones, and smaller than those made now: what is new is appended."""

STRIDE = 7_919
ZONES = ("Europe/Berlin", "America/New_York", "Asia/Kolkata", "Europe/London", "UTC")
LENGTHS = (30, 25, 15, 20)
RESPONSES = ("accepted",) * 12 + ("needs_action",) * 4 + ("tentative",) * 2 + ("declined",) * 2


class PlannedParticipation(NamedTuple):
    """A participation; `person` counts from 0."""

    person: int
    role: str
    response: str


class PlannedEvent(NamedTuple):
    """An event; `number` and `host` count from 0, and a host who does not attend has no participation."""

    number: int
    host: int
    participations: list[PlannedParticipation]
    start: int
    end: int
    status: str
    show_as: str


class Plan(NamedTuple):
    """The amount of data, from which everything else follows."""

    people: int
    events: int

    @property
    def name(self) -> str:
        """The name of the data, which is its size."""
        return f"{VERSION}_{self.people}_{self.events}"

    def zone_of(self, person: int) -> str:
        """Return the zone that a person lives in."""
        return ZONES[person % len(ZONES)]

    def event(self, number: int) -> PlannedEvent:
        """Return an event."""
        slot, rank = number * STRIDE % SLOTS, number // SLOTS
        start = start_of(slot)
        people = self.people_of(slot, rank)
        participations = [
            PlannedParticipation(
                person,
                "optional" if place and (number + place) % 5 == 0 else "required",
                RESPONSES[(number * 7 + place * 13) % 20] if place else "accepted",
            )
            for place, person in enumerate(people)
        ]
        return PlannedEvent(
            number,
            people[0],
            sorted(participations[1:] if number % 50 == 49 else participations),
            start,
            start + LENGTHS[number % 4] * MINUTE,
            "cancelled" if number % 20 == 7 else "tentative" if number % 20 == 9 else "confirmed",
            "free" if number % 30 == 11 else "busy",
        )

    def people_of(self, slot: int, rank: int) -> list[int]:
        """Return who meets in the event at a position in a slot, the host first."""
        place = rank // len(SIZES) * BEFORE[-1] + BEFORE[rank % len(SIZES)]
        others = self.people - REGULARS
        first = slot * 104_729
        people = [
            REGULARS + (first + (place + participation) * STRIDE) % others
            for participation in range(SIZES[rank % len(SIZES)])
        ]
        if rank < LED_BY_REGULARS:
            people[1] = (slot * 37 + rank * REGULARS // LED_BY_REGULARS) % REGULARS
        return people

    def readers(self) -> range:
        """Return users whose agenda certainly fills a page."""
        average = self.events * BEFORE[-1] // len(SIZES) // self.people
        return range(REGULARS, self.people) if average >= 200 else range(REGULARS)

    def free_people(self, number: int) -> tuple[int, list[int]]:
        """Return the start of a free half hour and six users; each number gets its own."""
        others = self.people - REGULARS
        slot, place = divmod(number, others // 6)
        start = FIRST_FREE_DAY + slot // SLOTS_A_DAY * DAY + OPENING + slot % SLOTS_A_DAY * HALF_HOUR
        return start, [REGULARS + (place * 6 + participation) * STRIDE % others for participation in range(6)]


def start_of(slot: int) -> int:
    """Return the start of a slot."""
    return FIRST_DAY + slot // SLOTS_A_DAY * DAY + OPENING + slot % SLOTS_A_DAY * HALF_HOUR
