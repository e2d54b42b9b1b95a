"""Users' time over HTTP: the pool and free/busy."""

from datetime import date, timedelta

import pytest

from kalends.actions.holds import place_hold
from kalends.actions.participants import answer_invitation
from kalends.drafts import ResponseUpdate
from kalends.rules.zones import read_time
from tests.api import faults, problem
from tests.cast import instant
from tests.rules.spans import span

NOBODY = "usr_0000000000000001"
START, END = "2026-03-09T14:00:00+01:00", "2026-03-09T15:00:00+01:00"
SLOT = span(instant(START), instant(END))
BERLIN = {"time_zone": "Europe/Berlin"}
HOURS = {"weekly": {"monday": [{"start": "09:00", "end": "17:00"}]}}


@pytest.fixture(autouse=True)
def before_it_all(clock):
    clock.set_to(instant("2026-03-01T00:00Z"))


# ---- the pool


def names(answer):
    assert answer.status_code == 200, answer.text
    return [user["name"].split()[0] for user in answer.json()["items"]]


def test_the_pool_of_a_block(api, cast):
    cast.event(cast.guest)
    block = {"available_from": START, "available_to": END}
    assert names(api.get("/v1/users", params=block)) == ["Stella"]
    assert names(api.get("/v1/users", params=block | {"q": "gustav"})) == []
    local = {"available_from": "2026-03-09T15:00", "available_to": "2026-03-09T16:00"}
    assert names(api.get("/v1/users", params=local | BERLIN)) == ["Gustav", "Hanna", "Stella"]
    assert names(api.get("/v1/users", params={"available_from": "2026-03-09", "available_to": "2026-03-10"})) == [
        "Stella"
    ]
    first = api.get("/v1/users", params=local | BERLIN | {"limit": 2})
    rest = api.get("/v1/users", params=local | BERLIN | {"cursor": first.json()["next_cursor"]})
    assert (names(first), names(rest)) == (["Gustav", "Hanna"], ["Stella"])


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"available_from": START}, {"/available_to": "missing"}),
        ({"available_to": END}, {"/available_from": "missing"}),
        ({"available_from": END, "available_to": START}, {"/available_to": "empty_span"}),
        ({"available_from": START, "available_to": START}, {"/available_to": "empty_span"}),
        (
            {"available_from": "x", "available_to": "24:00"},
            {"/available_from": "invalid_time", "/available_to": "invalid_time"},
        ),
        (
            BERLIN | {"available_from": "2026-03-29T02:30", "available_to": "2026-03-29T02:45"},
            {"/available_from": "nonexistent_time", "/available_to": "nonexistent_time"},
        ),
    ],
)
def test_a_bad_block_has_no_pool(api, query, found):
    document = problem(api.get("/v1/users", params=query), 422, "invalid")
    assert faults(document) == found
    assert {fault["in"] for fault in document["errors"]} == {"query"}


def test_the_pool_of_an_event(api, cast):
    path = f"/v1/events/{cast.event(host_attends=False).id}/available-users"
    first = api.get(path, params={"limit": 2})
    assert names(first) == ["Gustav", "Hanna"]
    assert names(api.get(path, params={"limit": 2, "cursor": first.json()["next_cursor"]})) == ["Stella"]
    assert names(api.get(path, params={"q": "STELLA"})) == ["Stella"]
    cast.event(cast.guest)
    assert names(api.get(path)) == ["Stella"]
    problem(api.get("/v1/events/evt_0000000000000001/available-users"), 404, "not_found")
    problem(api.get(path, params={"cursor": "x", "limit": 2}), 422, "invalid", "/cursor")


# ---- free/busy


def free_busy(api, *people, **details):
    body = {"user_ids": [str(who) for who in people], "from": "2026-03-09", "to": "2026-03-10", **BERLIN} | details
    return api.post("/v1/free-busy", json=body)


