"""Participants over HTTP."""

import json

import pytest

from tests.api import client, faults, problem

NOBODY = "usr_0000000000000001"


@pytest.fixture
def path(cast, clock):
    event = cast.event()
    clock.set_to(event.block.span.start)
    return f"/v1/events/{event.id}/participants"


def test_one_participant_is_added_and_read(api, cast, path):
    made = api.post(path, json={"user_id": str(cast.guest.id), "role": "optional"})
    assert made.status_code == 201
    assert made.json() == {
        "user_id": str(cast.guest.id),
        "name": cast.guest.name,
        "email": cast.guest.email,
        "role": "optional",
        "response": "needs_action",
        "comment": None,
        "responded_at": None,
        "is_host": False,
    }
    assert made.headers["Location"] == f"{path}/{cast.guest.id}"
    read = api.get(made.headers["Location"])
    assert read.json() == made.json()
    assert read.headers["ETag"] == made.headers["ETag"]


def test_several_are_added_in_the_order_they_are_named_or_none(api, cast, path):
    named = [{"user_id": str(cast.stranger.id)}, {"user_id": str(cast.guest.id), "role": "optional"}]
    before = cast.rows()
    document = problem(api.post(path, json=[*named, {"user_id": NOBODY}, named[0]]), 422, "invalid")
    assert faults(document) == {"/2/user_id": "unknown_user", "/3/user_id": "duplicate_participant"}
    document = problem(api.post(path, json=[{"user_id": NOBODY}, *named]), 422, "invalid")
    assert faults(document) == {"/0/user_id": "unknown_user"}
    assert cast.rows() == before
    added = api.post(path, json=named)
    assert added.status_code == 201
    assert [guest["user_id"] for guest in added.json()["items"]] == [guest["user_id"] for guest in named]
    assert added.json()["next_cursor"] is None
    assert "ETag" not in added.headers
    document = problem(api.post(path, json=named), 409, "already_participant", "/0/user_id", "/1/user_id")
    assert document["errors"][0]["in"] == "body"


def test_the_faults_of_a_single_participant_are_not_in_a_list(api, cast, path):
    problem(api.post(path, json={"user_id": NOBODY}), 422, "invalid", "/user_id")
    problem(api.post(path, json={"user_id": str(cast.host.id)}), 409, "already_participant", "/user_id")


@pytest.mark.parametrize("sent", [[], "x", 1, None, [[]], [1], {"user_id": None}, [{}], {"role": "required"}])
def test_invalid_participants_are_refused(api, path, sent):
    problem(api.post(path, content=json.dumps(sent), headers={"Content-Type": "application/json"}), 422, "invalid")


def test_putting_a_participant_is_idempotent_and_keeps_the_answer(api, cast, path):
    participation = f"{path}/{cast.guest.id}"
    made = api.put(participation, json={"role": "optional"})
    assert made.status_code == 201
    assert made.headers["Location"] == participation
    again = api.put(participation, json={"role": "optional"})
    assert (again.status_code, again.json()) == (200, made.json())
    assert again.headers["ETag"] == made.headers["ETag"]
    assert "Location" not in again.headers
    api.put(f"{participation}/response", json={"response": "accepted", "comment": "I bring the cake."})
    changed = api.put(participation, json={"role": "required"}).json()
    assert (changed["role"], changed["response"], changed["comment"]) == ("required", "accepted", "I bring the cake.")
    assert changed["responded_at"].endswith("Z")
    assert api.patch(participation, json={"role": "optional"}).json()["role"] == "optional"
    assert api.patch(participation, json={}).json()["role"] == "optional"


def test_a_participant_has_to_be_an_existing_user(api, cast, path):
    document = problem(api.put(f"{path}/{NOBODY}", json={}), 422, "invalid", "/user_id")
    assert document["errors"][0]["in"] == "path"
    problem(api.put(f"{path}/hanna", json={}), 404, "not_found")


