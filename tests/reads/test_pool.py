"""The pool: active users who are free in a block of time, page by page, in one statement, with its query plans."""

from collections.abc import Iterator
from contextlib import nullcontext
from typing import Any

import pytest

from kalends.actions.events import cancel_event, create_event
from kalends.actions.holds import place_hold
from kalends.actions.participants import add_participants, answer_invitation
from kalends.actions.user_deletion import delete_user
from kalends.drafts import EventCreate, ParticipantCreate, ResponseUpdate
from kalends.errors import BookingConflict, NotFound
from kalends.model import EventId, Role, ShowAs
from kalends.reads.availability import BUSY_TIMES
from kalends.reads.users import list_available_users, list_statement, list_users
from kalends.rules.intervals import HOUR
from kalends.rules.zones import read_time
from kalends.settings import Settings
from kalends.store import events, participants, users
from kalends.store.commitments import (
    BLOCKING_IN_EACH_SEEN_BY_OPERATOR,
    BLOCKING_IN_EACH_SEEN_BY_PERSON,
    BLOCKING_SEEN_BY_OPERATOR,
    BLOCKING_SEEN_BY_PERSON,
    span_values,
)
from kalends.store.database import Database
from tests.cast import BERLIN, Cast, assemble, instant
from tests.databases import Databases
from tests.multitude import FIRST_START, HALF_HOUR, fill
from tests.reads.test_plans import Crowd, kinds, postgresql_plans, scan_of, sqlite_plan
from tests.rules.spans import span

SLOT = span(instant("2026-03-09T14:00+01:00"), instant("2026-03-09T15:00+01:00"))


@pytest.fixture(autouse=True)
def before_it_all(clock):
    clock.set_to(instant("2026-03-01T00:00Z"))


def pool(cast: Cast, at=SLOT, **options) -> list[str]:
    return [user.name.split()[0] for user in cast.ask(list_users, 50, free=at, **options).items]


def test_everybody_without_blocking_commitments_is_free(cast):
    assert pool(cast) == ["Gustav", "Hanna", "Stella"]
    event = cast.event(cast.guest)
    assert pool(cast) == ["Stella"]
    cast.do(answer_invitation, event.id, cast.guest.id, ResponseUpdate(response="declined"))
    assert pool(cast) == ["Gustav", "Stella"]
    cast.do(place_hold, [cast.stranger.id], SLOT, 300)
    assert pool(cast) == ["Gustav"]
    assert pool(cast, text="STELLA") == []
    cast.do(cancel_event, event.id)
    cast.do(delete_user, cast.guest.id)
    assert pool(cast) == ["Hanna"]


def test_commitments_that_only_touch_leave_somebody_free(cast):
    cast.event(cast.guest)
    for at in (span(SLOT.start - HOUR, SLOT.start), span(SLOT.end, SLOT.end + HOUR)):
        assert pool(cast, at) == ["Gustav", "Hanna", "Stella"]
    for at in (span(SLOT.start - HOUR, SLOT.start + 1), span(SLOT.end - 1, SLOT.end + HOUR)):
        assert pool(cast, at) == ["Stella"]


def test_commitments_that_do_not_block_do_not_count(cast):
    cast.event(participants=[ParticipantCreate(user_id=cast.guest.id, role=Role.optional)], show_as=ShowAs.busy)
    cast.event(cast.stranger, show_as=ShowAs.free)
    assert pool(cast) == ["Gustav", "Stella"]


def test_a_lapsed_hold_does_not_count(cast, clock):
    hold = cast.do(place_hold, [cast.guest.id], SLOT, 300)
    assert pool(cast) == ["Hanna", "Stella"]
    clock.set_to(hold.expires_at)
    assert pool(cast) == ["Gustav", "Hanna", "Stella"]


