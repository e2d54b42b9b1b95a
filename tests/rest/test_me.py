"""What callers can read about themselves."""

import json
import logging

import pytest

from kalends.actions.user_deletion import delete_user
from kalends.http.bearer import ACT_AS
from kalends.http.log import ACCESS
from kalends.model import Scope
from tests.api import client, problem
from tests.cast import instant


def me(app, token, acting_for=None):
    headers = {ACT_AS: str(acting_for)} if acting_for else {}
    answer = client(app, token).get("/v1/me", headers=headers)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_a_person_finds_their_own_id(app, cast):
    found = me(app, cast.token_for(cast.guest, scopes={Scope.respond}, expires_at=instant("9000-01-01T00:00Z")))
    assert found["user"] == {
        "id": str(cast.guest.id),
        "name": cast.guest.name,
        "email": cast.guest.email,
        "time_zone": cast.guest.time_zone,
    }
    assert found["acting_for"] is None
    assert found["organization"].keys() == {"id", "name"}
    assert found["organization"]["id"] == str(cast.actor.organization_id)
    assert found["token"].pop("id").startswith("tok_")
    assert found["token"] == {"name": "of a test", "scopes": ["respond"], "expires_at": "9000-01-01T00:00:00Z"}


def test_an_operator_has_no_user(app, cast):
    found = me(app, cast.token_for())
    assert (found["user"], found["acting_for"], found["token"]["expires_at"]) == (None, None, None)
    assert found["token"]["scopes"] == sorted(Scope)


def test_an_operator_sees_whom_they_act_as(app, cast):
    found = me(app, cast.token_for(), cast.guest.id)
    assert (found["user"], found["acting_for"]) == (None, str(cast.guest.id))
    own = me(app, cast.token_for(cast.guest), cast.guest.id)
    assert (own["user"]["id"], own["acting_for"]) == (str(cast.guest.id), None), "for nobody but themselves"


def test_a_token_with_few_scopes_reads_nothing_about_others(app, cast):
    """An operator may act for anybody, but only reads their data with the scope for it."""
    found = me(app, cast.token_for(scopes={Scope.respond}), cast.guest.id)
    assert cast.guest.email not in json.dumps(found)


def test_without_a_valid_token_nothing_is_shown(app, cast):
    problem(client(app).get("/v1/me"), 401, "unauthenticated")
    token = cast.token_for(cast.guest)
    cast.do(delete_user, cast.guest.id)
    problem(client(app, token).get("/v1/me"), 401, "unauthenticated")
    problem(client(app, cast.token_for()).get("/v1/me?x=1"), 422, "invalid")


@pytest.mark.parametrize("person", [None, "guest"])
def test_reading_oneself_takes_one_statement(app, cast, caplog, person):
    caplog.set_level(logging.INFO, ACCESS.name)
    me(app, cast.token_for(person and cast.guest))
    (line,) = (json.loads(record.message) for record in caplog.records if record.name == ACCESS.name)
    assert line["statements"] == 1
