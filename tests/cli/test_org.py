"""Organizations on the command line."""

import json
import re

import pytest
import sqlalchemy as sa

from kalends.app import build_app
from kalends.settings import Settings
from kalends.store.query import Query
from tests.api import client
from tests.cli.conftest import listed
from tests.cli.test_import import VILLAGE

AGED = Query(sa.text("UPDATE token SET expires_at = 1"))


def test_organizations_share_an_installation_and_nothing_else(call, database):
    made = call("org", "create", "Riverside School")
    org = made.stdout.strip()
    assert re.fullmatch(r"org_[0-9a-f]{16}", org)
    assert (
        made.stderr
        == f"Created organization {org} (Riverside School). Create a token for it: kalends token create --org {org}\n"
    )
    names = [("org_0000000000000001", "default"), (org, "Riverside School")]
    assert [(row[0], row[2]) for row in listed(call, "org")] == names
    assert [(one["id"], one["name"]) for one in json.loads(call("org", "list", "--json").stdout)] == names
    call("import", VILLAGE, "--org", org)
    ours, theirs = (call("token", "create", *words).stdout.strip() for words in ((), ("--org", org)))
    app = build_app(database, Settings())
    counted = [len(client(app, token).get("/v1/users").json()["items"]) for token in (ours, theirs)]
    assert counted == [0, 4]
    (row,) = listed(call, "token", "--org", org)
    assert "No token in use" in call("token", "revoke", row[0], code=1).stderr
    assert call("token", "revoke", row[0], "--org", org).stderr == f"Revoked {row[0]}.\n"


@pytest.mark.parametrize("org", ["x", "usr_0000000000000001", "org_7fffffffffffffff", ""])
def test_an_organization_that_is_not_there_is_refused(call, database, org):
    assert "--org" in call("token", "create", "--org", org, code=2).stderr
    assert listed(call, "token") == []


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("", "blank"),
        (" ", "blank"),
        ("\u3164", "blank"),
        ("two\nlines", "must be one line"),
        ("x" * 201, "at most 200"),
    ],
)
def test_a_name_that_is_blank_too_long_or_of_several_lines_is_refused(call, database, name, message):
    assert message in call("org", "create", name, code=2).stderr
    assert len(listed(call, "org")) == 1


def test_a_person_has_a_token_of_their_own(call, database):
    call("import", VILLAGE)
    made = call("token", "create", "--user", "ROSA@village.example", "--scope", "respond", "--expires", "90m")
    assert " for ROSA@village.example in " in made.stderr
    (row,) = listed(call, "token")
    assert (row[2], row[5], row[7]) == ("active", "-", "respond")
    assert re.fullmatch("usr_[0-9a-f]{16}", row[6])
    assert "there is no user with the e-mail address" in call("token", "create", "--user", "x@y", code=2).stderr


@pytest.mark.parametrize("text", ["", "30", "0d", "d", "1y", "-1d", "999999d", "1.5h"])
def test_an_invalid_lifetime_is_refused(call, database, text):
    assert "such as 30d" in call("token", "create", "--expires", text, code=2).stderr


def test_an_expired_token_is_listed_as_expired(call, database):
    call("token", "create", "--expires", "1m")
    database.write(lambda tx: tx.run(AGED))
    assert listed(call, "token", "--all")[0][2] == "expired"
