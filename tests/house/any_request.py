"""Random requests for every operation, with valid and invalid arguments."""

import json
import random
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from kalends.model import Instant, Response, Role, Scope, SharingLevel, Span, Status
from kalends.rest.operation import Operation
from kalends.rest.routes import OPERATIONS
from tests.api import Answer, send_raw
from tests.house.test_isolation import UNKNOWN
from tests.house.test_routes import TABLE, filled
from tests.house.unseen_changes import written
from tests.reads.worlds import SEARCHED, WORDS

KNOWN = {f"{known.method} {known.path}": known for known in OPERATIONS}
QUARTER = 900_000_000
DAYS = ("2026-03-09", "2026-03-10", "2026-03-11", "2026-03-12")
QUERY = {
    "q": (*SEARCHED[:4], "a", "description", "unseen", "rest"),
    "time_zone": ("Europe/Berlin",),
    "limit": ("1", "2", "5"),
    "response": tuple(Response),
    "role": tuple(Role),
    "status": tuple(Status),
    "expand": ("participants",),
    "on_conflict": ("allow", "allow", "reject"),
    "keep_responses": ("true", "false"),
    "side": ("received", "given"),
    "hosted": ("cancel", "transfer"),
    "dry_run": ("true",),
    "include_ended": ("true", "false"),
}
"""Values of the parameters that are not ids; `cursor` is that of the previous page."""
NAMING = {
    "user_id": "user_id",
    "host_id": "user_id",
    "participant_id": "user_id",
    "pending_host_id": "user_id",
    "object_id": "event_id",
    "token_id": "token_id",
    "hold": "hold_id",
}


class Request(NamedTuple):
    """A request and its caller."""

    key: str
    path: str
    query: str
    body: Any
    headers: dict[str, str]
    scopes: frozenset[Scope]

    def send(self, app: Any, token: str, number: int) -> Answer:
        """Send the request; equal numbers give equal request ids."""
        headers = {f"HTTP_{name.upper().replace('-', '_')}": value for name, value in self.headers.items()}
        headers |= {"HTTP_AUTHORIZATION": f"Bearer {token}", "HTTP_X_REQUEST_ID": f"call-{number}"}
        method, body = self.key.split()[0], None if self.body is None else json.dumps(self.body).encode()
        if body is not None:
            headers["CONTENT_TYPE"] = "application/json"
        return send_raw(app, method, self.path.encode(), self.query.encode(), body, REMOTE_ADDR="192.0.2.1", **headers)

    def page_after(self, cursor: str) -> "Request":
        """Return the request for the next page."""
        parts = [part for part in self.query.split("&") if part and not part.startswith("cursor=")]
        return self._replace(query="&".join([*parts, f"cursor={cursor}"]))

    def __str__(self) -> str:
        """Format the request so that it can be sent again."""
        body = "" if self.body is None else f" {json.dumps(self.body)}"
        return f"{self.key.split()[0]} {self.path}?{self.query}{body} {self.headers} with {sorted(self.scopes)}"


