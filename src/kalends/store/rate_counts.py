"""Counts for rate limits: kept by each process, and now and then added up with those of the others.

`limits` brings a counter of its own for one process, but that starts a thread for each hit of a calm service (381 us),
and no counter in a database of ours. This one costs a dictionary and a lock, and fits into the library's strategies.
"""

import logging
import math
import threading
import time
from collections.abc import Callable

import msgspec
import sqlalchemy as sa
from limits.storage import Storage
from sqlalchemy import bindparam

from kalends.store.database import Database, WriteTx
from kalends.store.query import Query
from kalends.store.tables import rate_count

TROUBLE = logging.getLogger("kalends.trouble")

EXCHANGED_SHARE = 0.05
"""Of the limit: so much may a process have counted that the others do not know of."""

WORTH_A_LOOK_SHARE = 0.01
"""Of the limit: a process that has counted less does not ask how the others are doing."""

LOOK_AFTER_S = 1
REST_S = 5
"""After trouble with the database nothing is exchanged for so long."""

TIDY_AFTER_S = 60

LAPSED = rate_count.c.expires_at <= bindparam("now", type_=sa.BigInteger)
ADD = Query(  # as text: what SQLAlchemy writes it with is 13 MB of memory and 0.1 s, and SQLite needs none of it
    sa.text("""
    INSERT INTO rate_count AS known (key, hits, expires_at) VALUES (:at_key, :more, :until)
    ON CONFLICT (key) DO UPDATE SET
        hits = CASE WHEN known.expires_at <= :now THEN excluded.hits ELSE known.hits + excluded.hits END,
        expires_at = CASE WHEN known.expires_at <= :now THEN excluded.expires_at ELSE known.expires_at END
    RETURNING hits, expires_at
    """)
)
OLD = sa.select(rate_count.c.key).where(LAPSED).limit(sa.literal_column("10000")).with_for_update(skip_locked=True)
FORGET_OLD_COUNTS = Query(sa.delete(rate_count).where(rate_count.c.key.in_(OLD)))


def add_hits(tx: WriteTx, key: str, hits: int, until: int, now: int) -> tuple[int, int]:
    """Add to what all processes have counted in a window, or begin one; give the sum and when the window ends."""
    ((hits, until),) = tx.rows(ADD, at_key=key, more=hits, until=until, now=now)
    return hits, until


def forget_old_counts(tx: WriteTx, now: int) -> None:
    """Delete the counts of windows that have ended, 10,000 at most."""
    tx.run(FORGET_OLD_COUNTS, now=now)


class Window:
    """The count of one caller: what all have counted as far as known, and what of it is this process's own news."""

    __slots__ = ("known", "looked_at", "news", "sent", "until")

    def __init__(self, now: float, until: float) -> None:
        self.known = 0
        self.sent = 0
        self.news = 0
        self.looked_at = now
        self.until = until

    @property
    def count(self) -> int:
        """Count everything known here."""
        return self.known + self.sent + self.news

    def learn(self, known: int, until: float) -> None:
        """Take over what all have counted; of one window the largest sum is the latest."""
        self.known = max(self.known, known) if until == self.until else known
        self.until = until


class RateCounts(Storage):
    """Counts in fixed windows, for one limit; processes share them if there is a database to do so through.

    Sharing costs no write per request: a process adds its news to the database when they are a twentieth of the
    limit, or a hundredth and a second has passed. So each process may let through a twentieth that the others do not
    know of: all together exceed the limit by at most 5 % times the number of processes, and a limit of up to 20 is
    kept exactly. While the database is in trouble each counts for itself.
    """

    STORAGE_SCHEME = None

    # What the library would have to expect; nothing gets out of here.
    base_exceptions = OSError  # pyright: ignore[reportIncompatibleMethodOverride, reportAssignmentType]

    def __init__(self, limit: int, database: Database | None = None, clock: Callable[[], float] = time.time) -> None:
        super().__init__()
        self._limit = limit
        self._exchanged_at = limit * EXCHANGED_SHARE
        self._worth_a_look = limit * WORTH_A_LOOK_SHARE
        self._database = database
        self._clock = clock
        self._windows: dict[str, Window] = {}
        self._lock = threading.Lock()
        self._tidied_at = self._shared_tidied_at = clock()
        self._resting_until = 0.0

    def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        """Count, and give the sum as far as it is known here."""
        now = self._clock()
        with self._lock:
            window = self._window(key, now, expiry)
            window.news += amount
            count = window.count
            database = self._database
            if database is None or not self._is_due(window, now):
                return count
            sent = window.news
            window.sent, window.news, window.looked_at = window.sent + sent, 0, now
        return self._exchange(database, key, window, sent, now)

    def get(self, key: str) -> int:
        """Give the sum as far as it is known here."""
        window = self._windows.get(key)
        return window.count if window is not None and window.until > self._clock() else 0

    def get_expiry(self, key: str) -> float:
        """Give the time at which the window ends."""
        window = self._windows.get(key)
        return window.until if window is not None else self._clock()

    def check(self) -> bool:
        """Tell that it works: without the database it counts alone."""
        return True

    def reset(self) -> int:
        """Forget every count of this process; give how many there were."""
        with self._lock:
            forgotten = len(self._windows)
            self._windows.clear()
        return forgotten

    def clear(self, key: str) -> None:
        """Forget one count of this process."""
        with self._lock:
            self._windows.pop(key, None)

    def _window(self, key: str, now: float, expiry: int) -> Window:
        window = self._windows.get(key)
        if window is None or window.until <= now:
            if now - self._tidied_at >= TIDY_AFTER_S:
                self._tidied_at = now
                self._windows = {key: window for key, window in self._windows.items() if window.until > now}
            window = self._windows[key] = Window(now, now + expiry)
        return window

    def _is_due(self, window: Window, now: float) -> bool:
        if now < self._resting_until or window.known > self._limit:
            return False  # who is known to be over the limit costs no further write
        # What is on its way counts as well: who comes meanwhile has to hear what the others say, too.
        return window.sent + window.news >= self._exchanged_at or (
            window.news >= self._worth_a_look and now - window.looked_at >= LOOK_AFTER_S
        )

    def _exchange(self, database: Database, key: str, window: Window, sent: int, now: float) -> int:
        """Add this process's news to the shared count, and give the sum with those of the others, if it can be had.

        Threads may do so at once: what one has sent is no longer news for the next.
        """
        tidy = now - self._shared_tidied_at >= TIDY_AFTER_S
        if tidy:
            self._shared_tidied_at = now

        def work(tx: WriteTx) -> tuple[int, int]:
            counted = add_hits(tx, key, sent, microseconds(window.until), microseconds(now))
            if tidy:
                forget_old_counts(tx, microseconds(now))
            return counted

        try:
            known, until = database.write(work)
        except Exception as error:  # noqa: BLE001 (whatever it is: no request fails because it could not be counted)
            line = {"level": "warning", "error": "requests are counted by each process alone", "cause": repr(error)}
            TROUBLE.warning("%s", msgspec.json.encode(line).decode())
            with self._lock:
                self._resting_until = now + REST_S
                window.news, window.sent = window.news + sent, window.sent - sent
                return window.count
        with self._lock:
            window.sent -= sent
            window.learn(known, until / 1_000_000)
            return known


def microseconds(seconds: float) -> int:
    """Give a time in seconds as the house writes instants."""
    return math.floor(seconds * 1_000_000)
