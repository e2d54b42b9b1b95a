"""Confidentiality: worlds that differ only in what a user may not see give that user the same answers."""

import json
import random
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

import pytest

from kalends.model import ALL_SCOPES, Scope, Span
from kalends.reads import event_text, events, explanation, participants
from kalends.rest.routes import OPERATIONS
from kalends.store import commitments
from tests.api import Answer
from tests.house.any_request import BODIES, KNOWN, Request, Requests
from tests.house.twins import CHANGED, READ_AT, Services, Side, first_id, services, two_worlds
from tests.house.unseen_changes import Changed, blocked_by, change_unseen

SEEDS = {"sqlite": (7, 8), "postgresql": (13,)}
"""The number of worlds, each with some 260 requests; more worlds test more."""

COMPARED = 260
"""Requests for one world, at least."""

MOST_WORLDS = 20
"""A planted leak shows in one of so many worlds; in which one depends on all of their data."""

KEPT = 20
MOST_PAGES = 3
READS = [key for key, known in KNOWN.items() if not known.signature.writes]
WRITES = [key for key, known in KNOWN.items() if known.signature.writes]
OFTEN = (
    *("POST /v1/explain", "POST /v1/free-busy", "POST /v1/find-time", "POST /v1/holds", "POST /v1/events"),
    *("GET /v1/events", "GET /v1/users", "GET /v1/events/{event_id}", "GET /v1/events/{event_id}/participants"),
    *("GET /v1/events/{event_id}/available-users", "GET /v1/events/{event_id}/participants/{user_id}"),
    *("PATCH /v1/events/{event_id}", "PUT /v1/events/{event_id}/participants/{user_id}/response"),
)
"""Operations that read most of what may be hidden."""


class Leak(AssertionError):
    """Raised if a request gets different answers in the two worlds."""

    def __init__(self, comparison: "Comparison", request: Request, answers: list[Answer]) -> None:
        shown = "\n".join(f"{one.status_code} {dict(one.headers)}\n{one.content.decode()}" for one in answers)
        super().__init__(f"seed {comparison.seed}, after {comparison.changed.kinds}:\n{request}\n{shown}")


