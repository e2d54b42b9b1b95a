"""The requests of the benchmark, independent of how a server takes them."""

import json
import random
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from itertools import count
from typing import Any, NamedTuple

from bench.plan import DAY, FIRST_DAY, HALF_HOUR, MINUTE, OPENING, REGULARS, SECOND, Plan
from bench.rows import event_id, user_id

PAGE = 50
FIVE = ("list", "list_participants", "one", "create", "answer")
EXTRAS = ("free_busy", "find_time", "pool")
READS = ("list", "list_participants", "one", *EXTRAS)
MIX = {"list": 45, "list_participants": 20, "one": 20, "create": 7, "answer": 8}
SAID = ("accepted", "tentative")


class BenchRequest(NamedTuple):
    """A request: its kind, user (from 0), event (from 0), and time (microseconds)."""

    kind: str
    people: tuple[int, ...] = ()
    event: int = 0
    start: int = 0
    word: str = ""


class RequestSource:
    """An endless, reproducible sequence of requests for one database; the events that it creates have no conflicts."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self._random = random.Random(20_300_101)
        self._readers = plan.readers()
        self._created = count()
        self._participations = list(self._answerable(600))
        self._answered = count()

    def several(self, kind: str, number: int) -> list[BenchRequest]:
        """Return some requests of one kind."""
        return [self.next(kind) for _ in range(number)]

    def mixed(self, number: int) -> list[BenchRequest]:
        """Return some requests in the proportions of the mixed load."""
        return [self.next(kind) for kind in self._random.choices(list(MIX), list(MIX.values()), k=number)]

    def next(self, kind: str) -> BenchRequest:
        """Return a request."""
        if kind == "create":
            start, people = self.plan.free_people(next(self._created))
            return BenchRequest(kind, tuple(people), 0, start)
        if kind == "answer":
            number = next(self._answered)
            event, person = self._participations[number % len(self._participations)]
            return BenchRequest(kind, (person,), event, 0, SAID[number // len(self._participations) % 2])
        day = FIRST_DAY + self._random.randrange(180) * DAY
        if kind in ("list", "list_participants"):
            return BenchRequest(kind, (self._random.choice(self._readers),), 0, day)
        if kind == "one":
            return BenchRequest(kind, (), self._random.randrange(self.plan.events))
        people = range(REGULARS, self.plan.people)
        if kind == "pool":
            return BenchRequest(kind, (), 0, day + OPENING + self._random.randrange(14) * HALF_HOUR)
        return BenchRequest(kind, tuple(self._random.sample(people, 20)), 0, day)

    def _answerable(self, number: int) -> Iterator[tuple[int, int]]:
        """Yield participants of events that are not cancelled; each answers with a new response every time."""
        events = iter(self._random.sample(range(self.plan.events), min(self.plan.events, number * 2)))
        for _ in range(number):
            planned = self.plan.event(next(events))
            guests = [
                participation.person for participation in planned.participations if participation.person != planned.host
            ]
            if planned.status != "cancelled" and guests:
                yield planned.number, guests[-1]


class SameReads(RequestSource):
    """Repeats the same reads: their data is in memory after the first, however large the database is."""

    def __init__(self, plan: Plan) -> None:
        super().__init__(plan)
        self._known: dict[str, list[BenchRequest]] = {}

    def several(self, kind: str, number: int) -> list[BenchRequest]:
        """Return the first requests of a kind."""
        known = self._known.setdefault(kind, [])
        known += super().several(kind, number - len(known))
        return known[:number]


def moment(microseconds: int) -> str:
    """Format a time."""
    return datetime.fromtimestamp(microseconds // SECOND, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def in_http(request: BenchRequest, token: str, user: Callable[[int], Any], event: Callable[[int], Any]) -> bytes:
    """Format a request for Kalends and the peers, with ids in the format of each."""
    method, path, body = written(request, user, event)
    content = b"" if body is None else json.dumps(body, separators=(",", ":")).encode()
    head = f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {token}\r\n"
    if body is not None:
        head += f"Content-Type: application/json\r\nContent-Length: {len(content)}\r\n"
    return head.encode() + b"\r\n" + content


def written(request: BenchRequest, user: Callable[[int], Any], event: Callable[[int], Any]) -> tuple[str, str, Any]:
    """Return method, path and body of a request."""
    kind, people, number, start, word = request
    if kind in ("list", "list_participants"):
        more = "&expand=participants" if kind == "list_participants" else ""
        return "GET", f"/v1/events?user_id={user(people[0])}&from={moment(start)}&limit={PAGE}{more}", None
    if kind == "one":
        return "GET", f"/v1/events/{event(number)}?expand=participants", None
    if kind == "create":
        body = {
            "host_id": user(people[0]),
            "title": "Planning of the next steps",
            "description": "What was done, what is next and who needs help with it.",
            "location": "Room 12",
            "start": moment(start),
            "end": moment(start + HALF_HOUR),
            "time_zone": "UTC",
            "participants": [{"user_id": user(person), "role": "required"} for person in people[1:]],
        }
        return "POST", "/v1/events", body
    if kind == "answer":
        return "PUT", f"/v1/events/{event(number)}/participants/{user(people[0])}/response", {"response": word}
    return written_extra(request, user)


def written_extra(request: BenchRequest, user: Callable[[int], Any]) -> tuple[str, str, Any]:
    """Return method, path and body of a request that only Kalends answers."""
    kind, people, _, start, _ = request
    ids = [user(person) for person in people]
    if kind == "pool":
        times = f"available_from={moment(start)}&available_to={moment(start + 60 * MINUTE)}"
        return "GET", f"/v1/users?{times}&limit={PAGE}", None
    if kind == "free_busy":
        return "POST", "/v1/free-busy", {"user_ids": ids, "from": moment(start), "to": moment(start + 7 * DAY)}
    body = {
        "required": ids[:4],
        "optional": [{"user_id": one, "weight": 2} for one in ids[4:8]],
        "duration": 30,
        "between": [{"from": moment(start), "to": moment(start + 7 * DAY)}],
        "not_before": moment(start),
        "max": 10,
    }
    return "POST", "/v1/find-time", body


def in_kalends(request: BenchRequest, token: str) -> bytes:
    """Format a request to Kalends."""
    return in_http(request, token, lambda person: f"usr_{user_id(person):016x}", lambda n: f"evt_{event_id(n):016x}")


def in_peers(request: BenchRequest, token: str) -> bytes:
    """Format a request to a peer."""
    return in_http(request, token, lambda person: person + 1, lambda number: number + 1)


def in_floor(request: BenchRequest, _token: str) -> bytes:
    """Format a request to the floor: numbers that need no parsing."""
    ids = [user_id(person) for person in request.people]
    numbers = ",".join(map(str, (event_id(request.event), request.start, *ids)))
    return f"GET /{request.kind}/{request.word or '-'}/{numbers} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode()


Writer = Callable[[BenchRequest, str], bytes]
