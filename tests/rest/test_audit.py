"""The audit log over HTTP."""

import secrets
from typing import Any

import pytest

from kalends.actions.tokens import issue_token
from kalends.model import ALL_SCOPES, Scope
from tests.api import client, problem


def found(api: Any, query: str = "") -> list[dict[str, Any]]:
    answer = api.get(f"/v1/audit{query}")
    assert answer.status_code == 200, answer.content
    return answer.json()["items"]


def test_audit_entries_are_listed_newest_first(api, cast):
    made = api.post("/v1/users", json={"name": "Nina New", "email": "nina@example.org"}, headers={"X-Request-Id": "r1"})
    api.patch(f"/v1/users/{made.json()['id']}", json={"name": "Nina Neu"})
    changed, created = found(api, f"?object_id={made.json()['id']}")
    token_id = api.get("/v1/tokens").json()["items"][0]["id"]
    assert created == {
        "id": created["id"],
        "at": made.json()["created_at"],
        "action": "created",
        "object_kind": "user",
        "object_id": made.json()["id"],
        "user_id": None,
        "token_id": token_id,
        "address": "127.0.0.1",
        "request_id": "r1",
        "before": None,
        "after": {"name": "Nina New", "email": "nina@example.org", "time_zone": "UTC", "metadata": {}},
    }
    assert (changed["before"], changed["after"]) == ({"name": "Nina New"}, {"name": "Nina Neu"})
    assert found(api, f"?token_id={token_id}&limit=2") == [changed, created]
    assert found(api, f"?from={changed['at']}")[0] == changed
    assert found(api, f"?to={created['at']}&object_id={made.json()['id']}") == []


def test_an_operator_who_acts_as_a_user_is_named_with_them(api, cast):
    acting = {"Kalends-Act-As": str(cast.guest.id)}
    assert api.patch(f"/v1/users/{cast.guest.id}", json={"name": "G"}, headers=acting).status_code == 200
    (one,) = found(api, f"?user_id={cast.guest.id}")
    assert (one["user_id"], one["token_id"]) == (str(cast.guest.id), api.get("/v1/tokens").json()["items"][0]["id"])
    problem(api.get("/v1/audit", headers=acting), 403, "forbidden")


def test_only_operators_with_the_scope_read_it(api, app, cast):
    limited = ALL_SCOPES - {Scope.audit_read}
    _, text = cast.do(issue_token, "limited", secrets.token_bytes(20), scopes=limited)
    with client(app, text) as other:
        problem(other.get("/v1/audit"), 403, "insufficient_scope")


def test_a_page_ends_where_the_next_begins(api, cast):
    everything = found(api, "?limit=250")
    pages, cursor = [], ""
    while True:
        page = api.get(f"/v1/audit?limit=1{cursor}").json()
        pages += page["items"]
        if page["next_cursor"] is None:
            break
        cursor = f"&cursor={page['next_cursor']}"
    assert pages == everything
    assert len({one["id"] for one in pages}) == len(pages) > 2


@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        ("object_id=org_0000000000000001", "/object_id"),
        ("object_id=usr_1", "/object_id"),
        ("user_id=evt_0000000000000001", "/user_id"),
        ("from=soon", "/from"),
        ("to=2026-03-29T02:30&time_zone=Europe/Berlin", "/to"),
        ("from=2026-03-10&to=2026-03-10", "/to"),
        ("cursor=x", "/cursor"),
        ("limit=0", "/limit"),
        ("actor=x", "/actor"),
    ],
)
def test_an_invalid_query_is_refused(api, query, pointer):
    problem(api.get(f"/v1/audit?{query}"), 422, "invalid", pointer)


@pytest.mark.parametrize("prefix", ["usr", "evt", "tok", "hld"])
def test_every_kind_of_id_is_accepted(api, prefix):
    assert found(api, f"?object_id={prefix}_0000000000000001") == []


def test_a_dry_run_leaves_no_entry(api, cast):
    before = found(api)
    assert api.patch(f"/v1/users/{cast.guest.id}?dry_run=true", json={"name": "G"}).status_code == 200
    assert found(api) == before


def test_the_secret_of_a_token_is_not_in_the_audit_log(api, cast):
    made = api.post("/v1/tokens", json={"name": "phone"}).json()
    (one,) = found(api, f"?object_id={made['id']}")
    assert (one["action"], one["after"]["name"]) == ("issued", "phone")
    assert made["token"] not in api.get("/v1/audit").text
    assert made["hint"] not in api.get("/v1/audit").text
