"""A new release of zone data for stored events: what is reported, what is moved, and what is refused."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from click.testing import CliRunner

from kalends.actions import retiming
from kalends.actions.events import cancel_event
from kalends.actions.participants import answer_invitation
from kalends.app import build_app
from kalends.cli import kalends
from kalends.cli.retiming import retime
from kalends.drafts import ResponseUpdate
from kalends.errors import ZoneDataMismatch
from kalends.model import Zone
from kalends.reads.integrity import find_inconsistencies
from kalends.rules.zones import read_time
from kalends.settings import Settings
from kalends.store.database import Database
from kalends.store.query import Query
from kalends.store.schema import migrate
from kalends.store.zone_release import begin_retiming, find_release, refuse_other_release
from tests.api import client, problem
from tests.cast import Cast, assemble, check_consistency, instant
from tests.cli.conftest import on_sqlite
from tests.served import run, serving
from tests.zone_data import compiled, using, write_release

VANCOUVER = Zone("America/Vancouver")
DAY = "2031-07-01"
ATLANTIS = Zone("Europe/Atlantis")
NEW_RULES = compiled(-8, ("2031-01-01", -7))
"""From 2031 on clocks are an hour ahead of the older release: 09:00 comes an hour earlier."""


@pytest.fixture(scope="module")
def releases(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Create two releases of zone data that differ in one zone; the second lacks another zone."""
    folder = tmp_path_factory.mktemp("zones")
    return {
        "2099a": write_release(folder / "2099a", "2099a", {VANCOUVER: compiled(-8), ATLANTIS: compiled(1)}),
        "2099b": write_release(folder / "2099b", "2099b", {VANCOUVER: NEW_RULES}),
    }


@pytest.fixture
def old(releases: dict[str, Path], url: str, clock: Any) -> Iterator[Cast]:
    """Yield a database that was filled with the older release, and its users."""
    database = Database(Settings(database_url=url), clock)
    with using(releases["2099a"], "2099a"):
        migrate(database)
        yield assemble(database)
    database.close()


def meeting(cast: Cast, start: str, end: str, *guests: Any, **details: Any) -> Any:
    """Create an event of the host on the day, in Vancouver unless another zone is given."""
    times = {"start": read_time(f"{DAY}T{start}"), "end": read_time(f"{DAY}T{end}"), "time_zone": VANCOUVER}
    return cast.event(*guests, **times | details)


def stored(cast: Cast, event: Any) -> Any:
    """Return the row of an event by the names of its columns."""
    columns = Query(sa.text("SELECT version, starts_at, ends_at, start_local, end_local FROM event WHERE id = :id"))
    return cast.database.read(lambda tx: tx.row(columns, id=int(event.id)))


def exclusive(cast: Cast, event: Any) -> dict[int, bool]:
    """Return for each user whether their agenda row of an event is exclusive."""
    rows = Query(sa.text("SELECT user_id, exclusive FROM agenda WHERE event_id = :id"))
    return {row[0]: bool(row[1]) for row in cast.database.read(lambda tx: tx.rows(rows, id=int(event.id)))}


