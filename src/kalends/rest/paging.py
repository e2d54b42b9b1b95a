"""Opaque cursors: the key of the last item of a page, so that pages stay right while rows change."""

import base64
from typing import TypeVar

import msgspec

from kalends.errors import Fault, Invalid

Key = TypeVar("Key", int, tuple[int, int], tuple[str, int])
LARGEST_KEY = (1 << 63) - 1


def cursor_of(key: object | None) -> str | None:
    """Write the key of the last item as a cursor; None on the last page."""
    if key is None:
        return None
    raw = msgspec.json.encode(key, enc_hook=int)  # ids and instants as the numbers they are
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def key_of(cursor: str, kind: type[Key]) -> Key:
    """Read the key that a cursor holds. Raises Invalid."""
    try:
        raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        key = msgspec.json.decode(raw, type=kind)
    except ValueError as error:
        raise bad_cursor() from error
    for part in key if isinstance(key, tuple) else (key,):
        if "\0" in part if isinstance(part, str) else abs(part) > LARGEST_KEY:
            raise bad_cursor()
    return key


def bad_cursor() -> Invalid:
    """Give the error of a cursor that no page gave."""
    return Invalid(Fault(("cursor",), "invalid_cursor", "this is not the next_cursor of a page"))
