"""Opaque cursors: the key of the last item of a page, so that pages stay right while rows change.

A cursor begins with a digest of the list, its filters and who asked. It guards against mistakes and not against
forgery: what a caller may see is decided anew for each page.
"""

import base64
from collections.abc import Callable
from functools import cache
from hashlib import blake2b
from operator import attrgetter
from typing import Any, TypeVar

import msgspec
from msgspec import UNSET, Struct

from kalends.errors import Fault, Invalid
from kalends.rest.route import Call

Key = TypeVar("Key", int, tuple[int, int], tuple[str, int])
LARGEST_KEY = (1 << 63) - 1
DIGEST_BYTES = 6
MAY_CHANGE = ("cursor", "limit", "expand")
"""Parameters that may differ from one page to the next."""


def cursor_of(call: Call, key: object | None) -> str | None:
    """Write the key of the last item as a cursor; None on the last page."""
    if key is None:
        return None
    raw = list_digest(call) + msgspec.json.encode(key, enc_hook=int)  # ids and instants as the numbers they are
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def key_of(call: Call, kind: type[Key]) -> Key | None:
    """Read the key that the cursor of a query holds; None if there is no cursor. Raises Invalid."""
    cursor = call.query.cursor
    if cursor is UNSET:
        return None
    try:
        raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        if raw[:DIGEST_BYTES] != list_digest(call):
            raise bad_cursor()
        key = msgspec.json.decode(raw[DIGEST_BYTES:], type=kind)
    except ValueError as error:
        raise bad_cursor() from error
    for part in key if isinstance(key, tuple) else (key,):
        if "\0" in part if isinstance(part, str) else abs(part) > LARGEST_KEY:
            raise bad_cursor()
    return key


def list_digest(call: Call) -> bytes:
    """Return what a cursor belongs to: the list, the filters as they are given, and who asks."""
    actor = call.actor
    whole = (filters_of(call.query.__class__)(call.query), call.ids, actor.organization_id, actor.user_id)
    return blake2b(repr(whole).encode(), digest_size=DIGEST_BYTES).digest()


@cache
def filters_of(kind: type[Struct]) -> Callable[[Any], tuple[Any, ...]]:
    """Return what gets the filters of a kind of query; its class is one more, as a list may have no filter."""
    return attrgetter("__class__", *(name for name in kind.__struct_fields__ if name not in MAY_CHANGE))


def bad_cursor() -> Invalid:
    """Return the error of a cursor that no page of this list gave."""
    message = (
        "must be the next_cursor of the page before, asked for by the same caller with the same parameters (only limit "
        "and expand may differ): repeat them, or leave the cursor out to begin anew"
    )
    return Invalid(Fault(("cursor",), "invalid_cursor", message))
