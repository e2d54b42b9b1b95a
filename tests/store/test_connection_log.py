"""Why PostgreSQL cannot be reached, as a command reports it."""

import logging

import pytest

from kalends.errors import TRY_AGAIN, Unavailable
from kalends.store.connection_log import explained_failures
from kalends.store.pooler import POOLER_ADVICE

POOL = logging.getLogger("psycopg.pool")
OF_POOLER = "FATAL: unsupported startup parameter"


def fail_after(*failures: Exception) -> None:
    """Raise Unavailable after the pool has logged that it could not connect."""
    with explained_failures():
        for failure in failures:
            POOL.warning("error connecting in %r: %s", "kalends", failure)
        POOL.warning("reconnection attempt in pool %r failed after %s sec", "kalends", 4)
        POOL.warning("done")
        raise Unavailable("Too late.")


@pytest.mark.parametrize(
    ("failures", "reason", "advice"),
    [
        ((), "Too late.", TRY_AGAIN),
        ((OSError(OF_POOLER), OSError("refused\nIs it running?")), "Too late. refused.", TRY_AGAIN),
        ((OSError(OF_POOLER),), f"Too late. {OF_POOLER}.", POOLER_ADVICE),
    ],
)
def test_the_last_failure_to_connect_is_added(failures: tuple[Exception, ...], reason: str, advice: str) -> None:
    handlers = list(POOL.handlers)
    with pytest.raises(Unavailable) as caught:
        fail_after(*failures)
    assert (caught.value.reason, caught.value.advice) == (reason, advice)
    assert POOL.handlers == handlers
