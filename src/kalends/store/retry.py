"""What an engine raises when a transaction is worth another try."""

from collections.abc import Generator
from contextlib import contextmanager

from sqlalchemy.exc import DBAPIError

from kalends.errors import TRY_AGAIN

ATTEMPTS = 5
"""How often a transaction is tried before its caller is told to come back."""


class Contended(Exception):
    """The engine gave up on a transaction that changed nothing: run it from its start, `attempts` times in all.

    `advice` is for people, if none of the attempts helped.
    """

    def __init__(self, reason: str, attempts: int = ATTEMPTS, advice: str = TRY_AGAIN) -> None:
        super().__init__(reason)
        self.reason = reason
        self.attempts = attempts
        self.advice = advice


@contextmanager
def driver_errors() -> Generator[None]:
    """Raise the driver's own error where SQLAlchemy has wrapped it."""
    try:
        yield
    except DBAPIError as error:
        raise (error.orig or error) from error
