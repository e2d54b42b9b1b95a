"""Importing files: all or nothing, only once, and every fault is named."""

import json
import os
import pty
import re
import subprocess
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from kalends.cli import kalends
from kalends.cli.opening import OPERATOR
from kalends.model import Event, Participant
from kalends.reads.events import EventFilter
from kalends.reads.users import list_users
from kalends.store.database import Database
from tests.cast import rows_of
from tests.cli.conftest import on_sqlite, one_line
from tests.seen import Page, list_events
from tests.served import KALENDS

VILLAGE = Path(__file__).parent / "village.json"
SOUND: dict[str, Any] = {
    "time_zone": "Europe/Lisbon",
    "people": [{"ref": "a", "name": "Ada"}, {"ref": "b", "name": "Bo"}],
    "events": [
        {"ref": "1", "title": "One", "start": "2026-05-04T19:00", "end": "2026-05-04T20:00", "host": "a"},
        {"ref": "2", "title": "Two", "start": "2026-05-05T19:00", "end": "2026-05-05T20:00", "host": "b"},
    ],
}

LATER = SOUND["events"][0] | {"start": "2026-05-04T21:00", "end": "2026-05-04T22:00"}


def all_events(database: Database) -> list[tuple[Event, list[Participant]]]:
    """Return all events with their participants, page by page."""
    found: list[tuple[Event, list[Participant]]] = []
    page = a_page(database, EventFilter())
    while True:
        assert page.participants is not None
        found += [(event, page.participants[event.id]) for event in page.events]
        if page.next_key is None:
            return found
        page = a_page(database, EventFilter(after=page.next_key))


def a_page(database: Database, wanted: EventFilter) -> Page:
    """Return a page of events."""
    return database.read(lambda tx: list_events(tx, OPERATOR, wanted, 100, expand=True))


def counts(result: Any, *, quiet: bool = True) -> list[int]:
    """Return the four numbers of a report: people added and known, events added and known."""
    form = r"people: (\d+) (?:would be )?added, (\d+) known\nevents: (\d+) (?:would be )?added, (\d+) known\n"
    found = re.fullmatch(form, result.stdout)
    assert found, result.output
    assert (result.stderr == "") == quiet
    return [int(number) for number in found.groups()]


@pytest.fixture
def file(tmp_path: Path) -> Any:
    """Write a file to import; content that is not text is written as JSON."""

    def write(content: Any) -> Path:
        path = tmp_path / "plan.json"
        if isinstance(content, (dict, list)):
            content = json.dumps(content)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


def test_a_file_becomes_people_and_events(call, database):
    assert counts(call("import", VILLAGE)) == [4, 0, 2, 0]
    users = database.read(lambda tx: list_users(tx, OPERATOR, 10)).items
    assert [(user.name, user.time_zone, user.metadata) for user in users] == [
        ("Another Ünal", "Europe/Lisbon", "{}"),
        ("Rosa Pinto", "Europe/Lisbon", '{"keys":["hall","shed"]}'),
        ("Tom Byrne", "Europe/Dublin", "{}"),
        ("Ünal Çelik", "Europe/Lisbon", "{}"),
    ]
    addresses = {user.name: user.email for user in users}
    assert (addresses["Rosa Pinto"], addresses["Tom Byrne"]) == ("Rosa@village.example", "tom@village.invalid")
    assert all(
        re.fullmatch(r"nal-[0-9a-f]{8}@village\.invalid", addresses[name]) for name in ("Ünal Çelik", "Another Ünal")
    )
    (choir, singers), (chat, talkers) = all_events(database)
    assert (choir.title, choir.description, choir.location, choir.metadata, choir.status.value) == (
        ("Choir", "Bring your voice.", "Hall", '{"songs":3}', "confirmed")
    )
    assert (choir.block.start_local, choir.block.end_local, choir.block.time_zone) == (
        ("2026-05-04T19:00:00+01:00", "2026-05-05T00:00:00+01:00", "Europe/Lisbon")
    )
    assert [
        (singer.name, singer.participation.role.value, singer.participation.response.value, singer.is_host)
        for singer in singers
    ] == [
        ("Rosa Pinto", "required", "accepted", True),
        ("Tom Byrne", "required", "needs_action", False),
        ("Another Ünal", "optional", "needs_action", False),
    ]
    assert (chat.block.start_local, chat.status.value) == ("2026-05-05T10:00:00+02:00", "tentative")
    assert [talker.name for talker in talkers] == ["Ünal Çelik"]
    call("db", "check")