def test_the_pool_of_an_event_excludes_its_participants_and_ignores_its_own_time(cast, database):
    event = cast.event(cast.guest, host_attends=False)

    def names(event_id=event.id, **options):
        return [user.name.split()[0] for user in cast.ask(list_available_users, event_id, 50, **options).items]

    assert names() == ["Hanna", "Stella"], "the host may come after all"
    assert names(text="stella") == ["Stella"]
    cast.event(host_id=cast.stranger.id)
    assert names() == ["Hanna"]
    gone = cast.person()
    cast.do(delete_user, gone.id)
    assert names() == ["Hanna"]
    for unknown in (EventId(5), assemble(database).event().id):
        with cast.refused(NotFound):
            names(unknown)


def test_everybody_in_the_pool_can_be_added_and_nobody_else(cast):
    """The pool and the conflict check agree."""
    people = [cast.person() for _ in range(12)]
    for number, who in enumerate(people):
        start, end = (
            f"2026-03-09T{12 + number // 4}:{number % 4 * 15:02}",
            f"2026-03-09T{12 + number // 4}:{number % 4 * 15 + 14}",
        )
        cast.event(host_id=who.id, start=read_time(start), end=read_time(end))
    event = cast.event()
    free = {user.id for user in cast.ask(list_available_users, event.id, 50).items}
    assert len(free) == 10, "eight of twelve, and the two of the cast who have nothing to do"
    for who in [*people, cast.guest, cast.stranger]:
        refused = nullcontext() if who.id in free else cast.refused(BookingConflict)
        with refused:
            cast.do(add_participants, event.id, [ParticipantCreate(user_id=who.id)])


def test_pages_follow_each_other_without_gap_or_repetition(cast):
    people = [cast.person(f"Person {number % 3}") for number in range(20)]
    for who in people[::2]:
        cast.do(
            create_event,
            EventCreate(
                host_id=who.id,
                title="It",
                start=read_time("2026-03-09T14:00"),
                end=read_time("2026-03-09T15:00"),
                time_zone=BERLIN,
            ),
        )
    whole = cast.ask(list_users, 50, free=SLOT).items
    assert len(whole) == 13
    paged, after = [], None
    while True:
        page = cast.ask(list_users, 4, free=SLOT, after=after)
        paged += page.items
        after = page.next_key
        if after is None:
            break
    assert paged == whole
    event = cast.event(host_id=people[0].id, start=read_time("2026-03-10T14:00"), end=read_time("2026-03-10T15:00"))
    first = cast.ask(list_available_users, event.id, 21)
    rest = cast.ask(list_available_users, event.id, 21, after=first.next_key)
    assert len(first.items) == 21
    assert [user.id for user in rest.items] == [cast.stranger.id]


def test_one_statement_for_a_block_and_two_for_an_event(database):
    actor, first = fill(database, people=1_000, events=2_000)
    block = span(FIRST_START, FIRST_START + HALF_HOUR)
    for rows in (1, 3, 250):

        def read(tx, rows=rows):
            assert len(list_users(tx, actor, rows, free=block).items) == rows
            assert tx.statements == 1
            assert len(list_available_users(tx, actor, EventId(first), rows).items) == rows
            assert tx.statements == 3

        database.read(read)


# ---- how the engines go about it


class Pool(Crowd):
    """Tens of thousands of rows, and a block of time to query."""

    def parameters(self) -> dict[str, Any]:
        block = span_values(span(FIRST_START + 5_000 * HALF_HOUR, FIRST_START + 5_001 * HALF_HOUR))
        ids: Any = [self.first + number for number in range(5)]
        nothing = {"joining": 0, "own_event": 0, "own_hold": 0, "now": 0}
        who: Any = {"operator": True, "me": 0, "delegators": [0], "shown_hosts": []}
        spans: Any = {"starts": [block["start"]] * 52, "ends": [block["end"]] * 52}
        return super().parameters() | block | nothing | who | spans | {"ids": ids}


@pytest.fixture(scope="module")
def crowd(databases: Databases) -> Iterator[Pool]:
    with databases.migrated() as url:
        database = Database(Settings(database_url=url))
        fill(database, people=5_000, events=100)
        yield Pool(database, *fill(database, people=200, events=10_000))
        database.close()


