"""The doctor: a line for each check, and an exit code for scripts."""

import re
from pathlib import Path

import pytest
import sqlalchemy as sa

from kalends.cli.opening import OPERATOR
from kalends.cli.sample import add_sample
from kalends.rules.zones import from_instant
from kalends.store.query import Query
from kalends.store.revision import NEEDED
from tests.cli.conftest import call_with
from tests.postgres import start_postgres

LINE = re.compile(r"(ok|note|warning|problem) +([A-Za-z ]+): (.+)")
NEWER = Query(sa.text("UPDATE kalends_version SET version_num = '9999'"))
SPOILED = Query(sa.text("UPDATE event SET accepted_count = 9999 WHERE id = (SELECT max(id) FROM event)"))
GOOD = {
    "settings",
    "rate limit",
    "address rate limit",
    "trusted proxies",
    "body size",
    "open files",
    "zone data",
    "event times",
    "database",
    "schema",
    "idle tokens",
    "old tokens",
}
OF_ENGINE = {
    "sqlite": {"file rights", "disk space", "file system", "SQLite"},
    "postgresql": {
        *(
            "PostgreSQL",
            "fsync",
            "synchronous commit",
            "connection",
            "database role",
            "connections",
            "clocks",
            "pooler",
        ),
    },
}


def read(result) -> dict[str, tuple[str, str]]:
    """Return severity and text by subject, and check that there is a line for each."""
    found = {}
    for line in result.stdout.splitlines():
        matched = LINE.fullmatch(line)
        assert matched, line
        severity, subject, text = matched.groups()
        found[subject] = severity, text
    assert re.fullmatch(r"Checks: \d+, problems: \d+, warnings: \d+\.\n", result.stderr)
    return found


@pytest.fixture
def sound(engine, url):
    """Return the lines of the doctor for a database of the tests, where PostgreSQL does not wait for the disk."""
    return {"fsync"} if engine == "postgresql" else set()


def test_a_sound_deployment_gets_a_line_for_each_check(call, database, engine, sound):
    found = read(call("doctor", code=1 if sound else 0))
    assert set(found) - {"folder rights"} == GOOD | OF_ENGINE[engine]
    assert {subject for subject, (severity, _) in found.items() if severity == "problem"} == sound
    assert found["schema"] == ("ok", NEEDED)


@pytest.mark.slow
def test_a_durable_server_is_sound(tmp_path):
    url, stop = start_postgres(tmp_path, durable=True)
    try:
        call = call_with(KALENDS_DATABASE_URL=url)
        call("db", "migrate")
        assert {severity for severity, _ in read(call("doctor", "--deep")).values()} == {"ok", "warning"}
    finally:
        stop()


def test_contents_are_checked_on_request(call, database, sound):
    database.write(lambda tx: add_sample(tx, OPERATOR, from_instant(tx.now).date()))
    code = 1 if sound else 0
    assert "contents" not in read(call("doctor", code=code))
    assert read(call("doctor", "--deep", code=code))["contents"] == ("ok", "consistent")
    database.write(lambda tx: tx.run(SPOILED))
    severity, text = read(call("doctor", "--deep", code=1))["contents"]
    assert severity == "problem"
    assert text.startswith("Events whose counts of participants are wrong: 1. -> ")


def test_a_database_that_is_still_to_be_migrated_is_a_note(call, url, sound):
    if url.startswith("sqlite"):
        Path(url.removeprefix("sqlite:///")).touch(0o600)
    for words in (("doctor",), ("doctor", "--deep")):
        found = read(call(*words, code=1 if sound else 0))
        advice = "kalends serve migrates it, as does kalends db migrate"
        assert found["schema"] == ("note", f"at empty, and {NEEDED} is needed -> {advice}")
        assert found["database"][0] == "ok"


def test_a_database_that_is_still_to_be_made_is_a_note(tmp_path):
    """So `kalends doctor && kalends serve` works on a new installation."""
    path = tmp_path / "none.db"
    found = read(call_with(KALENDS_DATABASE_URL=f"sqlite:///{path}")("doctor"))
    assert found["database"] == ("note", f"there is no file {path} yet -> kalends serve creates it")
    assert not path.exists()


def test_a_newer_schema_is_reported(call, database):
    database.write(lambda tx: tx.run(NEWER))
    assert read(call("doctor", code=1))["schema"] == (
        "problem",
        f"at 9999, and {NEEDED} is needed -> install the version of Kalends that made it",
    )


@pytest.mark.parametrize(
    ("url", "reported"),
    [
        ("sqlite:///{folder}/text.db", "file is not a database"),
        ("sqlite://", "SQLite needs a file"),
        ("mysql://x", "it must begin with"),
        ("postgresql://me:secret@127.0.0.1:1/x?connect_timeout=1", "refused"),
    ],
)
def test_a_database_that_cannot_be_reached_is_a_problem(tmp_path, url, reported):
    (tmp_path / "text.db").write_text("not a database at all\n" * 100)
    call = call_with(KALENDS_DATABASE_URL=url.format(folder=tmp_path), KALENDS_BUSY_TIMEOUT_MS="300")
    result = call("doctor", code=1)
    severity, text = read(result)["database"]
    assert severity == "problem"
    assert reported in text
    assert "secret" not in result.output


def test_settings_that_cannot_be_read_are_all_that_is_reported():
    found = read(call_with(KALENDS_TRUSTED_PROXIES="x")("doctor", code=1))
    assert list(found) == ["settings"]
    assert "KALENDS_TRUSTED_PROXIES" in found["settings"][1]


def test_doubtful_settings_are_reported(tmp_path):
    settings = {
        "KALENDS_DATABASE_URL": f"sqlite:///{tmp_path / 'k.db'}",
        "KALENDS_RATE_LIMIT": "0",
        "KALENDS_ADDRESS_RATE_LIMIT": "0",
        "KALENDS_MAX_BODY_BYTES": "1000000000",
    }
    call = call_with(**settings)
    call("db", "migrate")
    found = read(call("doctor"))
    assert [found[name][0] for name in ("rate limit", "address rate limit", "body size")] == ["warning"] * 3
    assert all(" -> " in text for severity, text in found.values() if severity != "ok")
    trusting = call_with(**settings, KALENDS_TRUSTED_PROXIES="0.0.0.0/0")
    assert read(trusting("doctor", code=1))["trusted proxies"][0] == "problem"


def test_a_file_that_others_may_read_is_a_problem(tmp_path):
    call = call_with(KALENDS_DATABASE_URL=f"sqlite:///{tmp_path / 'k.db'}")
    call("db", "migrate")
    (tmp_path / "k.db").chmod(0o644)
    severity, text = read(call("doctor", code=1))["file rights"]
    assert (severity, f"chmod 600 {tmp_path / 'k.db'}" in text) == ("problem", True)
