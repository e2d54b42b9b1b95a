"""Events over HTTP."""

import pytest

from tests.api import faults, problem


@pytest.fixture
def planning(cast):
    return {
        "host_id": str(cast.host.id),
        "title": "Planning",
        "start": "2026-03-09T14:00",
        "end": "2026-03-09T15:00",
        "time_zone": "Europe/Berlin",
    }


def test_an_event_is_created_with_its_participants_and_read(api, cast, planning):
    guest = {"user_id": str(cast.guest.id), "role": "optional"}
    made = api.post("/v1/events", json=planning | {"participants": [guest], "location": "Room 2"})
    assert made.status_code == 201
    event = made.json()
    assert event == {
        "id": event["id"],
        "title": "Planning",
        "description": "",
        "location": "Room 2",
        "start": "2026-03-09T14:00:00+01:00",
        "end": "2026-03-09T15:00:00+01:00",
        "time_zone": "Europe/Berlin",
        "status": "confirmed",
        "show_as": "busy",
        "visibility": "default",
        "hide_participants": False,
        "host_id": str(cast.host.id),
        "participant_counts": {
            "total": 2,
            "required": 1,
            "optional": 1,
            "accepted": 1,
            "declined": 0,
            "tentative": 0,
            "needs_action": 1,
        },
        "metadata": {},
        "version": 1,
        "created_at": event["created_at"],
        "updated_at": event["created_at"],
    }
    assert made.headers["ETag"] == '"1"'
    assert made.headers["Location"] == f"/v1/events/{event['id']}"
    assert api.get(made.headers["Location"]).json() == event
    expanded = api.get(made.headers["Location"] + "?expand=participants").json()
    host, guest = expanded.pop("participants")
    assert expanded == event
    assert (host["user_id"], host["is_host"], host["response"]) == (str(cast.host.id), True, "accepted")
    assert (guest["name"], guest["is_host"], guest["role"]) == (cast.guest.name, False, "optional")


def test_an_event_without_its_host_among_the_participants(api, planning):
    event = api.post("/v1/events", json=planning | {"host_attends": False}).json()
    assert event["participant_counts"]["total"] == 0


def test_an_event_takes_the_zone_of_its_host_and_may_end_at_24_00(api, planning):
    del planning["time_zone"]
    fixed = planning | {"start": "2026-03-09T23:00:00+01:00", "end": "2026-03-10T00:00:00+01:00"}
    assert api.post("/v1/events", json=fixed).json()["time_zone"] == "Europe/Berlin"
    local = planning | {"start": "2026-03-10T22:00", "end": "2026-03-10T24:00"}
    assert api.post("/v1/events", json=local).json()["start"] == "2026-03-10T22:00:00+01:00"
    named = planning | {"start": "2026-03-09T23:00", "end": "2026-03-09T24:00", "time_zone": "Asia/Tokyo"}
    assert api.post("/v1/events", json=named).json()["end"] == "2026-03-10T00:00:00+09:00"


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"start": "2026-02-30T10:00"}, {"/start": "invalid_time"}),
        ({"start": "2026-03-09T14:60"}, {"/start": "invalid_time"}),
        ({"start": "14:00", "end": "soon"}, {"/start": "invalid_time", "/end": "invalid_time"}),
        ({"start": "2026-03-09T14:00:00.5"}, {"/start": "invalid_time"}),
        ({"start": "0000-03-09T14:00"}, {"/start": "invalid_time"}),
        ({"start": "2026-03-29T02:30", "end": "2026-03-29T04:00"}, {"/start": "nonexistent_time"}),
        ({"end": "2026-03-09T13:00"}, {"/end": "end_before_start"}),
        ({"end": "2026-03-09T14:00:59"}, {"/end": "too_short"}),
        ({"end": "2026-03-10T00:01"}, {"/end": "not_one_day"}),
        ({"time_zone": "Mars/Olympus"}, {"/time_zone": "unknown_zone"}),
        ({"title": ""}, {"/title": "too_short"}),
        ({"title": "x" * 201}, {"/title": "too_long"}),
        ({"description": "x" * 10_001}, {"/description": "too_long"}),
        ({"location": "x" * 501}, {"/location": "too_long"}),
        ({"status": "cancelled"}, {"/status": "invalid_value"}),
        ({"show_as": "away", "visibility": 1}, {"/show_as": "invalid_value", "/visibility": "wrong_type"}),
        ({"metadata": {"x": "y" * 16_384}}, {"/metadata": "metadata_too_large"}),
        ({"host_id": "usr_0000000000000001"}, {"/host_id": "unknown_user"}),
        ({"host_id": "hanna"}, {"/host_id": "invalid_id"}),
        ({"participants": [{"user_id": "usr_0000000000000001"}]}, {"/participants/0/user_id": "unknown_user"}),
        (
            {"participants": [{"role": "star"}]},
            {"/participants/0/user_id": "missing", "/participants/0/role": "invalid_value"},
        ),
        ({"participants": [{"user_id": "usr_0000000000000001"}] * 501}, {"/participants": "too_long"}),
    ],
)
def test_faults_of_a_new_event_are_reported(api, cast, planning, change, expected):
    before = cast.rows()
    assert faults(problem(api.post("/v1/events", json=planning | change), 422, "invalid")) == expected
    assert cast.rows() == before


