"""Finding a time over HTTP."""

import pytest

from kalends.rules.zones import read_time
from tests.api import faults, problem
from tests.cast import instant

NOBODY = "usr_0000000000000001"
START, END = "2026-03-09T14:00:00+01:00", "2026-03-09T15:00:00+01:00"
BERLIN = {"time_zone": "Europe/Berlin"}


@pytest.fixture(autouse=True)
def before_it_all(clock):
    clock.set_to(instant("2026-03-01T00:00Z"))


def search(api, **details):
    body = {"duration": 60, "step": 60, "between": [{"from": "2026-03-09T13:00", "to": "2026-03-09T17:00"}], **BERLIN}
    return api.post("/v1/find-time", json=body | details)


def test_a_time_is_found(api, cast):
    cast.event(cast.guest)
    api.put(
        f"/v1/users/{cast.host.id}/working-hours", json={"weekly": {"monday": [{"start": "09:00", "end": "16:00"}]}}
    )
    host, guest, stranger = str(cast.host.id), str(cast.guest.id), str(cast.stranger.id)
    answer = search(
        api,
        required=[host],
        optional=[{"user_id": guest, "weight": 3}, {"user_id": host}],
        groups=[{"user_ids": [stranger], "need": 1}],
    )
    assert answer.json()["slots"][0] == {
        "start": "2026-03-09T13:00:00+01:00",
        "end": START,
        "free": [host, guest, stranger],
        "tentative": [],
        "missing": [],
        "optional_weight": 3,
    }
    assert "obstacles" not in answer.json()
    starts = [slot["start"][11:16] for slot in answer.json()["slots"]]
    assert starts == ["13:00", "15:00", "16:00"]
    within = search(api, required=[host], within_working_hours=True, duration="PT1H30M", step="PT30M", max=1)
    assert [slot["start"][11:16] for slot in within.json()["slots"]] == []
    assert search(api, required=[guest], duration="PT1H30M", step="PT30M", max=1).json()["slots"][0]["start"] == END
    short = search(api, required=[guest], duration=300).json()
    window = {"start": "2026-03-09T13:00:00+01:00", "end": "2026-03-09T17:00:00+01:00"}
    assert short == {
        "slots": [],
        "starts": 0,
        "reasons": [
            {
                "code": "window_too_short",
                "text": f"From {window['start']} to {window['end']}: the window has 240 minutes, and the meeting takes "
                "300 minutes. Give a longer window.",
                "window": window,
            }
        ],
        "obstacles": [],
        "relaxations": [],
    }


def reasons(api, **details):
    """Return the codes, and then the texts, of the reasons why there is no slot."""
    found = search(api, **details).json()
    assert found["slots"] == []
    return [one["code"] for one in found["reasons"]], [one["text"].partition("+01:00: ")[2] for one in found["reasons"]]


@pytest.mark.parametrize(
    ("details", "code", "text"),
    [
        (
            {"not_before": "2026-03-09T16:30"},
            "in_the_past",
            "30 minutes of the window are left after 2026-03-09T16:30:00+01:00, before which nothing may begin",
        ),
        (
            {"between": [{"from": "2026-03-09T23:30", "to": "2026-03-10T00:30"}]},
            "not_one_day",
            "a meeting lies within one local day of Europe/Berlin, the meeting takes 60 minutes",
        ),
        (
            {"between": [{"from": "2026-03-09T13:05", "to": "2026-03-09T14:00"}], "duration": 50, "step": 30},
            "no_step_in_window",
            "the meeting takes 50 minutes, so it could begin from 2026-03-09T13:05:00+01:00 to 2026-03-09T13:10:00",
        ),
    ],
)
def test_an_answer_without_slots_says_why_none_can_begin(api, cast, details, code, text):
    codes, texts = reasons(api, required=[str(cast.guest.id)], **details)
    assert codes[0] == code
    assert texts[0].startswith(text)


