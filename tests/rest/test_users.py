"""Users over HTTP."""

import pytest

from tests.api import client, faults, problem

HANNA = {"name": "Hanna Huber", "email": "hanna.huber@example.org", "time_zone": "Europe/Vienna"}


def test_a_user_is_created_and_read(api):
    made = api.post("/v1/users", json=HANNA | {"metadata": {"badge": "blue"}})
    assert made.status_code == 201
    user = made.json()
    assert user["id"].startswith("usr_")
    assert user == {
        **HANNA,
        "metadata": {"badge": "blue"},
        "id": user["id"],
        "version": 1,
        "created_at": user["created_at"],
        "updated_at": user["created_at"],
    }
    assert user["created_at"].endswith("Z")
    assert made.headers["ETag"] == '"1"'
    assert made.headers["Location"] == f"/v1/users/{user['id']}"
    read = api.get(made.headers["Location"])
    assert read.status_code == 200
    assert read.json() == user
    assert read.headers["ETag"] == '"1"'
    assert read.headers["Content-Type"] == "application/json"


def test_the_time_zone_of_a_user_is_utc_by_default(api):
    made = api.post("/v1/users", json={"name": "U", "email": "u@example.org"}).json()
    assert made["time_zone"] == "UTC"
    assert made["metadata"] == {}


def test_all_faults_of_a_new_user_are_reported_together(api):
    sent = {"name": " ", "email": "nobody", "time_zone": "Mars/Olympus", "metadata": [], "nick": "x", "a/b~c": 1}
    document = problem(api.post("/v1/users", json=sent), 422, "invalid")
    assert faults(document) == {
        "/name": "blank",
        "/email": "invalid_email",
        "/time_zone": "unknown_zone",
        "/metadata": "wrong_type",
        "/nick": "unknown_field",
        "/a~1b~0c": "unknown_field",
    }
    assert {fault["in"] for fault in document["errors"]} == {"body"}


def test_missing_members_are_named(api):
    problem(api.post("/v1/users", json={}), 422, "invalid", "/name", "/email")


@pytest.mark.parametrize(
    "address", ["ha\u200bnna@example.org", "a..b@example.org", "<a@example.org>", "a;b@example.org"]
)
def test_an_address_is_refused_with_the_reason(api, cast, address):
    before = cast.rows()
    for answer in (
        api.post("/v1/users", json=HANNA | {"email": address}),
        api.patch(f"/v1/users/{cast.guest.id}", json={"email": address}),
    ):
        (fault,) = problem(answer, 422, "invalid")["errors"]
        assert (fault["pointer"], fault["code"]) == ("/email", "invalid_email")
        assert repr(address) in fault["message"]
    assert cast.rows() == before


def test_a_domain_is_the_same_in_unicode_and_in_ascii(api):
    made = api.post("/v1/users", json=HANNA | {"email": "Hanna@München.example"})
    assert made.json()["email"] == "Hanna@München.example"
    problem(api.post("/v1/users", json=HANNA | {"email": "hanna@xn--mnchen-3ya.example"}), 409, "email_taken")
    own = api.patch(made.headers["Location"], json={"email": "hanna@xn--mnchen-3ya.example"})
    assert own.json()["email"] == "hanna@xn--mnchen-3ya.example"
    for text in ("münchen.example", "munchen", "XN--MNCHEN", "hanna@xn"):
        assert [user["id"] for user in api.get("/v1/users", params={"q": text}).json()["items"]] == [own.json()["id"]]


def test_addresses_are_compared_without_regard_to_case(api, cast):
    sent = HANNA | {"email": cast.host.email.upper()}
    problem(api.post("/v1/users", json=sent), 409, "email_taken")
    problem(api.patch(f"/v1/users/{cast.guest.id}", json={"email": cast.host.email.upper()}), 409, "email_taken")


def test_a_user_is_changed_by_a_merge_patch(api, cast):
    path = f"/v1/users/{cast.host.id}"
    changed = api.patch(path, json={"name": "Hanna Huber", "metadata": {"a": 1, "b": {"c": 2, "d": 3}}})
    assert changed.status_code == 200
    assert changed.headers["ETag"] == '"2"'
    sent = b'{"metadata": {"a": null, "b": {"c": 5}}}'
    changed = api.patch(path, content=sent, headers={"Content-Type": "application/merge-patch+json"})
    user = changed.json()
    assert (user["name"], user["email"], user["version"]) == ("Hanna Huber", cast.host.email, 3)
    assert user["metadata"] == {"b": {"c": 5, "d": 3}}
    assert api.patch(path, json={"metadata": None}).json()["metadata"] == {}


