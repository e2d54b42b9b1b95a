"""Each kind of data in an answer needs its scope, whichever operation answers."""

import pytest

from kalends.actions.holds import place_hold
from kalends.model import ALL_SCOPES, Scope
from kalends.rest.operation import Operation
from kalends.rest.routes import OPERATIONS
from kalends.rest.scopes import scopes_of
from tests.api import client, problem
from tests.cast import instant
from tests.rules.spans import span

START, END = "2026-03-09T14:00:00+01:00", "2026-03-09T15:00:00+01:00"
SLOT = span(instant(START), instant(END))
TIME = {"start": "2026-03-09T14:00", "end": "2026-03-09T15:00", "time_zone": "Europe/Berlin"}
CUT_BY_HAND = {"/v1/explain"}
"""Answers that leave out what the token may not read."""

NO_DATA = {"/v1/me"}
"""Shows callers only who they are."""


@pytest.fixture(autouse=True)
def before_it_all(clock):
    clock.set_to(instant("2026-03-01T00:00Z"))


@pytest.fixture
def writer(app, cast):
    """Yield a client of an operator with all scopes except those to read users and events."""
    scopes = ALL_SCOPES - {Scope.events_read, Scope.users_read}
    with client(app, cast.token_for(scopes=scopes)) as connected:
        yield connected


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda one: f"{one.method} {one.path}")
def test_a_read_needs_the_scopes_of_everything_that_it_may_answer(operation: Operation):
    needed = scopes_of(operation.signature.answers)
    assert needed or not operation.signature.answers or operation.path in NO_DATA
    if not operation.signature.writes and operation.path not in CUT_BY_HAND:
        assert needed <= {operation.scope, *operation.other_scopes}


def test_a_write_without_the_scope_to_read_answers_without_content(writer, api, cast):
    host, guest = str(cast.host.id), {"user_id": str(cast.guest.id)}
    made = writer.post("/v1/events", json={"host_id": host, "title": "Secret", **TIME, "participants": [guest]})
    path = made.headers["Location"]
    answers = [
        (made, 201),
        (writer.patch(path, json={}), 204),
        (writer.patch(path, json={"title": "Secret plans"}), 204),
        (writer.put(f"{path}/participants/{cast.guest.id}/response", json={"response": "accepted"}), 204),
        (writer.post(f"{path}/cancel"), 204),
        (writer.post("/v1/users", json={"name": "Ada", "email": "ada@example.org"}), 201),
        (writer.patch(f"/v1/users/{cast.guest.id}", json={"name": "Another"}), 204),
        (writer.put(f"/v1/users/{cast.guest.id}/working-hours", json={"weekly": {}}), 204),
    ]
    assert [(answer.content, answer.status_code) for answer, _ in answers] == [(b"", status) for _, status in answers]
    assert all("ETag" in answer.headers for answer, _ in answers)
    assert api.get(path).json()["title"] == "Secret plans", "it has been done all the same"


def test_explanations_and_conflicts_name_nothing_without_the_scope(writer, api, cast):
    event = cast.event(cast.guest, title="Secret")
    cast.do(place_hold, [cast.stranger.id], SLOT, 60)
    for person in (cast.guest, cast.stranger):
        asked = {"user_id": str(person.id), **TIME}
        rules = writer.post("/v1/explain", json=asked).json()["rules"]
        private = {"type": "private", "start": START, "end": END}
        assert rules[1:] == [{"rule": "event", "verdict": "blocks", "source": private}]
        assert api.post("/v1/explain", json=asked).json()["rules"][1]["source"]["type"] != "private"
    draft = {"host_id": str(cast.guest.id), "title": "Another", **TIME}
    for caller, ids in ((writer, {None}), (api, {str(event.id)})):
        (conflict,) = problem(caller.post("/v1/events", json=draft), 409, "conflict")["conflicts"]
        assert {conflict.get("event_id")} == ids
        assert (conflict["start"], conflict["end"]) == (START, END)


def test_an_export_needs_the_scope_of_each_of_its_parts(app, cast):
    path = f"/v1/users/{cast.guest.id}/export"
    needed = {Scope.users_read, Scope.events_read, Scope.audit_read, Scope.tokens_write}
    with client(app, cast.token_for(scopes=needed)) as caller:
        assert caller.get(path).status_code == 200
    for missing in needed:
        with client(app, cast.token_for(scopes=ALL_SCOPES - {missing})) as caller:
            assert missing.value in problem(caller.get(path), 403, "insufficient_scope")["detail"]
