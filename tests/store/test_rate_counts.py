"""Counting in one process and in several, by the library's own strategy, with a clock that the tests move."""

import logging

import pytest
import sqlalchemy as sa
from limits import RateLimitItemPerMinute
from limits.strategies import FixedWindowRateLimiter

from kalends.store.database import Database
from kalends.store.query import Query
from kalends.store.rate_counts import RateCounts, add_hits, forget_old_counts
from kalends.store.tables import rate_count
from tests.threads import race

ROWS = Query(sa.select(rate_count.c.key, rate_count.c.hits, rate_count.c.expires_at).order_by(rate_count.c.key))
DROP = "DROP TABLE rate_count"
LIMIT = 1_000
KEY = f"token/tok_1/{LIMIT}/1/minute"


class Clock:
    """Seconds since 1970, at a standstill until a test moves them."""

    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


class Process:
    """One of several that count, as the door does."""

    def __init__(self, database: Database | None, clock: Clock, limit: int = LIMIT) -> None:
        self.counts = RateCounts(limit, database, clock)
        self.limiter = FixedWindowRateLimiter(self.counts)
        self.item = RateLimitItemPerMinute(limit, namespace="token")

    def hit(self, cost: int = 1, name: str = "tok_1") -> bool:
        return self.limiter.hit(self.item, name, cost=cost)

    def left(self, name: str = "tok_1") -> int:
        return self.limiter.get_window_stats(self.item, name).remaining

    def take_all(self) -> int:
        """Take what can be had, one by one."""
        taken = 0
        while self.hit():
            taken += 1
        return taken


@pytest.fixture
def clock() -> Clock:
    return Clock()


def rows_of(database: Database) -> list[tuple[str, int, int]]:
    return [tuple(row) for row in database.read(lambda tx: tx.rows(ROWS))]


# -------------------------------------------------------------------------------------------------------- one process


def test_a_process_counts_to_the_limit_and_from_nought_in_the_next_window(clock: Clock) -> None:
    alone = Process(None, clock)
    assert alone.take_all() == LIMIT
    clock.now += 59.9
    assert not alone.hit()
    assert alone.left() == 0
    clock.now += 0.1
    assert alone.left() == LIMIT
    assert alone.take_all() == LIMIT


def test_callers_and_costs_are_told_apart(clock: Clock) -> None:
    alone = Process(None, clock)
    assert alone.hit(LIMIT)
    assert not alone.hit()
    assert alone.hit(name="tok_2")
    assert alone.left("tok_2") == LIMIT - 1
    assert alone.counts.get("nobody") == 0
    assert alone.counts.get_expiry("nobody") == clock.now
    assert alone.counts.get_expiry(KEY) == clock.now + 60


def test_threads_lose_no_count(clock: Clock) -> None:
    alone = Process(None, clock)
    assert sum(race([alone.take_all] * 8)) == LIMIT


def test_counts_can_be_forgotten(clock: Clock) -> None:
    alone = Process(None, clock)
    alone.hit()
    alone.hit(name="tok_2")
    alone.counts.clear(KEY)
    alone.counts.clear(KEY)
    assert (alone.left(), alone.left("tok_2")) == (LIMIT, LIMIT - 1)
    assert alone.counts.reset() == 1
    assert alone.left("tok_2") == LIMIT
    assert alone.counts.check()


def test_windows_that_have_ended_take_no_memory(clock: Clock) -> None:
    alone = Process(None, clock)
    for number in range(100):
        alone.hit(name=str(number))
    clock.now += 60
    alone.hit()
    assert alone.counts.reset() == 1


# ---------------------------------------------------------------------------------------------------------- several


def test_nothing_is_written_until_it_is_worth_it(fresh: Database, clock: Clock) -> None:
    one = Process(fresh, clock)
    for _ in range(49):
        one.hit()
    assert rows_of(fresh) == []
    one.hit()
    assert rows_of(fresh) == [(KEY, 50, round(clock.now + 60) * 1_000_000)]


def test_after_a_second_a_hundredth_is_worth_it_and_less_is_not(fresh: Database, clock: Clock) -> None:
    one = Process(fresh, clock)
    for _ in range(9):
        clock.now += 1
        one.hit()
    assert rows_of(fresh) == []
    one.hit()
    assert [row[1] for row in rows_of(fresh)] == [10]
    clock.now += 0.9
    one.hit(20)
    assert [row[1] for row in rows_of(fresh)] == [10]
    clock.now += 0.1
    one.hit()
    assert [row[1] for row in rows_of(fresh)] == [31]