def test_a_patch_that_changes_nothing_leaves_the_version_alone(api, cast):
    assert api.patch(f"/v1/users/{cast.host.id}", json={}).headers["ETag"] == '"1"'
    assert api.patch(f"/v1/users/{cast.host.id}", json={"name": cast.host.name}).json()["version"] == 1


def test_an_unknown_user_is_not_found(api, cast):
    for path in ("/v1/users/usr_0000000000000001", "/v1/users/usr_1", f"/v1/users/evt_{int(cast.host.id):016x}"):
        document = problem(api.get(path), 404, "not_found")
        assert document["instance"] == path
        problem(api.patch(path, json={}), 404, "not_found")
        problem(api.delete(path), 404, "not_found")


def test_a_deleted_user_is_gone_and_their_address_is_free(api, cast):
    path = f"/v1/users/{cast.guest.id}"
    gone = api.delete(path)
    assert (gone.status_code, gone.content) == (204, b"")
    assert "Content-Type" not in gone.headers
    problem(api.get(path), 404, "not_found")
    assert api.post("/v1/users", json=HANNA | {"email": cast.guest.email}).status_code == 201


def test_a_host_of_future_events_is_deleted_only_with_a_choice_for_them(api, cast, clock):
    clock.set_to(cast.event(cast.guest).block.span.start - 1)
    path = f"/v1/users/{cast.host.id}"
    assert "hosts: 1." in problem(api.delete(path), 409, "hosts_events")["detail"]
    for query in ("hosted=transfer", f"to={cast.guest.id}", f"hosted=transfer&to={cast.host.id}"):
        document = problem(api.delete(f"{path}?{query}"), 422, "invalid", "/to")
        assert document["errors"][0]["in"] == "query"
    problem(api.delete(f"{path}?hosted=transfer&to=usr_0000000000000001"), 422, "invalid", "/to")
    problem(api.delete(f"{path}?hosted=keep"), 422, "invalid", "/hosted")
    assert api.delete(f"{path}?hosted=transfer&to={cast.guest.id}").status_code == 204
    assert [event["host_id"] for event in api.get("/v1/events").json()["items"]] == [str(cast.guest.id)]
    assert api.delete(f"/v1/users/{cast.guest.id}?hosted=cancel").status_code == 204
    assert api.get("/v1/events").json()["items"] == []
    assert len(api.get("/v1/events?status=cancelled").json()["items"]) == 1


def test_only_operators_read_and_set_metadata_of_users(app, api, cast):
    """They are notes of the organization's operators: users neither read nor set them, not even their own."""
    path = f"/v1/users/{cast.guest.id}"
    event = cast.event()
    assert api.patch(path, json={"metadata": {"salary": 7}}).json()["metadata"] == {"salary": 7}
    for person in (cast.guest, cast.host):
        with client(app, cast.token_for(person)) as caller:
            pool = f"/v1/events/{event.id}/available-users"
            answers = [caller.get(path), caller.get("/v1/users"), caller.get("/v1/users?q=guest")]
            answers += [caller.get(pool)] if person is cast.host else []
            assert all("salary" not in answer.text and "metadata" not in answer.text for answer in answers)
    with client(app, cast.token_for(cast.guest)) as caller:
        problem(caller.patch(path, json={"metadata": {"salary": 8}}), 403, "forbidden")
        assert "metadata" not in caller.patch(path, json={"name": "Another name"}).json()
        assert caller.get(f"{path}/export").json()["user"]["metadata"] == {"salary": 7}, "but a copy is a copy of all"
    assert api.get(path).json()["metadata"] == {"salary": 7}


def test_only_operators_change_addresses(app, api, cast):
    """Imports and commands identify users by their address, so nobody may take over that of another user."""
    path = f"/v1/users/{cast.guest.id}"
    own = api.get(path).json()["email"]
    with client(app, cast.token_for(cast.guest)) as caller:
        problem(caller.patch(path, json={"email": "colleague.to.come@example.org"}), 403, "forbidden")
        assert caller.patch(path, json={"email": own, "name": "Another name"}).json()["name"] == "Another name"
    with client(app, cast.token_for()) as operator:
        acting = {"Kalends-Act-As": str(cast.guest.id)}
        problem(operator.patch(path, json={"email": "other@example.org"}, headers=acting), 403, "forbidden")
        assert operator.patch(path, json={"email": "other@example.org"}).json()["email"] == "other@example.org"
