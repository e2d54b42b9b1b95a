"""Times over HTTP: skipped midnights, offsets whose plus sign was lost, and one format of instants."""

import pytest

from kalends.model import Zone
from kalends.rules.zones import read_time
from tests.api import ZERO_OFFSET, client, faults, problem
from tests.cast import instant

EVE, DAY = "2026-09-05", "2026-09-06"
"""In Santiago the second begins at 01:00."""
MIDNIGHTS = (f"{EVE}T24:00", f"{DAY}T00:00", f"{DAY}T00:00:00", f"{DAY}T01:00")
SANTIAGO = {"time_zone": "America/Santiago"}
END = "2026-09-06T01:00:00-03:00"


@pytest.fixture(autouse=True)
def before_it_all(clock):
    clock.set_to(instant("2026-03-01T00:00Z"))


def event_in_santiago(api, cast, end):
    sent = {"host_id": str(cast.host.id), "title": "Cierre", "start": f"{EVE}T22:00", "end": end}
    return api.post("/v1/events", json=sent | SANTIAGO)


@pytest.mark.parametrize("midnight", MIDNIGHTS)
def test_an_event_ends_at_a_skipped_midnight_in_every_notation(api, cast, midnight):
    made = event_in_santiago(api, cast, midnight)
    assert (made.status_code, made.json()["end"]) == (201, END)
    shorter = api.patch(f"/v1/events/{made.json()['id']}", json={"end": f"{EVE}T23:00"})
    assert shorter.json()["end"] == f"{EVE}T23:00:00-04:00"
    assert api.patch(f"/v1/events/{made.json()['id']}", json={"end": midnight}).json()["end"] == END


@pytest.mark.parametrize("midnight", MIDNIGHTS[:3])
def test_no_event_starts_at_a_skipped_midnight(api, cast, midnight):
    sent = {"host_id": str(cast.host.id), "title": "x", "start": midnight, "end": f"{DAY}T03:00"} | SANTIAGO
    answer = api.post("/v1/events", json=sent)
    if midnight.endswith("24:00"):
        assert answer.json()["start"] == END
    else:
        assert faults(problem(answer, 422)) == {"/start": "nonexistent_time"}


@pytest.mark.parametrize("midnight", MIDNIGHTS)
def test_a_skipped_midnight_bounds_a_window_in_every_notation(api, cast, midnight):
    event_in_santiago(api, cast, MIDNIGHTS[0])
    people = [str(cast.host.id)]
    hours = {"from": f"{EVE}T23:00", "to": midnight}
    later = {"from": midnight, "to": f"{DAY}T04:00"}
    busy = api.post("/v1/free-busy", json={"user_ids": people, **SANTIAGO, **hours}).json()
    assert (busy["to"], len(busy["items"][0]["periods"])) == (END, 1)
    free = api.post("/v1/free-busy", json={"user_ids": people, **SANTIAGO, **later}).json()
    assert (free["from"], free["items"][0]["periods"]) == (END, [])
    for window, count in ((hours, 1), (later, 0)):
        assert len(api.get("/v1/events", params=SANTIAGO | window).json()["items"]) == count
        assert api.get("/v1/audit", params=SANTIAGO | window).status_code == 200
        pool = {f"available_{name}": text for name, text in window.items()}
        assert len(api.get("/v1/users", params=SANTIAGO | pool).json()["items"]) == 3 - count
        wanted = {"required": people, "duration": 60, "between": [window], **SANTIAGO}
        assert bool(api.post("/v1/find-time", json=wanted).json()["slots"]) == (count == 0)
    asked = {"user_id": people[0], "start": f"{EVE}T23:00", "end": midnight, **SANTIAGO}
    assert api.post("/v1/explain", json=asked).status_code == 200
    asked = {"user_ids": [str(cast.guest.id)], "start": f"{EVE}T23:00", "end": midnight, **SANTIAGO}
    assert api.post("/v1/holds", json=asked).json()["end"] == "2026-09-06T04:00:00Z"


@pytest.mark.parametrize(("sign", "count"), [("+", 1), ("%2B", 1), ("%20", 1), ("-", 0)])
def test_the_plus_of_an_offset_may_have_become_a_space(api, cast, sign, count):
    cast.event()  # 14:00 to 15:00 in Berlin
    since, until = f"2026-03-09T14:00{sign}01:00", f"2026-03-09T15:00:00.0{sign}01:00"
    for names, path in ((("from", "to"), "/v1/events"), (("available_from", "available_to"), "/v1/users")):
        answer = api.get(f"{path}?{names[0]}={since}&{names[1]}={until}")
        assert answer.status_code == 200, answer.text
        assert len(answer.json()["items"]) == (count if path == "/v1/events" else 3 - count)
    assert api.get(f"/v1/audit?from={since}&to={until}").status_code == 200


def test_a_space_is_left_alone_where_it_can_mean_something_else(api, cast):
    cast.event(title="at 14:00 02:00 sharp", start=read_time("2026-03-09 14:00"), end=read_time("2026-03-09 15:00"))
    found = api.get("/v1/events?from=2026-03-09+13:00&to=2026-03-09+14:00&q=14:00+02:00").json()["items"]
    assert len(found) == 1
    assert api.get("/v1/events?from=2026-03-09+14:00&q=14:00%2B02:00").json()["items"] == []
    sent = {"host_id": str(cast.guest.id), "title": "x", "start": "2026-03-09T14:00 02:00", "end": "2026-03-09T15:00Z"}
    assert faults(problem(api.post("/v1/events", json=sent), 422)) == {"/start": "invalid_time"}


def test_an_instant_without_an_offset_is_written_with_a_z_in_every_answer(api, cast):
    """The client of the tests checks every answer: see ZERO_OFFSET."""
    for zone in ("UTC", "Europe/London", "Africa/Abidjan"):
        event = cast.event(time_zone=Zone(zone))
        assert (event.block.start_local, event.block.end_local) == ("2026-03-09T14:00:00Z", "2026-03-09T15:00:00Z")
        assert api.get(f"/v1/events/{event.id}").json()["start"] == "2026-03-09T14:00:00Z"


def test_the_client_of_the_tests_refuses_an_answer_with_another_notation():
    def app(environ, start_response):
        start_response("200 OK", [("Content-Type", "application/json")])
        return [b'{"start":"2026-03-09T14:00:00+00:00"}']

    with client(app) as connected, pytest.raises(AssertionError, match="Z"):
        connected.get("/")
    assert not ZERO_OFFSET.search(b'{"start":"2026-03-09T14:00:00Z"}')
