"""Holds over HTTP."""

import pytest

from kalends.rules.intervals import SECOND
from kalends.rules.zones import from_instant
from tests.api import client, faults, problem
from tests.cast import instant

MORNING = instant("2026-03-09T08:00+01:00")
NOBODY = "usr_0000000000000001"
SLOT = {"start": "2026-03-09T14:00", "end": "2026-03-09T15:00", "time_zone": "Europe/Berlin"}


@pytest.fixture(autouse=True)
def on_the_morning(clock):
    clock.set_to(MORNING)


@pytest.fixture
def placed(api, cast):
    answer = api.post("/v1/holds", json={"user_ids": [str(cast.guest.id)], "ttl": 60, **SLOT})
    assert answer.status_code == 201
    return answer


def test_a_hold_is_placed_read_and_released(api, cast, placed):
    body = placed.json()
    assert body == {
        "id": body["id"],
        "user_ids": [str(cast.guest.id)],
        "start": "2026-03-09T13:00:00Z",
        "end": "2026-03-09T14:00:00Z",
        "expires_at": "2026-03-09T07:01:00Z",
        "extended": False,
        "created_at": "2026-03-09T07:00:00Z",
        "placed_by": None,
    }
    assert body["id"].startswith("hld_")
    path = placed.headers["Location"]
    assert path == f"/v1/holds/{body['id']}"
    assert api.get(path).json() == body
    assert api.delete(path, params={"dry_run": "true"}).status_code == 204
    assert api.get(path).json() == body
    assert api.delete(path).status_code == 204
    for gone in (api.get(path), api.delete(path), api.post(path + "/extend")):
        problem(gone, 404, "not_found")


def test_a_hold_is_extended_once_with_or_without_saying_how_long(api, placed, clock):
    path = placed.headers["Location"]
    clock.set_to(MORNING + 30 * SECOND)
    extended = api.post(path + "/extend")
    assert extended.status_code == 200
    assert (extended.json()["extended"], extended.json()["expires_at"]) == (True, "2026-03-09T07:05:30Z")
    problem(api.post(path + "/extend", json={"ttl": 900}), 409, "hold_extended")
    clock.set_to(MORNING + 330 * SECOND)
    problem(api.get(path), 404, "not_found")


def test_a_slot_that_is_held_cannot_be_held_again(api, cast, placed):
    document = problem(api.post("/v1/holds", json={"user_ids": [str(cast.guest.id)], **SLOT}), 409, "conflict")
    conflict = {"start": "2026-03-09T13:00:00Z", "end": "2026-03-09T14:00:00Z", "strength": "busy"}
    assert document["conflicts"] == [{"user_id": str(cast.guest.id), **conflict}]


def test_all_faults_are_reported_together(api, cast):
    people = [str(cast.guest.id), NOBODY, str(cast.guest.id)]
    body = {
        "user_ids": people,
        "start": "2026-03-29T02:30",
        "end": "2026-03-29T03:30:00.5",
        "time_zone": "Europe/Berlin",
    }
    assert faults(problem(api.post("/v1/holds", json=body), 422, "invalid")) == {
        "/user_ids/1": "unknown_user",
        "/user_ids/2": "duplicate_user",
        "/start": "nonexistent_time",
        "/end": "invalid_time",
    }
    assert faults(problem(api.post("/v1/holds", json=body | SLOT | {"end": "2026-03-09T14:00"}), 422, "invalid")) == {
        "/user_ids/1": "unknown_user",
        "/user_ids/2": "duplicate_user",
        "/end": "end_before_start",
    }


@pytest.mark.parametrize(
    ("change", "found"),
    [
        ({"ttl": 0}, {"/ttl": "out_of_range"}),
        ({"ttl": 901, "user_ids": []}, {"/ttl": "out_of_range", "/user_ids": "too_short"}),
        ({"ttl": "60"}, {"/ttl": "wrong_type"}),
        ({"user_ids": ["usr_1"], "more": 1}, {"/user_ids/0": "invalid_id", "/more": "unknown_field"}),
        ({"time_zone": None}, {"/start": "time_zone_required", "/end": "time_zone_required"}),
        ({"time_zone": "Mars/Olympus"}, {"/time_zone": "unknown_zone"}),
        ({"start": "14:00"}, {"/start": "invalid_time"}),
        ({"end": "2026-03-11T14:00"}, {"/end": "not_one_day"}),
    ],
)
def test_bad_holds_are_refused(api, cast, change, found):
    body = {"user_ids": [str(cast.guest.id)], **SLOT} | change
    assert faults(problem(api.post("/v1/holds", json=body), 422, "invalid")) == found


