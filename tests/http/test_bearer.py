"""Authentication: from the header of a request to the answer."""

import secrets
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import httpx
import pytest
import sqlalchemy as sa
from msgspec import structs

from kalends.actions.sharing import stop_sharing
from kalends.actions.tokens import issue_token, note_use, revoke_token
from kalends.actions.user_deletion import delete_user
from kalends.app import build_app, last_used_recorder
from kalends.http import bearer
from kalends.http.bearer import ACT_AS, BearerTokens
from kalends.model import Actor, Instant, OrganizationId, Scope, SharingLevel, TokenId
from kalends.reads.identity import find_identity
from kalends.reads.tokens import list_tokens
from kalends.rules.intervals import MINUTE
from kalends.settings import Settings
from kalends.store.database import Database
from kalends.store.query import Query
from tests.api import client, problem
from tests.cast import assemble

FOREIGN = "usr_7fffffffffffffff"


@pytest.fixture
def uncached(database):
    """Return the application without a token cache."""
    return build_app(database, Settings(token_cache_ms=0))


@contextmanager
def asking(app, token, person=None):
    with client(app, token) as caller:
        if person is not None:
            caller.headers[ACT_AS] = str(person)
        yield caller


def issued(cast, person=None):
    """Create a token; return it and its secret."""
    bearer = Actor(cast.actor.organization_id, user_id=person and person.id)
    return cast.database.write(lambda tx: issue_token(tx, bearer, "of a test", secrets.token_bytes(20)))


@pytest.mark.parametrize(
    "header", ["", "Bearer", "Bearer x", "Basic a2FsOmthbA==", "bearer kal_" + "a" * 32, "Bearer kal_" + "a" * 31]
)
def test_requests_without_a_token_are_refused(app, header):
    with client(app) as caller:
        answer = caller.get("/v1/users", headers={"Authorization": header, ACT_AS: "nonsense"})
        problem(answer, 401, "unauthenticated")
        assert answer.headers["WWW-Authenticate"] == 'Bearer realm="kalends"'


def test_an_operator_acts_as_a_person_with_no_more_rights_than_theirs(app, cast):
    mine, other = cast.event(cast.guest), cast.event(host_id=cast.stranger.id)
    with asking(app, cast.token_for(), cast.guest.id) as caller, asking(app, cast.token_for(cast.guest)) as guest:
        for path in ("/v1/events", f"/v1/events/{mine.id}", f"/v1/events/{mine.id}/participants"):
            assert caller.get(path).json() == guest.get(path).json()
        problem(caller.get(f"/v1/events/{other.id}"), 404, "not_found")
        problem(caller.patch(f"/v1/events/{mine.id}", json={"title": "x"}), 403, "forbidden")
        problem(caller.post("/v1/users", json={"name": "x", "email": "x@example.org"}), 403, "forbidden")
        assert caller.get("/v1/tokens").json()["items"][0]["user_id"] == str(cast.guest.id)
        made = caller.post("/v1/tokens", json={"name": "phone", "scopes": ["events:read"]}).json()
        assert made["user_id"] == str(cast.guest.id)
    with asking(app, made["token"]) as phone:
        assert [event["id"] for event in phone.get("/v1/events").json()["items"]] == [str(mine.id)]
        problem(phone.get("/v1/users"), 403, "insufficient_scope")


def test_an_operator_cannot_act_as_an_unknown_user(app, cast, database):
    gone = cast.person()
    cast.do(delete_user, gone.id)
    details = set()
    for person in (assemble(database).guest.id, gone.id, FOREIGN):
        with asking(app, cast.token_for(), person) as caller:
            details.add(problem(caller.get("/v1/events"), 403, "forbidden")["detail"])
    assert len(details) == 1, "foreign, deleted and unknown are one"
    for text in ("", "x", "evt_0000000000000001", str(cast.guest.id).upper()):
        with asking(app, cast.token_for(), text) as caller:
            problem(caller.get("/v1/events"), 400, "malformed")


def test_a_user_cannot_act_as_another(app, cast):
    cast.share(cast.host, cast.guest, SharingLevel.write)
    token = cast.token_for(cast.guest)
    with asking(app, token, cast.host.id) as caller:
        problem(caller.get("/v1/events"), 403, "forbidden")
    with asking(app, token, cast.guest.id) as caller:
        assert caller.get("/v1/events").status_code == 200


