import itertools
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import sqlalchemy as sa

from kalends.actions.users import create_user
from kalends.drafts import UserCreate
from kalends.errors import BadSetting, NotFound, TooExpensive, Unavailable
from kalends.model import Email, Instant, UserId
from kalends.settings import Settings
from kalends.store.database import ID_EPOCH_MS, Database, ReadTx, WriteTx, id_stream, new_ids
from kalends.store.query import AnyOf, Query, TableExists
from kalends.store.retry import ATTEMPTS, Contended
from kalends.store.tables import organization
from tests.cast import Cast
from tests.conftest import Clock
from tests.store.conftest import Opener
from tests.store.names import ENDLESS, INSERT, LOCK, LONG, NAME, add, count, new_name, rename
from tests.threads import race


class Surprise(Exception):
    """An unexpected error in the middle of an action."""


def test_a_write_that_returns_is_saved(database: Database) -> None:
    name = new_name()
    made = database.write(lambda tx: add(tx, name))
    assert database.read(lambda tx: tx.row(NAME, id=made)) == (name,)


@pytest.mark.parametrize("error", [Surprise(), NotFound("user", 1), KeyboardInterrupt()])
def test_a_write_that_raises_leaves_nothing_behind(database: Database, error: BaseException) -> None:
    name = new_name()

    def work(tx: WriteTx) -> None:
        add(tx, name)
        raise error

    with pytest.raises(type(error)):
        database.write(work)
    assert database.read(lambda tx: count(tx, name)) == 0
    database.write(lambda tx: add(tx, name))
    assert database.read(lambda tx: count(tx, name)) == 1


def test_a_dry_run_answers_and_saves_nothing(database: Database) -> None:
    name = new_name()

    def work(tx: WriteTx) -> int:
        add(tx, name)
        return count(tx, name)

    assert database.write(work, dry_run=True) == 1
    assert database.read(lambda tx: count(tx, name)) == 0


@pytest.mark.parametrize("losses", [1, ATTEMPTS - 1])
def test_a_transaction_that_loses_is_run_again_from_its_start(database: Database, losses: int) -> None:
    name, seen = new_name(), []

    def work(tx: WriteTx) -> None:
        add(tx, name)
        seen.append(count(tx, name))
        if len(seen) <= losses:
            raise Contended("somebody was faster")

    database.write(work)
    assert seen == [1] * (losses + 1)
    assert database.read(lambda tx: count(tx, name)) == 1


def test_a_transaction_that_always_loses_is_unavailable_with_its_reason(database: Database) -> None:
    tries = []

    def work(tx: ReadTx) -> None:
        tries.append(tx)
        raise Contended("Somebody is always faster.")

    for attempt in (database.read, database.write):
        tries.clear()
        with pytest.raises(Unavailable, match=r"^Somebody is always faster\. Nothing was changed"):
            attempt(work)
        assert len(tries) == ATTEMPTS


def test_a_key_that_was_taken_meanwhile_is_read_again(database: Database) -> None:
    name = new_name()
    taken = database.write(lambda tx: add(tx, name))
    tries = []

    def work(tx: WriteTx) -> int:
        tries.append(tx)
        return add(tx, name, taken if len(tries) == 1 else None)

    assert database.write(work) != taken
    assert len(tries) == 2


def test_a_violated_constraint_is_not_tried_again(database: Database) -> None:
    tries = []

    def work(tx: WriteTx) -> None:
        tries.append(tx)
        tx.run(INSERT, id=tx.new_id(), name=None, created_at=tx.now)

    with pytest.raises(Exception, match=r"(?i)not.null"):
        database.write(work)
    assert len(tries) == 1
    assert database.write(lambda tx: add(tx, new_name()))


def test_of_many_that_take_one_address_at_once_one_succeeds(cast: Cast) -> None:
    draft = UserCreate(name="Twin", email=Email("Twin@Example.org"))
    outcomes = race([lambda: cast.database.write(lambda tx: create_user(tx, cast.actor, draft))] * 8)
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["EmailTaken"] * 7 + ["User"]


