"""Query plans of lists: one ordered range scan of an index, with every bound in the range."""

import re
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from kalends.actions.tokens import issue_token
from kalends.model import Actor
from kalends.reads.audit import list_statement as record_listing
from kalends.reads.events import View, list_statement
from kalends.reads.holds import list_statement as hold_listing
from kalends.reads.paging import key_values
from kalends.reads.participants import PAGE
from kalends.reads.users import list_statement as user_listing
from kalends.settings import Settings
from kalends.store.database import Database, ReadTx
from kalends.store.holds import FIND as FIND_HOLD
from kalends.store.holds import HELD_BY
from kalends.store.idempotency import OLD
from kalends.store.query import Query
from tests.databases import Databases
from tests.every import check_every
from tests.multitude import FIRST_START, HALF_HOUR, fill, fill_audit_log, fill_holds, fill_keys

PEOPLE, EVENTS = 200, 20_000
MIDDLE = FIRST_START + EVENTS // 2 * HALF_HOUR

BOUNDS = [
    (),
    ("since",),
    ("until",),
    ("since", "until"),
    ("after",),
    ("since", "after"),
    ("until", "after"),
    ("since", "until", "after"),
]


@dataclass
class Crowd:
    """A database with so many rows that the planner has to choose well."""

    database: Database
    actor: Actor
    first: int
    entry: int = 0
    """One in the middle of the audit log."""

    @property
    def place(self) -> tuple[int, int]:
        """Return the key of an event in the middle of a list."""
        return MIDDLE + 48 * HALF_HOUR, self.first + 3

    def parameters(self) -> dict[str, Any]:
        """Return a value for every parameter of a list."""
        return {
            "org": int(self.actor.organization_id),
            "count": 51,
            "user_id": self.first + 5,
            "participant_id": self.first + 5 + 17,
            "host_id": self.first + 5,
            "pending_host_id": self.first + 5,
            "event_id": self.first + 5,
            "since": MIDDLE,
            "until": MIDDLE + 40 * 48 * HALF_HOUR,
            "earliest": MIDDLE - 54 * HALF_HOUR,
            "status": "confirmed",
            "response": "needs_action",
            "role": "required",
            "pattern": "%event%",
            "object_id": self.first + 5,
            "before": FIRST_START + 50,
            "token_id": self.first,
            "now": FIRST_START,
            "id": self.first,
            "me": self.first + 1,
            "operator": False,
            **{name: [self.first + 2] for name in ("delegators", "shown_hosts", "read_hosts", "managed_hosts")},
        }


@pytest.fixture(scope="module")
def crowd(databases: Databases) -> Iterator[Crowd]:
    """Yield a database of 200 users, 20,000 events and 80,000 participations, and 10,000 users with few events."""
    with databases.migrated() as url:
        database = Database(Settings(database_url=url))
        others = fill(database, people=10_000, events=100)
        fill_audit_log(database, *others, 40_000)
        actor, first = fill(database, people=PEOPLE, events=EVENTS)
        entry = fill_audit_log(database, actor, first, EVENTS) + EVENTS // 2
        fill_holds(database, *others, people=10_000, holds=20_000)
        fill_holds(database, actor, first, people=PEOPLE, holds=2_000)
        fill_audit_log(database, *others, 40_000)
        yield Crowd(database, actor, first, entry)
        database.close()


def sqlite_plan(crowd: Crowd, query: Query, key: Any = None) -> list[str]:
    """Return the steps of a plan of SQLite, of a page after a key if there is one."""
    sql, constants = query.compiled(crowd.database.dialect)

    def explain(tx: ReadTx) -> list[str]:
        tx._cursor.execute(f"EXPLAIN QUERY PLAN {sql}", constants | crowd.parameters() | key_values(key))
        return [row[-1] for row in tx._cursor.fetchall()]

    return crowd.database.read(explain)


