"""Lists over HTTP: their content, order, pages, and number of statements."""

import json
import logging

import pytest

from kalends.errors import Invalid
from kalends.rest.paging import PageRequest
from kalends.rest.users import UserListQuery
from kalends.rules.zones import read_time
from tests.api import client, problem

HOURS = ("08:00", "09:00", "10:00", "11:00", "12:00")


def hold(cast, *guests, at="08:00", **details):
    """Create an event of half an hour on 9 March 2026 in Berlin."""
    start, end = read_time(f"2026-03-09T{at}"), read_time(f"2026-03-09T{at[:2]}:30")
    return cast.event(*guests, start=start, end=end, **details)


def pages(api, path, **query):
    """Read a list to its end, and return the size of every page and all items."""
    sizes, items = [], []
    while True:
        answer = api.get(path, params=query)
        assert answer.status_code == 200, answer.text
        page = answer.json()
        sizes.append(len(page["items"]))
        items += page["items"]
        if page["next_cursor"] is None:
            return sizes, items
        query["cursor"] = page["next_cursor"]


def titles(api, **query):
    answer = api.get("/v1/events", params=query)
    assert answer.status_code == 200, answer.text
    return "".join(event["title"] for event in answer.json()["items"])


def test_events_come_in_the_order_of_their_start_page_by_page(api, cast):
    for title, hour in zip("CABED", ("10:00", "08:00", "09:00", "12:00", "11:00"), strict=True):
        hold(cast, at=hour, title=title)
    for limit, expected in ((1, [1] * 5), (2, [2, 2, 1]), (5, [5]), (250, [5])):
        sizes, items = pages(api, "/v1/events", limit=limit)
        assert sizes == expected
        assert "".join(event["title"] for event in items) == "ABCDE"


def test_events_of_one_start_come_in_the_order_of_their_ids(api, cast):
    ids = [str(hold(cast).id) for _ in range(5)]
    sizes, items = pages(api, "/v1/events", limit=2, user_id=str(cast.host.id))
    assert sizes == [2, 2, 1]
    assert [event["id"] for event in items] == sorted(ids)


def test_events_are_filtered_by_person_time_and_text(api, cast):
    guest, stranger = str(cast.guest.id), str(cast.stranger.id)
    hold(cast, cast.guest, at="08:00", title="A")
    hold(cast, cast.stranger, at="09:00", title="B", host_id=cast.guest.id)
    hold(cast, at="10:00", title="C", location="Üxhül")
    api.post(f"/v1/events/{hold(cast, cast.guest, at='11:00', title='D').id}/cancel")
    assert titles(api) == "ABC"
    assert titles(api, user_id=guest) == "AB"
    assert titles(api, host_id=guest) == "B"
    assert titles(api, participant_id=stranger) == "B"
    assert titles(api, user_id=guest, participant_id=stranger) == "B"
    assert titles(api, host_id=guest, participant_id=guest, role="required", response="accepted") == "B"
    assert titles(api, user_id=guest, response="needs_action") == "A"
    assert titles(api, participant_id=guest, role="optional") == ""
    assert titles(api, status="cancelled") == "D"
    assert titles(api, status="confirmed") == "ABC"
    assert titles(api, q="üXHÜL") == "C"
    assert titles(api, q="%") == ""


def test_from_and_to_select_by_overlap_and_either_may_stand_alone(api, cast):
    for title, hour in zip("ABC", HOURS, strict=False):
        hold(cast, at=hour, title=title)
    zone = {"time_zone": "Europe/Berlin"}
    assert titles(api, **{"from": "2026-03-09T08:30"}, **zone) == "BC"
    assert titles(api, **{"from": "2026-03-09T08:29:59"}, **zone) == "ABC"
    assert titles(api, to="2026-03-09T09:00", **zone) == "A"
    assert titles(api, **{"from": "2026-03-09T08:30:00+01:00", "to": "2026-03-09T09:00:01+01:00"}) == "B"
    assert titles(api, **{"from": "2026-03-09", "to": "2026-03-10"}) == "ABC"
    assert titles(api, **{"from": "2026-03-10"}) == ""
    assert titles(api, to="2026-03-09") == ""


