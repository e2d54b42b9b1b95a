"""Idempotency keys over HTTP: repeated, reformatted, concurrent and unfinished requests."""

from concurrent.futures import ThreadPoolExecutor
from secrets import token_bytes
from threading import Barrier

import pytest

from kalends.actions.idempotency import Claim, claim_key
from kalends.actions.sharing import stop_sharing
from kalends.actions.tokens import issue_token
from kalends.actions.users import create_user
from kalends.app import bearer_tokens
from kalends.drafts import UserCreate
from kalends.errors import OutcomeUnknown, Unavailable
from kalends.http.wsgi import wsgi_app
from kalends.model import Actor, Email, Scope, SharingLevel
from kalends.rest.entry_point import json_api
from kalends.rest.operation import Operation, Reply
from kalends.rest.route import Route
from kalends.rest.users import UserJson, user_reply
from kalends.settings import Settings
from kalends.store.database import WriteTx
from tests.api import client, problem, send_raw

NEW = {"name": "Nora New", "email": "nora@example.org"}
EVENTS = "/v1/events?on_conflict=allow"
KEY = {"Idempotency-Key": "4711"}
MINUTE, DAY = 60_000_000, 24 * 3_600_000_000


@pytest.fixture
def draft(cast):
    return {
        "host_id": str(cast.host.id),
        "title": "Planning",
        "start": "2026-03-09T14:00",
        "end": "2026-03-09T15:00",
        "time_zone": "Europe/Berlin",
    }


def essence(answer):
    """Return the part of an answer that a repeated request has to return."""
    kept = {name: answer.headers.get(name) for name in ("ETag", "Location", "Content-Type")}
    return answer.status_code, kept, answer.content


def events(api):
    return api.get("/v1/events").json()["items"]


def test_the_same_key_gives_the_same_answer_and_works_once(api, draft):
    first = api.post(EVENTS, json=draft, headers=KEY)
    assert first.status_code == 201
    for _ in range(2):
        assert essence(api.post(EVENTS, json=draft, headers=KEY)) == essence(first)
    assert len(events(api)) == 1
    other = api.post(EVENTS, json=draft, headers={"Idempotency-Key": "4712"})
    assert other.json()["id"] != first.json()["id"]


def test_the_answer_stays_what_it_was_after_a_change(api, cast):
    path = f"/v1/events/{cast.event().id}"
    first = api.post(f"{path}/cancel", json={"reason": "x"}, headers=KEY)
    api.delete(path)
    assert essence(api.post(f"{path}/cancel", json={"reason": "x"}, headers=KEY)) == essence(first)


@pytest.mark.parametrize("level", [None, SharingLevel.titles])
def test_a_repeat_shows_nothing_once_access_is_reduced(app, api, cast, draft, level):
    cast.share(cast.host, cast.guest, SharingLevel.write)
    guest = client(app, cast.token_for(cast.guest))
    first = guest.post(EVENTS, json=draft, headers=KEY)
    cancelled = guest.post(f"{first.headers['Location']}/cancel", headers={"Idempotency-Key": "4712"})
    assert (first.status_code, cancelled.status_code) == (201, 200)
    if level is None:
        cast.do(stop_sharing, cast.host.id, cast.guest.id)
    else:
        cast.share(cast.host, cast.guest, level)
    repeated = guest.post(EVENTS, json=draft, headers=KEY)
    assert (repeated.status_code, repeated.content) == (201, b"")
    again = guest.post(f"{first.headers['Location']}/cancel", headers={"Idempotency-Key": "4712"})
    assert (again.status_code, again.content) == (204, b"")
    assert len(api.get("/v1/events?status=cancelled").json()["items"]) == 1


def test_the_same_key_for_another_request_is_refused(api, draft):
    api.post(EVENTS, json=draft, headers=KEY)
    for path, body in (
        ("/v1/events", draft | {"title": "Other"}),
        ("/v1/events?dry_run=false", draft),
        ("/v1/users", NEW),
    ):
        problem(api.post(path, json=body, headers=KEY), 422, "idempotency_key_reused")
    assert len(events(api)) == 1


def test_the_keys_of_two_tokens_are_independent(api, app, cast, draft):
    other = client(app, cast.do(issue_token, "another", token_bytes(20))[1])
    assert api.post(EVENTS, json=draft, headers=KEY).status_code == 201
    assert other.post(EVENTS, json=draft | {"title": "Other"}, headers=KEY).status_code == 201


def test_work_that_failed_frees_its_key(api, cast, draft):
    before = cast.rows()
    problem(api.post("/v1/users", json=NEW | {"email": cast.host.email}, headers=KEY), 409, "email_taken")
    assert cast.rows() == before
    assert api.post("/v1/users", json=NEW, headers=KEY).status_code == 201
    problem(api.post(EVENTS, json=draft | {"title": 1}, headers={"Idempotency-Key": "b"}), 422, "invalid")
    assert api.post(EVENTS, json=draft, headers={"Idempotency-Key": "b"}).status_code == 201


@pytest.mark.parametrize("key", ["", "x" * 256, "a\tb", "ä", "a\0b", "a\r\nb"])
def test_an_invalid_key_is_refused(app, token, key):
    headers = {"HTTP_AUTHORIZATION": f"Bearer {token}", "CONTENT_TYPE": "application/json", "HTTP_IDEMPOTENCY_KEY": key}
    problem(send_raw(app, "POST", b"/v1/users", body=b'{"name": "x", "email": "x@y.z"}', **headers), 400, "malformed")


def test_the_longest_key_is_accepted(api):
    key = {"Idempotency-Key": "~ " * 127 + "x"}
    assert essence(api.post("/v1/users", json=NEW, headers=key)) == essence(
        api.post("/v1/users", json=NEW, headers=key)
    )


