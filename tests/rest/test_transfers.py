"""Transfers over HTTP: 202 until the new host has accepted."""

import pytest

from kalends.model import ALL_SCOPES, Scope
from tests.api import client, faults, problem
from tests.cast import instant


@pytest.fixture
def as_host(app, cast, clock):
    clock.set_to(instant("2026-03-01T00:00Z"))
    with client(app, cast.token_for(cast.host)) as caller:
        yield caller


@pytest.fixture
def as_stranger(app, cast):
    with client(app, cast.token_for(cast.stranger)) as caller:
        yield caller


@pytest.fixture
def path(cast, as_host):
    return f"/v1/events/{cast.event(cast.guest).id}"


@pytest.fixture
def wanted(cast):
    return {"host_id": str(cast.stranger.id)}


def test_an_event_is_offered_seen_listed_and_accepted(cast, as_host, as_stranger, path, wanted):
    mine = f"/v1/events?pending_host_id={cast.stranger.id}"
    problem(as_stranger.get(path), 404)
    made = as_host.get(path).json()
    answer = as_host.post(f"{path}/transfer", json=wanted)
    event = answer.json()
    assert (answer.status_code, answer.headers["ETag"]) == (202, '"2"')
    assert event == made | {"version": 2, "pending_host_id": str(cast.stranger.id)}
    assert as_host.get(path).json() == as_stranger.get(path).json() == event
    assert as_stranger.get(mine).json()["items"] == [event]
    answer = as_stranger.put(f"{path}/transfer/response", json={"response": "accepted"})
    assert (answer.status_code, answer.headers["ETag"]) == (200, '"3"')
    assert (answer.json()["host_id"], "pending_host_id" in answer.json()) == (str(cast.stranger.id), False)
    assert as_stranger.get(path).json() == answer.json()
    assert as_stranger.get(mine).json()["items"] == []


def test_an_offer_is_declined_or_taken_back(cast, as_host, as_stranger, path, wanted):
    assert as_host.post(f"{path}/transfer", json=wanted).status_code == 202
    answer = as_stranger.put(f"{path}/transfer/response", json={"response": "declined"})
    assert (answer.status_code, answer.content) == (204, b"")
    problem(as_stranger.put(f"{path}/transfer/response", json={"response": "declined"}), 404, "not_found")
    problem(as_host.delete(f"{path}/transfer"), 404, "not_found")
    assert as_host.post(f"{path}/transfer", json=wanted).status_code == 202
    assert as_host.delete(f"{path}/transfer").status_code == 204
    problem(as_stranger.get(path), 404)
    assert "pending_host_id" not in as_host.get(path).json()


def test_accepting_reports_conflicts(cast, as_host, as_stranger, path, wanted):
    busy = cast.event(host_id=cast.stranger.id)
    assert as_host.post(f"{path}/transfer", json=wanted).status_code == 202, "not whether somebody else is free"
    accept = {"response": "accepted"}
    document = problem(as_stranger.put(f"{path}/transfer/response", json=accept), 409, "conflict")
    assert [one["event_id"] for one in document["conflicts"]] == [str(busy.id)]
    answer = as_stranger.put(f"{path}/transfer/response?on_conflict=allow", json=accept)
    assert [one["event_id"] for one in answer.json()["conflicts"]] == [str(busy.id)]


def test_conditions_dry_runs_and_keys_apply_to_transfers(cast, as_host, as_stranger, path, wanted):
    before = cast.rows()
    assert as_host.post(f"{path}/transfer?dry_run=true", json=wanted).status_code == 202
    problem(as_host.post(f"{path}/transfer", json=wanted, headers={"If-Match": '"9"'}), 412)
    assert cast.rows() == before
    key = {"Idempotency-Key": "once"}
    first = as_host.post(f"{path}/transfer", json=wanted, headers=key)
    again = as_host.post(f"{path}/transfer", json=wanted, headers=key)
    assert (first.status_code, first.content, first.headers["ETag"]) == (202, again.content, again.headers["ETag"])
    assert again.status_code == 202
    before = cast.rows()
    stale = {"If-Match": '"1"'}
    response = f"{path}/transfer/response"
    for said, status in (("accepted", 200), ("declined", 204)):
        answer = as_stranger.put(f"{response}?dry_run=true", json={"response": said})
        assert (answer.status_code, "ETag" in answer.headers) == (status, False)
        problem(as_stranger.put(response, json={"response": said}, headers=stale), 412, "stale_version")
    problem(as_host.delete(f"{path}/transfer", headers=stale), 412, "stale_version")
    assert as_host.delete(f"{path}/transfer?dry_run=true").status_code == 204
    assert cast.rows() == before
    accepted = as_stranger.put(response, json={"response": "accepted"}, headers={"If-Match": first.headers["ETag"]})
    assert accepted.status_code == 200


def test_an_offer_is_accepted_or_declined_and_its_member_cannot_be_set(cast, as_host, as_stranger, path, wanted):
    as_host.post(f"{path}/transfer", json=wanted)
    for body, code in (({"response": "tentative"}, "invalid_value"), ({}, "missing"), ({"response": None}, None)):
        document = problem(as_stranger.put(f"{path}/transfer/response", json=body), 422)
        assert code in (None, faults(document)["/response"])
    document = problem(as_host.patch(path, json={"pending_host_id": str(cast.guest.id)}), 422)
    assert faults(document) == {"/pending_host_id": "read_only"}


def test_accepting_to_host_takes_more_than_the_right_to_answer_invitations(app, cast, as_host, path, wanted):
    as_host.post(f"{path}/transfer", json=wanted)
    for scopes, status in (({Scope.respond, Scope.events_read}, 403), (ALL_SCOPES - {Scope.events_read}, 204)):
        with client(app, cast.token_for(cast.stranger, scopes=scopes)) as caller:
            answer = caller.put(f"{path}/transfer/response", json={"response": "accepted"})
            assert answer.status_code == status


def test_a_token_without_the_scope_to_read_can_offer_without_seeing_details(app, cast, path, wanted):
    with client(app, cast.token_for(cast.host, scopes={Scope.events_write})) as caller:
        answer = caller.post(f"{path}/transfer", json=wanted)
        assert (answer.status_code, answer.content) == (202, b"")


def test_an_export_has_the_events_that_a_user_is_offered_without_responses_of_others(
    cast, as_host, as_stranger, path, wanted
):
    as_host.post(f"{path}/transfer", json=wanted)
    document = as_stranger.get(f"/v1/users/{cast.stranger.id}/export").json()
    assert document["events"] == []
    (event,) = document["asked_to_host"]
    assert (event["id"], event["host_id"], event["participation"]) == (path.rpartition("/")[2], str(cast.host.id), None)
    assert event.keys().isdisjoint({"participant_counts", "version", "pending_host_id"})
    (hosted,) = as_host.get(f"/v1/users/{cast.host.id}/export").json()["events"]
    assert "pending_host_id" not in hosted, "that is the other person's"
