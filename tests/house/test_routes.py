"""A law of the house: every operation stands in this table, with what it is to a stranger and whether it writes."""

from typing import NamedTuple

import pytest

from kalends.actions.holds import place_hold
from kalends.actions.hours import set_working_hours
from kalends.model import Span, TimeText
from kalends.rest.route import OPERATIONS
from kalends.rules.hours import WorkingHours
from kalends.rules.zones import instant_of
from tests.api import client, is_safe, problem
from tests.cast import assemble

BUSY_HOUR = {"start": "2026-03-09T10:00Z", "end": "2026-03-09T11:00Z"}

DAY = {"from": "2026-03-09", "to": "2026-03-10"}


class Row(NamedTuple):
    """Whether it writes, a good body, its status, and what is answered about what another organization has (or 0)."""

    writes: bool
    body: object
    good: int
    foreign: int


# Those who may call it: today every token is an operator of its organization, so all of them; nobody without one.
TABLE = {
    "POST /v1/users": Row(True, {"name": "x", "email": "x@example.org"}, 201, 0),
    "GET /v1/users": Row(False, None, 200, 0),
    "GET /v1/users/{user_id}": Row(False, None, 200, 404),
    "PATCH /v1/users/{user_id}": Row(True, {"name": "x"}, 200, 404),
    "DELETE /v1/users/{user_id}": Row(True, None, 204, 404),
    "POST /v1/events": Row(True, {"host_id": "{user_id}", "title": "x", **BUSY_HOUR}, 201, 422),
    "GET /v1/events": Row(False, None, 200, 0),
    "GET /v1/events/{event_id}": Row(False, None, 200, 404),
    "PATCH /v1/events/{event_id}": Row(True, {"title": "x"}, 200, 404),
    "DELETE /v1/events/{event_id}": Row(True, None, 204, 404),
    "POST /v1/events/{event_id}/cancel": Row(True, {}, 200, 404),
    "POST /v1/events/{event_id}/transfer": Row(True, {"host_id": "{user_id}"}, 200, 404),
    "GET /v1/events/{event_id}/participants": Row(False, None, 200, 404),
    "POST /v1/events/{event_id}/participants": Row(True, {"user_id": "{stranger_id}"}, 201, 404),
    "GET /v1/events/{event_id}/participants/{user_id}": Row(False, None, 200, 404),
    "PUT /v1/events/{event_id}/participants/{user_id}": Row(True, {}, 200, 404),
    "PATCH /v1/events/{event_id}/participants/{user_id}": Row(True, {}, 200, 404),
    "DELETE /v1/events/{event_id}/participants/{user_id}": Row(True, None, 204, 404),
    "PUT /v1/events/{event_id}/participants/{user_id}/response": Row(True, {"response": "declined"}, 200, 404),
    "GET /v1/events/{event_id}/available-users": Row(False, None, 200, 404),
    "PUT /v1/users/{user_id}/working-hours": Row(True, {"weekly": {}}, 200, 404),
    "GET /v1/users/{user_id}/working-hours": Row(False, None, 200, 404),
    "DELETE /v1/users/{user_id}/working-hours": Row(True, None, 204, 404),
    "POST /v1/free-busy": Row(False, {"user_ids": ["{user_id}"], "from": "2026-03-09", "to": "2026-03-10"}, 200, 0),
    "POST /v1/find-time": Row(False, {"required": ["{user_id}"], "duration": 60, "between": [DAY]}, 200, 422),
    "POST /v1/explain": Row(False, {"user_id": "{user_id}", **BUSY_HOUR}, 200, 404),
    "POST /v1/holds": Row(True, {"user_ids": ["{user_id}"], **BUSY_HOUR}, 201, 422),
    "GET /v1/holds/{hold_id}": Row(False, None, 200, 404),
    "POST /v1/holds/{hold_id}/extend": Row(True, {}, 200, 404),
    "DELETE /v1/holds/{hold_id}": Row(True, None, 204, 404),
    "GET /v1/users/{user_id}/export": Row(False, None, 200, 404),
    "POST /v1/users/{user_id}/erase": Row(True, None, 200, 404),
    "GET /v1/audit": Row(False, None, 200, 0),
}


def filled(value, names):
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


@pytest.fixture
def names(cast, clock):
    event = cast.event(cast.guest)
    clock.set_to(event.block.span.start)
    return {
        "event_id": str(event.id),
        "user_id": str(cast.guest.id),
        "stranger_id": str(cast.stranger.id),
        "hold_id": str(held(cast)),
    }


def held(cast):
    """Keep a slot for the stranger, who has working hours, too."""
    cast.do(set_working_hours, cast.guest.id, WorkingHours(((),) * 7, {}))
    span = Span(*(instant_of(TimeText(f"2026-03-11T{hour}:00Z"), None) for hour in (10, 11)))
    return cast.do(place_hold, [cast.stranger.id], span, 900).id


def call(caller, key, names):
    """Call the operation of a row with a good body."""
    method, path = key.split()
    body = TABLE[key].body
    return caller.request(method, filled(path, names), json=None if body is None else filled(body, names))


def test_every_operation_has_a_row():
    assert {f"{known.method} {known.path}" for known in OPERATIONS} == TABLE.keys()


@pytest.mark.parametrize("known", OPERATIONS, ids=[f"{known.method} {known.path}" for known in OPERATIONS])
def test_an_operation_writes_or_reads_as_its_row_says(known):
    row = TABLE[f"{known.method} {known.path}"]
    assert known.writes == row.writes
    assert row.writes == (known.method != "GET") or known.path in ("/v1/free-busy", "/v1/find-time", "/v1/explain")
    assert (known.body is None) == (row.body is None)
    assert known.ids.keys() == {part[1:-1] for part in known.path.split("/") if part.startswith("{")}


@pytest.mark.parametrize("key", TABLE)
def test_an_operator_may_call_it_and_nobody_may_without_a_token(app, api, cast, names, key):
    before = cast.rows()
    problem(call(client(app), key, names), 401, "unauthenticated")
    assert cast.rows() == before
    answer = call(api, key, names)
    assert answer.status_code == TABLE[key].good
    assert is_safe(answer)
    assert answer.headers["Cache-Control"] == ("no-store" if key.startswith("POST") else "private, no-cache")


@pytest.mark.parametrize("key", [key for key, row in TABLE.items() if row.foreign])
def test_what_another_organization_has_is_not_there(app, database, api, cast, names, key):
    """Neither its people nor its events can be read, changed or named."""
    other = assemble(database)
    theirs = {"event_id": str(other.event(other.guest).id), "user_id": str(other.guest.id), "hold_id": str(held(other))}
    before = cast.rows(), other.rows()
    problem(call(api, key, names | theirs), TABLE[key].foreign)
    assert (cast.rows(), other.rows()) == before


def test_lists_hold_nothing_of_another_organization(api, cast, names, database):
    other = assemble(database)
    event = other.event(other.guest)
    for query in (f"user_id={other.host.id}", f"host_id={other.host.id}", f"participant_id={other.guest.id}"):
        assert api.get(f"/v1/events?{query}&expand=participants").json()["items"] == []
    assert str(event.id) not in api.get("/v1/events").text
    assert len(api.get("/v1/users").json()["items"]) == 3
