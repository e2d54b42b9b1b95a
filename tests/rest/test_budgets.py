"""What would take long to answer is refused before it begins, with what to ask for instead."""

import pytest
import sqlalchemy as sa

from kalends.errors import Invalid
from kalends.reads.availability import peoples_time
from kalends.rest import finding, freebusy, hours
from kalends.store.query import Query
from tests.api import faults, problem
from tests.cast import instant
from tests.rules.spans import span

DAY = {"from": "2026-03-09", "to": "2026-03-10", "time_zone": "Europe/Berlin"}
AFTERNOON = span(instant("2026-03-09T14:00+01:00"), instant("2026-03-09T15:00+01:00"))
HALF_HOURS = [
    {"start": f"{hour:02}:{minute:02}", "end": f"{hour:02}:{minute + 15}"} for hour in range(24) for minute in (0, 30)
]


@pytest.fixture(autouse=True)
def before_it_all(clock):
    clock.set_to(instant("2026-03-01T00:00Z"))


def test_so_many_commitments_are_read_and_no_more(cast):
    """The last that fits is told from one too many, whoever is there and whoever is not."""
    cast.event(cast.guest)
    cast.event(cast.guest)
    people = [cast.host.id, cast.guest.id, cast.stranger.id]
    assert len(cast.ask(peoples_time, people, AFTERNOON, most=4)[cast.guest.id].periods) == 2
    with cast.refused(Invalid) as caught:
        cast.ask(peoples_time, people, AFTERNOON, most=3)
    assert [fault.code for fault in caught.value.faults] == ["too_many_commitments"]


def search(api, cast, **details):
    windows = [{"from": "2026-03-09", "to": "2026-03-10"}]
    return api.post(
        "/v1/find-time", json={"required": [str(cast.guest.id)], "duration": 60, "between": windows} | details
    )


def test_a_search_is_reckoned_before_it_begins(api, cast, monkeypatch):
    cast.event(cast.guest)
    cast.event(cast.guest)
    assert search(api, cast).status_code == 200
    monkeypatch.setattr(finding, "MOST_SEARCHED", 1)
    document = problem(search(api, cast), 422, "invalid")
    assert document["detail"].endswith("events and holds in that time: ask for less time or fewer users")
    monkeypatch.setattr(finding, "MOST_SEARCHED", 24 * 60 // finding.STARTS_A_COMMITMENT + 1)
    assert search(api, cast).status_code == 200
    problem(search(api, cast, step=1), 422, "invalid")


def test_free_busy_reads_working_hours_only_if_asked_and_shows_so_many_at_most(api, cast, monkeypatch):
    body = {"user_ids": [str(cast.guest.id), str(cast.host.id)], **DAY}
    for person in (cast.guest, cast.host):
        week = {"weekly": {"monday": HALF_HOURS}}
        assert api.put(f"/v1/users/{person.id}/working-hours", json=week).status_code == 200
    monkeypatch.setattr(freebusy, "MOST_WINDOWS", 95)
    assert api.post("/v1/free-busy", json=body).status_code == 200
    document = problem(api.post("/v1/free-busy", json=body | {"working_hours": True}), 422, "invalid")
    assert faults(document) == {"/working_hours": "too_many_windows"}
    monkeypatch.setattr(freebusy, "MOST_WINDOWS", 96)
    assert api.post("/v1/free-busy", json=body | {"working_hours": True}).status_code == 200


def test_a_user_has_two_thousand_windows_at_most(api, cast):
    path = f"/v1/users/{cast.guest.id}/working-hours"
    dates = [
        {"date": f"2026-{month:02}-{day:02}", "windows": HALF_HOURS[:40]}
        for month in range(1, 6)
        for day in range(1, 11)
    ]
    assert len(dates) * 40 == hours.MOST_WINDOWS
    assert api.put(path, json={"weekly": {}, "overrides": dates}).status_code == 200
    document = problem(api.put(path, json={"weekly": {"monday": HALF_HOURS[:1]}, "overrides": dates}), 422, "invalid")
    assert faults(document) == {"/overrides": "too_many_windows"}


@pytest.mark.measured
def test_a_page_that_is_larger_than_a_server_holds_is_refused_and_a_smaller_one_is_not(api, cast):
    """Twenty events of a megabyte each, as a list of all would hold them if each had hundreds of talkative people."""
    for _ in range(20):
        cast.event()
    large = Query(sa.text("UPDATE event SET description = :text WHERE organization_id = :org"))
    cast.database.write(lambda tx: tx.run(large, text="x" * 1_000_000, org=cast.actor.organization_id))
    refused = api.get("/v1/events?limit=50")
    assert problem(refused, 503, "too_expensive")["detail"].endswith("a smaller limit or fewer users.")
    assert "Retry-After" not in refused.headers
    page = api.get("/v1/events?limit=5")
    assert (page.status_code, len(page.json()["items"])) == (200, 5)
