"""Members of JSON objects: finding repeated ones, and the canonical form of JSON."""

import json
from collections import Counter
from collections.abc import Iterator
from itertools import islice
from typing import Any, cast

import msgspec

from kalends.errors import Fault
from kalends.rest.faults import Place, quoted
from kalends.rest.wire import MOST_FAULTS

ESCAPED = b"\\u003"
"""The beginning of an escaped colon."""


class Members(list[tuple[str, Any]]):
    """The members of an object as they are written, including repeated ones."""


def repeated_members(raw: bytes, value: object) -> list[Fault]:
    """Return the faults of repeated members (RFC 8259 section 4); `value` is the decoded JSON.

    The decoder silently keeps the last of them, so the decoded value has fewer colons when it is encoded again. Only
    then, or if a colon may be escaped, the standard library decodes the text again, which takes ten times as long.
    """
    if ESCAPED not in raw and raw.count(b":") == msgspec.json.encode(value).count(b":"):
        return []
    whole = json.loads(raw, object_pairs_hook=Members, parse_int=str, parse_float=str)
    return list(islice(faults_in(whole, ()), MOST_FAULTS))


def faults_in(part: object, where: Place) -> Iterator[Fault]:
    """Yield the faults of the repeated members of a part, at every depth."""
    if isinstance(part, Members):
        for name, count in Counter(name for name, _ in part).items():
            if count > 1:
                yield Fault((*where, name), "repeated_field", f"{quoted(name)} must be given once, not {count} times")
        for name, value in part:
            yield from faults_in(value, (*where, name))
    elif isinstance(part, list):
        for place, value in enumerate(cast("list[object]", part)):
            yield from faults_in(value, (*where, place))


def plain_number(text: str) -> int | float:
    """Return the value of a number with a fraction or an exponent, as an integer if it is whole."""
    number = float(text)
    return int(number) if number.is_integer() else number


PLAIN_NUMBERS = msgspec.json.Decoder(float_hook=plain_number)


def canonical(raw: bytes) -> bytes:
    """Return the canonical form of JSON, without differences in order, white space, escapes, or 1.0 for 1."""
    return msgspec.json.encode(PLAIN_NUMBERS.decode(raw), order="sorted")
