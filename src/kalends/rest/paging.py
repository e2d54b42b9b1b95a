"""Pages of lists and their cursors: the key of the last item of a page, so that pages stay right while rows change.

A cursor begins with a digest of the list, its filters and the caller. The digest protects against mistakes, but not
against forgery: access is checked again for each page.
"""

import base64
from collections.abc import Callable, Mapping
from functools import cache
from hashlib import blake2b
from operator import attrgetter
from typing import Any, Generic, NamedTuple, TypeVar

import msgspec
from msgspec import UNSET, Raw, Struct

from kalends.errors import Fault, Invalid
from kalends.model import Actor, Identifier
from kalends.reads.paging import Page

Item = TypeVar("Item")
Row = TypeVar("Row")
Key = TypeVar("Key", int, tuple[int, int], tuple[str, int])
LARGEST_KEY = (1 << 63) - 1
DIGEST_BYTES = 6
MAY_CHANGE = ("cursor", "limit", "expand")
"""Parameters that may differ from one page to the next."""


class PageJson(Struct, Generic[Item]):
    """A page of a list; `next_cursor` is the cursor of the next page, and null on the last one."""

    items: list[Item]
    next_cursor: str | None


class RawPage(Struct):
    """A page whose items are JSON already."""

    items: Raw
    next_cursor: str | None


class PageRequest(NamedTuple):
    """The list, the caller and the cursor of a request for a page."""

    actor: Actor
    ids: Mapping[str, Identifier]
    query: Any
    """A struct with a `cursor`."""

    def after(self, kind: type[Key]) -> Key | None:
        """Return the key in the cursor, None on the first page. Raise Invalid."""
        cursor = self.query.cursor
        if cursor is UNSET:
            return None
        try:
            raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
            if raw[:DIGEST_BYTES] != self._digest():
                raise bad_cursor()
            key = msgspec.json.decode(raw[DIGEST_BYTES:], type=kind)
        except ValueError as error:
            raise bad_cursor() from error
        for part in key if isinstance(key, tuple) else (key,):
            if "\0" in part if isinstance(part, str) else abs(part) > LARGEST_KEY:
                raise bad_cursor()
        return key

    def next_cursor(self, key: object | None) -> str | None:
        """Return the cursor of the next page, by the key of the last item of this one; None on the last page."""
        if key is None:
            return None
        raw = self._digest() + msgspec.json.encode(key, enc_hook=int)  # ids and instants as the numbers they are
        return base64.urlsafe_b64encode(raw).decode().rstrip("=")

    def to_json(self, found: Page[Row, Any], write: Callable[[Row], Item]) -> PageJson[Item]:
        """Return the JSON of a page."""
        return PageJson([write(item) for item in found.items], self.next_cursor(found.next_key))

    def _digest(self) -> bytes:
        """Return the digest for a cursor: of the list, the filters as sent, and the caller."""
        filters = filters_of(self.query.__class__)(self.query)
        whole = (filters, self.ids, self.actor.organization_id, self.actor.user_id)
        return blake2b(repr(whole).encode(), digest_size=DIGEST_BYTES).digest()


@cache
def filters_of(kind: type[Struct]) -> Callable[[Any], tuple[Any, ...]]:
    """Return a function that returns the filters of a query, and its class first, as a list may have no filter."""
    return attrgetter("__class__", *(name for name in kind.__struct_fields__ if name not in MAY_CHANGE))


def bad_cursor() -> Invalid:
    """Return the error of a cursor that is not from a page of this list."""
    message = (
        "must be the next_cursor of the previous page, sent by the same caller with the same parameters (only limit "
        "and expand may differ): repeat them, or leave the cursor out to start again"
    )
    return Invalid(Fault(("cursor",), "invalid_cursor", message))