def test_events_move_with_their_agenda_and_keep_answers_and_new_double_bookings_are_named(old, releases, call):
    moved = meeting(old, "09:00", "10:00", old.guest, title="Moved")
    old.do(answer_invitation, moved.id, old.guest.id, ResponseUpdate(response="accepted"))
    behind = meeting(old, "10:00", "11:00", old.guest, title="Behind it")
    fixed = meeting(old, "18:00", "19:00", title="Elsewhere", time_zone=Zone("Europe/Berlin"), participants=[])
    twice = meeting(old, "15:00", "16:00", title="Twice"), meeting(old, "15:30", "16:30", title="Twice too")
    called_off = meeting(old, "20:00", "21:00")
    old.do(cancel_event, called_off.id)
    past = old.event(start=read_time("2020-07-01T09:00"), end=read_time("2020-07-01T10:00"), time_zone=VANCOUVER)
    everything = old.rows()
    with using(releases["2099b"], "2099b"):
        stale = call("db", "check", code=1)
        assert (
            f"Unfinished events in {VANCOUVER} whose stored local times disagree with zone data 2099b: 5"
            in stale.stdout
        )
        assert str(moved.id) in stale.stdout
        planned = call("db", "retime", "--dry-run")
        assert old.rows() == everything
        done = call("db", "retime")
        assert planned.stdout == done.stdout
        assert done.stdout == (
            f"double booking: {old.host.name}: Moved ({moved.id}, {DAY}T09:00:00-07:00) "
            f"and Elsewhere ({fixed.id}, {DAY}T18:00:00+02:00)\n"
        )
        assert done.stderr == (
            f"Zone data from 2099a to 2099b. Events moved: 5 ({VANCOUVER} 5); new double bookings: 1.\n"
        )
        assert planned.stderr == done.stderr.replace("Events moved:", "Events that would move:")
        call("db", "check")
        assert check_consistency(old.database, old.actor) > 0
        again = call("db", "retime")
        assert "Events moved: 0; new double bookings: 1." in again.stderr
        assert again.stdout == call("db", "retime", "--dry-run").stdout == done.stdout  # as long as it is one
    version, start, end, start_local, end_local = stored(old, moved)
    assert (version, start_local, end_local) == (3, f"{DAY}T09:00:00-07:00", f"{DAY}T10:00:00-07:00")
    assert (start, end) == (instant(start_local), instant(end_local))
    assert stored(old, called_off)[0] == 3
    assert stored(old, past)[0] == stored(old, fixed)[0] == 1
    assert [participation.response for participation in old.participations(moved.id).values()] == [
        "accepted",
        "accepted",
    ]
    assert exclusive(old, moved) == {old.host.id: False, old.guest.id: True}
    assert exclusive(old, behind) == {old.host.id: True, old.guest.id: True}
    assert [exclusive(old, event)[old.host.id] for event in twice].count(True) <= 1
    entries = [row for row in old.rows()["audit"] if "retimed" in row]
    assert len(entries) == 5
    before, after = (json.loads(text) for text in entries[0][-2:])
    assert before == {"start": f"{DAY}T09:00:00-08:00", "end": f"{DAY}T10:00:00-08:00"}
    assert after == {"start": f"{DAY}T09:00:00-07:00", "end": f"{DAY}T10:00:00-07:00", "zone_data": "2099b"}


def test_a_chain_of_events_moves_without_a_false_double_booking_page_by_page(old, releases, monkeypatch):
    monkeypatch.setattr(retiming, "PAGE", 2)
    chain = [meeting(old, f"{hour:02}:00", f"{hour + 1:02}:00", old.guest) for hour in (9, 8, 12, 10, 11)]
    elsewhere = Zone("Europe/Berlin")
    for hour in (20, 22):  # 10:00 and 12:00 as they will be in Vancouver
        meeting(old, f"{hour}:00", f"{hour + 1}:00", time_zone=elsewhere, host_id=old.stranger.id)
    lines: list[str] = []
    with using(releases["2099b"], "2099b"):
        done = retime(old.database.write, lines.append)
        assert (done.moved[VANCOUVER], done.conflicts, lines) == (5, 0, [])
        assert all(exclusive(old, event) == {old.host.id: True, old.guest.id: True} for event in chain)
        assert old.database.read(find_inconsistencies) == []


class Killed(Exception):
    """Raised to end a retiming as a kill would."""


def test_a_retiming_that_is_killed_at_any_step_continues_where_it_was(old, releases, monkeypatch, clock):
    monkeypatch.setattr(retiming, "PAGE", 1)
    moved = meeting(old, "09:00", "10:00", old.guest)
    meeting(old, "18:00", "19:00", time_zone=Zone("Europe/Berlin"))
    lines: list[str] = []
    with using(releases["2099b"], "2099b"):
        steps = 0
        while True:
            left = steps

            def run(work):
                nonlocal left
                if left == 0:
                    raise Killed
                left -= 1
                return old.database.write(work)

            lines.clear()
            try:
                retime(run, lines.append)
                break
            except Killed:
                assert old.database.read(find_release) == ("2099a", "2099b" if steps else "2099a")
            steps += 1
        assert steps > 4
        assert len(lines) == 1
        assert (stored(old, moved)[0], exclusive(old, moved)[old.guest.id]) == (2, True)
        assert old.database.read(find_release) == ("2099b", "2099b")


def test_a_process_that_moves_events_elsewhere_is_noticed(old, releases, monkeypatch):
    monkeypatch.setattr(retiming, "PAGE", 1)
    meeting(old, "09:00", "10:00")
    with using(releases["2099b"], "2099b"):
        steps: list[object] = []

        def run(work):
            if len(steps) == 1:
                old.database.write(lambda tx: begin_retiming(tx, "2099c"))
            steps.append(work)
            return old.database.write(work)

        with pytest.raises(ZoneDataMismatch, match="2099c"):
            retime(run, lambda _: None)