def test_events_are_listed_with_participants_on_request(api, cast):
    hold(cast, cast.guest)
    hold(cast, host_attends=False)
    plain = api.get("/v1/events").json()["items"]
    assert not any("participants" in event for event in plain)
    expanded = api.get("/v1/events?expand=participants").json()["items"]
    names = [[guest["name"] for guest in event.pop("participants")] for event in expanded]
    assert names == [[cast.host.name, cast.guest.name], []]
    assert expanded == plain


@pytest.mark.parametrize(
    ("query", "pointers"),
    [
        ("response=accepted", ["/response"]),
        ("role=required&response=declined", ["/response", "/role"]),
        ("from=2026-03-10&to=2026-03-09", ["/to"]),
        ("from=2026-03-09&to=2026-03-09T00:00Z", ["/to"]),
        ("from=2026-02-30&to=soon", ["/from", "/to"]),
        ("from=2026-03-29T02:30&time_zone=Europe/Berlin", ["/from"]),
        ("from=2026-03-29T02:30&time_zone=Europe/Berlin&role=required&cursor=x", ["/from", "/cursor", "/role"]),
        ("time_zone=Mars", ["/time_zone"]),
        ("user_id=hanna", ["/user_id"]),
        ("status=maybe&expand=host", ["/status", "/expand"]),
        ("limit=0", ["/limit"]),
        ("limit=251", ["/limit"]),
        ("limit=-1", ["/limit"]),
        ("limit=ten", ["/limit"]),
        ("limit=5.0", ["/limit"]),
        ("limit=1e1", ["/limit"]),
        ("limit=" + "9" * 5_000, ["/limit"]),
        ("q=", ["/q"]),
        ("q=" + "x" * 201, ["/q"]),
        ("cursor=", ["/cursor"]),
        ("cursor=AAAA", ["/cursor"]),
        ("cursor=%C3%A9", ["/cursor"]),
        ("cursor=WzEsMl0x", ["/cursor"]),
        ("cursor=WzEsOTk5OTk5OTk5OTk5OTk5OTk5OTk5XQ", ["/cursor"]),
        ("cursor=WyJ4IiwxXQ", ["/cursor"]),
        ("dry_run=true", ["/dry_run"]),
    ],
)
def test_faults_of_a_query_are_reported(api, query, pointers):
    document = problem(api.get(f"/v1/events?{query}"), 422, "invalid", *pointers)
    assert {fault["in"] for fault in document["errors"]} == {"query"}


def test_tokens_are_listed_in_pages_with_ended_ones_on_request(api, cast):
    made = [api.post("/v1/tokens", json={"name": name}).json()["id"] for name in "ABCDE"]
    own = api.get("/v1/tokens").json()["items"][0]["id"]
    api.delete(f"/v1/tokens/{made[1]}")
    for query, expected in (
        ({}, [own, made[0], *made[2:]]),
        ({"include_ended": "false"}, [own, made[0], *made[2:]]),
        ({"include_ended": "true"}, [own, *made]),
    ):
        sizes, items = pages(api, "/v1/tokens", limit=2, **query)
        assert [item["id"] for item in items] == expected
        assert sizes == [2, 2, len(expected) - 4]
        assert all((item["revoked_at"] is not None) == (item["id"] == made[1]) for item in items)
    cursor = api.get("/v1/tokens?limit=1").json()["next_cursor"]
    problem(api.get("/v1/tokens", params={"cursor": cursor, "include_ended": "true"}), 422, "invalid", "/cursor")


