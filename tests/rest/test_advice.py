"""Hints about other operations, pointers of faults, participants in the answer to a write, and trailing slashes."""

import logging
import re

import msgspec
import pytest

from kalends.http.log import ACCESS
from kalends.rest.routes import OPERATIONS
from tests.api import BASE, client, faults, problem, send_raw
from tests.cast import instant


def name_of(known):
    return f"{known.method} {known.path}"


def messages(document):
    return {fault["pointer"]: fault["message"] for fault in document["errors"]}


def test_a_patch_of_an_event_names_the_operations_that_change_the_rest(api, cast):
    path = f"/v1/events/{cast.event(cast.guest).id}"
    before = cast.rows()
    sent = {"host_id": str(cast.guest.id), "participants": [], "status": "cancelled", "response": "accepted"}
    document = problem(api.patch(path, json=sent | {"cancel_reason": "x", "host_attends": False}), 422, "invalid")
    assert messages(document) == {
        "/status": f"cancel an event with POST {path}/cancel",
        "/host_id": f"change the host with POST {path}/transfer",
        "/participants": f"change participants with POST, PUT and DELETE under {path}/participants",
        "/response": f"respond with PUT {path}/participants/{{user_id}}/response",
        "/cancel_reason": f"cancel an event, with a reason, by POST {path}/cancel",
        "/host_attends": f"add or remove the host under {path}/participants",
    }
    assert set(faults(document).values()) == {"set_elsewhere"}
    document = problem(api.patch(path, json={"version": 1, "id": "x", "status": "x", "colour": 1}), 422)
    assert faults(document) == {
        "/status": "invalid_value",
        "/version": "read_only",
        "/id": "read_only",
        "/colour": "unknown_field",
    }
    assert messages(document)["/version"] == "version cannot be set: leave it out"
    assert cast.rows() == before


def test_a_response_is_not_set_with_a_role_nor_a_role_with_a_response(api, cast):
    path = f"/v1/events/{cast.event(cast.guest).id}/participants"
    participation = f"{path}/{cast.guest.id}"
    for answer in (
        api.patch(participation, json={"response": "accepted", "comment": "x"}),
        api.put(participation, json={"response": "accepted", "comment": "x"}),
    ):
        hint = f"respond with PUT {participation}/response"
        assert messages(problem(answer, 422)) == {"/response": hint, "/comment": hint}
    document = problem(api.put(f"{participation}/response", json={"response": "accepted", "role": "optional"}), 422)
    assert messages(document) == {"/role": f"change the role with PATCH {participation}"}
    guest = {"user_id": str(cast.stranger.id), "response": "accepted"}
    hint = f"respond with PUT {path}/{{user_id}}/response"
    assert messages(problem(api.post(path, json=guest), 422)) == {"/response": hint}
    assert messages(problem(api.post(path, json=[guest]), 422)) == {"/0/response": hint}
    document = problem(api.post(path, json=[guest | {"is_host": True}]), 422)
    assert messages(document)["/0/is_host"] == "is_host cannot be set: leave it out"


@pytest.mark.parametrize("known", [known for known in OPERATIONS if known.set_elsewhere], ids=name_of)
def test_hints_are_only_given_for_unknown_fields(known):
    taken = (
        {field.encode_name for field in msgspec.structs.fields(known.signature.body)}
        if known.method == "PATCH"
        else set()
    )
    assert not taken & known.set_elsewhere.keys()


# -------------------------------------------------------------------------------------------------- where a fault lies


def places(document):
    return {fault["pointer"]: fault["in"] for fault in document["errors"]}


def test_the_pointer_of_a_fault_is_where_it_was_found(api, cast, clock):
    clock.set_to(instant("2026-03-01T00:00Z"))
    event = f"/v1/events/{cast.event(cast.guest).id}"
    participation = f"{event}/participants/{cast.guest.id}"
    unknown = "usr_0000000000000001"
    sent = {"user_id": "x", "event_id": "x", "dry_run": True, "on_conflict": "allow"}
    assert set(places(problem(api.put(participation, json=sent), 422)).values()) == {"body"}
    answer = api.put(f"{event}/participants/{unknown}", json={})
    assert places(problem(answer, 422)) == {"/user_id": "path"}
    answer = api.put(f"/v1/users/{cast.host.id}/shares/{unknown}", json={"level": "read"})
    assert places(problem(answer, 422)) == {"/other_id": "path"}
    answer = api.put(f"/v1/users/{cast.host.id}/shares/{cast.host.id}", json={"level": "read"})
    assert places(problem(answer, 422)) == {"/other_id": "path"}
    assert places(problem(api.post(f"{event}/transfer", json={"host_id": unknown}), 422)) == {"/host_id": "body"}
    answer = api.delete(f"/v1/users/{cast.host.id}?hosted=transfer&to={unknown}")
    assert places(problem(answer, 422)) == {"/to": "query"}
    assert places(problem(api.get("/v1/events?response=accepted"), 422)) == {"/response": "query"}
    assert places(problem(api.patch(event, json={"end": "2026-03-09T10:00"}), 422)) == {"/end": "body"}


