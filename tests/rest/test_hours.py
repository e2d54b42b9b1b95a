"""Working hours over HTTP."""

import pytest

from tests.api import faults, problem

WEEK = {day: [] for day in ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")}
NOBODY = "usr_0000000000000001"


@pytest.fixture
def path(cast):
    return f"/v1/users/{cast.guest.id}/working-hours"


def window(start, end):
    return {"start": start, "end": end}


def test_hours_are_set_read_and_removed(api, path):
    problem(api.get(path), 404, "not_found")
    body = {
        "weekly": WEEK | {"monday": [window("09:00", "17:00")], "friday": [window("22:00", "06:00")]},
        "overrides": [{"date": "2026-12-24", "windows": []}],
    }
    put = api.put(path, json=body)
    assert (put.status_code, put.json(), put.headers["ETag"]) == (200, body, '"1"')
    read = api.get(path)
    assert (read.json(), read.headers["ETag"]) == (body, '"1"')
    assert api.get(path, headers={"If-None-Match": '"1"'}).status_code == 304
    assert api.put(path, json=body).headers["ETag"] == '"1"'
    problem(api.put(path, json=body, headers={"If-Match": '"2"'}), 412, "stale_version")
    problem(api.delete(path, headers={"If-Match": '"2"'}), 412, "stale_version")
    assert api.put(path, json={"weekly": {}}, headers={"If-Match": '"1"'}).headers["ETag"] == '"2"'
    assert api.delete(path, params={"dry_run": "true"}).status_code == 204
    assert api.delete(path, headers={"If-Match": '"2"'}).status_code == 204
    problem(api.get(path), 404, "not_found")
    problem(api.delete(path), 404, "not_found")
    assert api.put(path, json=body).headers["ETag"] == '"4"', "no version comes again"


def test_windows_are_shown_in_order_and_merged(api, path):
    put = api.put(
        path,
        json={
            "weekly": {
                "monday": [window("13:00", "17:00"), window("09:00", "12:00"), window("12:00", "13:00")],
                "tuesday": [window("00:00", "24:00")],
                "wednesday": [window("18:00", "00:00")],
                "thursday": [window("12:00", "24:00"), window("23:00", "13:00")],
            },
            "overrides": [
                {"date": "2026-12-31", "windows": [window("09:00", "12:00")]},
                {"date": "2026-12-24"},
            ],
        },
    )
    assert put.json() == {
        "weekly": WEEK
        | {
            "monday": [window("09:00", "17:00")],
            "tuesday": [window("00:00", "24:00")],
            "wednesday": [window("18:00", "24:00")],
            "thursday": [window("12:00", "24:00"), window("23:00", "13:00")],  # 25 hours would read like one
        },
        "overrides": [
            {"date": "2026-12-24", "windows": []},
            {"date": "2026-12-31", "windows": [window("09:00", "12:00")]},
        ],
    }
    assert api.put(path, json=put.json()).headers["ETag"] == put.headers["ETag"]


def test_all_faults_are_reported_together(api, path):
    body = {
        "weekly": {"monday": [window("9:00", "25:00"), {"start": "10:00"}], "funday": []},
        "overrides": [{"date": "2026-02-30"}, {"windows": []}],
    }
    assert faults(problem(api.put(path, json=body), 422, "invalid")) == {
        "/weekly/monday/0/start": "invalid_time",
        "/weekly/monday/0/end": "invalid_time",
        "/weekly/monday/1/end": "missing",
        "/weekly/funday": "unknown_field",
        "/overrides/0/date": "invalid_time",
        "/overrides/1/date": "missing",
    }
    body = {
        "weekly": {"sunday": [window("09:00", "09:00"), window("09:00", "10:00")]},
        "overrides": [{"date": "2026-02-28"}, {"date": "2026-02-28", "windows": [window("24:00", "06:00")]}],
    }
    assert faults(problem(api.put(path, json=body), 422, "invalid")) == {
        "/weekly/sunday/0": "invalid_window",
        "/overrides/1/date": "duplicate_date",
        "/overrides/1/windows/0": "invalid_window",
    }


@pytest.mark.parametrize(
    "body", [{}, {"weekly": None}, {"weekly": []}, {"weekly": {"monday": [window("09:00", "17:00")] * 51}}]
)
def test_bad_hours_are_refused(api, cast, path, body):
    before = cast.rows()
    problem(api.put(path, json=body), 422, "invalid")
    assert cast.rows() == before


def test_hours_of_unknown_users_are_not_found(api):
    path = f"/v1/users/{NOBODY}/working-hours"
    for answer in (api.get(path), api.put(path, json={"weekly": {}}), api.delete(path)):
        problem(answer, 404, "not_found")