def test_reads_and_writes_run_side_by_side(database: Database) -> None:
    names = [new_name() for _ in range(24)]
    race([lambda name=name: database.write(lambda tx: add(tx, name)) for name in names])
    found = race([lambda name=name: database.read(lambda tx: count(tx, name)) for name in names])
    assert found == [1] * len(names)


def test_a_read_may_run_while_a_write_is_open_and_does_not_see_it(database: Database) -> None:
    name = new_name()

    def work(tx: WriteTx) -> int:
        add(tx, name)
        return database.read(lambda other: count(other, name))

    assert database.write(work) == 0


@pytest.mark.parametrize("held", [True, False])
def test_a_snapshot_does_not_change_and_without_one_every_statement_sees_new_rows(
    database: Database, *, held: bool
) -> None:
    name = new_name()

    def work(tx: ReadTx) -> tuple[int, int]:
        if held:
            tx.snapshot()
            tx.snapshot()
        before = count(tx, name)
        database.write(lambda other: add(other, name))
        return before, count(tx, name)

    assert database.read(work) == (0, 0 if held else 1)
    assert database.read(lambda tx: count(tx, name)) == 1


def test_a_snapshot_ends_with_its_read_even_if_that_fails(database: Database) -> None:
    name = new_name()

    def work(tx: ReadTx) -> None:
        tx.snapshot()
        count(tx, name)
        raise Surprise

    for _ in range(20):  # more often than there are connections
        with pytest.raises(Surprise):
            database.read(work)
    database.write(lambda tx: add(tx, name))
    assert database.read(lambda tx: count(tx, name)) == 1


def test_a_row_of_many_leaves_no_old_snapshot_for_the_next_reader(database: Database) -> None:
    name = new_name()
    everything = Query(sa.select(organization.c.id).order_by(organization.c.id))
    database.write(lambda tx: [add(tx, new_name()) for _ in range(3)])
    assert database.read(lambda tx: tx.row(everything)) == (1,)
    database.write(lambda tx: add(tx, name))

    def look(tx: ReadTx) -> int:
        tx.snapshot()
        return count(tx, name)

    assert database.read(look) == 1


def test_a_write_may_call_reads_with_a_snapshot_and_still_sees_changes_of_others(database: Database) -> None:
    name = new_name()

    def work(tx: WriteTx) -> int:
        count(tx, name)
        tx.snapshot()
        return add(tx, name)

    assert database.write(work)
    assert database.read(lambda tx: count(tx, name)) == 1


def test_a_statement_that_fails_leaves_the_connection_usable(database: Database) -> None:
    nonsense = Query(sa.text("SELECT nonsense FROM nowhere"))
    for attempt in (database.read, database.write):
        for _ in range(20):
            with pytest.raises(Exception, match="nowhere"):
                attempt(lambda tx: tx.row(nonsense))
    assert database.write(lambda tx: add(tx, new_name()))
    assert database.read(lambda tx: count(tx, new_name())) == 0


def test_a_read_that_takes_too_long_is_stopped_and_the_next_one_has_all_its_time(
    migrated_url: str, opened: Opener
) -> None:
    hasty = opened(migrated_url, read_timeout_ms=250)
    for _ in range(2):
        with pytest.raises(TooExpensive):
            hasty.read(lambda tx: tx.rows(ENDLESS))
        assert hasty.read(lambda tx: count(tx, "default")) == 1
    hasty.read(lambda tx: time.sleep(0.25))
    assert hasty.read(lambda tx: count(tx, "default")) == 1


def test_a_read_in_pages_has_all_its_time_for_each(migrated_url: str, opened: Opener) -> None:
    hasty = opened(migrated_url, read_timeout_ms=400)

    def pages(tx: ReadTx, *, renewed: bool) -> int:
        tx.snapshot()
        time.sleep(0.4)
        if renewed:
            tx.renew()
        return tx.rows(LONG)[0][0]

    assert hasty.read(lambda tx: pages(tx, renewed=True)) == 300_000
    if hasty.dialect.name == "sqlite":  # elsewhere the limit is one for each statement
        with pytest.raises(TooExpensive):
            hasty.read(lambda tx: pages(tx, renewed=False))