def test_a_finer_step_is_suggested_where_it_helps(api, cast):
    cast.event(cast.guest, start=read_time("2026-03-09T10:10"), end=read_time("2026-03-09T12:00"))
    details = {
        "required": [str(cast.guest.id)],
        "step": 30,
        "between": [{"from": "2026-03-09T09:10", "to": "2026-03-09T12:00"}],
    }
    found = search(api, **details).json()
    assert found["reasons"] == [
        {
            "code": "step_too_coarse",
            "text": "Everybody needed is free for 60 minutes, but not from a multiple of 30 minutes on: try step 10.",
        },
        {
            "code": "people_away",
            "text": "There are 4 possible starts, each with somebody needed away: see obstacles and relaxations.",
        },
    ]
    first = found["relaxations"][0]
    assert first == {
        "without": [],
        "fewer_of_groups": [],
        "outside_working_hours": False,
        "step": 10,
        "slots": 1,
        "text": "try step 10: 1 slot",
    }
    assert [slot["start"] for slot in search(api, **details | {"step": 10}).json()["slots"]] == [
        "2026-03-09T09:10:00+01:00"
    ]


def test_slots_in_the_past_are_not_returned_unless_requested(api, cast, clock):
    clock.set_to(instant("2026-03-09T14:20+01:00"))
    guest = [str(cast.guest.id)]
    assert [slot["start"][11:16] for slot in search(api, required=guest).json()["slots"]] == ["15:00", "16:00"]
    for not_before in ("2026-03-09", "2026-03-09T12:00Z"):
        found = search(api, required=guest, not_before=not_before).json()["slots"]
        assert [slot["start"][11:16] for slot in found] == ["13:00", "14:00", "15:00", "16:00"]
    codes, _ = reasons(api, required=guest, between=[{"from": "2026-03-02", "to": "2026-03-09"}])
    assert codes == ["in_the_past"]


def test_the_smallest_step_is_a_minute(api, cast):
    found = search(api, required=[str(cast.guest.id)], step=1, max=3, not_before="2026-03-09T13:07:30").json()["slots"]
    assert [slot["start"][11:16] for slot in found] == ["13:08", "13:09", "13:10"]


def test_an_answer_without_slots_says_what_blocks_whom_and_what_to_relax(api, cast):
    cast.event(cast.guest)
    host, guest, stranger = str(cast.host.id), str(cast.guest.id), str(cast.stranger.id)
    at_two = [{"from": "2026-03-09T14:00", "to": "2026-03-09T15:00"}]
    body = search(
        api, required=[host], groups=[{"user_ids": [guest, host, stranger], "need": 3}], between=at_two
    ).json()
    blocked = [{"start": START, "end": END}]
    assert body == {
        "slots": [],
        "starts": 1,
        "reasons": [
            {
                "code": "people_away",
                "text": "There is one possible start, and somebody needed is away: see obstacles and relaxations.",
            }
        ],
        "obstacles": [
            {"user_id": host, "slots": 1, "outside_working_hours": 0, "blocked": blocked},
            {"user_id": guest, "slots": 1, "outside_working_hours": 0, "blocked": blocked},
        ],
        "relaxations": [
            {
                "without": [host],
                "fewer_of_groups": [0, 0],
                "outside_working_hours": False,
                "step": None,
                "slots": 1,
                "text": f"without {host} and with 2 less of group 0: 1 slot",
            }
        ],
    }
    two = search(api, required=[guest], duration=30, step=30, between=at_two).json()
    assert two["relaxations"][0]["text"] == f"without {guest}: 2 slots"