def test_acting_as_a_user_adds_no_scope(app, cast):
    with asking(app, cast.token_for(scopes={Scope.users_read}), cast.guest.id) as caller:
        assert caller.get("/v1/users").status_code == 200
        problem(caller.get("/v1/events"), 403, "insufficient_scope")


def test_without_a_cache_revoked_tokens_and_removed_shares_take_effect_at_once(uncached, cast):
    event = cast.event()
    cast.share(cast.host, cast.guest, SharingLevel.read)
    token, secret = issued(cast, cast.guest)
    with asking(uncached, secret) as caller:
        assert caller.get(f"/v1/events/{event.id}").status_code == 200
        cast.do(stop_sharing, cast.host.id, cast.guest.id)
        problem(caller.get(f"/v1/events/{event.id}"), 404, "not_found")
        cast.do(revoke_token, token.id)
        problem(caller.get("/v1/events"), 401, "unauthenticated")


def test_tokens_of_a_deleted_user_are_refused_and_nobody_acts_as_them(uncached, cast):
    with (
        asking(uncached, cast.token_for(cast.guest)) as caller,
        asking(uncached, cast.token_for(), cast.guest.id) as backend,
    ):
        assert caller.get("/v1/events").status_code == backend.get("/v1/events").status_code == 200
        cast.do(delete_user, cast.guest.id)
        problem(caller.get("/v1/events"), 401, "unauthenticated")
        problem(backend.get("/v1/events"), 403, "forbidden")


class Watch:
    """A clock in seconds that a test sets, in place of the monotonic clock."""

    def __init__(self):
        self.seconds = 100.0

    def monotonic(self):
        return self.seconds


@pytest.fixture
def cached(database, monkeypatch):
    """Return the application with a token cache of 800 ms, its clock, and the tokens that were looked up."""
    watch, lookups = Watch(), []
    monkeypatch.setattr(bearer, "time", watch)

    def look_up(digest, acting_for):
        lookups.append(acting_for)
        return database.read(lambda tx: find_identity(tx, digest, acting_for))

    def note(actor):
        database.write(lambda tx: note_use(tx, actor))

    return BearerTokens(look_up, note, database.now, 800), watch, lookups


class Asked:
    """The part of a request that authentication reads."""

    address, request_id = "192.0.2.1", "of a test"
    token_id = None

    def __init__(self, secret, person=None):
        self.headers = {"Authorization": f"Bearer {secret}", ACT_AS: person and str(person)}

    def header(self, name):
        return self.headers[name]


def authenticated(identities, secret, person=None) -> Any:
    try:
        return identities.authenticate(Asked(secret, person))
    except (bearer.Unauthenticated, bearer.Forbidden):
        return None


def test_cached_callers_expire_within_the_time_to_live(cast, cached):
    identities, watch, lookups = cached
    token, secret = issued(cast, cast.guest)
    cast.share(cast.host, cast.guest, SharingLevel.read)
    assert authenticated(identities, secret).shared == {cast.host.id: SharingLevel.read}
    cast.do(stop_sharing, cast.host.id, cast.guest.id)
    watch.seconds += 0.79
    assert authenticated(identities, secret).shared
    assert len(lookups) == 1, "looked up once"
    watch.seconds += 0.02
    assert authenticated(identities, secret).shared == {}
    cast.do(revoke_token, token.id)
    watch.seconds += 0.81
    assert authenticated(identities, secret) is None
    assert authenticated(identities, secret) is None
    assert len(lookups) == 4, "refused callers are not cached"


