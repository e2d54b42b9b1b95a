"""The conventions of every call: tokens, problem documents, conditions, dry runs, methods."""

import secrets
from contextlib import closing
from typing import Any

import pytest
import sqlalchemy as sa

from kalends.actions.tokens import issue_token, revoke_token
from kalends.app import build_app
from kalends.errors import BadSetting, KalendsError, OutcomeUnknown, TooExpensive, Unavailable
from kalends.http.conditions import Tags, read_tags
from kalends.http.errors import PROBLEM_TYPES, headers_of, status_of
from kalends.model import Actor
from kalends.reads.tokens import list_tokens
from kalends.reads.users import read_user
from kalends.rules.tokens import token_text
from kalends.settings import Settings
from kalends.store.database import Database
from kalends.store.organizations import DEFAULT_ORGANIZATION
from kalends.store.query import Query
from kalends.store.zone_data import load_zone_data
from tests.api import client, problem, send_raw


@pytest.fixture
def participation(cast, clock):
    event = cast.event(cast.guest)
    clock.set_to(event.block.span.start)
    return f"/v1/events/{event.id}/participants/{cast.guest.id}"


def kinds(kind):
    return [kind, *(below for child in kind.__subclasses__() for below in kinds(child))]


def test_every_error_has_a_status_and_a_title():
    classes = set(kinds(KalendsError)) - {KalendsError, BadSetting}  # settings are read before there are requests
    assert classes == set(PROBLEM_TYPES) == set(PROBLEM_TYPES)


# ------------------------------------------------------------------------------------------------------------- tokens


@pytest.mark.parametrize(
    "credential",
    [
        None,
        "",
        "Bearer",
        "Bearer ",
        "Bearer kal_",
        "Bearer kal_" + "a" * 39,
        "Basic dXNlcjpwYXNz",
        "Token {token}",
        "{token}",
        "Bearer {token}x",
        "Bearer x{token}",
        "Bearer {TOKEN}",
        "Bearer {token} {token}",
        "Bearer é",
        "Bearer \0",
        "Bearer " + "k" * 100_000,
        "Bearer " + token_text(b"20 bytes of unknown!"),
    ],
)
def test_requests_without_a_valid_token_are_refused(app, token, credential):
    headers = {}
    if credential is not None:
        headers["HTTP_AUTHORIZATION"] = credential.replace("{token}", token).replace("{TOKEN}", token.upper())
    for method, path in (("GET", b"/v1/users"), ("POST", b"/v1/users"), ("DELETE", b"/v1/events/x?x=\xff")):
        answer = send_raw(app, method, path.partition(b"?")[0], path.partition(b"?")[2], b"{", **headers)
        problem(answer, 401, "unauthenticated")
        assert answer.headers["WWW-Authenticate"] == 'Bearer realm="kalends"'


@pytest.mark.parametrize("scheme", ["Bearer ", "bearer ", "BEARER  "])
def test_the_authorization_scheme_is_case_insensitive(app, token, scheme):
    assert client(app).get("/v1/users", headers={"Authorization": scheme + token}).status_code == 200


def test_a_revoked_token_is_refused_at_once(api, cast):
    assert api.get("/v1/users").status_code == 200
    (token,) = cast.ask(list_tokens, 250, ended=True).items
    cast.do(revoke_token, token.id)
    problem(api.get("/v1/users"), 401, "unauthenticated")


# ----------------------------------------------------------------------------------------------------- paths, methods


@pytest.mark.parametrize("path", ["/v1", "/v1/", "/v2/users/", "/v2/users", "/v1/users/usr_1/x", "/v1//users", "/ü"])
def test_other_paths_are_not_found(api, path):
    problem(api.get(path), 404, "no_such_path")


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        ("/v1/users", "GET, HEAD, OPTIONS, POST"),
        ("/v1/users/usr_1", "DELETE, GET, HEAD, OPTIONS, PATCH"),
        ("/v1/events/evt_1/cancel", "OPTIONS, POST"),
        ("/v1/events/evt_1/participants/usr_1/response", "OPTIONS, PUT"),
        ("/health/live", "GET, HEAD, OPTIONS"),
        ("/docs", "GET, HEAD, OPTIONS"),
        ("/", "GET, HEAD, OPTIONS"),
        ("/favicon.ico", "GET, HEAD, OPTIONS"),
    ],
)
def test_refusals_of_other_methods_name_the_allowed_ones(app, api, path, allowed):
    methods = {"GET", "POST", "PUT", "PATCH", "DELETE", "TRACE", "CONNECT", "PROPFIND"} - set(allowed.split(", "))
    for method in sorted(methods):
        answer = send_raw(app, method, path.encode())
        problem(answer, 405, "method_not_allowed")
        assert set(answer.headers["Allow"].split(", ")) == set(allowed.split(", "))
    options = api.options(path)
    assert options.status_code == 200
    assert set(options.headers["Allow"].split(", ")) == set(allowed.split(", ")) - {"OPTIONS"}


