"""Tokens on the command line."""

import json
import re
import stat
from pathlib import Path

import httpx
import pytest

from kalends.app import build_app
from kalends.cli.opening import DEMO_FOLDER
from kalends.model import Scope
from kalends.settings import Settings
from tests.cli.conftest import listed, one_line

SECRET = re.compile(r"kal_[a-z2-7]{39}\n")


def test_a_token_stands_alone_on_stdout_and_is_never_shown_again(call, url):
    made = call("token", "create", "--name", "Backend für 東京")
    assert SECRET.fullmatch(made.stdout)
    token_id = re.fullmatch(
        r"Created token (tok_[0-9a-f]{16}) \(Backend für 東京\) for an operator in \S.+\. "
        r"Keep it safe: it cannot be shown again\.\n",
        made.stderr,
    )
    assert token_id
    header = "ID\tTOKEN\tSTATE\tCREATED_AT\tEXPIRES_AT\tLAST_USED_AT\tUSER\tSCOPES\tNAME\n"
    state = rf"{token_id[1]}\t{made.stdout[:10]}…\tactive\t\d{{4}}-\d\d-\d\dT\d\d:\d\d:\d\dZ\t-\t-"
    row = rf"{state}\toperator\tall\tBackend für 東京\n"
    assert re.fullmatch(header + row, call("token", "list").stdout)
    (one,) = json.loads(call("token", "list", "--json").stdout)
    assert (one["id"], one["scopes"], one["expires_at"]) == (token_id[1], ["all"], None)
    if url.startswith("sqlite"):
        for file in Path(url.removeprefix("sqlite:///")).parent.glob(Path(url).name + "*"):
            assert stat.S_IMODE(file.stat().st_mode) == 0o600, file


def test_a_revoked_token_is_out_at_once(call, database):
    app = build_app(database, Settings(token_cache_ms=0, rate_limit=0, address_rate_limit=0))
    kept, lost = (call("token", "create").stdout.strip() for _ in range(2))

    def statuses() -> list[int]:
        with httpx.Client(transport=httpx.WSGITransport(app=app), base_url="http://test") as client:
            return [
                client.get("/v1/users", headers={"Authorization": f"Bearer {token}"}).status_code
                for token in (kept, lost)
            ]

    assert statuses() == [200, 200]
    first, second = listed(call, "token")
    assert (first[2], second[2]) == ("active", "active")
    done = call("token", "revoke", second[0])
    assert (done.stdout, done.stderr) == ("", f"Revoked {second[0]}.\n")
    assert statuses() == [200, 401]
    assert [row[2] for row in listed(call, "token")] == ["active"]
    assert [row[2] for row in listed(call, "token", "--all")] == ["active", "revoked"]
    again = call("token", "revoke", second[0], code=1)
    assert (
        one_line(again)
        == f"Error: No token in use {second[0]} could be found: it does not exist, or you may not see it."
    )


def test_all_tokens_are_listed_however_many_there_are(call, monkeypatch):
    monkeypatch.setattr("kalends.cli.token.PAGE", 2)
    for name in "abcde":
        call("token", "create", "--name", name)
    assert [row[-1] for row in listed(call, "token")] == list("abcde")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("", "blank"),
        ("   ", "blank"),
        ("\u200b", "blank"),
        ("two\nlines", "must be one line"),
        ("tab\there", "U+0009"),
        ("\x1b[2J", "U+001B"),
        ("x" * 201, "at most 200"),
        ("\udc80", "U+DC80"),
    ],
)
def test_a_name_that_is_blank_too_long_or_of_several_lines_is_refused(call, database, name, message):
    assert message in call("token", "create", "--name", name, code=2).stderr
    assert listed(call, "token") == []


def test_an_invalid_id_is_a_usage_error(call):
    assert (
        "must be an id such as tok_018f3c5a9b2d4e6f, not 'kal_secret'"
        in call("token", "revoke", "kal_secret", code=2).stderr
    )


@pytest.mark.parametrize("scope", [scope.value for scope in Scope])
def test_scopes_are_named_as_the_reference_names_them(call, scope):
    call("token", "create", "--scope", scope)
    assert f"\t{scope}\t" in call("token", "list").stdout


def test_a_hint_says_that_a_running_demo_has_another_database(call, tmp_path):
    assert "demo" not in call("token", "create").stderr
    (tmp_path / f"{DEMO_FOLDER}x").mkdir()
    assert "The demo on this machine has its own database" in call("token", "create").stderr