def test_a_token_expires_while_it_is_cached(cast, cached, clock):
    identities, _, lookups = cached
    now = Instant(clock() // 1_000)
    clock.set_to(now)
    secret = cast.token_for(cast.guest, expires_at=Instant(now + 5))
    assert authenticated(identities, secret)
    clock.set_to(now + 4)
    assert authenticated(identities, secret)
    clock.set_to(now + 5)
    assert authenticated(identities, secret) is None
    assert len(lookups) == 1


def test_an_operator_and_the_user_they_act_as_are_cached_separately(cast, cached):
    identities, _, lookups = cached
    secret = cast.token_for()
    people = [
        authenticated(identities, secret, person) for person in (None, cast.guest.id, cast.host.id, None, cast.guest.id)
    ]
    assert [actor.user_id for actor in people] == [None, cast.guest.id, cast.host.id, None, cast.guest.id]
    assert lookups == [None, cast.guest.id, cast.host.id]
    assert {(actor.address, actor.request_id) for actor in people} == {("192.0.2.1", "of a test")}


def test_the_size_of_the_cache_is_limited(cast, cached, monkeypatch):
    identities, _, lookups = cached
    monkeypatch.setattr(bearer, "MOST_KEPT", 2)
    known = [cast.token_for() for _ in range(3)]
    for secret in (*known, known[2], known[0]):
        assert authenticated(identities, secret)
    assert len(lookups) == 4
    assert len(identities._kept) == 2


def test_the_last_use_of_a_token_is_stored_once_a_minute(cast, cached, clock):
    identities, watch, _ = cached
    began = Instant(clock() // 1_000 // MINUTE * MINUTE)
    clock.set_to(began)
    token, secret = issued(cast)

    def used():
        watch.seconds += 1
        assert authenticated(identities, secret)
        return next(one.last_used_at for one in cast.ask(list_tokens, 250, ended=True).items if one.id == token.id)

    assert used() == began
    clock.set_to(began + MINUTE - 1)
    assert used() == began
    clock.set_to(began + MINUTE + 7)
    assert used() == began + MINUTE


def test_no_request_waits_until_the_last_use_is_stored(app, cast, database, engine):
    """Another transaction holds the writer lock while a token is used for the first time."""
    token, secret = issued(cast)
    held, release = threading.Event(), threading.Event()
    lock = Query(sa.text("SELECT 1" if engine == "sqlite" else "LOCK TABLE token IN EXCLUSIVE MODE"))

    def hold(tx):
        tx.run(lock)
        held.set()
        release.wait(60)

    def used():
        return next(one.last_used_at for one in cast.ask(list_tokens, 250, ended=True).items if one.id == token.id)

    with ThreadPoolExecutor(1) as pool:
        holding = pool.submit(database.write, hold)
        assert held.wait(60)
        with client(app, secret) as caller:
            for _ in range(2):  # the second finds the note of the first under way
                assert caller.get("/v1/users").status_code == 200
        assert used() is None
        release.set()
        holding.result()
    deadline = time.monotonic() + 60
    while used() is None:
        assert time.monotonic() < deadline, "it is never noted"


def test_only_callers_with_a_token_store_its_last_use(cast, database):
    token, _ = issued(cast)
    for actor in (Actor(cast.actor.organization_id), structs.replace(cast.actor, token_id=token.id)):
        database.write(lambda tx, actor=actor: note_use(tx, actor))
        (noted,) = cast.ask(list_tokens, 250, ended=True).items
        assert (noted.last_used_at is None) is (actor.token_id is None)


def test_a_last_use_that_cannot_be_stored_is_dropped_and_the_next_one_tried(tmp_path, monkeypatch):
    failures, tries = [], []
    monkeypatch.setattr(threading, "excepthook", failures.append)
    database = Database(Settings(database_url=f"sqlite:///{tmp_path / 'no' / 'folder.db'}"))
    monkeypatch.setattr(database, "write", lambda work, write=database.write: tries.append(work) or write(work))
    note = last_used_recorder(database)
    for number in (1, 2):
        before = set(threading.enumerate())
        note(Actor(OrganizationId(1), TokenId(1)))
        for thread in set(threading.enumerate()) - before:
            thread.join(60)
        assert (len(tries), failures) == (number, [])
    database.close()


def test_one_key_used_as_two_users_is_two_requests(app, cast):
    token, key = cast.token_for(), {"Idempotency-Key": "once"}
    times = {"start": "2026-03-09T10:00Z", "end": "2026-03-09T11:00Z"}
    body = {"title": "x", "host_id": str(cast.guest.id)} | times
    with asking(app, token, cast.guest.id) as first, asking(app, token, cast.stranger.id) as second:
        made: httpx.Response = first.post("/v1/events", json=body, headers=key)
        assert made.status_code == 201
        assert first.post("/v1/events", json=body, headers=key).content == made.content
        problem(second.post("/v1/events", json=body, headers=key), 422, "idempotency_key_reused")
        assert made.json()["id"] not in second.get("/v1/events").text


def test_scopes_are_checked_before_anything_is_read(app, cast):
    with asking(app, cast.token_for(scopes={Scope.users_read})) as caller:
        before = cast.rows()
        answer = caller.post("/v1/events?nonsense=1", content=b"no json")
        problem(answer, 403, "insufficient_scope")
        assert 'scope="events:write"' in answer.headers["WWW-Authenticate"]
        assert cast.rows() == before