def test_faults_of_members_and_of_their_combination_are_reported_together(api, planning):
    sent = planning | {"title": " ", "end": "2026-03-08T15:00", "colour": "red"}
    expected = {"/title": "blank", "/colour": "unknown_field", "/end": "end_before_start"}
    assert faults(problem(api.post("/v1/events", json=sent), 422)) == expected
    sent |= {"time_zone": None, "end": "2026-03-10T15:00+01:00"}  # on whose days, only the host's zone can tell
    expected = {"/title": "blank", "/colour": "unknown_field"}
    for start in ("2026-03-09T14:00", "2026-03-09T14:00+01:00"):
        assert faults(problem(api.post("/v1/events", json=sent | {"start": start}), 422)) == expected


def test_limits_are_exact_to_the_character(api, planning):
    long = {"title": "ä" * 200, "description": "😀" * 10_000, "location": "x" * 500, "metadata": {"x": "y" * 16_376}}
    event = api.post("/v1/events", json=planning | long).json()
    assert {name: event[name] for name in long} == long


def test_an_event_is_changed_by_a_merge_patch_and_asks_again_when_it_moves(api, cast, clock):
    event = cast.event(cast.guest)
    clock.set_to(event.block.span.start)
    path = f"/v1/events/{event.id}"
    participation = f"{path}/participants/{cast.guest.id}"
    api.put(f"{participation}/response", json={"response": "accepted"})
    changed = api.patch(path, json={"title": "Planning II", "description": None})
    assert (changed.status_code, changed.json()["title"]) == (200, "Planning II")
    assert changed.headers["ETag"] == '"3"'
    moved = {"start": "2026-03-09T16:00", "end": "2026-03-09T17:00"}
    assert api.patch(f"{path}?keep_responses=true", json=moved).json()["start"] == "2026-03-09T16:00:00+01:00"
    assert api.get(participation).json()["response"] == "accepted"
    assert api.patch(path, json={"time_zone": "Europe/London"}).json()["end"] == "2026-03-09T16:00:00Z"
    assert api.get(participation).json()["response"] == "needs_action"


def test_a_patch_with_faults_changes_nothing(api, cast):
    event = cast.event()
    before = cast.rows()
    expected = {"/title": "wrong_type", "/host_id": "set_elsewhere", "/metadata": "wrong_type"}
    sent = {"title": None, "host_id": str(cast.guest.id), "metadata": 3}
    assert faults(problem(api.patch(f"/v1/events/{event.id}", json=sent), 422)) == expected
    assert faults(problem(api.patch(f"/v1/events/{event.id}", json={"end": "2026-03-09T10:00"}), 422)) == {
        "/end": "end_before_start"
    }
    assert cast.rows() == before


def test_an_event_is_cancelled_with_or_without_a_reason_and_stays_readable(api, cast):
    path = f"/v1/events/{cast.event().id}"
    cancelled = api.post(f"{path}/cancel", json={"reason": "The speaker is ill."})
    assert (cancelled.status_code, cancelled.json()["status"]) == (200, "cancelled")
    assert cancelled.json()["cancel_reason"] == "The speaker is ill."
    assert api.post(f"{path}/cancel").json() == cancelled.json() == api.get(path).json()
    problem(api.patch(path, json={"title": "x"}), 409, "event_cancelled")
    problem(api.post(f"{path}/transfer", json={"host_id": str(cast.guest.id)}), 409, "event_cancelled")
    silent = api.post(f"/v1/events/{cast.event().id}/cancel").json()
    assert silent["status"] == "cancelled"
    assert "cancel_reason" not in silent
    problem(api.post(f"{path}/cancel", json={"reason": "x" * 1_001}), 422, "invalid", "/reason")


def test_an_event_is_transferred(api, cast):
    path = f"/v1/events/{cast.event().id}"
    event = api.post(f"{path}/transfer", json={"host_id": str(cast.guest.id)}).json()
    assert (event["host_id"], event["version"]) == (str(cast.guest.id), 2)
    problem(api.post(f"{path}/transfer", json={"host_id": "usr_0000000000000001"}), 422, "invalid", "/host_id")
    problem(api.post(f"{path}/transfer", json={}), 422, "invalid", "/host_id")
    problem(api.post(f"{path}/transfer", json={"host_id": None}), 422, "invalid", "/host_id")
    api.delete(f"/v1/users/{cast.stranger.id}")
    document = problem(api.post(f"{path}/transfer", json={"host_id": str(cast.stranger.id)}), 422)
    assert faults(document) == {"/host_id": "user_inactive"}


def test_a_deleted_event_is_not_found(api, cast):
    path = f"/v1/events/{cast.event(cast.guest).id}"
    assert api.delete(path).status_code == 204
    for answer in (
        api.get(path),
        api.delete(path),
        api.patch(path, json={}),
        api.post(f"{path}/cancel"),
        api.post(f"{path}/transfer", json={"host_id": str(cast.guest.id)}),
    ):
        problem(answer, 404, "not_found")
    assert api.get("/v1/events").json()["items"] == []
