"""Double booking over HTTP: refused with all conflicts, or saved with the list of conflicts."""

import pytest

from kalends.actions.holds import place_hold
from kalends.actions.participants import answer_invitation
from kalends.drafts import ResponseUpdate
from kalends.model import EventId, Visibility
from kalends.rules.zones import read_time
from tests.api import problem
from tests.cast import instant
from tests.rules.spans import span

START, END = "2026-03-09T14:00:00+01:00", "2026-03-09T15:00:00+01:00"
HALF_PAST = "2026-03-09T14:30:00+01:00"
SLOT = span(instant(START), instant(END))


@pytest.fixture(autouse=True)
def before_it_all(clock):
    clock.set_to(instant("2026-03-01T00:00Z"))


@pytest.fixture
def taken(cast):
    """Create an event of host and guest from 14:00 to 15:00."""
    return cast.event(cast.guest)


def expected_conflict(who, event=None, strength="busy", start=START):
    body = {"user_id": str(who.id), "start": start, "end": END, "strength": strength}
    return body | ({"event_id": str(event.id)} if event else {})


def draft(host, *guests, **details):
    people = [{"user_id": str(guest.id)} for guest in guests]
    body = {"host_id": str(host.id), "title": "Another", "start": "2026-03-09T14:30", "end": "2026-03-09T15:30"}
    return body | {"time_zone": "Europe/Berlin", "participants": people} | details


def test_people_who_are_needed_and_not_free_are_named(api, cast, taken):
    before = cast.rows()
    document = problem(api.post("/v1/events", json=draft(cast.stranger, cast.host, cast.guest)), 409, "conflict")
    assert document["conflicts"] == [
        expected_conflict(cast.host, taken),
        expected_conflict(cast.guest, taken, "tentative"),
    ]
    assert document["detail"] == "This would book somebody twice: `conflicts` lists who is busy and when."
    assert cast.rows() == before
    answer = api.post("/v1/events", params={"on_conflict": "allow"}, json=draft(cast.stranger, cast.guest))
    assert answer.status_code == 201
    assert answer.json()["conflicts"] == [expected_conflict(cast.guest, taken, "tentative")]
    assert "warnings" not in answer.json()
    assert "conflicts" not in api.get(answer.headers["Location"]).json()


def test_the_reference_describes_conflicts(api):
    schemas = api.get("/openapi.json").json()["components"]["schemas"]
    assert schemas["Problem"]["properties"]["conflicts"]["items"] == {"$ref": "#/components/schemas/Conflict"}
    assert set(schemas["Conflict"]["required"]) == {"user_id", "start", "end", "strength"}
    for answer in ("Event", "Participant", "AddedParticipants"):
        assert {"conflicts", "warnings"} <= set(schemas[answer]["properties"])
        assert not {"conflicts", "warnings"} & set(schemas[answer]["required"])


def test_times_are_those_of_the_event_that_is_refused(api, cast, taken):
    body = draft(cast.guest, start="2026-03-09T22:30", end="2026-03-09T23:00", time_zone="Asia/Tokyo")
    (conflict,) = problem(api.post("/v1/events", json=body), 409, "conflict")["conflicts"]
    assert (conflict["start"], conflict["end"]) == ("2026-03-09T22:00:00+09:00", "2026-03-09T23:00:00+09:00")


def test_private_events_and_holds_in_conflicts_are_not_named(api, cast):
    cast.event(cast.guest, visibility=Visibility.private)
    (conflict,) = problem(api.post("/v1/events", json=draft(cast.guest)), 409, "conflict")["conflicts"]
    assert conflict == expected_conflict(cast.guest, strength="tentative", start=HALF_PAST), "clipped to the request"
    cast.do(place_hold, [cast.stranger.id], SLOT, 60)
    (conflict,) = problem(api.post("/v1/events", json=draft(cast.stranger)), 409, "conflict")["conflicts"]
    assert conflict == expected_conflict(cast.stranger, start=HALF_PAST)


def test_every_write_that_may_book_somebody_obeys_on_conflict(api, cast, taken):
    """Each answers 409, in a dry run as well, and with `allow` it succeeds and lists the conflicts."""
    other, guest = cast.person(), cast.guest
    optional = [{"user_id": str(guest.id), "role": "optional"}]

    def event(**details):
        made = api.post("/v1/events", json=draft(other, start="2026-03-09T12:00", end="2026-03-09T13:00") | details)
        assert made.status_code == 201, made.text
        return made.headers["Location"]

    def declined():
        path = event(participants=[{"user_id": str(guest.id)}])
        cast.do(answer_invitation, id_of(path), guest.id, ResponseUpdate(response="declined"))
        assert api.patch(path, json={"start": START, "end": END}, params={"keep_responses": "true"}).status_code == 200
        return path

    def busy_hour(**details):
        return event(start=START, end=END, **details)

    calls = [
        lambda: ("POST", "/v1/events", draft(guest)),
        lambda: ("PATCH", event(participants=[{"user_id": str(guest.id)}]), {"start": START, "end": END}),
        lambda: ("PATCH", busy_hour(show_as="free", participants=[{"user_id": str(guest.id)}]), {"show_as": "busy"}),
        lambda: ("POST", busy_hour() + "/participants", {"user_id": str(guest.id)}),
        lambda: ("POST", busy_hour() + "/participants", [{"user_id": str(guest.id)}]),
        lambda: ("PUT", f"{busy_hour()}/participants/{guest.id}", {"role": "required"}),
        lambda: ("PUT", f"{busy_hour(participants=optional)}/participants/{guest.id}", {"role": "required"}),
        lambda: ("PATCH", f"{busy_hour(participants=optional)}/participants/{guest.id}", {"role": "required"}),
        lambda: (
            "PUT",
            f"{busy_hour(participants=optional)}/participants/{guest.id}/response",
            {"response": "accepted"},
        ),
        lambda: ("PUT", f"{declined()}/participants/{guest.id}/response", {"response": "tentative"}),
        lambda: ("POST", busy_hour() + "/transfer", {"host_id": str(guest.id)}),
    ]
    for call in calls:
        method, path, body = call()
        before = cast.rows()
        conflicts = problem(api.request(method, path, json=body), 409, "conflict")["conflicts"]
        assert conflicts == [expected_conflict(guest, taken, "tentative")]
        dry_run = api.request(method, path, json=body, params={"dry_run": "true"})
        assert problem(dry_run, 409, "conflict")["conflicts"] == conflicts
        allowed = {"on_conflict": "allow", "dry_run": "true"}
        assert api.request(method, path, json=body, params=allowed).json()["conflicts"] == conflicts
        assert cast.rows() == before
        written = api.request(method, path, json=body, params={"on_conflict": "allow"})
        assert written.is_success
        assert written.json()["conflicts"] == conflicts
        made = written.headers.get("Location") if path == "/v1/events" else path
        assert api.delete(f"/v1/events/{id_text(made)}").status_code == 204