@pytest.mark.parametrize("body", [{"ttl": 0}, {"ttl": 901}, {"tttl": 5}])
def test_bad_extensions_are_refused(api, placed, body):
    problem(api.post(placed.headers["Location"] + "/extend", json=body), 422, "invalid")


def test_retrying_with_a_key_places_one_hold(api, cast):
    body = {"user_ids": [str(cast.guest.id)], **SLOT}
    first, second = (api.post("/v1/holds", json=body, headers={"Idempotency-Key": "one"}) for _ in range(2))
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json() == second.json()
    assert first.json()["created_at"] == from_instant(MORNING).isoformat().replace("+00:00", "Z")


def held_by_host(app, cast, *people, day=9):
    """Return a hold that the host places with a token of their own."""
    times = {name: f"2026-03-{day:02}T{hour}:00+01:00" for name, hour in (("start", 14), ("end", 15))}
    with client(app, cast.token_for(cast.host)) as caller:
        answer = caller.post("/v1/holds", json={"user_ids": [str(one.id) for one in people], **times})
    assert answer.status_code == 201
    return answer.json()


def test_people_in_a_hold_see_it_and_release_it_for_themselves(app, api, cast):
    made = held_by_host(app, cast, cast.guest, cast.stranger)
    path = f"/v1/holds/{made['id']}"
    assert made["placed_by"] == str(cast.host.id)
    with client(app, cast.token_for(cast.guest)) as guest:
        shown = made | {"user_ids": [str(cast.guest.id)]}
        assert guest.get(path).json() == shown
        assert guest.get("/v1/holds").json() == {"items": [shown], "next_cursor": None}
        problem(guest.post(path + "/extend"), 403, "forbidden")
        assert guest.delete(path, params={"dry_run": "true"}).status_code == 204
        assert api.get(path).json() == made
        assert guest.delete(path).status_code == 204
        problem(guest.delete(path), 404, "not_found")
        problem(guest.get(path), 404, "not_found")
    assert api.get(path).json() == made | {"user_ids": [str(cast.stranger.id)]}


def test_holds_are_listed_page_by_page(app, api, cast, clock):
    made = [held_by_host(app, cast, cast.guest, day=day) for day in (9, 10, 11)]
    first = api.get("/v1/holds", params={"limit": 2}).json()
    assert first["items"] == made[:2]
    following = {"limit": 2, "cursor": first["next_cursor"]}
    assert api.get("/v1/holds", params=following).json() == {"items": made[2:], "next_cursor": None}
    other = following | {"user_id": str(cast.guest.id)}
    assert faults(problem(api.get("/v1/holds", params=other), 422, "invalid")) == {"/cursor": "invalid_cursor"}
    assert api.get("/v1/holds", params={"user_id": str(cast.guest.id)}).json()["items"] == made
    assert api.get("/v1/holds", params={"user_id": str(cast.stranger.id)}).json()["items"] == []
    with client(app, cast.token_for(cast.stranger)) as stranger:
        assert stranger.get("/v1/holds").json() == {"items": [], "next_cursor": None}
        problem(stranger.get("/v1/holds", params={"user_id": str(cast.guest.id)}), 403, "forbidden")
    clock.set_to(MORNING + 300 * SECOND)
    assert api.get("/v1/holds").json()["items"] == []


def test_the_holds_of_one_person_are_limited(app, api, cast):
    people = [str(cast.person().id) for _ in range(21)]
    body = {"user_ids": people, "start": "2026-03-10T09:00Z", "end": "2026-03-10T19:00Z"}
    with client(app, cast.token_for(cast.host)) as caller:
        document = problem(caller.post("/v1/holds", json=body), 422, "invalid")
        assert faults(document) == {"": "too_much_held"}
        assert "would keep 210.00 with this one, and 200 is the most" in document["errors"][0]["message"]
        assert caller.post("/v1/holds", json=body | {"user_ids": people[:20]}).status_code == 201
    assert (
        api.post("/v1/holds", json=body | {"start": "2026-03-11T09:00Z", "end": "2026-03-11T19:00Z"}).status_code == 201
    )