def test_people_page_through_their_own_tokens(app, cast):
    with client(app, cast.token_for(cast.guest)) as guest:
        cast.token_for(cast.host)
        made = [guest.post("/v1/tokens", json={"name": name}).json()["id"] for name in "AB"]
        sizes, items = pages(guest, "/v1/tokens", limit=1)
        assert ([item["id"] for item in items[1:]], sizes) == (made, [1, 1, 1])


def test_the_cursor_of_another_list_is_refused(api, cast):
    for name in "ABC":
        cast.person(name)
        hold(cast)
    event = hold(cast, cast.guest)
    for name in "AB":
        api.post("/v1/tokens", json={"name": name})
    lists = ("/v1/users", "/v1/events", "/v1/audit", "/v1/tokens", f"/v1/events/{event.id}/participants")
    cursors = {path: api.get(path, params={"limit": 1}).json()["next_cursor"] for path in lists}
    pool = f"/v1/events/{hold(cast, host_attends=False, at='12:00').id}/available-users"
    cursors[pool] = api.get(pool, params={"limit": 1}).json()["next_cursor"]
    other = hold(cast, cast.guest, at="14:00")
    for path in (*lists, pool):
        for source, cursor in cursors.items():
            answer = api.get(path, params={"cursor": cursor})
            if source == path:
                assert answer.status_code == 200
                assert answer.json()["items"]
            else:
                problem(answer, 422, "invalid", "/cursor")
    participants = cursors[f"/v1/events/{event.id}/participants"]
    problem(api.get(f"/v1/events/{other.id}/participants", params={"cursor": participants}), 422, "invalid", "/cursor")


def test_a_cursor_is_valid_only_with_the_same_filters(api, cast):
    for hour in HOURS[:3]:
        hold(cast, cast.guest, at=hour)
    filters = {"user_id": str(cast.guest.id), "role": "required"}
    cursor = api.get("/v1/events", params=filters | {"limit": 1}).json()["next_cursor"]
    for others in ({"limit": 2}, {"expand": "participants"}, {}):
        page = api.get("/v1/events", params=others | filters | {"cursor": cursor}).json()
        assert len(page["items"]) == 2
    for others in (
        {"user_id": str(cast.guest.id)},
        filters | {"user_id": str(cast.host.id)},
        filters | {"from": "2026-03-09"},
        filters | {"q": "a"},
    ):
        document = problem(api.get("/v1/events", params=others | {"cursor": cursor}), 422, "invalid", "/cursor")
        (fault,) = document["errors"]
        assert fault["code"] == "invalid_cursor"
        assert "same parameters" in fault["message"]


def test_a_cursor_is_valid_for_any_token_of_the_caller(app, api, cast):
    for hour in HOURS[:3]:
        hold(cast, cast.guest, at=hour)
    query = {"user_id": str(cast.guest.id), "limit": 1}
    guest, host = ({"Kalends-Act-As": str(who.id)} for who in (cast.guest, cast.host))
    cursor = api.get("/v1/events", params=query, headers=guest).json()["next_cursor"]
    again = query | {"cursor": cursor}
    for headers in ({}, host):
        problem(api.get("/v1/events", params=again, headers=headers), 422, "invalid", "/cursor")
    assert api.get("/v1/events", params=again, headers=guest).status_code == 200
    assert client(app, cast.token_for(cast.guest)).get("/v1/events", params=again).status_code == 200


@pytest.mark.parametrize("key", [("a\0b", 1), ("a", 1 << 63), ("a", -(1 << 63)), (1, 1), "a"])
def test_a_forged_cursor_reaches_no_statement(cast, key):
    cursor = PageRequest(cast.actor, {}, UserListQuery()).next_cursor(key)
    with pytest.raises(Invalid):
        PageRequest(cast.actor, {}, UserListQuery(cursor=cursor or "")).after(tuple[str, int])