@pytest.mark.parametrize("processes", [2, 5])
def test_all_together_exceed_the_limit_by_a_twentieth_each_at_most(
    fresh: Database, clock: Clock, processes: int
) -> None:
    crowd = [Process(fresh, clock) for _ in range(processes)]
    taken, allowed = 0, True
    while allowed:
        given = [one.hit() for one in crowd]
        taken, allowed = taken + sum(given), any(given)
    assert LIMIT <= taken <= LIMIT * (1 + 0.05 * processes)


def test_the_bound_holds_for_processes_with_threads(fresh: Database, clock: Clock) -> None:
    crowd = [Process(fresh, clock) for _ in range(3)]
    assert LIMIT <= sum(race([one.take_all for one in crowd * 3])) <= LIMIT * 1.15


def test_small_limits_are_kept_exactly(fresh: Database, clock: Clock) -> None:
    crowd = [Process(fresh, clock, limit=20) for _ in range(3)]
    assert sum(one.hit() for _ in range(10) for one in crowd) == 20
    assert sum(race([one.take_all for one in crowd * 2])) == 0
    clock.now += 60
    assert sum(race([one.take_all for one in crowd * 2])) == 20


def test_who_is_over_the_limit_causes_no_more_writes(fresh: Database, clock: Clock) -> None:
    one = Process(fresh, clock)
    one.hit(LIMIT + 1)
    before = rows_of(fresh)
    for _ in range(10):
        clock.now += 2
        assert not one.hit(100)
    assert rows_of(fresh) == before


def test_all_share_the_window_of_whoever_began_it(fresh: Database, clock: Clock) -> None:
    one, other = Process(fresh, clock), Process(fresh, clock)
    began = clock.now
    one.hit(LIMIT)
    clock.now += 30
    other.hit(50)
    assert not other.hit()
    assert other.counts.get_expiry(KEY) == began + 60
    clock.now += 30
    assert other.hit(60)
    assert one.hit(50)
    clock.now += 1
    assert other.hit(10)
    assert other.left() == LIMIT - 120


def test_counts_that_nobody_needs_are_tidied_away(fresh: Database, clock: Clock) -> None:
    one = Process(fresh, clock)
    for number in range(10):
        one.hit(LIMIT, str(number))
    assert len(rows_of(fresh)) == 10
    clock.now += 60
    one.hit(LIMIT)
    assert [row[0] for row in rows_of(fresh)] == [KEY]
    fresh.write(lambda tx: forget_old_counts(tx, round(clock.now + 60) * 1_000_000))
    assert rows_of(fresh) == []


def test_no_count_is_lost_between_threads_and_databases(fresh: Database, clock: Clock) -> None:
    crowd = [Process(fresh, clock, limit=1_000_000) for _ in range(2)]

    def hit_often(one: Process) -> None:
        for _ in range(200):
            one.hit(1_000)

    race([lambda one=one: hit_often(one) for one in crowd * 2])
    for one in crowd:
        one.hit(50_000)
    assert sum(row[1] for row in rows_of(fresh)) + sum(one.counts._windows[one_key(one)].news for one in crowd) == (
        4 * 200_000 + 2 * 50_000
    )


def one_key(one: Process) -> str:
    return one.item.key_for("tok_1")


def test_trouble_with_the_database_fails_nobody(
    fresh: Database, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    one = Process(fresh, clock)
    fresh.change_schema(lambda connection: connection.execute(sa.text(DROP)))
    with caplog.at_level(logging.WARNING, "kalends.trouble"):
        assert one.take_all() == LIMIT
    assert len(caplog.records) == 1
    assert "alone" in caplog.text
    clock.now += 5
    fresh.change_schema(rate_count.create)
    assert not one.hit()
    assert [row[1] for row in rows_of(fresh)] == [LIMIT + 2]


def test_a_sum_begins_anew_when_its_window_has_ended(fresh: Database) -> None:
    assert fresh.write(lambda tx: add_hits(tx, "x", 5, 100, 10)) == (5, 100)
    assert fresh.write(lambda tx: add_hits(tx, "x", 5, 190, 99)) == (10, 100)
    assert fresh.write(lambda tx: add_hits(tx, "x", 5, 190, 100)) == (5, 190)
