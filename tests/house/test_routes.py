"""The access matrix: a table of every operation with the answer to each kind of caller."""

from typing import Any, NamedTuple

import pytest

from kalends.actions.events import transfer_event
from kalends.actions.holds import place_hold
from kalends.actions.hours import set_working_hours
from kalends.actions.tokens import issue_token
from kalends.app import reference
from kalends.model import ALL_SCOPES, Scope, SharingLevel, Span
from kalends.rest.routes import OPERATIONS
from kalends.rules.hours import WorkingHours
from kalends.rules.zones import instant_of, read_time
from tests.api import client, is_safe, problem
from tests.cast import assemble

BUSY_HOUR = {"start": "2026-03-09T10:00Z", "end": "2026-03-09T11:00Z"}
WINDOW = {"start": "09:00", "end": "17:00"}
DAY = {"from": "2026-03-09", "to": "2026-03-10"}
HOSTED = {"host_id": "{host_id}", "title": "x", **BUSY_HOUR}
WANTED = {"required": ["{host_id}"], "duration": 60, "between": [DAY]}


class Row(NamedTuple):
    """Whether an operation writes, its scope and body, and the answer to each kind of caller.

    Who carries no token, or an expired one, is answered 401 everywhere, and a token without the scope 403;
    where no scope is needed, a token that has only one of them is an operator's like any other.
    """

    kind: str
    scope: str | None
    body: object
    other: int
    """An operator of another organization, who names objects of this one."""
    stranger: int
    """A user of the organization who is not involved in the named object."""
    participant: int
    """A guest of the named event; the hold keeps their time, too."""
    host: int
    """The host of the event, who placed the hold and has the token; also the named user."""
    delegate: int
    """A delegate of the host with write access."""
    operator: int
    query: str = ""


# One line an operation, however wide.
# ruff: noqa: E501
# fmt: off
TABLE = {
    "POST /v1/users": Row("W", "users:write", {"name": "x", "email": "x@example.org"}, 201, 403, 403, 403, 403, 201),
    "GET /v1/users": Row("R", "users:read", None, 200, 200, 200, 200, 200, 200),
    "GET /v1/users/{user_id}": Row("R", "users:read", None, 404, 200, 200, 200, 200, 200),
    "PATCH /v1/users/{user_id}": Row("W", "users:write", {"name": "x"}, 404, 403, 403, 200, 403, 200),
    "DELETE /v1/users/{user_id}": Row("W", "users:write", None, 404, 403, 403, 403, 403, 204, "hosted=cancel"),
    "POST /v1/events": Row("W", "events:write", HOSTED, 422, 403, 403, 201, 201, 201),
    "GET /v1/events": Row("R", "events:read", None, 200, 200, 200, 200, 200, 200),
    "GET /v1/events/{event_id}": Row("R", "events:read", None, 404, 404, 200, 200, 200, 200),
    "PATCH /v1/events/{event_id}": Row("W", "events:write", {"title": "x"}, 404, 404, 403, 200, 200, 200),
    "DELETE /v1/events/{event_id}": Row("W", "events:write", None, 404, 404, 403, 204, 204, 204),
    "POST /v1/events/{event_id}/cancel": Row("W", "events:write", {}, 404, 404, 403, 200, 200, 200),
    "POST /v1/events/{event_id}/transfer": Row("W", "events:write", {"host_id": "{new_id}"}, 404, 404, 403, 202, 202, 200),
    "DELETE /v1/events/{event_id}/transfer": Row("W", "events:write", None, 404, 404, 403, 204, 204, 204),
    "PUT /v1/events/{event_id}/transfer/response": Row("W", "events:write", {"response": "accepted"}, 404, 404, 403, 403, 403, 200),
    "GET /v1/events/{event_id}/participants": Row("R", "events:read", None, 404, 404, 200, 200, 200, 200),
    "POST /v1/events/{event_id}/participants": Row("W", "events:write", {"user_id": "{new_id}"}, 404, 404, 403, 201, 201, 201),
    "GET /v1/events/{event_id}/participants/{user_id}": Row("R", "events:read", None, 404, 404, 200, 200, 200, 200),
    "PUT /v1/events/{event_id}/participants/{user_id}": Row("W", "events:write", {"role": "optional"}, 404, 404, 403, 200, 200, 200),
    "PATCH /v1/events/{event_id}/participants/{user_id}": Row("W", "events:write", {"role": "optional"}, 404, 404, 403, 200, 200, 200),
    "DELETE /v1/events/{event_id}/participants/{user_id}": Row("W", "events:write", None, 404, 404, 403, 204, 204, 204),
    "PUT /v1/events/{event_id}/participants/{user_id}/response": Row("W", "respond", {"response": "declined"}, 404, 404, 200, 403, 403, 200),
    "GET /v1/events/{event_id}/available-users": Row("R", "free-busy:read", None, 404, 404, 200, 200, 200, 200),
    "PUT /v1/users/{user_id}/working-hours": Row("W", "users:write", {"weekly": {"monday": [WINDOW]}}, 404, 403, 403, 200, 200, 200),
    "GET /v1/users/{user_id}/working-hours": Row("R", "users:read", None, 404, 200, 200, 200, 200, 200),
    "DELETE /v1/users/{user_id}/working-hours": Row("W", "users:write", None, 404, 403, 403, 204, 204, 204),
    "POST /v1/free-busy": Row("R", "free-busy:read", {"user_ids": ["{host_id}"], **DAY}, 200, 200, 200, 200, 200, 200),
    "POST /v1/find-time": Row("R", "free-busy:read", WANTED, 422, 200, 200, 200, 200, 200),
    "POST /v1/explain": Row("R", "free-busy:read", {"user_id": "{host_id}", **BUSY_HOUR}, 404, 200, 200, 200, 200, 200),
    "POST /v1/holds": Row("W", "events:write", {"user_ids": ["{new_id}"], **BUSY_HOUR}, 422, 201, 201, 201, 201, 201),
    "GET /v1/holds": Row("R", "events:read", None, 200, 200, 200, 200, 200, 200),
    "GET /v1/holds/{hold_id}": Row("R", "events:read", None, 404, 404, 200, 200, 404, 200),
    "POST /v1/holds/{hold_id}/extend": Row("W", "events:write", {}, 404, 404, 403, 200, 404, 200),
    "DELETE /v1/holds/{hold_id}": Row("W", "events:write", None, 404, 404, 204, 204, 404, 204),
    "GET /v1/users/{user_id}/shares": Row("R", "users:read", None, 404, 403, 403, 200, 403, 200),
    "PUT /v1/users/{user_id}/shares/{other_id}": Row("W", "users:write", {"level": "read"}, 404, 403, 403, 200, 403, 200),
    "DELETE /v1/users/{user_id}/shares/{other_id}": Row("W", "users:write", None, 404, 403, 403, 204, 403, 204),
    "GET /v1/me": Row("R", None, None, 200, 200, 200, 200, 200, 200),
    "POST /v1/tokens": Row("W", "tokens:write", {"name": "x"}, 201, 201, 201, 201, 201, 201),
    "GET /v1/tokens": Row("R", "tokens:write", None, 200, 200, 200, 200, 200, 200),
    "DELETE /v1/tokens/{token_id}": Row("W", "tokens:write", None, 404, 404, 404, 204, 404, 204),
    "GET /v1/users/{user_id}/export": Row("R", "users:read", None, 404, 403, 403, 200, 403, 200),
    "POST /v1/users/{user_id}/erase": Row("W", "users:write", None, 404, 403, 403, 403, 403, 200, "hosted=cancel"),
    "GET /v1/audit": Row("R", "audit:read", None, 200, 403, 403, 403, 403, 200),
}
# fmt: on