def test_the_request_target_has_8_kib_at_most(app, token):
    bearer: dict[str, Any] = {"HTTP_AUTHORIZATION": f"Bearer {token}"}
    for path, query in ((b"/v1/users", b"q="), (b"/", b""), (b"/health/live", b"")):
        room = 8_191 - len(path) - len(query)
        assert send_raw(app, "GET", path, query + b"x" * room, **bearer).status_code != 414
        document = problem(send_raw(app, "GET", path, query + b"x" * (room + 1), **bearer), 414, "target_too_long")
        assert "8192" in document["detail"]


@pytest.mark.parametrize("method", ["BREW", "get", "WEBSOCKET", "", "é"])
def test_unknown_methods_are_refused(app, method):
    for path in (b"/v1/users", b"/health/live"):
        problem(send_raw(app, method, path), 400, "malformed")


def test_head_is_get_without_content(api, cast, participation):
    for path in (
        "/v1/users",
        f"/v1/users/{cast.host.id}",
        "/v1/events?expand=participants",
        participation,
        "/health/live",
        "/docs",
        "/",
        "/favicon.ico",
    ):
        read, head = api.get(path), api.head(path)
        assert (head.status_code, head.content) == (200, b"")
        for name in ("Content-Type", "Content-Length", "ETag"):
            assert head.headers.get(name) == read.headers.get(name)
    missing = api.head("/v1/users/usr_0000000000000001")
    assert (missing.status_code, missing.content) == (404, b"")
    assert missing.headers["Content-Type"] == "application/problem+json"
    known = api.head(f"/v1/users/{cast.host.id}", headers={"If-None-Match": '"1"'})
    assert (known.status_code, known.headers["ETag"]) == (304, '"1"')
    assert "Content-Length" not in known.headers


# --------------------------------------------------------------------------------------------------------- conditions


@pytest.mark.parametrize(
    ("header", "status"),
    [
        ('"1"', 200),
        ("*", 200),
        (" * ", 200),
        ('"7", "1"', 200),
        ('"7","1"', 200),
        ('"1.5"', 200),
        ('"0"', 412),
        ('"2"', 412),
        ('W/"1"', 412),
        ('W/"1", "1"', 200),
        ('"1a"', 412),
        ('"-1"', 412),
        ('"' + "9" * 400 + '"', 412),
        ('"\u0661"', 412),
        ('""', 412),
        ("1", 400),
        ('"1', 400),
        ('"1" "2"', 400),
        ('w/"1"', 400),
        ('*, "1"', 400),
        (',"1"', 400),
    ],
)
def test_if_match_allows_changes_of_the_current_version(app, token, cast, header, status):
    environ = {
        "HTTP_AUTHORIZATION": f"Bearer {token}",
        "HTTP_IF_MATCH": header.encode().decode("latin-1"),
        "CONTENT_TYPE": "application/json",
    }
    answer = send_raw(app, "PATCH", f"/v1/users/{cast.host.id}".encode(), body=b'{"name": "Other"}', **environ)
    if status == 200:
        assert answer.status_code == 200
        assert answer.headers["ETag"] == '"2"'
    else:
        document = problem(answer, status, {412: "stale_version", 400: "malformed"}[status])
        assert "version 1" in document["detail"] or status == 400
        assert cast.ask(read_user, cast.host.id) == cast.host


