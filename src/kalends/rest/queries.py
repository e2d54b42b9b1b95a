"""Parameters that the queries of several operations share."""

from typing import Annotated, TypeVar

from msgspec import UNSET, Meta, Struct, UnsetType

from kalends.characters import VISIBLE
from kalends.limits import MAX_CURSOR_LENGTH, MAX_PAGE_SIZE, MAX_SEARCH_LENGTH

T = TypeVar("T")

Limit = Annotated[int, Meta(ge=1, le=MAX_PAGE_SIZE, description="Items on a page")]
Cursor = Annotated[
    str, Meta(max_length=MAX_CURSOR_LENGTH, description="next_cursor of the previous page, with the same filters")
]
SearchText = Annotated[str, Meta(min_length=1, max_length=MAX_SEARCH_LENGTH, pattern=VISIBLE)]


class NoQuery(Struct, forbid_unknown_fields=True):
    """No parameters."""


class WriteQuery(Struct, forbid_unknown_fields=True):
    """The query of every write."""

    dry_run: Annotated[bool, Meta(description="Validate and answer like the write, but write nothing")] = False


def or_none(value: T | UnsetType) -> T | None:
    """Return a parameter, or None if it was left out."""
    return None if value is UNSET else value