def test_until_it_is_moved_an_edit_keeps_the_wall_clock_and_every_answer_agrees(old, releases, call):
    early, late = meeting(old, "09:00", "10:00", old.guest), meeting(old, "14:00", "15:00", old.guest)
    people = {"user_ids": [str(old.host.id)], "from": DAY, "to": "2031-07-02", "time_zone": VANCOUVER}
    with using(releases["2099b"], "2099b"):
        app = build_app(old.database, Settings(rate_limit=0, address_rate_limit=0, token_cache_ms=0))

        def agreed(api) -> list[str]:
            listed = [item["start"] for item in api.get("/v1/events").json()["items"]]
            for item in api.get("/v1/events").json()["items"]:
                assert api.get(f"/v1/events/{item['id']}").json()["start"] == item["start"]
                block = {"available_from": item["start"], "available_to": item["end"]}
                free = [user["id"] for user in api.get("/v1/users", params=block).json()["items"]]
                assert free == [str(old.stranger.id)]
                asked = {"host_id": str(old.host.id), "title": "x", "start": item["start"], "end": item["end"]}
                assert problem(api.post("/v1/events", json=asked), 409)["conflicts"][0]["event_id"] == item["id"]
            periods = api.post("/v1/free-busy", json=people).json()["items"][0]["periods"]
            assert [instant(period["start"]) for period in periods] == [instant(start) for start in listed]
            return listed

        with client(app, old.token_for()) as api:
            not_ready = problem(api.get("/health/ready"), 503, "zone_data_mismatch")
            assert "2099a" in not_ready["detail"]
            assert "kalends db retime" in not_ready["detail"]
            assert agreed(api) == [f"{DAY}T09:00:00-08:00", f"{DAY}T14:00:00-08:00"]
            longer = api.patch(f"/v1/events/{early.id}", json={"end": f"{DAY}T10:30"}).json()
            assert (longer["start"], longer["end"]) == (f"{DAY}T09:00:00-07:00", f"{DAY}T10:30:00-07:00")
            assert agreed(api) == [f"{DAY}T09:00:00-07:00", f"{DAY}T14:00:00-08:00"]
            call("db", "retime")
            assert agreed(api) == [f"{DAY}T09:00:00-07:00", f"{DAY}T14:00:00-07:00"]
            assert api.get("/health/ready").json() == {"status": "ready", "zone_data": "2099b"}
            assert api.get(f"/v1/events/{late.id}").json()["version"] == 2
            (entry,) = api.get("/v1/audit", params={"object_id": str(late.id), "limit": 1}).json()["items"]
            assert (entry["action"], entry["after"]["zone_data"]) == ("retimed", "2099b")


def test_an_unknown_zone_is_reported_and_does_not_stop_the_retiming(old, releases, call):
    islander = old.person(time_zone=ATLANTIS)
    lost, moved = meeting(old, "18:00", "19:00", time_zone=ATLANTIS), meeting(old, "09:00", "10:00")
    with using(releases["2099b"], "2099b"):
        found = call("db", "check", code=1)
        assert f"Unfinished events in {ATLANTIS}, a zone that zone data 2099b do not have: 1" in found.stdout
        done = call("db", "retime")
        assert f"Events in {ATLANTIS}, which these zone data do not have: 1." in done.stderr
        assert old.database.read(find_release) == ("2099b", "2099b")
        assert (stored(old, lost)[0], stored(old, moved)[0]) == (1, 2)
        app = build_app(old.database, Settings(rate_limit=0, address_rate_limit=0, token_cache_ms=0))
        with client(app, old.token_for()) as api:
            path = f"/v1/events/{lost.id}"
            assert api.get(path).json()["start"] == f"{DAY}T18:00:00+01:00"
            assert api.patch(path, json={"title": "Still there"}).status_code == 200
            refused = problem(api.patch(path, json={"end": f"{DAY}T19:30"}), 422)
            assert refused["errors"][0]["pointer"] == "/time_zone"
            busy = {"host_id": str(old.guest.id), "title": "x", "start": f"{DAY}T17:00Z", "end": f"{DAY}T18:00Z"}
            other = api.post("/v1/events", json=busy | {"time_zone": "UTC"}).json()
            conflict = api.post(f"{path}/participants", json={"user_id": other["host_id"]})
            assert problem(conflict, 409)["conflicts"][0]["start"] == f"{DAY}T17:00:00Z"
            mended = api.patch(f"{path}?on_conflict=allow", json={"time_zone": "Europe/Berlin"}).json()
            assert mended["start"] == f"{DAY}T19:00:00+02:00"
            hours = {"weekly": {"tuesday": [{"start": "09:00", "end": "17:00"}]}}
            api.put(f"/v1/users/{islander.id}/working-hours", json=hours)
            asked = {"user_ids": [str(islander.id)], "from": DAY, "to": "2031-07-02", "working_hours": True}
            assert api.post("/v1/free-busy", json=asked).json()["items"][0]["working_hours"] == [
                {"start": f"{DAY}T09:00:00Z", "end": f"{DAY}T17:00:00Z"}
            ]
            asked = {"user_id": str(islander.id), "start": f"{DAY}T10:00Z", "end": f"{DAY}T11:00Z"}
            assert api.post("/v1/explain", json=asked).status_code == 200
        call("db", "check")