def test_a_write_has_more_time_than_a_read(migrated_url: str, opened: Opener) -> None:
    hasty = opened(migrated_url, read_timeout_ms=1)
    assert hasty.write(lambda tx: tx.rows(LONG)) == [(300_000,)]


def test_without_a_limit_a_read_takes_its_time(migrated_url: str, opened: Opener) -> None:
    patient = opened(migrated_url, read_timeout_ms=0)
    assert patient.read(lambda tx: tx.rows(LONG)) == [(300_000,)]


def test_statements_are_counted(database: Database) -> None:
    def work(tx: WriteTx) -> list[int]:
        counts = [tx.statements]
        first = add(tx, new_name())
        counts.append(tx.statements)
        tx.run_many(INSERT, [{"id": tx.new_id(), "name": new_name(), "created_at": 0} for _ in range(3)])
        tx.run_many(INSERT, [])
        counts.append(tx.statements)
        tx.row(NAME, id=first)
        counts.append(tx.statements)
        return counts

    assert database.write(work) == [0, 1, 2, 3]


def test_many_changes_share_the_constants_of_their_statement(database: Database) -> None:
    stamp = Query(
        sa.update(organization)
        .where(organization.c.id == sa.bindparam("at"), organization.c.created_at > -1)
        .values(name="stamped " + sa.bindparam("mark", type_=sa.Text))
    )
    ids = database.write(lambda tx: [add(tx, new_name()) for _ in range(3)])
    database.write(lambda tx: tx.run_many(stamp, [{"at": at, "mark": str(at)} for at in ids]))
    assert [database.read(lambda tx, at=at: tx.row(NAME, id=at)) for at in ids] == [(f"stamped {at}",) for at in ids]
    assert database.write(lambda tx: tx.run(stamp, at=ids[0], mark="again")) == 1
    assert database.write(lambda tx: tx.run(stamp, at=-1, mark="nobody")) == 0


@pytest.mark.parametrize("length", [0, 1, 3, 2_000])
def test_a_list_of_ids_of_any_length_is_one_parameter(database: Database, length: int) -> None:
    ids = database.write(lambda tx: [UserId(add(tx, new_name())) for _ in range(3)])
    among = Query(sa.select(organization.c.id).where(AnyOf(organization.c.id, "ids")).order_by(organization.c.id))
    asked = (ids + [UserId(2**63 - 1 - number) for number in range(length)])[:length]
    rows = database.read(lambda tx: tx.rows(among, ids=asked))
    assert [row[0] for row in rows] == ids[:length]


def test_a_table_is_known_by_its_name(database: Database) -> None:
    for name, exists in (("organization", True), ("organizations", False), ("ix_token_organization_id_id", False)):
        found = database.read(lambda tx, name=name: tx.row(Query(sa.select(TableExists(name)))))
        assert found is not None
        assert bool(found[0]) is exists, name


def test_the_time_of_a_transaction_is_the_clocks(database: Database, clock: Clock) -> None:
    clock.set_to(1_234_567_890_123_456)
    assert database.read(lambda tx: tx.now) == database.write(lambda tx: tx.now) == Instant(1_234_567_890_123_456)


def test_text_of_any_kind_is_returned_as_stored(database: Database) -> None:
    text = "Zoë 😀 \u2028 '\"%s :x \\ \x01"
    made = database.write(lambda tx: add(tx, text))
    assert database.read(lambda tx: tx.row(NAME, id=made)) == (text,)


def test_the_largest_id_fits(database: Database) -> None:
    largest = 2**63 - 1
    database.write(lambda tx: add(tx, "largest", largest), dry_run=True)
    assert database.read(lambda tx: tx.row(NAME, id=largest)) is None


