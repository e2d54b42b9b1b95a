"""Isolation: whatever one organization calls, another neither changes nor shows in an answer."""

import json
import re
import secrets

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kalends.actions.participants import answer_invitation
from kalends.drafts import ResponseUpdate
from kalends.model import Metadata, SharingLevel
from tests.api import client
from tests.cast import assemble
from tests.house.test_routes import DAY, TABLE, filled, furnished

NOW = 1_773_061_200_000_000
"""2026-03-09T13:00Z, when the event begins."""

UNKNOWN = {
    "event_id": "evt_7fffffffffffffff",
    "host_id": "usr_7fffffffffffffff",
    "user_id": "usr_7fffffffffffffff",
    "new_id": "usr_7ffffffffffffffe",
    "other_id": "usr_7ffffffffffffffd",
    "hold_id": "hld_7fffffffffffffff",
    "token_id": "tok_7fffffffffffffff",
}
LAST_USED = re.compile(r'"last_used_at":(?:null|"[^"]*")')
IDS = re.compile(r"(?:usr|evt|hld|tok|org)_[0-9a-f]{16}")
QUERIES = (
    "on_conflict=allow",
    "expand=participants",
    "hosted=cancel",
    "hosted=transfer&to={host_id}",
    "user_id={host_id}",
    "host_id={host_id}&q=marked",
    "pending_host_id={new_id}",
    "participant_id={user_id}&response=needs_action",
    "hold={hold_id}",
    "side=received",
    "q=marked",
    "available_from=2026-03-09&available_to=2026-03-10",
    "limit=1",
    "cursor=x",
    "keep_responses=true",
    "nonsense=1",
)
JUNK = st.sampled_from(
    [None, "", "x", -1, [], {}, "{host_id}", "{event_id}", ["{user_id}"], "marked", "2026-03-09T13:30Z"]
)
MEMBERS = ("host_id", "user_id", "user_ids", "participants", "title", "start", "end", "level", "email", "scopes", "ttl")
WHOSE = st.sampled_from(["own", "own", "foreign", "foreign", "unknown"])

calls = st.lists(
    st.fixed_dictionaries(
        {
            "key": st.sampled_from(sorted(TABLE)),
            "whose": st.fixed_dictionaries(dict.fromkeys(UNKNOWN, WHOSE)),
            "who": st.sampled_from(["operator", "operator", "host", "participant", "acting"]),
            "junk": st.dictionaries(st.sampled_from(MEMBERS), JUNK, max_size=2),
            "query": st.none() | st.sampled_from(QUERIES),
            "dry_run": st.booleans(),
            "fresh": st.booleans(),
        }
    ),
    min_size=8,
    max_size=16,
)


def settled(database, clock):
    """Create an organization with one object of every kind, and return everything that identifies it."""
    clock.set_to(NOW)
    cast = assemble(database)
    prepared = furnished(cast)
    mark = secrets.token_hex(6)
    person = cast.person(name=f"Name {mark}", metadata=Metadata(note=f"metadata {mark}"))
    event = cast.event(person, cast.guest, title=f"Title marked {mark}", description=f"description {mark}")
    cast.force(answer_invitation, event.id, person.id, ResponseUpdate(response="tentative", comment=f"comment {mark}"))
    cast.share(person, cast.guest, SharingLevel.titles)
    names = prepared.names | {"user_id": prepared.guest_id, "event_id": str(event.id)}
    signs = {
        mark,
        person.email,
        *names.values(),
        prepared.names["event_id"],
        str(person.id),
        *map(str, prepared.tokens.values()),
    }
    return cast, names, prepared.tokens, signs | {str(cast.actor.organization_id)}