@pytest.mark.parametrize("known", OPERATIONS, ids=name_of)
def test_no_operation_takes_two_arguments_of_one_name(known):
    """A fault that an action finds points to where the operation takes the argument, which must be unambiguous."""
    query = {field.encode_name for field in msgspec.structs.fields(known.signature.query)}
    is_struct = isinstance(known.signature.body, type) and issubclass(known.signature.body, msgspec.Struct)
    body = {field.encode_name for field in msgspec.structs.fields(known.signature.body)} if is_struct else set()
    assert len(query) + len(body) + len(known.signature.ids) == len({*query, *body, *known.signature.ids})


def test_the_fault_of_an_email_address_in_use_points_to_it(api, cast):
    for answer in (
        api.post("/v1/users", json={"name": "x", "email": cast.guest.email}),
        api.patch(f"/v1/users/{cast.host.id}", json={"email": cast.guest.email}),
    ):
        document = problem(answer, 409, "email_taken", "/email")
        (fault,) = document["errors"]
        assert (fault["in"], fault["code"]) == ("body", "email_taken")
        assert cast.guest.email in fault["message"]


def test_an_unknown_field_of_a_query_is_called_a_parameter(api, cast):
    (fault,) = problem(api.get("/v1/users?x=1&limit=2"), 422)["errors"]
    allowed = "q, available_from, available_to, time_zone, limit, cursor"
    assert (fault["code"], fault["message"]) == ("unknown_parameter", f"unknown parameter 'x'; allowed: {allowed}")
    (fault,) = problem(api.get(f"/v1/users/{cast.host.id}?x=1"), 422)["errors"]
    assert fault["message"] == "unknown parameter 'x'; no parameter is allowed here"


# ------------------------------------------------------------------------------------------ participants in the answer


@pytest.mark.parametrize("hidden", [False, True])
def test_a_write_answers_with_the_participants_if_they_are_requested(api, cast, caplog, hidden):
    sent = {
        "host_id": str(cast.host.id),
        "title": "x",
        "start": "2026-03-09T10:00",
        "end": "2026-03-09T11:00",
        "time_zone": "Europe/Berlin",
        "hide_participants": hidden,
        "participants": [{"user_id": str(cast.stranger.id)}, {"user_id": str(cast.guest.id), "role": "optional"}],
    }
    dry_run = api.post("/v1/events?expand=participants&dry_run=true", json=sent).json()
    assert len(dry_run["participants"]) == 3
    with caplog.at_level(logging.INFO, ACCESS.name):
        plain = api.post("/v1/events?on_conflict=allow", json=sent)
        made = api.post("/v1/events?on_conflict=allow&expand=participants", json=sent)
        path = made.headers["Location"]
        shown = api.get(f"{path}?expand=participants").json()
        without = api.patch(path, json={"title": "y"})
        changed = api.patch(f"{path}?expand=participants", json={"title": "z"})
    assert made.json()["participants"] == shown["participants"] == changed.json()["participants"]
    assert made.headers["ETag"] == '"1"'
    assert "participants" not in plain.json()
    assert "participants" not in without.json()
    counts = [msgspec.json.decode(record.getMessage())["statements"] for record in caplog.records]
    assert counts[4] == counts[3] + 1
    assert counts[1] == counts[0] + 1


# -------------------------------------------------------------------------------------------------- slashes at the end


PATHS = sorted(
    {known.path for known in OPERATIONS} | {"/health/live", "/health/ready", "/docs", "/openapi.json", "/favicon.ico"}
)


@pytest.mark.parametrize("path", PATHS)
def test_a_slash_at_the_end_leads_to_the_path_without_it(app, token, path):
    right = re.sub(r"{\w+}", "usr_%20%3F", path)
    with client(app, token) as api:
        for method in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"):
            answer = api.request(method, f"{right}/?q=%C3%A4&x=1+2")
            assert answer.status_code == 308
            assert answer.next_request is not None
            assert answer.next_request.method == method
            assert str(answer.next_request.url) == f"{BASE}{right}?q=%C3%A4&x=1+2"


def test_a_redirect_keeps_method_and_body(app, token, cast):
    with client(app, token) as api:
        sent = {"name": "x", "email": "x@example.org"}
        made = api.post("/v1/users/?dry_run=true", json=sent, follow_redirects=True)
        assert (made.status_code, made.json()["email"]) == (201, "x@example.org")


def test_only_existing_paths_are_redirected_to(app):
    for path in (b"/v2/users/", b"/v1/users//", b"//example.org/", b"/v1/", b"//"):
        problem(send_raw(app, "GET", path), 404, "no_such_path")