def test_a_change_of_schema_is_all_or_nothing(fresh: Database) -> None:
    def work(connection: sa.Connection) -> None:
        connection.execute(sa.text("CREATE TABLE half (id BIGINT)"))
        connection.execute(sa.text("INSERT INTO half VALUES (1)"))
        raise Surprise

    with pytest.raises(Surprise):
        fresh.change_schema(work)
    half = Query(sa.select(TableExists("half")))
    found = fresh.read(lambda tx: tx.row(half))
    assert found is not None
    assert not found[0]
    fresh.change_schema(lambda connection: connection.execute(sa.text("CREATE TABLE half (id BIGINT)")).close())
    found = fresh.read(lambda tx: tx.row(half))
    assert found is not None
    assert found[0]


@pytest.mark.parametrize("url", ["", "kalends.db", "mysql://host/name", "sqlite", "sqlite://", "sqlite:///", "x:"])
def test_a_url_that_names_no_engine_is_refused(url: str) -> None:
    with pytest.raises(BadSetting, match="KALENDS_DATABASE_URL"):
        Database(Settings(database_url=url))


def test_ids_grow_over_all_threads() -> None:
    chunks: list[list[int]] = []
    start = threading.Barrier(8)

    def take(_: int) -> list[int]:
        start.wait(10)
        return [next(new_ids) for _ in range(2_000)]

    before = next(new_ids)
    with ThreadPoolExecutor(8) as pool:
        chunks = list(pool.map(take, range(8)))
    after = next(new_ids)
    assert all(chunk == sorted(chunk) for chunk in chunks)
    everything = [number for chunk in chunks for number in chunk]
    assert len(set(everything)) == 16_000
    assert before < min(everything)
    assert max(everything) < after < 2**63


def test_ids_grow_even_if_the_clock_is_turned_back(monkeypatch: pytest.MonkeyPatch) -> None:
    times = iter([10**6, 5, 2, 10**6 + 1])
    monkeypatch.setattr("kalends.store.database.time.time_ns", lambda: (ID_EPOCH_MS + next(times)) * 1_000_000)
    ids = id_stream()
    made = [next(ids) for _ in range(4)]
    assert made == sorted(set(made))
    assert made[1:3] == [made[0] + 1, made[0] + 2]


def test_concurrent_updates_of_one_row_are_all_applied(database: Database) -> None:
    at = database.write(lambda tx: add(tx, "0"))

    def bump(tx: WriteTx) -> None:
        row = tx.row(LOCK, id=at)
        assert row is not None
        rename(tx, at, str(int(row[0]) + 1))

    outcomes: list[Any] = race([lambda: database.write(bump)] * 20)
    assert outcomes == [None] * 20
    assert database.read(lambda tx: tx.row(NAME, id=at)) == ("20",)


def test_ids_are_ids_whatever_the_clock_says(monkeypatch):
    """This holds before 2020, after 2089, and if the clock was in the year 2100 for a moment."""
    year = 365 * 24 * 3_600 * 1_000
    times = iter([-50 * year, -1, 0, 80 * year, 80 * year, 6 * year, 7 * year, (1 << 41) - 1, 1 << 41, (1 << 41) + 1])
    monkeypatch.setattr("kalends.store.database.time.time_ns", lambda: (ID_EPOCH_MS + next(times)) * 1_000_000)
    made = list(itertools.islice(id_stream(), 10))
    assert all(0 < one < 1 << 63 for one in made)
    assert len(set(made)) == 10
    assert made[-2] < made[-1] < 1 << 24, "they begin anew"


def test_the_last_id_of_all_is_followed_by_the_first(monkeypatch):
    monkeypatch.setattr("kalends.store.database.time.time_ns", lambda: (ID_EPOCH_MS + (1 << 41) - 1) * 1_000_000)
    monkeypatch.setattr("kalends.store.database.secrets.randbits", lambda bits: (1 << bits) - 1)
    assert list(itertools.islice(id_stream(), 2)) == [(1 << 63) - 1, 1]