def id_text(path: str) -> str:
    return path.split("/")[3]


def id_of(path: str):
    return EventId(int(id_text(path).removeprefix("evt_"), 16))


def test_a_successor_has_to_be_free_as_well(api, cast, taken):
    cast.event(host_id=cast.stranger.id)
    query = {"hosted": "transfer", "to": str(cast.guest.id)}
    document = problem(api.delete(f"/v1/users/{cast.stranger.id}", params=query), 409, "conflict")
    assert document["conflicts"] == [expected_conflict(cast.guest, taken, "tentative")]
    assert api.get(f"/v1/users/{cast.stranger.id}").status_code == 200
    assert api.delete(f"/v1/users/{cast.stranger.id}", params=query | {"on_conflict": "allow"}).status_code == 204


def test_optional_people_are_added_with_a_warning(api, cast, taken):
    optional = {"user_id": str(cast.guest.id), "role": "optional"}
    warning = expected_conflict(cast.guest, taken, "tentative")
    made = api.post("/v1/events", json=draft(cast.stranger, participants=[optional]))
    assert (made.status_code, made.json()["warnings"]) == (201, [warning])
    assert "conflicts" not in made.json()
    path = made.headers["Location"]
    assert api.patch(path, json={"end": "2026-03-09T15:45"}).json()["warnings"] == [warning]
    assert "warnings" not in api.patch(path, json={"title": "Renamed"}).json()
    api.delete(f"{path}/participants/{cast.guest.id}")
    listed = api.post(path + "/participants", json=[optional]).json()
    assert listed["warnings"] == [warning]
    assert "warnings" not in listed["items"][0]
    api.delete(f"{path}/participants/{cast.guest.id}")
    assert api.put(f"{path}/participants/{cast.guest.id}", json={"role": "optional"}).json()["warnings"] == [warning]


def test_a_hold_becomes_an_event_once(api, cast):
    people = [str(cast.guest.id)]
    hold = api.post("/v1/holds", json={"user_ids": people, "start": START, "end": END}).json()["id"]
    body = draft(cast.guest, start=START, end=END)
    problem(api.post("/v1/events", json=body), 409, "conflict")
    cast.event(cast.stranger)
    problem(
        api.post("/v1/events", params={"hold": hold}, json=body | draft(cast.guest, cast.stranger)), 409, "conflict"
    )
    dry_run = api.post("/v1/events", params={"hold": hold, "dry_run": "true"}, json=body)
    assert (dry_run.status_code, "conflicts" in dry_run.json()) == (201, False)
    assert api.get(f"/v1/holds/{hold}").status_code == 200
    assert api.post("/v1/events", params={"hold": hold}, json=body).status_code == 201
    problem(api.get(f"/v1/holds/{hold}"), 404, "not_found")
    document = problem(api.post("/v1/events", params={"hold": hold}, json=body), 422, "invalid", "/hold")
    assert (document["errors"][0]["in"], document["errors"][0]["code"]) == ("query", "hold_lapsed")


@pytest.mark.parametrize(
    ("name", "value"),
    [("on_conflict", "maybe"), ("on_conflict", ""), ("hold", "evt_018f3c5a9b2d4e6f"), ("hold", "x")],
)
def test_invalid_values_of_on_conflict_are_refused(api, cast, name, value):
    document = problem(api.post("/v1/events", params={name: value}, json=draft(cast.guest)), 422, "invalid", f"/{name}")
    assert document["errors"][0]["in"] == "query"


def test_a_conflict_in_a_zone_of_solar_time_is_shown_in_utc(api, cast):
    """Solar time has no valid offset, so a conflict in such a zone is shown in UTC."""
    cast.event(
        cast.guest, start=read_time("1971-06-01T12:00:00Z"), end=read_time("1971-06-01T13:00:00Z"), time_zone="UTC"
    )
    hour = {"start": "1971-06-01T12:30:00Z", "end": "1971-06-01T12:45:00Z"}
    (conflict,) = problem(api.post("/v1/events", json=draft(cast.guest, **hour)), 409, "conflict")["conflicts"]
    assert conflict["start"] == "1971-06-01T13:00:00+01:00"
    query = {"user_ids": [str(cast.guest.id)], "from": "1971-06-01", "to": "1971-06-02", "time_zone": "Africa/Monrovia"}
    (item,) = api.post("/v1/free-busy", json=query).json()["items"]
    assert [period["start"] for period in item["periods"]] == ["1971-06-01T12:00:00Z"]