ACTORS = ("nobody", "other", "stranger", "participant", "host", "delegate", "operator", "wrong_scope", "expired")
FIXED = {"nobody": (401, "unauthenticated"), "expired": (401, "unauthenticated"), "wrong_scope": (403, None)}
CELLS = {(key, actor) for key in TABLE for actor in ACTORS}
READS_BY_POST = ("/v1/free-busy", "/v1/find-time", "/v1/explain")


def filled(value, names) -> Any:
    """Put ids into a path or a body."""
    if isinstance(value, dict):
        return {key: filled(part, names) for key, part in value.items()}
    if isinstance(value, list):
        return [filled(part, names) for part in value]
    if not isinstance(value, str):
        return value
    for name, text in names.items():
        value = value.replace("{" + name + "}", text)
    return value


class Driver(NamedTuple):
    """The objects of an organization, and the callers of its API."""

    names: dict[str, str]
    guest_id: str
    tokens: dict[str, str | None]

    def ids(self, path):
        """Return the ids for a path: its user is the host, or the guest in paths of events."""
        user_id = self.guest_id if path.startswith("/v1/events") else self.names["host_id"]
        return self.names | {"user_id": user_id}


def furnished(cast):
    """Create for the host an event with a guest and a pending host, working hours, a hold, a token and a delegate."""
    event = cast.event(cast.guest)
    delegate, newcomer = cast.person(), cast.person()
    cast.share(cast.host, delegate, SharingLevel.write)
    cast.do(set_working_hours, cast.host.id, WorkingHours(((),) * 7, {}))
    span = Span(*(instant_of(read_time(f"2026-03-11T{hour}:00Z"), None) for hour in (10, 11)))
    host = cast.as_person(cast.host)
    host.do(transfer_event, event.id, newcomer.id)
    names = {
        "event_id": str(event.id),
        "host_id": str(cast.host.id),
        "new_id": str(newcomer.id),
        "other_id": str(delegate.id),
        "hold_id": str(host.do(place_hold, [cast.host.id, cast.guest.id], span, 900).id),
        "token_id": str(host.do(issue_token, "to revoke", str(event.id).encode()[-20:])[0].id),
    }
    people = {"stranger": cast.stranger, "participant": cast.guest, "host": cast.host, "delegate": delegate}
    tokens = {name: cast.token_for(person) for name, person in people.items()}
    return Driver(names, str(cast.guest.id), tokens | {"operator": cast.token_for(), "nobody": None})