def test_the_doctor_says_which_zone_data_the_events_follow(old, releases, call, url):
    meeting(old, "09:00", "10:00")

    def found() -> str:
        said = CliRunner(env={"KALENDS_DATABASE_URL": url}).invoke(kalends, ["doctor", "--deep"])
        lines = said.stdout.splitlines()
        return "\n".join(line for line in lines if " event times:" in line or " local times:" in line)

    assert found().startswith("ok ")
    with using(releases["2099b"], "2099b"):
        assert "warning  event times: derived with zone data 2099a, not with 2099b" in found()
        assert "warning  local times: Unfinished events in America/Vancouver" in found()
        call("db", "retime")
        assert found().startswith("ok ")
    assert "problem  event times: derived with zone data 2099b; 2099a, which is used, is older" in found()


def test_an_import_into_a_database_of_another_release_is_refused(old, releases, call, tmp_path):
    file = tmp_path / "people.json"
    file.write_text(json.dumps({"time_zone": "Europe/Berlin", "people": [], "events": []}))
    call("import", file)
    with using(releases["2099b"], "2099b"):
        assert "kalends db retime" in call("import", file, code=1).stderr
        call("db", "retime")
        call("import", file)


def test_a_database_of_an_earlier_version_has_an_unknown_release_until_it_is_retimed(old, releases, call):
    old.database.write(lambda tx: tx.run(Query(sa.text("UPDATE zone_data SET release = NULL, target = NULL"))))
    with using(releases["2099b"], "2099b"):
        with pytest.raises(ZoneDataMismatch, match="of an unknown release, and this version of Kalends has 2099b: run"):
            old.database.read(lambda tx: refuse_other_release(tx, "2099b"))
        done = call("db", "retime")
        assert "Zone data from an unknown release to 2099b. Events moved: 0" in done.stderr
        assert old.database.read(find_release) == ("2099b", "2099b")


@pytest.mark.slow
@pytest.mark.parametrize(
    "engine", [pytest.param("sqlite", marks=pytest.mark.measured), "postgresql"], indirect=True, scope="session"
)
def test_a_server_moves_events_before_it_answers_and_refuses_to_go_back(old, releases, url, tmp_path):
    moved = meeting(old, "09:00", "10:00", title="Moved")
    meeting(old, "18:00", "19:00", title="Elsewhere", time_zone=Zone("Europe/Berlin"))
    there = {"KALENDS_DATABASE_URL": url}
    with serving(tmp_path, "serve", "--port", "0", PYTHONTZPATH=str(releases["2099b"]), **there) as server:
        assert server.said == [f"Kalends serves at {server.address} with zone data 2099b\n"]
        log = server.log.read_text()
        assert "Zone data from 2099a to 2099b. Events moved: 1 (America/Vancouver 1); new double bookings: 1." in log
        assert f"double booking: {old.host.name}: Moved ({moved.id}" in log
        assert stored(old, moved)[3] == f"{DAY}T09:00:00-07:00"
        server.end()
    refused = run(tmp_path, "serve", "--port", "0", PYTHONTZPATH=str(releases["2099a"]), **there)
    assert refused.returncode == 1
    message = "zone data 2099b, and this version of Kalends has 2099a: upgrade the package tzdata to 2099b"
    assert message in refused.stderr
    back = run(tmp_path, "db", "retime", PYTHONTZPATH=str(releases["2099a"]), **there)
    assert "Zone data from 2099b to 2099a. Events moved: 1" in back.stderr
    assert stored(old, moved)[3] == f"{DAY}T09:00:00-08:00"


@on_sqlite
@pytest.mark.slow
def test_a_server_with_nothing_to_retime_reports_nothing(old, releases, url, tmp_path):
    with serving(
        tmp_path, "serve", "--port", "0", PYTHONTZPATH=str(releases["2099a"]), KALENDS_DATABASE_URL=url
    ) as server:
        assert "Zone data" not in server.log.read_text()