def test_free_busy_is_merged_and_ordered_without_details(api, cast):
    event = cast.event(cast.guest, title="Secret")
    cast.do(answer_invitation, event.id, cast.guest.id, ResponseUpdate(response="accepted"))
    cast.event(cast.guest, start=read_time("2026-03-09T14:30"), end=read_time("2026-03-09T15:30"))
    cast.event(cast.guest, start=read_time("2026-03-09T08:00"), end=read_time("2026-03-09T09:00"))
    answer = free_busy(api, cast.guest.id, cast.stranger.id)
    assert answer.json() == {
        "from": "2026-03-09T00:00:00+01:00",
        "to": "2026-03-10T00:00:00+01:00",
        "time_zone": "Europe/Berlin",
        "items": [
            {
                "user_id": str(cast.guest.id),
                "periods": [
                    {"start": "2026-03-09T08:00:00+01:00", "end": "2026-03-09T09:00:00+01:00", "strength": "tentative"},
                    {"start": START, "end": END, "strength": "busy"},
                    {"start": END, "end": "2026-03-09T15:30:00+01:00", "strength": "tentative"},
                ],
            },
            {"user_id": str(cast.stranger.id), "periods": []},
        ],
    }
    assert "Secret" not in answer.text


def test_periods_are_clipped_to_the_requested_window(api, cast):
    cast.do(place_hold, [cast.guest.id], SLOT, 60)
    (item,) = free_busy(api, cast.guest.id, **{"from": "2026-03-09T14:20", "to": "2026-03-09T14:40"}).json()["items"]
    period = {"start": "2026-03-09T14:20:00+01:00", "end": "2026-03-09T14:40:00+01:00", "strength": "busy"}
    assert item["periods"] == [period]


def test_an_unknown_user_is_an_error_in_their_item(api, cast):
    first, second, third = free_busy(api, cast.guest.id, NOBODY, cast.guest.id, working_hours=True).json()["items"]
    assert first == third == {"user_id": str(cast.guest.id), "periods": [], "working_hours": None}
    assert second == {
        "user_id": NOBODY,
        "error": {"code": "unknown_user", "message": f"there is no user {NOBODY}: check the id"},
    }


def test_working_hours_are_shown_on_request(api, cast):
    api.put(f"/v1/users/{cast.guest.id}/working-hours", json=HOURS)
    (item,) = free_busy(api, cast.guest.id, working_hours=True, to="2026-03-17").json()["items"]
    assert item["working_hours"] == [
        {"start": f"2026-03-{day}T09:00:00+01:00", "end": f"2026-03-{day}T17:00:00+01:00"} for day in ("09", "16")
    ]
    (item,) = free_busy(api, cast.guest.id).json()["items"]
    assert "working_hours" not in item


def test_the_limits_of_free_busy(api, cast):
    assert free_busy(api, *[cast.guest.id] * 200).status_code == 200
    assert faults(problem(free_busy(api, *[cast.guest.id] * 201), 422)) == {"/user_ids": "too_long"}
    assert faults(problem(free_busy(api), 422)) == {"/user_ids": "too_short"}
    for first in ("2026-08-01", "2026-01-10", "2026-02-15"):  # with a day of 25 hours, with none, with one of 23
        start = date.fromisoformat(first)
        bounds = {"from": first, "to": str(start + timedelta(days=92))}
        assert free_busy(api, cast.guest.id, **bounds).status_code == 200
        document = problem(free_busy(api, cast.guest.id, **bounds | {"to": str(start + timedelta(days=93))}), 422)
        assert faults(document) == {"/to": "window_too_long"}


@pytest.mark.parametrize(
    ("change", "found"),
    [
        ({"from": "2026-03-10"}, {"/to": "empty_span"}),
        ({"from": "x", "to": "2026-13-01"}, {"/from": "invalid_time", "/to": "invalid_time"}),
        ({"time_zone": "Mars"}, {"/time_zone": "unknown_zone"}),
        ({"time_zone": None}, {"/time_zone": "wrong_type"}),
        (
            {"user_ids": ["x", 1], "working_hours": 1},
            {"/user_ids/0": "invalid_id", "/user_ids/1": "wrong_type", "/working_hours": "wrong_type"},
        ),
        ({"from": "1900-01-01", "to": "9998-12-31"}, {"/to": "window_too_long"}),
    ],
)
def test_bad_requests_for_free_busy(api, cast, change, found):
    assert faults(problem(free_busy(api, cast.guest.id, **change), 422, "invalid")) == found