class Requests:
    """Creates requests that name objects of a world."""

    def __init__(
        self,
        choice: random.Random,
        pools: Mapping[str, Sequence[str]],
        me: str,
        times: Sequence[tuple[Sequence[str], Span]],
    ) -> None:
        self.choice = choice
        self.pools = pools
        self.me = me
        self.times = times
        self.people_near, self.near = times[0]

    def one(self, key: str, scopes: frozenset[Scope], *, dry_run: bool) -> Request:
        """Create a request for an operation."""
        known = KNOWN[key]
        self.people_near, self.near = self.choice.choice(self.times)
        names = {name: self.id("user_id" if name == "other_id" else name) for name in known.signature.ids}
        if "user_id" in names and self.maybe(0.8 if known.scope is Scope.respond else 0.4):
            names["user_id"] = self.me
        path = filled(known.path, names)
        return Request(key, path, self.query(known, dry_run=dry_run), self.body(key), self.headers(known), scopes)

    def id(self, name: str) -> str:
        """Choose an id of a kind, sometimes of an object that does not exist."""
        if self.maybe(0.05):
            return UNKNOWN[name]
        return self.choice.choice(self.people_near if name == "user_id" and self.maybe(0.5) else self.pools[name])

    def maybe(self, chance: float) -> bool:
        return self.choice.random() < chance

    # ------------------------------------------------------------------------------------------ parameters
    def query(self, known: Operation, *, dry_run: bool) -> str:
        """Choose some of the parameters that an operation takes."""
        names = {field.encode_name for field in msgspec.structs.fields(known.signature.query)}
        days = iter(sorted(self.choice.sample(DAYS, 2)))
        values: dict[str, str] = {"dry_run": "true"} if dry_run and known.signature.writes else {}
        if {"available_from", "available_to"} <= names and self.maybe(0.6):
            values |= self.span()
        if {"from", "to"} <= names and self.maybe(0.4):
            values |= {name: next(days) for name in ("from", "to") if self.maybe(0.9)}
        for name in sorted(names - {"from", "to", "available_from", "available_to", "cursor", "dry_run"}):
            if self.maybe(0.3):
                values[name] = self.id(NAMING[name]) if name in NAMING else self.choice.choice(QUERY[name])
        if "to" in names and "hosted" in values:
            values["to"] = self.id("user_id")
        return "&".join(f"{name}={value}" for name, value in values.items()).replace("100%", "100%25").replace("\\", "")

    def span(self) -> dict[str, str]:
        """Choose a span in which people have to be free."""
        slot = self.slot()
        return {"available_from": slot["start"], "available_to": slot["end"]}

    def headers(self, known: Operation) -> dict[str, str]:
        """Choose conditions."""
        tags = ('"1"', '"2"', '"4", "5"', "*", '"0"')
        if known.signature.writes and self.maybe(0.2):
            return {"If-Match": self.choice.choice(tags)}
        return {"If-None-Match": self.choice.choice(tags)} if self.maybe(0.1) else {}

    # ------------------------------------------------------------------------------------------ bodies
    def body(self, key: str) -> Any:
        """Create a body, by default the one of the table."""
        names = {"host_id": self.id("user_id"), "new_id": self.id("user_id")}
        return BODIES[key](self) if key in BODIES else filled(TABLE[key].body, names)

    def slot(self) -> dict[str, str]:
        """Choose a time related to the object of the request: before it, after it, or more or less of it."""
        span = self.near
        edges = [moment + self.choice.randrange(-2, 3) * QUARTER for moment in (span.start, span.end)]
        start, end = sorted(edges) if edges[0] != edges[1] else (span.start, span.end)
        return {"start": written(Instant(start)), "end": written(Instant(end))}

    def people(self, most: int) -> list[str]:
        found = self.choice.sample(self.pools["user_id"], self.choice.randrange(1, most + 1))
        found = found if self.maybe(0.5) else [*self.choice.sample(self.people_near, 1)]
        return [*found, UNKNOWN["user_id"]] if self.maybe(0.05) else found

    def bounds(self) -> dict[str, str]:
        first, last = sorted(self.choice.sample(range(4), 2))
        return {"from": DAYS[first], "to": DAYS[last]}

    def guest(self) -> dict[str, Any]:
        return {"user_id": self.id("user_id"), "role": self.choice.choice(list(Role))}

    def edited_user(self) -> Any:
        return self.choice.choice(
            ({}, {"name": "Another"}, {"time_zone": "UTC"}, {"metadata": {}}, {"email": "a@b.de"})
        )

    def event(self) -> Any:
        people = self.people(4)
        guests = [{"user_id": who, "role": self.choice.choice(list(Role))} for who in people[1:]]
        return {
            "host_id": self.me if self.maybe(0.5) else self.id("user_id"),
            "title": "made",
            "participants": guests,
            "host_attends": self.maybe(0.7),
            **self.slot(),
        }

    def edited_event(self) -> Any:
        edits: list[dict[str, Any]] = [
            *({}, {"title": "x"}, {"show_as": "busy"}, {"show_as": "free"}, {"status": "tentative"}),
            *({"hide_participants": False}, {"visibility": "private"}, {"metadata": {"a": 1}}),
        ]
        return self.choice.choice([*edits, self.slot(), self.slot(), self.slot()])

    def guests(self) -> Any:
        return self.guest() if self.maybe(0.5) else [self.guest(), self.guest()]

    def role(self) -> Any:
        return {"role": self.choice.choice(list(Role))}

    def answer(self) -> Any:
        said = {"response": self.choice.choice(("accepted", "declined", "tentative"))}
        return said | ({"comment": "gladly"} if self.maybe(0.5) else {})

    def agreement(self) -> Any:
        return {"response": self.choice.choice(("accepted", "declined"))}

    def free_busy(self) -> Any:
        return {"user_ids": self.people(6), **self.bounds(), "working_hours": self.maybe(0.3)}

    def wanted(self) -> Any:
        people = self.people(6)
        middle = self.choice.randrange(len(people) + 1)
        groups = [{"user_ids": people[-2:], "need": 1}] if self.maybe(0.3) else []
        return {
            "required": people[:middle],
            "optional": [{"user_id": who} for who in people[middle:]],
            "groups": groups,
            "duration": self.choice.choice((15, 30, 60, 240, 600)),
            "between": [self.bounds()],
            "step": self.choice.choice((15, 60)),
            "not_before": DAYS[0],
            "within_working_hours": self.maybe(0.3),
            "max": self.choice.choice((3, 100)),
        }

    def explained(self) -> Any:
        return {"user_id": self.id("user_id"), **self.slot()}

    def hold(self) -> Any:
        return {"user_ids": self.people(3), **self.slot()}

    def level(self) -> Any:
        return {"level": self.choice.choice(list(SharingLevel))}

    def token(self) -> Any:
        return {"name": self.choice.choice(WORDS)}


BODIES: dict[str, Callable[[Requests], Any]] = {
    "PATCH /v1/users/{user_id}": Requests.edited_user,
    "POST /v1/events": Requests.event,
    "PATCH /v1/events/{event_id}": Requests.edited_event,
    "POST /v1/events/{event_id}/participants": Requests.guests,
    "PUT /v1/events/{event_id}/participants/{user_id}": Requests.role,
    "PUT /v1/events/{event_id}/participants/{user_id}/response": Requests.answer,
    "PUT /v1/events/{event_id}/transfer/response": Requests.agreement,
    "POST /v1/free-busy": Requests.free_busy,
    "POST /v1/find-time": Requests.wanted,
    "POST /v1/explain": Requests.explained,
    "POST /v1/holds": Requests.hold,
    "PUT /v1/users/{user_id}/shares/{other_id}": Requests.level,
    "POST /v1/tokens": Requests.token,
    "PATCH /v1/events/{event_id}/participants/{user_id}": Requests.role,
}
"""Functions that create the bodies that vary from those of the table."""