def test_people_outside_their_working_hours_are_distinguished_from_busy_ones(api, cast):
    cast.event(cast.guest)
    guest = str(cast.guest.id)
    api.put(f"/v1/users/{guest}/working-hours", json={"weekly": {"monday": [{"start": "09:00", "end": "15:00"}]}})
    from_two = [{"from": "2026-03-09T14:00", "to": "2026-03-09T17:00"}]
    found = search(api, required=[guest], duration=60, step=60, between=from_two, within_working_hours=True).json()
    assert found["slots"] == []
    (obstacle,) = found["obstacles"]
    assert (obstacle["slots"], obstacle["outside_working_hours"]) == (3, 2)
    assert found["relaxations"][0] == {
        "without": [],
        "fewer_of_groups": [],
        "outside_working_hours": True,
        "step": None,
        "slots": 2,
        "text": "outside working hours: 2 slots",
    }


def test_all_faults_of_a_search_are_reported_together(api, cast):
    document = problem(
        search(
            api,
            required=[NOBODY],
            optional=[{"user_id": str(cast.guest.id)}, {"user_id": NOBODY}],
            groups=[{"user_ids": [str(cast.host.id), NOBODY, NOBODY], "need": 3}],
            duration=0,
            step=0,
            not_before="2026-03-29T02:30",
            between=[{"from": "2026-03-10", "to": "2026-03-09"}, {"from": "2026-03-29T02:30", "to": "2026-03-30"}],
        ),
        422,
        "invalid",
    )
    assert faults(document) == {
        "/between/0/to": "empty_span",
        "/between/1/from": "nonexistent_time",
        "/duration": "out_of_range",
        "/step": "out_of_range",
        "/not_before": "nonexistent_time",
        "/groups/0/need": "out_of_range",
        "/required/0": "unknown_user",
        "/optional/1/user_id": "unknown_user",
        "/groups/0/user_ids/1": "unknown_user",
        "/groups/0/user_ids/2": "unknown_user",
    }


@pytest.mark.parametrize(
    ("change", "found"),
    [
        ({"required": []}, {"": "out_of_range"}),
        ({"duration": 1_441, "step": "PT25H"}, {"/duration": "out_of_range", "/step": "out_of_range"}),
        ({"duration": "PT", "step": "1h"}, {"/duration": "invalid_duration", "/step": "invalid_duration"}),
        ({"duration": True, "step": -(10**30)}, {"/duration": "invalid_duration", "/step": "invalid_duration"}),
        ({"duration": 1.5}, {"/duration": "invalid_duration"}),
        ({"max": 0}, {"/max": "out_of_range"}),
        ({"max": 101, "between": []}, {"/max": "out_of_range", "/between": "too_short"}),
        ({"between": [{"from": "2026-01-01", "to": "2026-05-01"}]}, {"/between": "window_too_long"}),
        (
            {"between": [{"from": "2026-01-01", "to": "2026-03-01"}, {"from": "2026-05-01", "to": "2026-07-01"}]},
            {"/between": "window_too_long"},
        ),
        (
            {"between": [{"from": "1999-01-01", "to": "1999-01-02"}, {"from": "2099-05-01", "to": "2099-05-02"}]},
            {"/between": "window_too_long"},
        ),
        ({"optional": [{"user_id": NOBODY, "weight": 0}]}, {"/optional/0/weight": "out_of_range"}),
        (
            {"groups": [{"user_ids": [], "need": 0}]},
            {"/groups/0/user_ids": "too_short", "/groups/0/need": "out_of_range"},
        ),
        ({"not_before": "2026-03-29T02:30"}, {"/not_before": "nonexistent_time"}),
        ({"time_zone": "Mars", "more": 1}, {"/time_zone": "unknown_zone", "/more": "unknown_field"}),
    ],
)
def test_bad_searches(api, cast, change, found):
    assert faults(problem(search(api, **{"required": [str(cast.guest.id)]} | change), 422, "invalid")) == found


def test_a_search_names_a_hundred_people_at_most(api, cast):
    people = [f"usr_{number:016x}" for number in range(1, 102)]
    found = faults(problem(search(api, required=people), 422, "invalid"))
    assert found[""] == "out_of_range"
