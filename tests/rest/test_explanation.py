"""Why somebody can or cannot be booked, over HTTP."""

import pytest

from kalends.actions.holds import place_hold
from kalends.actions.participants import answer_invitation
from kalends.drafts import ResponseUpdate
from kalends.model import SharingLevel, Visibility
from tests.api import client, faults, problem
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


def explain(api, who, **details):
    return api.post("/v1/explain", json={"user_id": str(who), "start": START, "end": END} | details)


def test_every_applicable_rule_is_named(api, cast):
    event = cast.event(cast.guest, title="Planning")
    cast.event(cast.guest, visibility=Visibility.private)
    free = cast.event(cast.guest)
    cast.do(answer_invitation, free.id, cast.guest.id, ResponseUpdate(response="declined"))
    hold = cast.do(place_hold, [cast.stranger.id], SLOT, 60)
    api.put(f"/v1/users/{cast.guest.id}/working-hours", json={"weekly": {}})
    body = explain(api, cast.guest.id, **BERLIN).json()
    assert (body["user_id"], body["start"], body["end"], body["bookable"]) == (str(cast.guest.id), START, END, False)
    active, first, declined, hours = body["rules"]
    assert active == {"rule": "active", "verdict": "passes", "source": None}
    assert first == {
        "rule": "event",
        "verdict": "blocks",
        "source": {
            "type": "event",
            "id": str(event.id),
            "title": "Planning",
            "role": "required",
            "response": "needs_action",
            "status": "confirmed",
            "show_as": "busy",
            "start": START,
            "end": END,
        },
    }
    assert (declined["verdict"], declined["source"]["response"]) == ("passes", "declined")
    assert hours == {"rule": "working_hours", "verdict": "advises_against", "source": None}
    held = explain(api, cast.stranger.id).json()
    assert held["rules"][1:] == [
        {
            "rule": "hold",
            "verdict": "blocks",
            "source": {
                "type": "hold",
                "id": str(hold.id),
                "start": "2026-03-09T13:00:00Z",
                "end": "2026-03-09T14:00:00Z",
            },
        }
    ]
    someone = cast.person()
    api.put(f"/v1/users/{someone.id}/working-hours", json=HOURS)
    body = explain(api, someone.id).json()
    assert (body["bookable"], [rule["verdict"] for rule in body["rules"]]) == (True, ["passes", "passes"])


def test_a_deleted_user_is_explained_and_an_unknown_one_is_not_found(api, cast):
    api.delete(f"/v1/users/{cast.guest.id}")
    body = explain(api, cast.guest.id).json()
    assert (body["bookable"], body["rules"][0]["verdict"]) == (False, "blocks")
    problem(explain(api, NOBODY), 404, "not_found")


@pytest.mark.parametrize(
    ("change", "found"),
    [
        ({"end": START}, {"/end": "end_before_start"}),
        ({"end": "2026-03-09T14:00:59+01:00"}, {"/end": "too_short"}),
        ({"end": "2027-03-09T14:00:00+01:00"}, {"/end": "not_one_day"}),
        (
            {"start": "2026-03-09T14:00", "end": "2026-03-09T15:00"},
            {"/start": "time_zone_required", "/end": "time_zone_required"},
        ),
        ({"start": "2026-03-09T14:00:00.5Z"}, {"/start": "invalid_time"}),
        ({"start": "2026-03-09", "time_zone": "Mars"}, {"/start": "invalid_time", "/time_zone": "unknown_zone"}),
    ],
)
def test_bad_requests_for_an_explanation(api, cast, change, found):
    assert faults(problem(explain(api, cast.guest.id, **change), 422, "invalid")) == found


def test_an_explanation_for_somebody_with_access_to_titles_shows_titles_only(app, cast):
    cast.event()
    caller = client(app, cast.token_for(cast.stranger))

    def source():
        (rule,) = (rule for rule in explain(caller, cast.host.id).json()["rules"] if rule["rule"] == "event")
        return rule["source"]

    assert source().keys() == {"type", "start", "end"}
    cast.share(cast.host, cast.stranger, SharingLevel.titles)
    assert source().keys() == {"type", "id", "title", "status", "show_as", "start", "end"}
    cast.share(cast.host, cast.stranger, SharingLevel.read)
    assert source().keys() == {"type", "id", "title", "role", "response", "status", "show_as", "start", "end"}