def test_users_come_in_the_order_of_their_names_and_are_searched_by_name_and_address(api, cast):
    people = [cast.person(name) for name in ("Zoë", "anna", "Änne", "Anna", "zita", "Øyvind", "O'Neil")]
    sizes, items = pages(api, "/v1/users", limit=4)
    assert sizes == [4, 4, 2]
    assert [user["name"] for user in items] == [
        *("anna", "Anna", "Änne", "Gustav Guest", "Hanna Host", "O'Neil", "Øyvind", "Stella Stranger", "zita", "Zoë")
    ]
    for text in ("ZOË", "zoe", "Zo\u00e9"):
        found = api.get("/v1/users", params={"q": text}).json()["items"]
        assert [user["id"] for user in found] == [str(people[0].id)]
    assert [user["name"] for user in api.get("/v1/users?q=anne").json()["items"]] == ["Änne"]
    assert len(api.get("/v1/users", params={"q": people[1].email.upper()}).json()["items"]) == 1
    assert api.get("/v1/users?q=_").json()["items"] == []


def test_events_are_searched_without_accents(api, cast):
    events = {title: hold(cast, title=title) for title in ("Café with José", "Strassenfest", "Straßenfest", "Other")}
    for text, titles in {
        "cafe": ["Café with José"],
        "JOSÉ": ["Café with José"],
        "straße": ["Strassenfest", "Straßenfest"],
    }.items():
        found = api.get("/v1/events", params={"q": text}).json()["items"]
        assert sorted(event["id"] for event in found) == sorted(str(events[title].id) for title in titles)


def test_participants_come_page_by_page(api, cast):
    guests = [cast.person() for _ in range(4)]
    event = hold(cast, *guests)
    sizes, items = pages(api, f"/v1/events/{event.id}/participants", limit=2)
    assert sizes == [2, 2, 1]
    assert [guest["user_id"] for guest in items] == sorted(str(person.id) for person in (cast.host, *guests))
    problem(api.get(f"/v1/events/{event.id}/participants?cursor=WyJ4IiwxXQ"), 422, "invalid", "/cursor")


def test_pages_stay_right_while_rows_change(api, cast):
    events = [hold(cast, at=hour, title=hour[1]) for hour in HOURS]
    page = api.get("/v1/events?limit=2").json()
    api.delete(f"/v1/events/{events[0].id}")
    api.delete(f"/v1/events/{events[1].id}")
    hold(cast, at="07:00", title="before")
    hold(cast, at="11:00", title="after")
    rest = api.get("/v1/events", params={"limit": 250, "cursor": page["next_cursor"]}).json()["items"]
    assert [event["title"] for event in rest] == ["0", "1", "after", "2"]


@pytest.fixture
def many(cast):
    """Create hosts of 250 events, of three and of one, each with a guest."""
    hosts = {}
    for count in (1, 3, 250):
        host = hosts[count] = cast.person()
        for _ in range(count):
            hold(cast, cast.guest, host_id=host.id)
    return hosts


@pytest.mark.unmeasured
def test_a_list_takes_as_many_statements_for_one_row_as_for_250(api, cast, many, caplog):
    caplog.set_level(logging.INFO, "kalends.access")

    def statements(path):
        caplog.clear()
        answer = api.get(path)
        assert answer.status_code == 200
        (line,) = [json.loads(record.message) for record in caplog.records if record.name == "kalends.access"]
        return len(answer.json()["items"]), line["statements"]

    for count, host in many.items():
        for query in (f"host_id={host.id}", f"user_id={host.id}", f"participant_id={host.id}&from=2026-03-01&q=plan"):
            assert statements(f"/v1/events?limit=250&{query}") == (count, 1)
            assert statements(f"/v1/events?limit=250&{query}&expand=participants") == (count, 1)
    for count in (1, 3, 250):
        event = hold(cast, *(cast.person() for _ in range(count - 1)))
        assert statements(f"/v1/events/{event.id}/participants?limit=250") == (count, 2)
        assert statements(f"/v1/users?limit={count}") == (count, 1)
        assert statements(f"/v1/users?limit={count}&q=example") == (count, 1)