@pytest.fixture
def prepared(cast, clock):
    now = instant_of(read_time("2026-03-09T13:00Z"), None)
    clock.set_to(now - 1)
    made = furnished(cast)
    made.tokens["expired"] = cast.token_for(expires_at=now)
    clock.set_to(now)
    return made


def call(app, key, prepared, token, *, dry_run=False):
    """Call the operation of a row with a valid body."""
    row, (method, path) = TABLE[key], key.split()
    ids = prepared.ids(path)
    query = "&".join(filter(None, (row.query, "dry_run=true" if dry_run else "")))
    body = None if row.body is None else filled(row.body, ids)
    with client(app, token) as caller:
        return caller.request(method, f"{filled(path, ids)}?{query}", json=body)


def test_every_operation_has_a_row_and_every_scope_an_operation():
    assert {f"{known.method} {known.path}" for known in OPERATIONS} == TABLE.keys()
    assert {row.scope for row in TABLE.values()} == {None, *Scope}
    assert [key for key, row in TABLE.items() if row.scope is None] == ["GET /v1/me"]
    assert len(CELLS) == len(OPERATIONS) * 9


@pytest.mark.parametrize("known", OPERATIONS, ids=[f"{known.method} {known.path}" for known in OPERATIONS])
def test_an_operation_is_as_its_row_says(known):
    row = TABLE[f"{known.method} {known.path}"]
    assert known.scope == row.scope
    assert known.signature.writes == (row.kind == "W")
    assert known.signature.writes == (known.method != "GET" and known.path not in READS_BY_POST)
    assert (known.signature.body is None) == (row.body is None)
    assert known.signature.ids.keys() == {part[1:-1] for part in known.path.split("/") if part.startswith("{")}


@pytest.mark.parametrize("key", TABLE)
def test_who_may_do_what(app, database, cast, prepared, key, record_property):
    """Allowed calls are sent as dry runs, refused calls without; neither changes anything."""
    row = TABLE[key]
    other = assemble(database)
    furnished(other)
    lesser = cast.token_for(scopes={Scope.respond} if row.scope is None else ALL_SCOPES - {Scope(row.scope)})
    tokens = prepared.tokens | {"other": other.token_for(), "wrong_scope": lesser}
    theirs = {*prepared.names.values(), prepared.guest_id}
    before = cast.rows(), other.rows()
    for actor in ACTORS:
        status, code = FIXED[actor] if actor in FIXED else (getattr(row, actor), None)
        if actor == "wrong_scope" and row.scope is None:
            status = row.operator
        answer = call(app, key, prepared, tokens[actor], dry_run=row.kind == "W" and status < 400)
        assert answer.status_code == status, (actor, answer.text)
        assert is_safe(answer)
        if status >= 400:
            assert problem(answer, status, code)["code"] != "internal_error"
        if actor == "wrong_scope" and row.scope is not None:
            assert answer.json()["code"] == "insufficient_scope"
            assert f'scope="{row.scope}"' in answer.headers["WWW-Authenticate"]
        if actor == "other" and status < 400 and key != "POST /v1/free-busy":
            assert not [text for text in theirs if text in answer.text], "something of another organization"
        assert (cast.rows(), other.rows()) == before, (actor, "left a trace")
    record_property("cells", len(ACTORS))
    answer = call(app, key, prepared, prepared.tokens["operator"])
    assert answer.status_code == row.operator
    method, path = key.split()
    described = reference()["paths"][path][method.lower()]["responses"][str(row.operator)]
    assert ("ETag" in answer.headers) == ("ETag" in described["headers"]), "as the reference says"
    assert answer.headers["Cache-Control"] == ("no-store" if key.startswith("POST") else "private, no-cache")
    assert (cast.rows() != before[0]) == (row.kind == "W")


def test_the_pool_needs_its_own_scope(app, cast):
    with client(app, cast.token_for(scopes={Scope.users_read})) as caller:
        path = "/v1/users?available_from=2026-03-09&available_to=2026-03-10"
        assert caller.get("/v1/users").status_code == 200
        assert "free-busy:read" in problem(caller.get(path), 403, "insufficient_scope")["detail"]


def test_lists_hold_nothing_of_another_organization(app, cast, database):
    other = assemble(database)
    event = other.event(other.guest)
    for person in (None, cast.host):
        with client(app, cast.token_for(person)) as caller:
            for query in (f"user_id={other.host.id}", f"host_id={other.host.id}", f"participant_id={other.guest.id}"):
                assert caller.get(f"/v1/events?{query}&expand=participants").json()["items"] == []
            assert str(event.id) not in caller.get("/v1/events").text
            assert len(caller.get("/v1/users").json()["items"]) == 3