def postgresql_plans(crowd: Crowd, query: Query, key: Any = None) -> list[list[dict[str, Any]]]:
    """Return the nodes, outermost first, of the plans for these values and for any values."""
    sql, constants = query.compiled(crowd.database.dialect)
    values = constants | crowd.parameters() | key_values(key)
    names = list(dict.fromkeys(re.findall(r"%\((\w+)\)s", sql)))
    numbered = re.sub(r"%\((\w+)\)s", lambda found: f"${names.index(found[1]) + 1}", sql).replace("%%", "%")

    def explain(tx: ReadTx) -> list[list[dict[str, Any]]]:
        tx._cursor.execute(f"EXPLAIN (FORMAT JSON) {sql}", values)
        custom = tx._cursor.fetchall()[0][0]
        tx._cursor.execute(f"EXPLAIN (GENERIC_PLAN, FORMAT JSON) {numbered}")
        generic = tx._cursor.fetchall()[0][0]
        return [list(nodes(plan[0]["Plan"])) for plan in (custom, generic)]

    return crowd.database.read(explain)


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Walk through a plan."""
    yield plan
    for part in plan.get("Plans", []):
        yield from nodes(part)


def kinds(plan: list[dict[str, Any]]) -> list[str]:
    return [node["Node Type"] for node in plan]


def steps_of(plan: list[str]) -> list[str]:
    """Return the steps of a SQLite plan that read or sort rows, except reading a materialized page."""
    return [step for step in plan if step.startswith(("SEARCH", "SCAN", "USE TEMP")) and step not in MADE]


def without_wrapping(plan: list[dict[str, Any]]) -> list[str]:
    """Return the node types of a PostgreSQL plan, without those that aggregate a page into one row."""
    return [kind for kind in kinds(plan) if kind not in ("Memoize", "Aggregate", "Subquery Scan")]


MADE = ("SCAN page", "SCAN items")
GUEST_STEPS = [
    "SEARCH participant USING PRIMARY KEY (event_id=?)",
    "SEARCH user USING INTEGER PRIMARY KEY (rowid=?)",
]


def scan_of(plan: list[dict[str, Any]], table: str) -> dict[str, Any]:
    return next(node for node in plan if node.get("Relation Name") == table)


def expected_range(bounds: tuple[str, ...], key: str) -> set[str]:
    """Return the expected condition on an index that ends with start and `key`."""
    after = {f"ROW(starts_at, {key}) >"} if "after" in bounds else set()
    lower = {"(starts_at >"} if "since" in bounds and not after else set()
    return after | lower | ({"(starts_at <"} if "until" in bounds else set())


def test_an_agenda_is_one_range_scan_without_a_sort(crowd, engine):
    check_every(
        check_agenda,
        crowd,
        engine,
        person=["user_id", "participant_id"],
        bounds=BOUNDS,
        more=[(), ("status", "response", "role", "text")],
        expand=[False, True],
    )


def check_agenda(crowd, engine, person, bounds, more, expand):
    query = list_statement(frozenset({person, *bounds, *more}), View.everything, expand=expand)
    if engine == "sqlite":
        scan, lookup, *guests = steps_of(sqlite_plan(crowd, query, crowd.place))
        assert guests == (GUEST_STEPS if expand else [])
        assert lookup == "SEARCH event USING INTEGER PRIMARY KEY (rowid=?)"
        assert scan.startswith("SEARCH agenda USING PRIMARY KEY (user_id=?")
        assert ("starts_at" in scan) is bool(bounds)
        assert ("(starts_at,event_id)>(?,?)" in scan) is ("after" in bounds)
        assert ("starts_at>?" in scan) is ("since" in bounds and "after" not in bounds)
        assert ("starts_at<?" in scan) is ("until" in bounds)
        return
    for plan in postgresql_plans(crowd, query, crowd.place):
        if expand:
            assert not {"Seq Scan", "Bitmap Heap Scan"} & {*kinds(plan)}
            assert scan_of(plan, "participant")["Index Name"] == "pk_participant"
        page = [node for node in plan if node.get("Relation Name") not in ("participant", "user")]
        assert without_wrapping(page)[:4] == ["Limit", "Nested Loop", "Index Scan", "Index Scan"]
        scan, lookup = scan_of(plan, "agenda"), scan_of(plan, "event")
        assert (scan["Index Name"], lookup["Index Name"]) == ("pk_agenda", "pk_event")
        assert all(part in scan["Index Cond"] for part in expected_range(bounds, "event_id"))
        assert "(user_id =" in scan["Index Cond"]


TIE = "USING PRIMARY KEY (user_id=? AND starts_at=? AND event_id=?)"


def test_another_users_agenda_is_one_range_scan_with_key_lookups(crowd, engine):
    """Checking whether an event is visible takes one key lookup for each of two ties.

    PostgreSQL may sort the few rows of a range where it takes that to be cheaper; it never reads more agenda than that.
    """
    check_every(check_others_agenda, crowd, engine, person=["user_id", "participant_id", "host_id"], bounds=BOUNDS)


def check_others_agenda(crowd, engine, person, bounds):
    query = list_statement(frozenset({person, *bounds}), View.others, expand=False)
    scanned, lookup = ("event", []) if person == "host_id" else ("agenda", ["event"])
    if engine == "sqlite":
        plan = steps_of(sqlite_plan(crowd, query, crowd.place))
        assert plan[0].startswith(f"SEARCH {scanned} USING ")
        assert ("starts_at" in plan[0].partition(" (")[2]) is bool(bounds)
        more = [step for step in plan[1:] if "json_each" not in step]
        assert more[: len(lookup)] == ["SEARCH event USING INTEGER PRIMARY KEY (rowid=?)" for _ in lookup]
        assert {*more[len(lookup) :]} == {f"SEARCH mine {TIE}", f"SEARCH theirs {TIE}"}
        return
    for plan in postgresql_plans(crowd, query, crowd.place):
        assert "Bitmap Heap Scan" not in kinds(plan)
        scan = next(node for node in plan if node.get("Alias") == scanned)
        assert all(part in scan["Index Cond"] for part in expected_range(bounds, "id" if lookup == [] else "event_id"))
        ties = [node for node in plan if node.get("Alias", "").startswith(("mine", "theirs"))]
        assert len(ties) == 4
        assert all("(starts_at =" in tie["Index Cond"] and "(event_id =" in tie["Index Cond"] for tie in ties)


def test_a_hosts_and_everybodys_events_are_one_range_scan_without_a_sort(crowd, engine):
    check_every(
        check_hosted,
        crowd,
        engine,
        host=["host_id", "pending_host_id", ""],
        bounds=BOUNDS,
        more=[(), ("status", "text")],
    )


def check_hosted(crowd, engine, host, bounds, more):
    query = list_statement(frozenset({*([host] if host else []), *bounds, *more}), View.everything, expand=False)
    column = host or "organization_id"
    index = f"ix_event_{column}_starts_at_id"
    if engine == "sqlite":
        (scan,) = steps_of(sqlite_plan(crowd, query, crowd.place))
        assert scan.startswith(f"SEARCH event USING INDEX {index} ({column}=?")
        assert ("starts_at>?" in scan) is bool({"since", "after"} & {*bounds})
        assert ("starts_at<?" in scan) is ("until" in bounds)
        return
    for plan in postgresql_plans(crowd, query, crowd.place):
        assert without_wrapping(plan) == ["Limit", "Index Scan"]
        scan = scan_of(plan, "event")
        assert scan["Index Name"] == index
        assert all(part in scan["Index Cond"] for part in expected_range(bounds, "id"))


def test_events_of_two_people_are_found_in_the_range_of_one(crowd, engine):
    """PostgreSQL may join two ranges and sort the result; it never reads more than the two."""
    pairs = [("user_id", "host_id"), ("participant_id", "host_id"), ("participant_id", "user_id")]
    check_every(check_pair, crowd, engine, pair=pairs, bounds=BOUNDS)


def check_pair(crowd, engine, pair, bounds):
    query = list_statement(frozenset({*pair, *bounds}), View.everything, expand=False)
    if engine == "sqlite":
        plan = steps_of(sqlite_plan(crowd, query, crowd.place))
        assert not any("SCAN" in step or "TEMP B-TREE" in step for step in plan)
        assert plan[0].startswith("SEARCH agenda USING PRIMARY KEY (user_id=?")
        assert ("starts_at" in plan[0]) is bool(bounds)
        return
    for plan in postgresql_plans(crowd, query, crowd.place):
        assert not {"Seq Scan", "Bitmap Heap Scan"} & {*kinds(plan)}
        scans = [node["Index Cond"] for node in plan if node.get("Relation Name") == "agenda"]
        assert any(all(part in scan for part in expected_range(bounds, "event_id")) for scan in scans)


def test_users_are_one_range_scan_without_a_sort(crowd, engine):
    check_every(check_users, crowd, engine, continued=[False, True], searched=[False, True])


def check_users(crowd, engine, continued, searched):
    query = user_listing(searched=searched, continued=continued)
    index = "ix_user_organization_id_name_key_id"
    if engine == "sqlite":
        (scan,) = sqlite_plan(crowd, query, ("person 150", crowd.first))
        assert scan.startswith(f"SEARCH user USING INDEX {index} (organization_id=?")
        assert ("name_key>?" in scan) is continued
        return
    for plan in postgresql_plans(crowd, query, ("person 150", crowd.first)):
        assert kinds(plan) == ["Limit", "Index Scan"]
        scan = scan_of(plan, "user")
        assert scan["Index Name"] == index
        assert ("ROW(name_key, id) >" in scan["Index Cond"]) is continued


def test_participants_are_one_range_scan_without_a_sort(crowd, engine):
    if engine == "sqlite":
        assert sqlite_plan(crowd, PAGE, crowd.first) == [
            "SEARCH participant USING PRIMARY KEY (event_id=? AND user_id>?)",
            "SEARCH user USING INTEGER PRIMARY KEY (rowid=?)",
        ]
        return
    for plan in postgresql_plans(crowd, PAGE, crowd.first):
        assert not {"Sort", "Seq Scan", "Bitmap Heap Scan"} & {*kinds(plan)}
        scan = scan_of(plan, "participant")
        assert scan["Index Name"] == "pk_participant"
        assert "(user_id >" in scan["Index Cond"]


def test_old_keys_are_found_by_their_age(crowd, engine):
    """Each request with a key deletes some old ones, which must not cost more the more keys are stored."""
    database, actor = crowd.database, crowd.actor
    token, _ = database.write(lambda tx: issue_token(tx, actor, "keys", secrets.token_bytes(20)))
    fill_keys(database, actor, int(token.id), 20_000)
    if engine == "sqlite":
        assert sqlite_plan(crowd, OLD) == ["SEARCH idempotency USING INDEX ix_idempotency_claimed_at (claimed_at<?)"]
        return
    for plan in postgresql_plans(crowd, OLD):
        assert scan_of(plan, "idempotency")["Index Name"] == "ix_idempotency_claimed_at"


def test_the_audit_log_is_one_backward_range_scan_without_a_sort(crowd, engine):
    check_every(
        check_audit_log,
        crowd,
        engine,
        of_object=[(), ("object_id",)],
        after=[False, True],
        more=[(), ("user_id", "since")],
    )


def check_audit_log(crowd, engine, of_object, after, more):
    query = record_listing(frozenset({*of_object, *more}), continued=after)
    index = "ix_audit_organization_id_object_id_id" if of_object else "ix_audit_organization_id_id"
    if engine == "sqlite":
        (scan,) = sqlite_plan(crowd, query, crowd.entry)
        assert scan.startswith(f"SEARCH audit USING INDEX {index} (organization_id=?")
        assert ("object_id=?" in scan, "id<?" in scan) == (bool(of_object), after)
        return
    for plan in postgresql_plans(crowd, query, crowd.entry):
        assert kinds(plan) == ["Limit", "Index Scan"]
        scan = scan_of(plan, "audit")
        # Where one organization has much of the audit log, walking back along all ids is as good to PostgreSQL.
        assert scan["Index Name"] == index or (scan["Index Name"] == "pk_audit" and not of_object)
        assert scan["Scan Direction"] == "Backward"
        assert ("(id <" in scan.get("Index Cond", "")) is after


def test_a_page_of_holds_looks_up_the_people_of_each(crowd, engine):
    """Active holds are a range of the organization's, or a scan of all ids; held time is not scanned."""
    check_every(check_holds, crowd, engine, of_person=[False, True], continued=[False, True])