def test_an_answer_may_change_until_the_event_ends(api, cast, path, clock):
    participation = f"{path}/{cast.guest.id}"
    api.put(participation, json={})
    for response in ("accepted", "declined", "tentative"):
        answer = api.put(f"{participation}/response", json={"response": response})
        assert (answer.status_code, answer.json()["response"], answer.json()["comment"]) == (200, response, None)
    problem(api.put(f"{participation}/response", json={"response": "needs_action"}), 422, "invalid", "/response")
    problem(api.put(f"{participation}/response", json={}), 422, "invalid", "/response")
    problem(
        api.put(f"{participation}/response", json={"response": "accepted", "comment": "x" * 1_001}),
        422,
        "invalid",
        "/comment",
    )
    problem(api.put(f"{path}/{cast.stranger.id}/response", json={"response": "accepted"}), 404, "not_found")
    clock.set_to(clock() // 1_000 + 3_600_000_000)
    problem(api.put(f"{participation}/response", json={"response": "accepted"}), 409, "event_ended")


def test_removing_the_host_keeps_them_as_host(api, cast, path):
    assert api.delete(f"{path}/{cast.host.id}").status_code == 204
    problem(api.delete(f"{path}/{cast.host.id}"), 404, "not_found")
    event = api.get(path.removesuffix("/participants")).json()
    assert (event["host_id"], event["participant_counts"]["total"]) == (str(cast.host.id), 0)


def test_nothing_changes_on_a_cancelled_event(api, cast, path):
    api.put(f"{path}/{cast.guest.id}", json={})
    api.post(path.removesuffix("participants") + "cancel")
    participation = f"{path}/{cast.guest.id}"
    for answer in (
        api.post(path, json={"user_id": str(cast.stranger.id)}),
        api.put(f"{path}/{cast.stranger.id}", json={}),
        api.patch(participation, json={"role": "optional"}),
        api.delete(participation),
        api.put(f"{participation}/response", json={"response": "accepted"}),
    ):
        problem(answer, 409, "event_cancelled")
    assert api.get(participation).status_code == 200


def test_participants_of_an_unknown_event_are_not_found(api, cast, path):
    nowhere = "/v1/events/evt_0000000000000001/participants"
    participation = f"{nowhere}/{cast.host.id}"
    for answer in (
        api.get(nowhere),
        api.post(nowhere, json={"user_id": str(cast.host.id)}),
        api.get(participation),
        api.put(participation, json={}),
        api.patch(participation, json={}),
        api.delete(participation),
        api.put(f"{participation}/response", json={"response": "accepted"}),
        api.get(f"{path}/{cast.guest.id}"),
        api.patch(f"{path}/{cast.guest.id}", json={}),
    ):
        problem(answer, 404, "not_found")


def test_the_etag_of_a_participant_changes_with_their_name_and_with_the_host(api, cast, path):
    participation = f"{path}/{cast.host.id}"
    tags = [api.get(participation).headers["ETag"]]
    api.patch(f"/v1/users/{cast.host.id}", json={"name": "Hanna Huber"})
    tags.append(api.get(participation).headers["ETag"])
    api.post(path.removesuffix("participants") + "transfer", json={"host_id": str(cast.guest.id)})
    tags.append(api.get(participation).headers["ETag"])
    assert len(set(tags)) == 3
    for tag in tags[:2]:
        assert api.get(participation, headers={"If-None-Match": tag}).status_code == 200
    assert api.get(participation, headers={"If-None-Match": tags[2]}).status_code == 304


def test_the_etag_of_a_participant_depends_on_that_participant_alone(api, app, cast, clock):
    """A caller who does not see the other participants must not learn that one of them has answered."""
    tags = []
    for others in (0, 3):
        event = cast.event(cast.guest, cast.stranger, hide_participants=True)
        clock.set_to(event.block.span.start)
        participations = f"/v1/events/{event.id}/participants"
        for number in range(others):
            answer = {"response": "declined", "comment": str(number)}
            assert api.put(f"{participations}/{cast.stranger.id}/response", json=answer).status_code == 200
        with client(app, cast.token_for(cast.guest)) as guest:
            mine = f"{participations}/{cast.guest.id}"
            answered = guest.put(f"{mine}/response", json={"response": "declined"}, headers={"If-Match": '"1"'})
            stale = guest.put(f"{mine}/response", json={"response": "accepted"}, headers={"If-Match": '"1"'})
            tags.append((answered.headers["ETag"], problem(stale, 412, "stale_version")["detail"]))
            assert guest.get(mine).headers["ETag"] == answered.headers["ETag"]
    assert tags[0] == tags[1]


def test_a_participant_who_is_added_again_never_has_an_earlier_etag(api, cast, path):
    guest, tags = f"{path}/{cast.guest.id}", set()
    for _ in range(2):
        tags |= {api.put(guest, json={"role": role}).headers["ETag"] for role in ("required", "optional", "required")}
        assert api.delete(guest).status_code == 204
    assert len(tags) == 6