def test_the_real_schedule_is_counted_like_a_plain_script_counts_it(call, database, shared_data):
    path = shared_data / "31c3.json"
    if not path.exists():
        path = VILLAGE
    plan = json.loads(path.read_text())
    quiet = path == VILLAGE  # the real one books two people twice, and says so
    assert counts(call("import", path), quiet=quiet) == [len(plan["people"]), 0, len(plan["events"]), 0]
    events = all_events(database)
    names = {person["ref"]: person["name"] for person in plan["people"]}
    hosted = Counter(names[event["host"]] for event in plan["events"])
    participations = Counter(len(event.get("participants", ())) + 1 for event in plan["events"])
    assert Counter(guest.name for _, guests in events for guest in guests if guest.is_host) == hosted
    assert Counter(len(guests) for _, guests in events) == participations
    assert Counter(event.title for event, _ in events) == Counter(event["title"] for event in plan["events"])
    before = rows_of(database, OPERATOR)
    assert counts(call("import", path)) == [0, len(plan["people"]), 0, len(plan["events"])]
    assert rows_of(database, OPERATOR) == before
    call("db", "check")


def test_a_dry_run_reports_and_changes_nothing(call, database):
    before = rows_of(database, OPERATOR)
    result = call("import", VILLAGE, "--dry-run")
    assert counts(result) == [4, 0, 2, 0]
    assert "would be added" in result.stdout
    assert rows_of(database, OPERATOR) == before
    call("import", VILLAGE)
    assert counts(call("import", VILLAGE, "--dry-run")) == [0, 4, 0, 2]


def test_a_dry_run_migrates_no_database(call):
    said = one_line(call("import", VILLAGE, "--dry-run", code=1))
    assert "kalends db migrate" in said


def test_importing_migrates_the_database(call):
    assert counts(call("import", VILLAGE)) == [4, 0, 2, 0]


@pytest.mark.parametrize(("choice", "code", "added"), [("allow", 0, 2), ("reject", 5, 1)])
def test_an_event_that_books_somebody_twice_is_named(call, database, file, choice, code, added):
    twice = SOUND["events"][0] | {"ref": "9", "title": "Twice"}
    plan = {**SOUND, "events": [SOUND["events"][0], twice]}
    result = call("import", file(plan), "--on-conflict", choice, code=code)
    assert counts(result, quiet=False) == [2, 0, added, 0]
    (line,) = result.stderr.strip().splitlines()
    assert line.startswith("double booking")
    assert ("(left out)" in line) == (choice == "reject")
    assert 'events[1] (ref "9") Twice' in line
    assert line.endswith(": " + "Ada")
    assert len(all_events(database)) == added
    again = call("import", file(plan), "--on-conflict", choice, code=code)
    assert counts(again, quiet=choice == "allow") == [0, 2, 0, added]
    call("db", "check")


def test_importing_again_adds_only_what_is_new(call, database, file):
    assert counts(call("import", file(SOUND))) == [2, 0, 2, 0]
    more = {
        **SOUND,
        "people": [*SOUND["people"], {"ref": "c", "name": "Cy"}],
        "events": [*SOUND["events"], LATER | {"ref": "3", "title": "Three", "participants": ["b", "c"]}],
    }
    assert counts(call("import", file(more))) == [1, 2, 1, 2]
    assert [event.title for event, _ in all_events(database)] == ["One", "Three", "Two"]
    assert counts(call("import", file(SOUND), "--source", "another file")) == [2, 0, 2, 0]