def check_holds(crowd, engine, of_person, continued):
    query = hold_listing(of_person=of_person, continued=continued)
    if engine == "sqlite":
        plan = sqlite_plan(crowd, query, crowd.first)
        assert not [step for step in plan if step.startswith("SCAN h")]
        assert "SEARCH held_time USING COVERING INDEX ix_held_time_hold_id (hold_id=?)" in plan
        assert ("SEARCH held_time USING PRIMARY KEY (user_id=?)" in plan) is of_person
        return
    for plan in postgresql_plans(crowd, query, crowd.first):
        assert "Seq Scan" not in kinds(plan)
        looks = {node["Index Name"] for node in plan if node.get("Relation Name") == "held_time"}
        assert looks == {"ix_held_time_hold_id", *(["pk_held_time"] if of_person else [])}


def test_the_held_time_of_a_person_is_read_from_active_holds(crowd, engine):
    """PostgreSQL may scan all holds, which are few: none lasts for more than half an hour."""
    if engine == "sqlite":
        assert sqlite_plan(crowd, HELD_BY) == [
            "SEARCH hold USING INDEX ix_hold_organization_id_expires_at (organization_id=? AND expires_at>?)",
            "SEARCH held_time USING INDEX ix_held_time_hold_id (hold_id=?)",
        ]
        assert sqlite_plan(crowd, FIND_HOLD)[0] == "SEARCH hold USING INTEGER PRIMARY KEY (rowid=?)"
        return
    for plan in postgresql_plans(crowd, HELD_BY):
        assert scan_of(plan, "held_time")["Index Name"] == "ix_held_time_hold_id"
    for plan in postgresql_plans(crowd, FIND_HOLD):
        assert [node.get("Index Name") for node in plan if "Relation Name" in node] == [
            "pk_hold",
            "ix_held_time_hold_id",
        ]
