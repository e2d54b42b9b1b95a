"""Answers that may be too large to hold in memory: they are written to a temporary file, and sent from there."""

from collections.abc import Iterable
from contextlib import ExitStack
from tempfile import SpooledTemporaryFile
from typing import IO, NamedTuple

from msgspec import Raw

from kalends.errors import Unavailable

MOST_IN_MEMORY = 1 << 20
"""The largest body that is held in memory; a larger one is in a file."""

ADVICE = "Make room in the folder for temporary files, or name another one in TMPDIR."


class File(NamedTuple):
    """A body in a file without a name, which the system deletes when it is closed, even after a crash."""

    file: IO[bytes]
    size: int


def gathered(pieces: Iterable[bytes]) -> Raw | File:
    """Return JSON that is produced in pieces. Raise Unavailable if it cannot be written to a file."""
    with ExitStack() as at_end:
        file = at_end.enter_context(SpooledTemporaryFile[bytes](MOST_IN_MEMORY))
        try:
            for piece in pieces:  # it holds all of them in memory if they are written at once
                file.write(piece)
            size = file.tell()
            file.seek(0)
        except OSError as error:
            raise Unavailable(f"A temporary file cannot be written: {error.strerror}.", advice=ADVICE) from error
        if size <= MOST_IN_MEMORY:
            return Raw(file.read())
        at_end.pop_all()  # the file is closed after it is sent
        return File(file, size)
