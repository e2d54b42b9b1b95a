"""Real input: a conference schedule imported into both engines, and read over HTTP."""

import json
import secrets
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest

from kalends.actions.imports import import_schedule
from kalends.actions.schedule import Schedule
from kalends.actions.tokens import issue_token
from kalends.app import build_app
from kalends.cli.opening import OPERATOR
from kalends.rest.wire import read_struct
from kalends.rules.tokens import SECRET_BYTES
from kalends.settings import Settings
from kalends.store.database import Database
from tests.api import client
from tests.databases import Databases

pytestmark = pytest.mark.slow

VILLAGE = Path(__file__).parent.parent / "cli" / "village.json"
DAYS = {"31c3": "2014-12-28", "village": "2026-05-04"}
SPEAKERS = {"31c3": "Fefe", "village": "Another Ünal"}


@pytest.fixture(params=["31c3", "village"], scope="module")
def plan(request: pytest.FixtureRequest, shared_data: Path) -> tuple[str, dict[str, Any]]:
    """Return the name and content of a schedule; the real one is skipped where it is not available."""
    real = shared_data / f"{request.param}.json"
    if request.param == "31c3" and not real.exists():
        return "village", json.loads(VILLAGE.read_text())
    return request.param, json.loads((real if request.param == "31c3" else VILLAGE).read_text())


@pytest.fixture(scope="module")
def callers(
    plan: tuple[str, dict[str, Any]], sqlite_databases: Databases, postgresql_databases: Databases
) -> Iterator[dict[str, httpx.Client]]:
    """Yield a client for each engine, with the schedule in its database."""
    with sqlite_databases.migrated() as one, postgresql_databases.migrated() as other:
        urls = {"sqlite": one, "postgresql": other}
        databases = {engine: Database(Settings(database_url=url, read_timeout_ms=0)) for engine, url in urls.items()}
        yield {engine: caller_with(plan, database) for engine, database in databases.items()}
        for database in databases.values():
            database.close()


def caller_with(plan: tuple[str, dict[str, Any]], database: Database) -> httpx.Client:
    """Import a schedule into a database, and return a client of its service."""
    name, written = plan
    schedule = read_struct(Schedule, written)
    database.write(lambda tx: import_schedule(tx, OPERATOR, schedule, name, lambda: None))
    _, token = database.write(lambda tx: issue_token(tx, OPERATOR, "caller", secrets.token_bytes(SECRET_BYTES)))
    return client(build_app(database, Settings(rate_limit=0, address_rate_limit=0)), token)


def all_items(caller: httpx.Client, path: str, **query: Any) -> list[dict[str, Any]]:
    """Read a list to its end, a few items a page."""
    items: list[dict[str, Any]] = []
    cursor: dict[str, str] = {}
    while True:
        page = caller.get(path, params={"limit": 7, **query, **cursor}).raise_for_status().json()
        items += page["items"]
        if page["next_cursor"] is None:
            return items
        assert len(page["items"]) == 7
        cursor = {"cursor": page["next_cursor"]}


def moment(text: str, zone: str) -> datetime:
    """Parse a time of the file, including 24:00."""
    if "T24:00" in text:
        return moment(text.replace("T24:00", "T23:59"), zone).replace(minute=59, second=59)
    read = datetime.fromisoformat(text)
    return read if read.tzinfo else read.replace(tzinfo=ZoneInfo(zone))


def summary_of(event: dict[str, Any]) -> tuple[str, datetime, str, tuple[str, ...]]:
    """Return what both engines and the file have to agree on."""
    guests = tuple(sorted(guest["name"] for guest in event["participants"]))
    host = next(guest["name"] for guest in event["participants"] if guest["is_host"])
    return event["title"], datetime.fromisoformat(event["start"]).astimezone(UTC), host, guests


def counted(plan: dict[str, Any], wanted: Callable[[dict[str, Any]], bool]) -> list[tuple[Any, ...]]:
    """Count events in the file itself, without Kalends."""
    names = {person["ref"]: person["name"] for person in plan["people"]}
    found: list[tuple[Any, ...]] = []
    for event in plan["events"]:
        if wanted(event):
            refs = [guest if isinstance(guest, str) else guest["ref"] for guest in event.get("participants", [])]
            guests = tuple(sorted(names[ref] for ref in {event["host"], *refs}))
            start = moment(event["start"], event.get("time_zone", plan["time_zone"])).astimezone(UTC)
            found.append((event["title"], start, names[event["host"]], guests))
    return found


def test_the_agenda_of_a_speaker(plan, callers):
    name, written = plan
    refs = {person["ref"] for person in written["people"] if person["name"] == SPEAKERS[name]}
    wanted = counted(
        written,
        lambda event: bool(
            refs & {event["host"], *(g if isinstance(g, str) else g["ref"] for g in event.get("participants", []))}
        ),
    )
    assert wanted
    for caller in callers.values():
        (speaker,) = [one for one in all_items(caller, "/v1/users", q=SPEAKERS[name]) if one["name"] == SPEAKERS[name]]
        agenda = all_items(caller, "/v1/events", user_id=speaker["id"], expand="participants")
        assert sorted(map(summary_of, agenda)) == sorted(wanted)
        assert [event["start"] for event in agenda] == sorted(event["start"] for event in agenda)


def test_all_events_of_a_day_page_by_page(plan, callers):
    name, written = plan
    day, zone = DAYS[name], written["time_zone"]
    on_that_day = datetime.fromisoformat(day).replace(tzinfo=ZoneInfo(zone)).date()
    wanted = counted(
        written,
        lambda event: (
            moment(event["start"], event.get("time_zone", zone)).astimezone(ZoneInfo(zone)).date() == on_that_day
        ),
    )
    assert wanted
    following = f"{day[:-2]}{int(day[-2:]) + 1:02}"
    query = {"from": day, "to": following, "time_zone": zone, "expand": "participants"}
    answers = {
        engine: [summary_of(event) for event in all_items(caller, "/v1/events", **query)]
        for engine, caller in callers.items()
    }
    assert sorted(answers["sqlite"]) == sorted(wanted)
    assert sorted(answers["postgresql"]) == sorted(wanted)
    assert [event[1] for event in answers["sqlite"]] == [event[1] for event in answers["postgresql"]]
