"""Requests that would take too long are refused at the start, with what to request instead."""

import pytest
import sqlalchemy as sa

from kalends.errors import Invalid
from kalends.limits import MAX_WINDOWS
from kalends.reads.availability import busy_times
from kalends.rest import find_time, freebusy
from kalends.store.query import Query
from tests.api import client, faults, problem
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


def test_the_number_of_commitments_that_are_read_is_limited(cast):
    """The limit is exact, whether or not the users exist."""
    cast.event(cast.guest)
    cast.event(cast.guest)
    people = [cast.host.id, cast.guest.id, cast.stranger.id]
    assert len(cast.ask(busy_times, people, AFTERNOON, most=4)[cast.guest.id].periods) == 2
    with cast.refused(Invalid) as caught:
        cast.ask(busy_times, people, AFTERNOON, most=3)
    assert [fault.code for fault in caught.value.faults] == ["too_many_commitments"]


def search(api, cast, **details):
    windows = [{"from": "2026-03-09", "to": "2026-03-10"}]
    return api.post(
        "/v1/find-time", json={"required": [str(cast.guest.id)], "duration": 60, "between": windows} | details
    )


def test_the_cost_of_a_search_is_estimated_before_it_begins(api, cast, monkeypatch):
    cast.event(cast.guest)
    cast.event(cast.guest)
    assert search(api, cast).status_code == 200
    monkeypatch.setattr(find_time, "MAX_SEARCHED_COMMITMENTS", 1)
    document = problem(search(api, cast), 422, "invalid")
    assert document["detail"].endswith("events and holds in that time: ask for less time or fewer users")
    monkeypatch.setattr(find_time, "MAX_SEARCHED_COMMITMENTS", 24 * 60 // find_time.STARTS_A_COMMITMENT + 1)
    assert search(api, cast).status_code == 200
    problem(search(api, cast, step=1), 422, "invalid")


def test_free_busy_reads_working_hours_only_on_request_and_limits_them(api, cast, monkeypatch):
    body = {"user_ids": [str(cast.guest.id), str(cast.host.id)], **DAY}
    for person in (cast.guest, cast.host):
        week = {"weekly": {"monday": HALF_HOURS}}
        assert api.put(f"/v1/users/{person.id}/working-hours", json=week).status_code == 200
    monkeypatch.setattr(freebusy, "MAX_SHOWN_WINDOWS", 95)
    assert api.post("/v1/free-busy", json=body).status_code == 200
    document = problem(api.post("/v1/free-busy", json=body | {"working_hours": True}), 422, "invalid")
    assert faults(document) == {"/working_hours": "too_many_windows"}
    monkeypatch.setattr(freebusy, "MAX_SHOWN_WINDOWS", 96)
    assert api.post("/v1/free-busy", json=body | {"working_hours": True}).status_code == 200


def test_a_user_has_two_thousand_windows_at_most(api, cast):
    path = f"/v1/users/{cast.guest.id}/working-hours"
    dates = [
        {"date": f"2026-{month:02}-{day:02}", "windows": HALF_HOURS[:40]}
        for month in range(1, 6)
        for day in range(1, 11)
    ]
    assert len(dates) * 40 == MAX_WINDOWS
    assert api.put(path, json={"weekly": {}, "overrides": dates}).status_code == 200
    document = problem(api.put(path, json={"weekly": {"monday": HALF_HOURS[:1]}, "overrides": dates}), 422, "invalid")
    assert faults(document) == {"/overrides": "too_many_windows"}


@pytest.mark.measured
@pytest.mark.parametrize(("events", "letters"), [(9, "x" * 600_000), (9, "é" * 300_000), (30, "x" * 600_000)])
def test_a_page_ends_before_it_is_too_large(api, cast, events, letters):
    """Thirty such events are more than a server reads at once; a page shows at most six."""
    made = [str(cast.event().id) for _ in range(events)]
    large = Query(sa.text("UPDATE event SET description = :text WHERE organization_id = :org"))
    cast.database.write(lambda tx: tx.run(large, text=letters, org=cast.actor.organization_id))
    page = api.get("/v1/events?limit=100").json()
    found = [event["id"] for event in page["items"]]
    assert len(found) == 6
    while page["next_cursor"]:
        page = api.get("/v1/events", params={"limit": 100, "cursor": page["next_cursor"]}).json()
        found += [event["id"] for event in page["items"]]
    assert found == made


@pytest.mark.measured
def test_an_event_that_is_too_large_for_any_page_is_refused(api, cast):
    """An event can only be so large if somebody writes to the database by hand."""
    for _ in range(20):
        cast.event()
    large = Query(sa.text("UPDATE event SET description = :text WHERE organization_id = :org"))
    cast.database.write(lambda tx: tx.run(large, text="x" * 1_000_000, org=cast.actor.organization_id))
    refused = api.get("/v1/events?limit=50")
    assert problem(refused, 503, "too_expensive")["detail"].endswith("a smaller limit or fewer users.")
    assert "Retry-After" not in refused.headers


def test_lists_show_a_hundred_participants_of_an_event_and_say_so(app, api, cast):
    people = [cast.person() for _ in range(103)]
    event = cast.event(*people, hide_participants=True)
    path = f"/v1/events/{event.id}?expand=participants"
    (listed,) = api.get("/v1/events?expand=participants").json()["items"]
    whole = api.get(path).json()
    assert (listed["participants"], listed["participants_truncated"]) == (whole["participants"][:100], True)
    assert len(whole["participants"]) == 104
    assert "participants_truncated" not in whole
    last = client(app, cast.token_for(people[-1]))
    for query in ("expand=participants", f"expand=participants&host_id={cast.host.id}"):
        (listed,) = last.get(f"/v1/events?{query}").json()["items"]
        assert [guest["user_id"] for guest in listed["participants"]] == [str(cast.host.id), str(people[-1].id)]
        assert listed == last.get(path).json(), "the rest is hidden, and not cut off"