def test_every_write_on_a_version_obeys_if_match(api, cast, participation):
    event = participation.partition("/participants")[0]
    stale = {"If-Match": '"99"'}
    before = cast.rows()
    for answer in (
        api.patch(f"/v1/users/{cast.guest.id}", json={"name": "x"}, headers=stale),
        api.delete(f"/v1/users/{cast.guest.id}", headers=stale),
        api.patch(event, json={"title": "x"}, headers=stale),
        api.delete(event, headers=stale),
        api.post(f"{event}/cancel", headers=stale),
        api.post(f"{event}/transfer", json={"host_id": str(cast.guest.id)}, headers=stale),
        api.post(f"{event}/participants", json={"user_id": str(cast.stranger.id)}, headers=stale),
        api.put(participation, json={"role": "optional"}, headers=stale),
        api.put(f"{event}/participants/{cast.stranger.id}", json={}, headers=stale),
        api.patch(participation, json={"role": "optional"}, headers=stale),
        api.delete(participation, headers=stale),
        api.put(f"{participation}/response", json={"response": "accepted"}, headers=stale),
    ):
        problem(answer, 412, "stale_version")
    assert cast.rows() == before
    assert (
        api.put(
            participation, json={"role": "optional"}, headers={"If-Match": api.get(participation).headers["ETag"]}
        ).status_code
        == 200
    )


def test_conditions_restrict_a_put_to_adding_or_changing(api, cast, participation):
    problem(api.put(participation, json={}, headers={"If-None-Match": "*"}), 412, "stale_version")
    assert api.put(participation, json={"role": "optional"}, headers={"If-Match": "*"}).json()["role"] == "optional"
    other = participation.replace(str(cast.guest.id), str(cast.stranger.id))
    problem(api.put(other, json={}, headers={"If-Match": "*"}), 404, "not_found")
    assert api.put(other, json={}, headers={"If-None-Match": "*"}).status_code == 201


@pytest.mark.parametrize(
    ("header", "status"),
    [('"1"', 304), ('W/"1"', 304), ("*", 304), ('"2", W/"1"', 304), ('"2"', 200), ('""', 200), ("1", 400), ('"1', 400)],
)
def test_if_none_match_answers_not_modified_to_who_has_the_answer(api, cast, header, status):
    answer = api.get(f"/v1/users/{cast.host.id}", headers={"If-None-Match": header})
    if status == 400:
        problem(answer, 400, "malformed")
    else:
        assert (answer.status_code, answer.headers["ETag"]) == (status, '"1"')
        assert (answer.content == b"") == (status == 304)


def test_the_etag_of_an_event_with_participants_changes_with_their_names(api, cast, participation):
    path = participation.partition("/participants")[0] + "?expand=participants"
    tag = api.get(path).headers["ETag"]
    assert api.get(path, headers={"If-None-Match": tag}).status_code == 304
    api.patch(f"/v1/users/{cast.guest.id}", json={"name": "Gustava"})
    assert api.get(path, headers={"If-None-Match": tag}).status_code == 200
    changed = api.patch(path.partition("?")[0], json={"title": "x"}, headers={"If-Match": tag})
    assert changed.status_code == 200, "the version in the tag is that of the event"


def test_lists_of_etags_are_parsed():
    assert read_tags(None) is None
    assert read_tags("") == Tags()
    assert read_tags(' "a" ,W/"b",\t"c, d"') == Tags(strong=("a", "c, d"), weak=("b",))


# ------------------------------------------------------------------------------------------------------------ previews


def writes(cast, event, participation):
    """List a call of every operation that writes, with its status."""
    host, stranger = str(cast.host.id), str(cast.stranger.id)
    draft = {"host_id": host, "title": "x", "start": "2026-03-09T10:00Z", "end": "2026-03-09T11:00Z"}
    return [
        ("POST", "/v1/users", {"name": "x", "email": "x@example.org"}, 201),
        ("PATCH", f"/v1/users/{host}", {"name": "x"}, 200),
        ("DELETE", f"/v1/users/{stranger}", None, 204),
        ("POST", "/v1/events", draft, 201),
        ("PATCH", event, {"title": "x", "start": "2026-03-09T14:30"}, 200),
        ("POST", f"{event}/participants", [{"user_id": stranger}], 201),
        ("POST", f"{event}/participants", {"user_id": stranger}, 201),
        ("PUT", f"{event}/participants/{stranger}", {}, 201),
        ("PUT", participation, {"role": "optional"}, 200),
        ("PATCH", participation, {"role": "optional"}, 200),
        ("PUT", f"{participation}/response", {"response": "accepted", "comment": "x"}, 200),
        ("DELETE", participation, None, 204),
        ("POST", f"{event}/transfer", {"host_id": stranger}, 200),
        ("POST", f"{event}/cancel", {"reason": "x"}, 200),
        ("DELETE", event, None, 204),
    ]


