"""The data of the benchmark is what the service itself would store."""

import contextlib
import importlib
import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import apsw
import pytest
from rich.progress import Progress

from bench import floor
from bench.floor import app_of, connected
from bench.peers.agreement import differences
from bench.plan import Plan
from bench.requests import MIX, RequestSource, in_floor, in_kalends
from bench.rows import KALENDS, event_id, user_id
from bench.servers import ALL, FLOORS
from bench.sqlite_store import SqliteStore
from kalends.reads.integrity import find_inconsistencies
from kalends.settings import Settings
from kalends.store.database import Database

pytestmark = pytest.mark.slow

PLAN = Plan(people=400, events=12_000)
OVERLAPS = """
SELECT count(*) FROM (
    SELECT starts_at < lag(ends_at) OVER (PARTITION BY user_id ORDER BY starts_at) AS hit FROM agenda WHERE exclusive
) WHERE hit
"""


PROGRAMS = sorted({*re.findall(r"bench/(\w+)\.py", (Path(__file__).parents[2] / "Makefile").read_text())})


@pytest.mark.parametrize("program", PROGRAMS)
def test_every_program_of_the_bench_can_be_loaded(program):
    assert callable(importlib.import_module(f"bench.{program}").main)


def test_data_that_is_filled_in_bulk_is_consistent_and_books_nobody_twice(tmp_path):
    url = SqliteStore(tmp_path).data(KALENDS, PLAN, Progress(disable=True))
    database = Database(Settings(database_url=url, read_timeout_ms=0))
    assert database.read(find_inconsistencies) == []
    database.close()
    with contextlib.closing(apsw.Connection(url.removeprefix("sqlite:///"))) as connection:
        assert connection.execute(OVERLAPS).fetchone() == (0,)
        assert connection.execute("SELECT count(*) FROM event").fetchone() == (PLAN.events,)
        (busy,) = connection.execute("SELECT max(ends_at) FROM agenda").fetchall()[0]
    assert isinstance(busy, int)
    assert PLAN.free_people(0)[0] > busy


@pytest.mark.parametrize("driver", FLOORS.values())
def test_the_floor_answers_every_kind_of_request(tmp_path, monkeypatch, driver):
    """A failing request is answered with 500, or leaves a transaction open for which others then wait."""
    url = SqliteStore(tmp_path).data(KALENDS, PLAN, Progress(disable=True))
    opened: list[Any] = []
    monkeypatch.setattr(floor, "connected", lambda *words: opened.append(connected(*words)) or opened[-1])
    answered: list[str] = []
    source, app = RequestSource(PLAN), app_of(url, dict.fromkeys(ALL, 3), driver)
    for kind in (*ALL, *ALL):
        (request,) = source.several(kind, 1)
        path = in_floor(request, "").split(b" ", 2)[1].decode()
        assert list(app({"PATH_INFO": path}, lambda status, _: answered.append(status))) == [b"xxx"]
    opened.pop().close()
    assert (set(answered), opened) == ({"200 OK"}, [])
    with contextlib.closing(apsw.Connection(url.removeprefix("sqlite:///"))) as connection:
        assert connection.execute("SELECT count(*) FROM event").fetchone() == (PLAN.events + 2,)


def test_every_requested_agenda_fills_a_page():
    for plan in (PLAN, Plan(20_000, 100_000)):
        participations = [
            participation.person for number in range(plan.events) for participation in plan.event(number).participations
        ]
        assert min(participations.count(person) for person in list(plan.readers())[:5]) > 50


def test_events_that_the_benchmark_creates_have_no_conflicts():
    taken = [(start, person) for start, people in map(PLAN.free_people, range(500)) for person in people]
    assert len(set(taken)) == len(taken)


def test_peers_answer_the_contract_and_need_not_follow_what_kalends_answers_besides():
    event = {
        "id": f"evt_{event_id(6):016x}",
        "title": "Talk",
        "metadata": {"title": 1},
        "participants": [{"user_id": 3}],
    }
    source = RequestSource(PLAN)

    def peer_with(name: str, **more: Any) -> Any:
        return SimpleNamespace(name=name, call=lambda _: (200, {"items": [event | more]}, 0))

    kalends = peer_with("kalends", color="blue")
    others = [peer_with("same", id=7), peer_with("title", title="Walk"), peer_with("metadata", metadata={"title": 2})]
    assert differences(kalends, others, source) == {
        "title": "list: /1/items/0/title is Walk and not Talk",
        "metadata": "list: /1/items/0/metadata/title is 2 and not 1",
    }


def test_requests_come_in_all_kinds_and_are_the_same_each_time():
    first, second = (RequestSource(PLAN).mixed(300) for _ in range(2))
    assert first == second
    assert {request.kind for request in first} == set(MIX)
    assert f"usr_{user_id(first[0].people[0]):016x}".encode() in in_kalends(first[0], "token") or not first[0].people