class Comparison:
    """Sends requests in two worlds, and counts the comparisons and the successful calls."""

    def __init__(self, services: Services, seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
        self.services = services
        self.seed = seed
        self.sides = two_worlds(services, seed, monkeypatch)
        self.compared: Counter[str] = Counter()
        self.done: Counter[str] = Counter()
        services.clock.set_to(CHANGED)
        services.stream.restart(first_id(seed, 100_000))
        self.changed = change_unseen(self.sides[1], random.Random(seed))
        services.clock.set_to(READ_AT)

    def compare(self, request: Request) -> Answer:
        """Send a request in both worlds. Raise Leak if the answers differ."""
        answers: list[Answer] = []
        number = self.compared.total() + 1
        for side in self.sides:
            self.services.stream.restart(first_id(self.seed, number))
            answers.append(request.send(side.app, side.tokens[request.scopes], number))
        one, other = answers
        self.compared[request.key] += 1
        self.done[request.key] += one.status_code < 400
        if reported(one) != reported(other):
            raise Leak(self, request, answers)
        return one

    def compare_pages(self, request: Request) -> None:
        """Send a request, and those for the next pages."""
        for _ in range(MOST_PAGES):
            answer = self.compare(request)
            if answer.status_code != 200 or not (cursor := next_cursor(answer)):
                return
            request = request.page_after(cursor)

    def play(self) -> "Comparison":
        """Send every operation to worlds that stay unchanged, then some requests that change them."""
        choice = random.Random(self.seed)
        side, changed = self.sides[0], self.changed
        requests = Requests(choice, pools_of(side, changed), str(side.onlooker.actor.user_id), times_of(side, changed))
        self.keep(keeps=False)
        for key, scopes in every_operation():
            self.compare_pages(requests.one(key, scopes, dry_run=choice.random() < 0.3))
        self.keep(keeps=True)
        for key in choice.choices(WRITES, k=KEPT):
            request = requests.one(key, ALL_SCOPES, dry_run=False)
            if KNOWN[key].takes_key and choice.random() < 0.5:
                request = request._replace(headers={**request.headers, "Idempotency-Key": "a-key"})
            self.compare(request)
            self.compare_pages(requests.one(choice.choice(READS), ALL_SCOPES, dry_run=False))
        return self

    def keep(self, *, keeps: bool) -> None:
        for side in self.sides:
            side.database.keeps = keeps


def play_all(both: Services, seeds: Iterable[int], monkeypatch: pytest.MonkeyPatch) -> list[Comparison]:
    """Compare the two worlds of each seed."""
    return [Comparison(both, seed, monkeypatch).play() for seed in seeds]


def every_operation() -> Iterator[tuple[str, frozenset[Scope]]]:
    """Yield every operation as often as it is sent, with all scopes and with a single one."""
    for key, known in KNOWN.items():
        for _ in range(9 if key in OFTEN else 2):
            yield key, ALL_SCOPES
        for scope in Scope if known.scope is None else [known.scope]:
            yield key, frozenset({scope})


def pools_of(side: Side, changed: Changed) -> dict[str, list[str]]:
    """Return the ids to request: more often those that were changed, or to which the onlooker has much access."""
    onlooker = side.onlooker
    access_levels = {event_id: onlooker.access_level(event_id) for event_id in side.world.events}
    seen = [event_id for event_id, access_level in access_levels.items() for _ in range(1 + 2 * access_level)]
    own_holds = [hold.id for hold in side.holds if hold.placed_by == onlooker.actor.user_id]
    return {
        "user_id": [str(one) for one in side.world.people],
        "event_id": [str(one) for one in (*seen, *changed.events)],
        "hold_id": [str(one) for one in (*(hold.id for hold in side.holds), *3 * own_holds, *changed.holds)],
        "token_id": [*(token["id"] for token in own_tokens(side)), *map(str, changed.tokens)],
    }


def times_of(side: Side, changed: Changed) -> list[tuple[list[str], Span]]:
    """Return users and the times of their events, more often those that were changed."""
    known = [
        (blocked_by(event, participations), event.block.span) for event, participations in side.world.events.values()
    ]
    return [([str(one) for one in people], span) for people, span in (*known, *3 * changed.times)]


def own_tokens(side: Side) -> list[dict[str, Any]]:
    request = Request("GET /v1/tokens", "/v1/tokens", "", None, {}, ALL_SCOPES)
    return json.loads(request.send(side.app, side.tokens[ALL_SCOPES], 0).content)["items"]


def reported(answer: Answer) -> tuple[Any, ...]:
    """Return status, headers and content of an answer; the request id was given, and nothing depends on the time."""
    return answer.status_code, sorted(answer.headers.multi_items()), answer.content


def next_cursor(answer: Answer) -> str | None:
    document = json.loads(answer.content) if answer.content else None
    return document.get("next_cursor") if isinstance(document, dict) else None


@pytest.mark.slow
def test_answers_do_not_depend_on_what_is_hidden(databases, engine, clock, monkeypatch, record_property):
    with services(databases, clock, monkeypatch) as both:
        played = play_all(both, SEEDS[engine], monkeypatch)
    compared, done = (sum((getattr(one, name) for one in played), Counter()) for name in ("compared", "done"))
    record_property("compared", compared.total())
    assert compared.total() >= COMPARED * len(played)
    assert compared.keys() == KNOWN.keys(), "every operation"
    assert done.total() > 0.4 * compared.total()
    assert len(+done) >= 22, "operations that succeeded"
    kinds = {kind for one in played for kind in one.changed.kinds}
    assert len(kinds) >= 10, "kinds of changes"


LEAKS = {
    "hidden participants of an event": (events, "hides_participants", lambda *_, **__: False),
    "a hidden participant": (participants, "hides_participants", lambda *_, **__: False),
    "how often others have answered": (event_text, "TELLS_OF_ALL_PARTICIPANTS", ()),
    "of how many events busy time is made up": (commitments, "merge_unseen", lambda found, _: sorted(found, key=str)),
    "the same, when it is explained": (
        explanation,
        "merge_by_strength",
        lambda periods, _, **__: sorted(periods, key=str),
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("leak", LEAKS)
def test_a_leak_is_found(sqlite_databases, clock, monkeypatch, leak):
    monkeypatch.setattr(*LEAKS[leak])
    with services(sqlite_databases, clock, monkeypatch) as both, pytest.raises(Leak):
        play_all(both, range(MOST_WORLDS), monkeypatch)


def test_every_body_belongs_to_an_operation():
    assert BODIES.keys() <= {f"{known.method} {known.path}" for known in OPERATIONS}