def work_app(database, work, follow_up=None):
    """Create an application with one operation: it adds a user, calls `work`, and has follow-up work."""

    def add(tx: WriteTx, actor: Actor, body: UserCreate) -> Reply[UserJson]:
        """Add a user."""
        user = create_user(tx, actor, body)
        work(tx, actor)
        return user_reply(actor, user)

    add_user = Operation("POST", "/v1/work", add, "Work", Scope.users_write, follow_up=follow_up)
    return wsgi_app([json_api([Route(add_user, database, bearer_tokens(database, Settings()), 1_000)])], str)


def users(api):
    return len(api.get("/v1/users").json()["items"])


def test_work_of_unknown_outcome_keeps_its_key_until_it_lapses_after_a_minute(cast, token, api, clock):
    """The answer may have been saved: repeating the work at once could do it twice."""
    outcomes = [OutcomeUnknown("The connection broke.")]

    def break_off_once(*_):
        if outcomes:
            raise outcomes.pop()

    caller = client(work_app(cast.database, break_off_once), token)
    began = clock() // 1_000
    clock.set_to(began)
    problem(caller.post("/v1/work", json=NEW, headers=KEY), 503, "outcome_unknown")
    clock.set_to(began + MINUTE - 1)
    answer = caller.post("/v1/work", json=NEW, headers=KEY)
    problem(answer, 409, "idempotency_key_in_flight")
    assert answer.headers["Retry-After"] == "1"
    problem(caller.post("/v1/work", json=NEW | {"name": "x"}, headers=KEY), 422, "idempotency_key_reused")
    assert users(api) == 3
    clock.set_to(began + MINUTE)
    done = caller.post("/v1/work", json=NEW, headers=KEY)
    assert done.status_code == 200
    assert caller.post("/v1/work", json=NEW, headers=KEY).content == done.content
    assert users(api) == 4


def test_work_that_finishes_after_its_claim_lapsed_changes_nothing(cast, token, api):
    """Another request has claimed the key meanwhile, and does the work."""

    def lose_the_claim(tx, actor):
        tx.now += MINUTE
        assert isinstance(claim_key(tx, actor, KEY["Idempotency-Key"], b"another request"), Claim)

    before = cast.rows()
    answer = client(work_app(cast.database, lose_the_claim), token).post("/v1/work", json=NEW, headers=KEY)
    problem(answer, 409, "idempotency_key_in_flight")
    assert cast.rows() == before


def test_work_that_the_database_refused_frees_its_key(cast, token):

    def fail(*_):
        raise Unavailable("The database is busy.", retry_after=3)

    answer = client(work_app(cast.database, fail), token).post("/v1/work", json=NEW, headers=KEY)
    assert problem(answer, 503, "unavailable")["detail"].startswith("The database is busy.")
    assert answer.headers["Retry-After"] == "3"
    assert cast.rows()["idempotency"] == []


def test_a_key_is_forgotten_after_a_day(api, draft, clock):
    began = clock() // 1_000
    clock.set_to(began)
    first = api.post(EVENTS, json=draft, headers=KEY)
    clock.set_to(began + DAY - 1)
    assert essence(api.post(EVENTS, json=draft, headers=KEY)) == essence(first)
    clock.set_to(began + DAY)
    assert api.post(EVENTS, json=draft, headers=KEY).json()["id"] != first.json()["id"]
    assert len(events(api)) == 2


def test_old_keys_are_deleted_from_the_database(api, cast, draft, clock):
    began = clock() // 1_000
    clock.set_to(began)
    for number in range(3):
        api.post(EVENTS, json=draft, headers={"Idempotency-Key": f"old {number}"})
    clock.set_to(began + DAY + 1)
    api.post(EVENTS, json=draft, headers=KEY)
    assert len(cast.rows()["idempotency"]) == 1


def test_one_key_sent_by_twenty_at_once_makes_one_event(app, token, api, draft):
    barrier = Barrier(20)

    def send(_):
        with client(app, token) as mine:
            barrier.wait()
            return mine.post(EVENTS, json=draft, headers=KEY)

    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(send, range(20)))
    done = [answer for answer in answers if answer.status_code == 201]
    assert done
    assert len({(answer.content, answer.headers["ETag"], answer.headers["Location"]) for answer in done}) == 1
    for answer in answers:
        if answer.status_code != 201:
            problem(answer, 409, "idempotency_key_in_flight")
    assert [event["id"] for event in events(api)] == [done[0].json()["id"]]
    assert api.post(EVENTS, json=draft, headers=KEY).content == done[0].content


def test_a_repeat_continues_work_that_was_interrupted(cast, token, api):
    """Each part is a separate transaction after the one that stores the answer."""
    outcomes = [Unavailable("Too many writes are waiting.", retry_after=7), None]
    parts = []

    def do_part(tx, actor, left):
        if left and (trouble := outcomes.pop(0)):
            raise trouble
        create_user(tx, actor, UserCreate(name="Part", email=Email(f"part{len(parts)}@example.org")))
        parts.append(left)
        return None if left else "the second part"

    caller = client(work_app(cast.database, lambda *_: None, do_part), token)
    assert caller.post("/v1/work?dry_run=true", json=NEW, headers=KEY).status_code == 200
    assert (parts, users(api)) == ([], 3)
    refused = caller.post("/v1/work", json=NEW, headers=KEY)
    assert "repeat the request to finish it" in problem(refused, 503, "unfinished")["detail"]
    assert (refused.headers["Retry-After"], parts, users(api)) == ("7", [None], 5)
    assert caller.post("/v1/work", json=NEW, headers=KEY).status_code == 200
    assert (parts, users(api)) == ([None, None, "the second part"], 7)