def test_the_pool_scans_names_and_a_range_of_each_agenda(crowd: Pool, engine):
    for searched in (False, True):
        for continued in (False, True):
            query = list_statement(searched=searched, continued=continued, free=True)
            if engine == "sqlite":
                plan = sqlite_plan(crowd, query, ("person 150", crowd.first))
                assert plan[0].startswith(
                    "SEARCH user USING INDEX ix_user_organization_id_name_key_id (organization_id=?"
                )
                look = [step for step in plan if "agenda" in step or "held_time" in step]
                assert [step.split(" (")[0] for step in look] == [
                    "SEARCH agenda USING PRIMARY KEY",
                    "SEARCH held_time USING PRIMARY KEY",
                ]
                assert all("(user_id=? AND starts_at>? AND starts_at<?)" in step for step in look)
                assert not any("SCAN" in step or "TEMP B-TREE" in step for step in plan)
                continue
            for plan in postgresql_plans(crowd, query, ("person 150", crowd.first)):
                assert "Sort" not in kinds(plan)
                check_range(plan)


def check_range(plan: list[dict]) -> None:
    """Check that every access to users' time is one range of its key."""
    scans = [node for node in plan if node.get("Alias", "").startswith("agenda")]
    assert scans
    for scan in scans:
        assert (scan["Node Type"], scan["Index Name"]) in {
            ("Index Scan", "pk_agenda"),
            ("Index Only Scan", "pk_agenda"),
        }
        of_one_event = scan["Alias"] in ("mine", "theirs")  # the tie of the caller to an event is one row
        parts = ("starts_at =", "event_id =") if of_one_event else ("starts_at >", "starts_at <")
        assert all(part in scan["Index Cond"] for part in ("user_id =", *parts))


TIMES = {
    "time": BUSY_TIMES,
    "operator": BLOCKING_SEEN_BY_OPERATOR,
    "person": BLOCKING_SEEN_BY_PERSON,
    "operator, several spans": BLOCKING_IN_EACH_SEEN_BY_OPERATOR,
    "person, several spans": BLOCKING_IN_EACH_SEEN_BY_PERSON,
}


@pytest.mark.parametrize("query", TIMES.values(), ids=TIMES)
def test_busy_times_are_one_range_of_each_agenda(crowd: Pool, engine, query):
    if engine == "sqlite":
        plan = sqlite_plan(crowd, query)
        look = [step for step in plan if step.startswith(("SEARCH agenda", "SEARCH held_time"))]
        assert len(look) == 2
        assert all("USING PRIMARY KEY (user_id=? AND starts_at>? AND starts_at<?)" in step for step in look)
        scanned = ("json_each", "commitment")  # the latter is what was found
        assert not any(step.startswith("SCAN") and not any(name in step for name in scanned) for step in plan), plan
        return
    for plan in postgresql_plans(crowd, query):
        check_range(plan)


LOOKUPS = {
    "user": users.LOCK_SEVERAL,
    "event": events.LOCK_SEVERAL,
    "participant": participants.PARTICIPATING_PEOPLE,
}


@pytest.mark.parametrize("table", LOOKUPS)
def test_several_rows_are_found_by_their_keys(crowd: Pool, engine, table):
    """With `(… IN …) = 1`, which SQLAlchemy writes for a boolean on SQLite, the engine scanned all rows."""
    if engine == "sqlite":
        plan = sqlite_plan(crowd, LOOKUPS[table])
        key = "USING PRIMARY KEY (event_id=?" if table == "participant" else "USING INTEGER PRIMARY KEY (rowid=?)"
        assert plan[0].startswith(f"SEARCH {table} {key}")
        return
    for plan in postgresql_plans(crowd, LOOKUPS[table]):
        scan = scan_of(plan, table)
        assert scan["Node Type"] == "Index Scan"
        assert table == "user" or scan["Index Name"] == f"pk_{table}", "of 200 people all may be looked at"
