"""The log: one line of JSON per request, with the request id and without secrets."""

import json
import logging
import re

import pytest

from kalends.actions.users import create_user
from kalends.app import bearer_tokens, build_app
from kalends.drafts import UserCreate
from kalends.errors import Unavailable
from kalends.http.log import ACCESS
from kalends.http.wsgi import wsgi_app
from kalends.model import Actor, Email, Scope
from kalends.rest.entry_point import json_api
from kalends.rest.operation import Operation, Reply
from kalends.rest.route import Route
from kalends.settings import Settings
from kalends.store.database import WriteTx
from tests.api import client, problem, send_raw


@pytest.fixture
def lines(caplog):
    """Return the lines that were written since the last call, by logger."""
    caplog.set_level(logging.INFO, "kalends")

    def read(name="kalends.access"):
        found = [json.loads(record.message) for record in caplog.records if record.name == name]
        assert all("\n" not in record.message for record in caplog.records)
        caplog.clear()
        return found

    return read


def test_every_request_leaves_one_line(api, cast, lines):
    path = f"/v1/users/{cast.host.id}"
    calls = [(method, path) for method in ("GET", "HEAD", "OPTIONS", "PATCH", "PUT")]
    for method, asked in (*calls, ("GET", "/nowhere"), ("GET", "/health/live")):
        answer = api.request(method, asked, json={"name": "x"} if method == "PATCH" else None)
        (line,) = lines()
        assert line["method"] == answer.request.method
        assert line["path"] == answer.request.url.path
        assert line["status"] == answer.status_code
        assert line["request_id"] == answer.headers["X-Request-Id"]
        assert line["level"] == "info"
        assert 0 <= line["ms"] < 60_000
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", line["time"])


def test_a_line_has_the_caller_and_the_cost_of_a_request(api, app, cast, lines):
    api.get("/v1/users")
    (line,) = lines()
    assert re.fullmatch(r"tok_[0-9a-f]{16}", line["token"])
    assert line["statements"] == 1
    problem(client(app).get("/v1/users"), 401)
    (line,) = lines()
    assert (line["token"], line["statements"], line["status"]) == (None, 0, 401)


def test_the_callers_request_id_is_used_if_it_is_valid(api, lines):
    document = problem(api.get("/v1/users/x", headers={"X-Request-Id": "my-id_1.2:3"}), 404)
    assert document["request_id"] == "my-id_1.2:3"
    assert lines()[0]["request_id"] == "my-id_1.2:3"
    for bad in ("", "x" * 65, "a b", 'a"b', "a,b", "<x>"):
        made = api.get("/health/live", headers={"X-Request-Id": bad}).headers["X-Request-Id"]
        assert re.fullmatch(r"[0-9a-f]{16}", made)


def test_no_request_id_splits_a_header_or_a_line(app, lines):
    for bad in ("a\r\nSet-Cookie: x=1", "a\n", "\0", "é", "a\x85b"):
        answer = send_raw(app, "GET", b"/health/live", HTTP_X_REQUEST_ID=bad)
        assert re.fullmatch(r"[0-9a-f]{16}", answer.headers["X-Request-Id"])
        send_raw(app, "GET", b"/a\r\nb\x00\xff")
        assert len(lines()) == 2


def test_even_a_method_that_the_router_cannot_take_leaves_a_line(app, lines):
    answer = send_raw(app, "WEBSOCKET", b"/v1/users")
    (line,) = lines()
    assert (line["method"], line["status"], line["request_id"]) == ("WEBSOCKET", 400, answer.headers["X-Request-Id"])


def test_no_secret_gets_into_the_log(api, app, token, caplog):
    caplog.set_level(logging.DEBUG)
    api.get(f"/v1/users?access_token={token}")
    api.post("/v1/users", json={"name": token, "email": "secret@example.org"}, headers={"Idempotency-Key": "kept dark"})
    send_raw(app, "GET", b"/v1/users", b"%ff", HTTP_AUTHORIZATION=f"Bearer {token}")
    send_raw(app, "GET", b"/v1/users", HTTP_AUTHORIZATION=f"Basic {token}", HTTP_COOKIE=token)
    ours = [record.getMessage() for record in caplog.records if record.name.startswith("kalends")]
    assert len(ours) == 4
    for secret in (token, token[4:], "secret@example.org", "kept dark"):
        assert not any(secret in line for line in ours)


def test_an_unexpected_error_is_logged_and_not_shown_to_the_caller(cast, token, lines):
    def fail(tx: WriteTx, actor: Actor) -> Reply[None]:
        """Raise an unexpected error."""
        create_user(tx, actor, UserCreate(name="x", email=Email("x@example.org")))
        raise ZeroDivisionError("the innermost secret")

    broken = Operation("POST", "/v1/broken", fail, "Broken", Scope.users_write)
    caller = client(
        wsgi_app([json_api([Route(broken, cast.database, bearer_tokens(cast.database, Settings()), 1_000)])], str),
        token,
    )
    before = cast.rows()
    for headers in ({}, {"Idempotency-Key": "x"}):
        answer = caller.post("/v1/broken", headers=headers)
        document = problem(answer, 500, "internal_error")
        assert "innermost" not in answer.text
        (trouble,) = lines("kalends.trouble")
        assert trouble["request_id"] == document["request_id"]
        assert "ZeroDivisionError: the innermost secret" in trouble["cause"]
    assert cast.rows() == before


def test_the_servers_own_requests_leave_no_line_and_all_others_do(database, lines):
    caller = client(build_app(database, Settings(), "secret-1"))
    for request_id, written in (("secret-1", 0), ("secret-2", 1), ("", 1)):
        assert caller.get("/health/ready", headers={"X-Request-Id": request_id}).status_code == 200
        assert len(lines()) == written


def test_nothing_is_logged_below_the_level_of_the_log(api, caplog):
    caplog.set_level(logging.WARNING, ACCESS.name)
    assert api.get("/health/live").headers["X-Request-Id"]
    assert not caplog.records


def test_callers_without_a_token_do_not_see_errors_of_the_database(app, cast, monkeypatch, caplog):
    secret = Unavailable("SQLite reports: unable to open database file /srv/kalends/secret.db.", retry_after=7)

    def refuse(*_):
        raise secret

    token = cast.token_for()
    with client(app, token) as known:
        assert known.get("/v1/users").status_code == 200
    monkeypatch.setattr(type(cast.database), "read", refuse)
    with client(app) as stranger, caplog.at_level(logging.INFO):
        answer = stranger.get("/health/ready")
    document = problem(answer, 503, "unavailable")
    assert "secret.db" not in answer.text
    assert document["detail"].startswith("The database cannot be used at the moment.")
    assert answer.headers["Retry-After"] == "7"
    assert "secret.db" in caplog.text
