"""A user's data over HTTP: export in one document, and erasure."""

import secrets
import tempfile
from typing import Any

import pytest
from msgspec import structs

from kalends.actions.holds import place_hold
from kalends.actions.tokens import issue_token
from kalends.http import files
from kalends.model import ALL_SCOPES, Scope, Span
from tests.api import client, problem
from tests.cast import instant

SLOT = Span(instant("2026-03-09T10:00+01:00"), instant("2026-03-09T11:00+01:00"))


def bearer(app: Any, cast: Any, user: Any, scopes: Any = ALL_SCOPES) -> Any:
    """Return a client with a token of a user's own."""
    own = structs.replace(cast.actor, user_id=user.id)
    secret = secrets.token_bytes(20)
    text = cast.database.write(lambda tx: issue_token(tx, own, "phone", secret, scopes=scopes))[1]
    return client(app, text)


@pytest.fixture
def guest(app, cast, clock):
    clock.set_to(instant("2026-03-09T08:00+01:00"))
    with bearer(app, cast, cast.guest) as connected:
        yield connected


def test_everything_that_is_stored_about_a_user_is_exported(api, cast, guest):
    path = f"/v1/users/{cast.guest.id}"
    event = cast.event(cast.guest, cast.stranger)
    hosted = cast.event(host_id=cast.guest.id, host_attends=False)
    mine = f"/v1/events/{event.id}/participants/{cast.guest.id}/response"
    assert guest.put(mine, json={"response": "declined", "comment": "not me"}).status_code == 200
    theirs = f"/v1/events/{event.id}/participants/{cast.stranger.id}/response"
    assert api.put(theirs, json={"response": "accepted", "comment": "secretly glad"}).status_code == 200
    week = {"weekly": {"monday": [{"start": "09:00", "end": "17:00"}]}}
    assert guest.put(f"{path}/working-hours", json=week).status_code == 200
    assert guest.put(f"{path}/shares/{cast.host.id}", json={"level": "titles"}).status_code == 201
    received = api.put(f"/v1/users/{cast.host.id}/shares/{cast.guest.id}", json={"level": "write"})
    assert guest.patch(f"/v1/events/{hosted.id}", json={"title": "x"}).status_code == 200
    hold = cast.do(place_hold, [cast.guest.id, cast.stranger.id], SLOT, 60)
    document = guest.get(f"{path}/export").json()
    assert document["user"] == api.get(path).json()
    assert (document["deleted"], document["exported_at"]) == (False, "2026-03-09T07:00:00Z")
    assert document["working_hours"]["weekly"]["monday"] == week["weekly"]["monday"]
    assert [share["user_id"] for share in document["shares_given"]] == [str(cast.host.id)]
    assert document["shares_received"] == [received.json()]
    (token,) = document["tokens"]
    assert token == guest.get("/v1/tokens").json()["items"][0]
    (held,) = document["holds"]
    assert (held["id"], held["user_ids"], held["placed_by"]) == (str(hold.id), [str(cast.guest.id)], None)
    by_id = {one["id"]: one for one in document["events"]}
    assert by_id.keys() == {str(event.id), str(hosted.id)}
    participation = by_id[str(event.id)]["participation"]
    assert (participation["role"], participation["response"], participation["comment"]) == (
        "required",
        "declined",
        "not me",
    )
    assert by_id[str(hosted.id)]["participation"] is None
    assert not any("participant_counts" in one or "participants" in one for one in document["events"])
    assert [(one["action"], one["object_kind"]) for one in document["audit_log"]] == [
        ("created", "user"),
        ("issued", "token"),
        ("changed", "event"),
        ("created", "working_hours"),
        ("created", "share"),
        ("changed", "event"),
    ]
    assert "secretly glad" not in str(document)
    assert api.get(f"{path}/export").json() == document


def test_a_large_export_is_sent_from_a_file_and_is_the_same(api, cast, monkeypatch, tmp_path):
    for _ in range(3):
        cast.event(cast.guest)
    path = f"/v1/users/{cast.guest.id}/export"
    held = api.get(path)
    monkeypatch.setattr(files, "MOST_IN_MEMORY", 100)
    sent = api.get(path)
    assert sent.json() | {"exported_at": ""} == held.json() | {"exported_at": ""}
    assert (len(sent.json()["events"]), len(sent.json()["audit_log"])) == (3, 1)
    assert int(sent.headers["Content-Length"]) == len(sent.content)
    assert sent.headers["Content-Type"] == held.headers["Content-Type"]
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "gone"))
    refused = problem(api.get(path), 503, "unavailable")
    assert refused["detail"].startswith("A temporary file cannot be written: No such file or directory.")


def test_an_export_has_all_people_of_holds_that_the_user_placed(cast, guest):
    people = sorted([cast.guest.id, cast.stranger.id])
    cast.as_person(cast.guest).do(place_hold, people, SLOT, 60)
    (hold,) = guest.get(f"/v1/users/{cast.guest.id}/export").json()["holds"]
    assert hold["user_ids"] == [str(person) for person in people]


