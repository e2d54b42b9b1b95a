"""The pool's log of failed connections to PostgreSQL; this module does not need the driver."""

import logging
from collections.abc import Generator
from contextlib import contextmanager

from kalends.errors import Unavailable
from kalends.store.pooler import POOLER_ADVICE, REFUSALS


class LastFailure(logging.Handler):
    """A handler that keeps the last error of the pool: printing them all would hide the message of the command."""

    reason = ""

    def emit(self, record: logging.LogRecord) -> None:
        """Keep the first line of an error that is logged."""
        error = record.args[-1] if isinstance(record.args, tuple) and record.args else None
        if isinstance(error, Exception):
            self.reason = str(error).partition("\n")[0] + "."


@contextmanager
def explained_failures() -> Generator[None]:
    """Add to Unavailable, if it is raised inside, why the pool could not connect."""
    pool, failure = logging.getLogger("psycopg.pool"), LastFailure()
    pool.addHandler(failure)
    try:
        yield
    except Unavailable as error:
        error.reason = " ".join(filter(None, (error.reason, failure.reason)))
        if any(refusal in failure.reason for refusal in REFUSALS):
            error.advice = POOLER_ADVICE
        raise
    finally:
        pool.removeHandler(failure)
