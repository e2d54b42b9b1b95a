"""Decoding the path, the query and the JSON of a request, with faults in terms of the request."""

import re
from collections.abc import Iterable, Mapping
from functools import cache
from itertools import accumulate
from typing import Any, cast
from urllib.parse import unquote_to_bytes

import msgspec
from msgspec import Struct
from msgspec.inspect import BoolType, CustomType, IntType, Metadata, StructType, Type, type_info

from kalends.errors import BadValue, Fault, Invalid, NotFound
from kalends.http.errors import BadQuery, Malformed, NoSuchPath
from kalends.limits import MAX_NESTING
from kalends.model import DateOrTime, Identifier
from kalends.rest.faults import quoted
from kalends.rest.members import repeated_members
from kalends.rest.wire import read_id, read_struct, unknown_name

TRUTHS = {"true": True, "false": False}
NUL = "must not contain the NUL character"
JSON_FAULT = re.compile(r"JSON is malformed: (.+) \(byte (\d+)\)")
"""The message of msgspec for malformed JSON, which alone has the problem and its place."""

JSON_STRING = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)
NO_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))
NUMBER = re.compile(r"-?\d{1,18}", re.ASCII)
LOST_PLUS = re.compile(r"^(.*:\d\d(?:\.\d+)?) (\d\d:\d\d)$", re.ASCII)
"""A time with an offset whose plus was not escaped as %2B, and was decoded as a space."""

LONE_SURROGATE = re.compile(rb"\\u[dD][89abAB]..(?!\\u[dD][c-fC-F])|(?<!\\u[dD][89abAB]..)\\u[dD][c-fC-F]")
"""An escaped surrogate without the other half of its pair."""


def read_path(kinds: Mapping[str, type[Identifier]], path: dict[str, str]) -> dict[str, Identifier]:
    """Return the ids in a path. Raise NotFound for a malformed id, NoSuchPath for an empty one."""
    ids: dict[str, Identifier] = {}
    for name, kind in kinds.items():
        try:
            ids[name] = read_id(kind, path[name])
        except BadValue as error:
            if not path[name]:
                raise NoSuchPath from error
            raise NotFound(kind.noun, path[name][:64]) from error
    return ids


def read_query(kind: type[Struct], text: str) -> Any:
    """Return the query of a URL as a struct; WSGI decodes its bytes as Latin-1. Raise Malformed or BadQuery."""
    values: dict[str, str] = {}
    faults: list[Fault] = []
    known = plain_kinds(kind)
    plain = text.isascii() and "%" not in text and "+" not in text
    for part in filter(None, text.split("&")):
        name, _, value = part.partition("=")
        if not plain:
            name, value = unquoted(name), unquoted(value)
        if name not in known:
            faults.append(Fault((name,), "unknown_parameter", unknown_name("parameter", name, known)))
            continue
        if name in values:
            faults.append(Fault((name,), "repeated_parameter", f"{quoted(name)} is given twice: give it once"))
        elif "\0" in value:
            faults.append(Fault((name,), "nul_character", NUL))
        values[name] = value
    try:
        query = read_struct(kind, {name: plain_value(kind, name, value) for name, value in values.items()})
    except Invalid as error:
        raise BadQuery(*faults, *error.faults) from error
    if faults:
        raise BadQuery(*faults)
    return query


def unquoted(text: str) -> str:
    """Return a text without form encoding (+ for a space, %-escapes). Raise Malformed if it is not UTF-8."""
    try:
        return unquote_to_bytes(text.replace("+", " ").encode("latin-1")).decode()
    except UnicodeDecodeError as error:
        raise Malformed("the query is not UTF-8") from error


def plain_value(kind: type[Struct], name: str, text: str) -> str | int | bool:
    """Return a parameter as a number or boolean if it has to be one; any other stays text, for `read_struct`.

    In a time, a space before the offset is replaced by the plus that it must have been.
    """
    wanted = plain_kinds(kind).get(name)
    if wanted is bool:
        return TRUTHS.get(text, text)
    if wanted is int and NUMBER.fullmatch(text):
        return int(text)
    if wanted is DateOrTime:
        return LOST_PLUS.sub(r"\1+\2", text)
    return text


@cache
def plain_kinds(kind: type[Struct]) -> dict[str, type]:
    """Return the type of each parameter by its name."""
    described = cast("StructType", type_info(kind))
    return {field.encode_name: plain_kind(field.type) for field in described.fields}


def plain_kind(described: Type) -> type:
    """Return bool, int or a type of model.py, without its metadata; str for any other type."""
    match described:
        case Metadata(type=inner):
            return plain_kind(inner)
        case CustomType(cls=kind):
            return kind
        case BoolType():
            return bool
        case IntType():
            return int
        case _:
            return str


def read_json(raw: bytes) -> Any:
    """Return the value of a JSON body. Raise Malformed if it is not JSON or nested too deeply.

    Raise Invalid for NUL characters and repeated members.
    """
    if nesting_of(raw) > MAX_NESTING:
        raise Malformed(f"the body is nested more than {MAX_NESTING} levels deep")
    try:
        value = msgspec.json.decode(raw)
        faults = nul_faults(value, ()) if b"\\u0000" in raw else []
        faults += repeated_members(raw, value)
    except UnicodeDecodeError as error:
        raise Malformed("the body is not UTF-8") from error
    except ValueError as error:
        raise broken_json(raw, error) from error
    if faults:
        raise Invalid(*faults)
    return value


def broken_json(raw: bytes, error: ValueError) -> Malformed:
    """Return the error of a body that is not JSON, with the byte at fault unless it just ends too early."""
    if lone := LONE_SURROGATE.search(raw):
        return Malformed("the body has an escape \\ud... without the other half of its pair", lone.start())
    if not raw.strip():
        return Malformed("the body is empty, but must be JSON")
    if isinstance(error, msgspec.ValidationError):  # the only possible fault of JSON that may be any value
        return Malformed("the body has a number that is out of range: the largest is about 1.8e308")
    if found := JSON_FAULT.fullmatch(str(error)):
        return Malformed(f"the body is not JSON: {found[1]}", int(found[2]))
    return Malformed("the body is not JSON: it ends too early")


def nesting_of(raw: bytes) -> int:
    """Return the depth of nested arrays and objects in JSON, or their number if they are few."""
    opened = raw.count(b"[") + raw.count(b"{")
    if opened <= MAX_NESTING:
        return opened
    brackets = JSON_STRING.sub(b"", raw).translate(None, NO_BRACKETS)
    return max(accumulate(1 if bracket in b"[{" else -1 for bracket in brackets), default=0)


def nul_faults(value: Any, where: tuple[str | int, ...]) -> list[Fault]:
    """Return the faults of all text that contains a NUL character."""
    if isinstance(value, str):
        return [Fault(where, "nul_character", NUL)] if "\0" in value else []
    faults: list[Fault] = []
    for place, part in parts_of(value):
        faults += nul_faults(place, where) if isinstance(place, str) else []
        faults += nul_faults(part, (*where, place))
    return faults


def parts_of(value: Any) -> Iterable[tuple[str | int, Any]]:
    """Return the members of an object or the items of a list, each with its name or index."""
    if isinstance(value, dict):
        return cast("dict[str, Any]", value).items()
    return enumerate(cast("list[Any]", value)) if isinstance(value, list) else ()
