"""The error of an engine after which a transaction is repeated."""

from collections.abc import Generator
from contextlib import contextmanager

from sqlalchemy.exc import DBAPIError

from kalends.errors import TRY_AGAIN

ATTEMPTS = 5
"""Attempts at a transaction before the caller gets an error."""


class Contended(Exception):
    """A transaction failed and changed nothing: it can be repeated, with at most `attempts` attempts in all.

    `advice` goes into the message if all attempts fail.
    """

    def __init__(self, reason: str, attempts: int = ATTEMPTS, advice: str = TRY_AGAIN) -> None:
        super().__init__(reason)
        self.reason = reason
        self.attempts = attempts
        self.advice = advice


@contextmanager
def driver_errors() -> Generator[None]:
    """Raise the driver's own error instead of the one that SQLAlchemy wraps it in."""
    try:
        yield
    except DBAPIError as error:
        raise (error.orig or error) from error