def without_what_is_made(body):
    """Remove the values that are new each time an object is created."""
    return {name: value for name, value in body.items() if name != "id"} if isinstance(body, dict) else body


@pytest.mark.unmeasured
@pytest.mark.parametrize("place", range(15))
def test_a_dry_run_answers_as_the_write_would_and_writes_nothing(api, cast, participation, place):
    method, path, body, status = writes(cast, participation.partition("/participants")[0], participation)[place]
    before = cast.rows()
    key = {"Idempotency-Key": "a preview takes no key"} if method == "POST" else {}
    preview = api.request(method, path, params={"dry_run": "true"}, json=body, headers=key)
    assert preview.status_code == status
    assert "ETag" not in preview.headers
    assert "Location" not in preview.headers
    assert cast.rows() == before
    done = api.request(method, path, params={"dry_run": "false"}, json=body, headers=key)
    assert done.status_code == status
    assert cast.rows() != before
    if status != 204:
        assert without_what_is_made(preview.json()) == without_what_is_made(done.json())


def test_a_dry_run_reports_faults(api, cast, participation):
    problem(api.post("/v1/users?dry_run=true", json={"name": "x", "email": cast.host.email}), 409, "email_taken")
    problem(api.delete("/v1/users/usr_0000000000000001?dry_run=true"), 404, "not_found")
    problem(api.patch(participation + "?dry_run=true", json={}, headers={"If-Match": '"77"'}), 412, "stale_version")
    problem(api.post("/v1/users?dry_run=true", json={}, headers={"Idempotency-Key": "x" * 256}), 422)
    new = {"name": "x", "email": "x@example.org"}
    problem(api.post("/v1/users?dry_run=true", json=new, headers={"Idempotency-Key": "x" * 256}), 400, "malformed")
    for given in ("1", "TRUE", "yes", "", "null", "0"):
        problem(api.post(f"/v1/users?dry_run={given}", json={}), 422, "invalid", "/dry_run")


# ---------------------------------------------------------------------------------------------------------- operations


def test_health_needs_no_token(app, api):
    live = client(app).get("/health/live")
    assert (live.status_code, live.json()) == (200, {"status": "live"})
    ready = client(app).get("/health/ready")
    assert (ready.status_code, ready.json()) == (200, {"status": "ready", "zone_data": load_zone_data().release})


def test_a_database_without_the_schema_is_not_ready(empty_url):
    settings = Settings(database_url=empty_url)
    with closing(Database(settings)) as database:
        document = problem(client(build_app(database, settings)).get("/health/ready"), 503, "schema_mismatch")
    assert "kalends db migrate" in document["detail"]


def test_a_newer_schema_stops_the_writes_of_a_running_server(migrated_url):
    settings = Settings(database_url=migrated_url, token_cache_ms=0)
    newer = Query(sa.text("UPDATE kalends_version SET version_num = '9999'"))
    with closing(Database(settings)) as database, closing(Database(settings)) as other:
        _, secret = database.write(
            lambda tx: issue_token(tx, Actor(DEFAULT_ORGANIZATION), "x", secrets.token_bytes(20))
        )
        other.write(lambda tx: tx.run(newer))
        database._schema_known_until = 0  # on PostgreSQL it takes a second to be noticed
        caller = client(build_app(database, settings), secret)
        for answer in (
            caller.post("/v1/users", json={"name": "x", "email": "x@example.org"}),
            caller.get("/health/ready"),
        ):
            assert "install the version of Kalends that made it" in problem(answer, 503, "schema_mismatch")["detail"]
        assert caller.get("/v1/users").json()["items"] == []


def test_a_database_that_takes_no_writes_is_not_ready(databases, migrated_url):
    settings = Settings(database_url=migrated_url)
    with closing(Database(settings)) as before:
        assert client(build_app(before, settings)).get("/health/ready").status_code == 200
        with databases.refusing_writes(migrated_url), closing(Database(settings)) as database:
            problem(client(build_app(database, settings)).get("/health/ready"), 503, "unavailable")


def test_unavailability_says_when_to_try_again():
    busy, unknown = Unavailable("Too many writes are waiting.", retry_after=7), OutcomeUnknown("The connection broke.")
    assert (status_of(busy), headers_of(busy)) == (503, {"Retry-After": "7"})
    assert (status_of(unknown), headers_of(unknown)) == (503, {"Retry-After": "1"})
    assert (status_of(TooExpensive()), headers_of(TooExpensive())) == (503, {}), "it would take as long again"
