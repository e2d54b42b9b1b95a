"""Taking turns between threads of one process."""

import threading
from collections import deque


class FairLock:
    """A lock whose waiters get it in the order they came: SQLite's own starved a writer for 4.6 s."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._held = False
        self._waiting: deque[threading.Lock] = deque()

    def acquire(self, timeout: float) -> bool:
        """Wait in line for at most `timeout` seconds; tell whether the lock is now held."""
        with self._guard:
            if not self._held:
                self._held = True
                return True
            mine = threading.Lock()
            mine.acquire()
            self._waiting.append(mine)
        try:
            if mine.acquire(timeout=timeout):
                return True
        except BaseException:  # a signal: whoever waits behind must not wait for somebody who has left
            if not self._left_line(mine):
                self.release()
            raise
        return not self._left_line(mine)

    def release(self) -> None:
        """Hand the lock to whoever waits longest."""
        with self._guard:
            if self._waiting:
                self._waiting.popleft().release()
            else:
                self._held = False

    def _left_line(self, mine: threading.Lock) -> bool:
        """Stop waiting; tell if the lock was not handed over just as the time ran out."""
        with self._guard:
            waiting = mine in self._waiting
            if waiting:
                self._waiting.remove(mine)
            return waiting
