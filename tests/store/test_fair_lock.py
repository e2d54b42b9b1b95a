"""The lock that its waiters acquire in the order in which they came."""

import signal
import threading
from types import FrameType

import pytest

from kalends.store.fair_lock import FairLock
from tests.threads import at_once, in_line


def test_a_lock_is_acquired_in_the_order_of_requests() -> None:
    lock, order = FairLock(), []

    def take(number: int) -> None:
        assert lock.acquire(30)
        order.append(number)
        lock.release()

    assert lock.acquire(0)
    tasks = [at_once(lambda number=number: take(number)) for number in range(10)]
    for number, task in enumerate(tasks):
        task.start()
        in_line(lock, number + 1)
    lock.release()
    for task in tasks:
        task.result()
    assert order == list(range(10))
    assert lock.acquire(0)


def test_a_waiter_that_times_out_leaves_the_queue() -> None:
    lock = FairLock()
    assert lock.acquire(0)
    assert not lock.acquire(0)
    assert not lock.acquire(0.01)
    assert not lock._waiting
    lock.release()
    assert lock.acquire(0)


class LateLock(FairLock):
    """A lock whose holder releases it just after a waiter timed out."""

    def _gave_up(self, mine: threading.Lock) -> bool:
        self.release()
        return super()._gave_up(mine)


def test_a_lock_that_is_handed_over_just_as_the_time_runs_out_is_held() -> None:
    lock = LateLock()
    assert lock.acquire(0)
    assert lock.acquire(0.01)
    assert lock._held
    lock.release()
    assert not lock._held


class Interrupted(Exception):
    pass


@pytest.mark.parametrize("kind", [FairLock, LateLock])
def test_a_waiter_that_is_interrupted_does_not_keep_the_lock(kind: type[FairLock]) -> None:
    def interrupt(number: int, frame: FrameType | None) -> None:
        raise Interrupted

    lock = kind()
    assert lock.acquire(0)
    before = signal.signal(signal.SIGALRM, interrupt)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.02)
        with pytest.raises(Interrupted):
            lock.acquire(30)
    finally:
        signal.signal(signal.SIGALRM, before)
    if kind is FairLock:
        lock.release()
    assert not lock._held
    assert not lock._waiting