@pytest.mark.parametrize(
    ("content", "line"),
    [
        ('{"time_zone": "UTC",\n "people": [],\n "events": [}', "line 3: the file is not JSON: invalid character"),
        ('{"time_zone": "UTC",\n "people": [', "line 2: the file is not JSON: it ends too early"),
        ('{"time_zone": "UTC",\n "people": [],\n\n\n', "line 2: the file is not JSON: it ends too early"),
        ("", "line 1: the file is empty, but must be JSON"),
        ('{"people": [],\n "events": [], "time_zone": NaN}', "line 2: the file is not JSON: invalid character"),
        (b'{"time_zone":\n "\xff"}', "line 2: the file is not UTF-8"),
        ('{"time_zone":\n\n "\\ud800"}', "line 3: the file has an escape"),
        ('["\\ud83d\\ude00",\n "\\ud83d\\ude00",\n]', "line 3: the file is not JSON: trailing comma in array"),
        ("\n" + "[" * 100_000, "line 2: the file is nested more than 100 levels deep"),
    ],
)
def test_a_file_that_is_no_json_names_the_line(call, database, file, content, line):
    before = rows_of(database, OPERATOR)
    path = file(content)
    said = one_line(call("import", path, code=1))
    assert said.startswith(f"Error: {path}, {line}")
    assert said.endswith("; nothing was imported")
    assert rows_of(database, OPERATOR) == before


def test_a_byte_order_mark_in_a_file_is_ignored(call, file):
    assert counts(call("import", file(b"\xef\xbb\xbf" + json.dumps(SOUND).encode()))) == [2, 0, 2, 0]


def messages_of(call: Any, path: Path) -> list[str]:
    """Return the messages about the items of a broken file."""
    result = call("import", path, code=1)
    assert result.stdout == ""
    headline, *lines = result.stderr.splitlines()
    assert headline == f"Error: {path} has errors, nothing was imported:"
    return [line.strip() for line in lines]


def test_everything_that_is_missing_unknown_or_wrong_in_a_file_is_named(call, database, file):
    before = rows_of(database, OPERATOR)
    assert messages_of(call, file([])) == ["the file: must be an object, not a list"]
    broken = {
        "time_zone": "Europe/Atlantis",
        "people": [{"ref": "a"}, 7, {"ref": " ", "name": "Bo", "email": "nobody", "age": 3}],
        "evnts": [],
    }
    assert [line.partition(":")[0] for line in messages_of(call, file(broken))] == [
        "time_zone",
        "evnts",
        'people[0] name (ref "a")',
        "people[1]",
        'people[2] ref (ref " ")',
        'people[2] email (ref " ")',
        'people[2] age (ref " ")',
    ]
    nul = {**SOUND, "people": [{"ref": "a\0", "name": "Ada"}]}
    assert messages_of(call, file(nul)) == ['people[0] ref (ref "a\\u0000"): must not contain the NUL character']
    assert rows_of(database, OPERATOR) == before


def test_every_item_that_breaks_a_rule_is_named_and_nothing_is_added(call, database, file):
    before = rows_of(database, OPERATOR)
    first, second = SOUND["events"]
    broken = {
        **SOUND,
        "events": [
            first | {"end": "2026-05-05T02:00"},
            second | {"host": "z", "participants": ["a", "y", {"ref": "a"}], "start": "2026-05-05T21:00"},
            first | {"ref": "3", "start": "2026-03-29T01:30", "end": "2026-03-29T02:30"},
            second | {"ref": "4"},
        ],
    }
    assert messages_of(call, file(broken)) == [
        (
            'events[0] end (ref "1"): must be on the same day as the start in Europe/Lisbon, '
            "or midnight at the end of that day"
        ),
        "events[1] host (ref \"2\"): no person has the ref 'z'",
        "events[1] participants[1] (ref \"2\"): no person has the ref 'y'",
        "events[1] participants[2] (ref \"2\"): 'a' takes part already",
        'events[1] end (ref "2"): must come after the start',
        'events[2] start (ref "3"): the clocks of Europe/Lisbon never show 2026-03-29T01:30: choose another time',
    ]
    assert rows_of(database, OPERATOR) == before