def view(app, token):
    """Return every answer that shows an organization's data, byte for byte, with its ETag."""
    with client(app, token) as caller:
        users = [one["id"] for one in caller.get("/v1/users?limit=250").json()["items"]]
        events = [one["id"] for one in caller.get("/v1/events?limit=250").json()["items"]]
        paths = [
            "/v1/users",
            "/v1/audit",
            "/v1/events?expand=participants",
            "/v1/events?status=cancelled",
            "/v1/tokens",
        ]
        for one in users:
            paths += [
                f"/v1/users/{one}{rest}"
                for rest in ("", "/working-hours", "/shares", "/shares?side=received", "/export")
            ]
            paths += [f"/v1/events?user_id={one}", f"/v1/events?host_id={one}"]
        for one in events:
            paths += [
                f"/v1/events/{one}{rest}" for rest in ("?expand=participants", "/participants", "/available-users")
            ]
            paths += [f"/v1/events/{one}/participants/{user}" for user in users]
        free_busy = {"user_ids": users, "from": "2026-03-08", "to": "2026-03-15", "working_hours": True}
        bodies = [("/v1/free-busy", free_busy)]
        wanted = {"required": users[:1], "optional": [], "duration": 30, "between": [DAY], "not_before": DAY["from"]}
        bodies += [("/v1/find-time", wanted)]
        slot = {"start": "2026-03-09T13:00Z", "end": "2026-03-11T12:00Z"}
        slots = [slot | {"end": "2026-03-09T14:00Z"}, slot | {"start": "2026-03-11T09:00Z"}]
        bodies += [("/v1/explain", {"user_id": user, **one}) for user in users for one in slots]
        answers = [caller.get(path) for path in paths] + [caller.post(path, json=body) for path, body in bodies]
    return [essence(answer) for answer in answers]


def essence(answer):
    """Return an answer without the request id and the time when a token was last used, which is recorded separately."""
    request_id = answer.headers["X-Request-Id"]
    text = LAST_USED.sub("", answer.text.replace(request_id, ""))
    return answer.status_code, answer.headers.get("ETag"), text


def reported(answer):
    """Return the content and headers of an answer."""
    return answer.text + json.dumps(dict(answer.headers))


def play(app, own, foreign, call, tokens):
    """Send a call and return the request and its answer."""
    row, (method, path) = TABLE[call["key"]], call["key"].split()
    pools = {"own": own, "foreign": foreign, "unknown": UNKNOWN}
    names = {name: pools[whose][name] for name, whose in call["whose"].items()}
    if method != "GET" and "/events" not in path and call["fresh"]:
        names |= {"user_id": own["new_id"]}
    query = "&".join(filter(None, (call["query"], "dry_run=true" if call["dry_run"] and row.kind == "W" else "")))
    body = row.body
    if isinstance(body, dict):
        body = body | call["junk"]
    target, sent = filled(f"{path}?{query}", names), filled(body, names)
    headers = {"Kalends-Act-As": own["host_id"]} if call["who"] == "acting" else {}
    token = tokens["operator" if call["who"] == "acting" else call["who"]]
    with client(app, token) as caller:
        answer = caller.request(method, target, headers=headers, json=sent)
    return f"{target} {json.dumps(sent)}", answer


@pytest.mark.slow
def test_no_call_of_one_organization_changes_or_shows_another(app, database, clock):
    _, theirs, their_tokens, signs = settled(database, clock)
    before = view(app, their_tokens["operator"])
    assert {status for status, _, _ in before} == {200, 404}, "what is not there is so by right: hours, participants"
    seen = set()

    @settings(max_examples=15)
    @given(calls)
    def run(played):
        _, own, tokens, _ = settled(database, clock)
        for call in played:
            sent, answer = play(app, own, theirs, call, tokens)
            assert answer.status_code < 500, (call, answer.text)
            seen.add(answer.status_code)
            assert not [sign for sign in signs if sign in reported(answer) and sign not in sent], (call, answer.text)
        assert view(app, their_tokens["operator"]) == before

    run()
    assert {200, 404, 422} <= seen


def named_in(key):
    """Return the kinds of objects that the path and the body of an operation name."""
    return [name for name in UNKNOWN if "{" + name + "}" in key + str(TABLE[key].body)]


@pytest.mark.unmeasured
@pytest.mark.parametrize("key", [key for key in TABLE if named_in(key)])
def test_objects_of_others_and_unknown_objects_get_the_same_answer(app, database, clock, key):
    """No answer may show whether another organization has an object with that id."""
    _, own, tokens, _ = settled(database, clock)
    _, theirs, _, _ = settled(database, clock)
    row, (method, path) = TABLE[key], key.split()
    named = named_in(key)
    choices = [named, *([name] for name in named if len(named) > 1)]
    for who in ("operator", "host", "stranger"):
        with client(app, tokens[who]) as caller:
            for replaced in choices:
                answers = []
                for pool in (theirs, UNKNOWN):
                    names = own | {name: pool[name] for name in replaced}
                    body = None if row.body is None else filled(row.body, names)
                    answer = caller.request(method, f"{filled(path, names)}?{row.query}", json=body)
                    headers = {name: value for name, value in answer.headers.items() if name != "x-request-id"}
                    answers.append((IDS.sub("…", essence(answer)[2]), answer.status_code, headers))
                assert answers[0] == answers[1], (who, replaced)