def test_an_export_has_no_participations_of_others_in_audit_entries(api, cast, guest):
    event = cast.event(cast.stranger, host_id=cast.guest.id)
    theirs = f"/v1/events/{event.id}/participants/{cast.stranger.id}/response"
    api.put(theirs, json={"response": "accepted", "comment": "secretly glad"})
    assert guest.delete(f"/v1/events/{event.id}").status_code == 204
    *_, deleted = guest.get(f"/v1/users/{cast.guest.id}/export").json()["audit_log"]
    assert deleted["before"]["participants"].keys() == {str(cast.guest.id)}
    assert (deleted["after"], deleted["address"]) == (None, "127.0.0.1")


def test_an_export_has_no_other_people_of_holds_that_the_user_left(cast, guest):
    hold = cast.as_person(cast.host).do(place_hold, [cast.guest.id, cast.stranger.id], SLOT, 60)
    assert guest.delete(f"/v1/holds/{hold.id}").status_code == 204
    document = guest.get(f"/v1/users/{cast.guest.id}/export").json()
    *_, released = document["audit_log"]
    assert (released["before"], released["after"]) == ({"user_ids": [str(cast.guest.id)]}, {"user_ids": []})
    assert (document["holds"], str(cast.stranger.id) in str(document)) == ([], False)


def test_an_export_has_no_client_addresses_of_others(api, cast, guest):
    api.patch(f"/v1/users/{cast.guest.id}", json={"name": "G"})
    *_, changed = guest.get(f"/v1/users/{cast.guest.id}/export").json()["audit_log"]
    assert (changed["before"], changed["address"]) == ({"name": cast.guest.name}, None)


def test_only_the_user_and_operators_with_both_scopes_export(app, api, cast, guest):
    problem(guest.get(f"/v1/users/{cast.host.id}/export"), 403, "forbidden")
    problem(guest.get("/v1/users/usr_0000000000000001/export"), 404, "not_found")
    with bearer(app, cast, cast.guest, {Scope.users_read}) as limited:
        problem(limited.get(f"/v1/users/{cast.guest.id}/export"), 403, "insufficient_scope")
    assert api.delete(f"/v1/users/{cast.guest.id}").status_code == 204
    document = api.get(f"/v1/users/{cast.guest.id}/export").json()
    assert (document["deleted"], document["user"]["name"]) == (True, cast.guest.name)


def test_an_erasure_is_answered_with_the_anonymous_user(api, cast, clock):
    event = cast.event(cast.guest)
    clock.set_to(event.block.span.start - 1)
    path = f"/v1/users/{cast.host.id}/erase"
    problem(api.post(path), 409, "hosts_events")
    problem(api.post(f"{path}?hosted=transfer"), 422, "invalid", "/to")
    problem(api.post(f"{path}?hosted=cancel", headers={"If-Match": '"7"'}), 412, "stale_version")
    dry_run = api.post(f"{path}?hosted=transfer&to={cast.guest.id}&dry_run=true")
    assert dry_run.json()["name"] == "Erased person"
    assert api.get(f"/v1/users/{cast.host.id}").json()["name"] == cast.host.name
    left = api.post(f"{path}?hosted=transfer&to={cast.guest.id}").json()
    assert (left["name"], left["metadata"], left["version"]) == ("Erased person", {}, 2)
    assert left["email"] == f"erased-{int(cast.host.id):016x}@invalid"
    problem(api.get(f"/v1/users/{cast.host.id}"), 404, "not_found")
    assert api.get(f"/v1/events/{event.id}").json()["host_id"] == str(cast.guest.id)
    assert api.get("/v1/audit?limit=1").json()["items"][0]["action"] == "erased"


def test_a_repeat_shows_no_erased_data_and_does_nothing_again(api, cast):
    key = {"Idempotency-Key": "nina"}
    body = {"name": "Nina New", "email": "nina@example.org", "metadata": {"nickname": "Ninchen"}}
    made = api.post("/v1/users", json=body, headers=key)
    erase = f"{made.headers['Location']}/erase"
    assert api.post(erase, headers={"Idempotency-Key": "erase"}).status_code == 200
    before = cast.rows()
    again = api.post("/v1/users", json=body, headers=key)
    assert (again.status_code, again.content, again.headers["Location"]) == (201, b"", made.headers["Location"])
    assert api.post(erase, headers={"Idempotency-Key": "erase"}).status_code == 204
    assert cast.rows() == before
    assert not {"Nina", "nina@", "Ninchen"} & set(api.get("/v1/audit").text.split('"'))


def test_only_operators_erase(cast, guest):
    problem(guest.post(f"/v1/users/{cast.guest.id}/erase"), 403, "forbidden")
    problem(guest.post(f"/v1/users/{cast.host.id}/erase"), 403, "forbidden")