def test_every_item_that_is_wrong_is_named_at_once_whatever_is_wrong_with_it(call, database, file):
    """One item has wrong members, one an unknown ref, one breaks a rule: all are reported together."""
    before = rows_of(database, OPERATOR)
    person, event = SOUND["people"][0], SOUND["events"][0]
    broken = {
        "time_zone": "Europe/Atlantis",
        "people": [
            person | {"email": "ada@example.org"},
            {"ref": "b"},
            person | {"email": "ADA@example.org", "name": ""},
            "c",
            {"ref": 5, "name": "Five"},
        ],
        "events": [
            event | {"title": "", "host": "nobody"},
            event | {"host": "b", "participants": ["a", 7, {"ref": "z"}, {"role": "required"}, "a"]},
            event | {"ref": "3", "start": "2026-05-04T21:00+01:00", "end": "2026-05-04T20:00+01:00"},
            event | {"ref": "4", "time_zone": "Europe/Lisbon", "end": "2026-05-05T20:00"},
            event | {"ref": "5", "start": "yesterday", "end": 7},
            {"ref": "6", "participants": "all"},
        ],
    }
    assert [line.partition(":")[0] for line in messages_of(call, file(broken))] == [
        "time_zone",
        'people[1] name (ref "b")',
        'people[2] name (ref "a")',
        'people[2] ref (ref "a")',
        'people[2] email (ref "a")',
        "people[3]",
        "people[4] ref (ref 5)",
        'events[0] title (ref "1")',
        'events[0] host (ref "1")',
        'events[1] participants[1] (ref "1")',
        'events[1] participants[3] ref (ref "1")',
        'events[1] ref (ref "1")',
        'events[1] participants[2] (ref "1")',
        'events[1] participants[4] (ref "1")',
        'events[2] end (ref "3")',
        'events[3] end (ref "4")',
        'events[4] start (ref "5")',
        'events[4] end (ref "5")',
        *(f'events[5] {name} (ref "6")' for name in ("title", "start", "end", "host", "participants")),
    ]
    assert rows_of(database, OPERATOR) == before


def test_people_are_matched_with_users_by_address_only_on_request(call, database, file):
    path = file({"time_zone": "UTC", "people": [{"ref": "a", "name": "Ada", "email": "ada@example.org"}]})
    call("import", path, "--source", "first")
    refused = call("import", path, "--source", "second", code=1)
    assert 'people[0] email (ref "a")' in refused.stderr
    assert "--merge" in refused.stderr
    merged = call("import", path, "--source", "second", "--merge")
    (user,) = database.read(lambda tx: list_users(tx, OPERATOR, 10)).items
    assert (merged.stdout.splitlines()[0], merged.stderr) == (
        "people: 0 added, 1 known",
        f'merged: people[0] (ref "a") Ada: user {user.id}\n',
    )


def test_people_alone_are_imported(call, database, file):
    assert counts(call("import", file({"time_zone": "UTC", "people": SOUND["people"]}))) == [2, 0, 0, 0]


def test_standard_input_is_imported_under_a_name(url):
    def call(*words: str, given: object = SOUND, code: int = 0) -> Result:
        done = CliRunner(env={"KALENDS_DATABASE_URL": url}).invoke(kalends, words, json.dumps(given))
        assert done.exit_code == code, done.output
        return done

    assert "give the source a name" in call("import", "-", code=2).stderr
    assert counts(call("import", "-", "--source", "team")) == [2, 0, 2, 0]
    assert counts(call("import", "-", "--source", "team")) == [0, 2, 0, 2]
    assert call("import", "-", "--source", "x", given=[], code=1).stderr.startswith("Error: standard input has errors")


@pytest.mark.parametrize(
    ("source", "message"), [("", ""), (" ", "blank"), ("two\nlines", "must be one line"), ("x" * 201, "at most 200")]
)
def test_a_source_without_a_name_is_a_usage_error(call, source, message):
    assert message in call("import", VILLAGE, "--source", source, code=2 if source else 0).stderr


def test_a_file_that_cannot_be_read_is_a_usage_error(call, tmp_path):
    assert "does not exist" in call("import", tmp_path / "nothing.json", code=2).stderr
    assert "is a directory" in call("import", tmp_path, code=2).stderr


@on_sqlite
@pytest.mark.slow
def test_progress_is_shown_on_a_terminal_only(url, tmp_path):
    environment = {**os.environ, "KALENDS_DATABASE_URL": url, "TERM": "xterm"}
    leader, follower = pty.openpty()
    words = [*KALENDS, "import", str(VILLAGE)]
    done = subprocess.run(
        words,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=follower,
        check=True,
        timeout=60,
    )
    os.close(follower)
    shown = b""
    try:
        while part := os.read(leader, 4096):
            shown += part
    except OSError:
        pass  # Linux says so where others report an end
    finally:
        os.close(leader)
    assert b"Importing" in shown
    assert b"people: 4 added" in done.stdout
    quiet = subprocess.run(words, env=environment, capture_output=True, check=True, timeout=60)
    assert (quiet.stdout, quiet.stderr) == (b"people: 0 added, 4 known\nevents: 0 added, 2 known\n", b"")
