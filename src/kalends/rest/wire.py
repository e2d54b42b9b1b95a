"""How the vocabulary is written in JSON and in queries, and how every fault in what was written is found at once."""

import re
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from types import UnionType
from typing import Any, Union, cast, get_args, get_origin

import msgspec
from msgspec import ValidationError

from kalends.errors import Fault, Invalid
from kalends.model import Email, Identifier, Metadata, TimeText, Zone
from kalends.rest.faults import Place, fault_of_type, kind_of, quoted
from kalends.rules.audit import OBJECT_ID_KINDS
from kalends.rules.emails import check_email
from kalends.rules.hours import minute_of_day
from kalends.rules.metadata import metadata_text
from kalends.rules.zones import TimeError, read_time, written_date, zone_named

DURATION = re.compile(r"PT(?:(\d{1,4})H)?(?:(\d{1,5})M)?", re.ASCII)
MOST_FAULTS = 1_000
"""One answer names so many faults at most: a body of a megabyte can hold a hundred thousand."""


class BadValue(ValueError):
    """A value of the right JSON type that says nothing sensible."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class DateOrTime(str):
    """A time as in an event, or a date alone, which means its local midnight."""

    __slots__ = ()


class ObjectId(str):
    """The id of what an audit entry is about: a user, an event, a token or a hold."""

    __slots__ = ()


class TimeOfDay(str):
    """A time on a wall clock, such as `09:30`; `24:00` ends a day."""

    __slots__ = ()


class Minutes(int):
    """A length of time: whole minutes, or an ISO 8601 duration such as PT1H30M."""

    __slots__ = ()


def read_minutes(value: object) -> Minutes:
    """Read a length of time. Raises BadValue."""
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 1 << 31:
        return Minutes(value)
    found = DURATION.fullmatch(value) if isinstance(value, str) else None
    if found is None or not any(found.groups()):
        raise BadValue("invalid_duration", f"must be whole minutes or a duration such as PT1H30M, not {kind_of(value)}")
    return Minutes(int(found[1] or 0) * 60 + int(found[2] or 0))


def read_date_or_time(value: str) -> object:
    """Read a date, or a time. Raises TimeError."""
    return read_time(value) if len(value) > 10 else written_date(value)


def read_time_of_day(value: str) -> int:
    """Read a time of day. Raises BadValue."""
    try:
        return minute_of_day(value)
    except ValueError as error:
        raise BadValue("invalid_time", str(error)) from error


def read_email(value: str) -> None:
    """Raise BadValue, with the reason, unless a text is an e-mail address."""
    try:
        check_email(value)
    except ValueError as error:
        reason = str(error).rstrip(".")
        message = f"must be an e-mail address such as hanna@example.org, not {quoted(value)}: {reason}"
        raise BadValue("invalid_email", message) from error


def number_of(text: str) -> int:
    """Return the number of the id of an object. Raise BadValue."""
    for kind in OBJECT_ID_KINDS:
        if text.startswith(kind.prefix):
            return read_id(kind, text)
    raise BadValue("invalid_id", f"must be an id such as usr_018f3c5a9b2d4e6f, not {quoted(text)}")


TEXT_CHECKS: dict[type, Callable[[str], object]] = {
    TimeText: read_time,
    DateOrTime: read_date_or_time,
    TimeOfDay: read_time_of_day,
    Zone: zone_named,
    Email: read_email,
    ObjectId: number_of,
}
"""What raises BadValue or TimeError for text that does not make a value of a kind."""


def read_value(kind: type, value: object) -> object:
    """Make a value of the vocabulary from JSON; msgspec calls this for every type it does not know."""
    if issubclass(kind, Metadata):
        if not isinstance(value, dict):
            raise BadValue("wrong_type", "must be an object")
        metadata = Metadata(cast("dict[str, Any]", value))
        metadata_text(metadata)
        return metadata
    if kind is Minutes:
        return read_minutes(value)
    if not isinstance(value, str):
        raise BadValue("wrong_type", "must be text")
    if issubclass(kind, Identifier):
        return read_id(kind, value)
    TEXT_CHECKS[kind](value)
    return kind(value)


def read_id(kind: type[Identifier], text: str) -> Identifier:
    """Read an id of a kind, such as `usr_` and 16 digits. Raises BadValue."""
    try:
        return kind.parse(text)
    except ValueError as error:
        raise BadValue("invalid_id", f"{error}, not {quoted(text)}") from error


def id_schema(kind: type[Identifier]) -> dict[str, Any]:
    """Give the JSON Schema of the ids of a kind."""
    return {
        "type": "string",
        "pattern": f"^{kind.prefix}[0-7][0-9a-f]{{15}}$",
        "examples": [kind.example()],
    }


ENCODER = msgspec.json.Encoder(enc_hook=str)
"""Writes answers; a zone or an address that was just given is a kind of text that msgspec does not know."""


def read_struct(kind: Any, value: object) -> Any:
    """Make a struct from decoded JSON. Raises Invalid with every fault there is, up to a number."""
    try:
        return msgspec.convert(value, kind, dec_hook=read_value)
    except ValidationError as error:
        faults = islice(faults_in(kind, value, ()), MOST_FAULTS)
        raise Invalid(*faults) from error


def faults_in(kind: Any, value: Any, where: Place) -> Iterator[Fault]:
    """Find everything wrong with a value: msgspec stops at the first, so each part is tried by itself."""
    struct, item = parts_of(kind)
    if isinstance(value, list) and item is not None:
        yield from faults_of_list(kind, item, cast("list[Any]", value), where)
    elif isinstance(value, dict) and struct is not None:
        yield from faults_of_object(struct, cast("dict[str, Any]", value), where)
    else:
        yield from faults_of_whole(kind, value, where)


def faults_of_whole(kind: Any, value: Any, where: Place) -> Iterator[Fault]:
    """Find what is wrong with a value without parts, or with one whose parts are fine."""
    try:
        msgspec.convert(value, kind, dec_hook=read_value)
    except ValidationError as error:
        yield fault_of(error, kind, value, where)


def faults_of_list(kind: Any, item: Any, values: list[Any], where: Place) -> Iterator[Fault]:
    """Find everything wrong with the items of a list; if they are fine, the list itself is at fault."""
    fine = True
    for place, value in enumerate(values):
        for fault in faults_in(item, value, (*where, place)):
            fine = False
            yield fault
    if fine:
        yield from faults_of_whole(kind, values, where)


def faults_of_object(struct: Any, value: dict[str, Any], where: Place) -> Iterator[Fault]:
    """Find every missing, unknown and wrong member of an object."""
    fields = {field.encode_name: field for field in msgspec.structs.fields(struct)}
    for name, field in fields.items():
        if name in value:
            yield from faults_in(field.type, value[name], (*where, name))
        elif field.required:
            yield Fault((*where, name), "missing", "is required")
    for name in value:
        if name not in fields and struct.__struct_config__.forbid_unknown_fields:
            yield Fault((*where, name), "unknown_member", unknown_name("field", name, fields))


def unknown_name(what: str, name: str, known: Iterable[str]) -> str:
    """Return the message for a field or a parameter that is not taken."""
    allowed = ", ".join(known)
    return f"unknown {what} {quoted(name)}; {f'allowed: {allowed}' if allowed else f'no {what} is allowed here'}"


def parts_of(kind: Any) -> tuple[Any, Any]:
    """Give the struct and the type of list items that a type allows, None for what it does not allow."""
    origin = get_origin(kind)
    if origin in (Union, UnionType):
        parts = [parts_of(part) for part in get_args(kind)]
        return next((part[0] for part in parts if part[0]), None), next((part[1] for part in parts if part[1]), None)
    if origin is list:
        return None, get_args(kind)[0]
    if hasattr(kind, "__metadata__"):
        return parts_of(get_args(kind)[0])
    return (kind if isinstance(kind, type) and issubclass(kind, msgspec.Struct) else None), None


def fault_of(error: ValidationError, kind: Any, value: object, where: Place) -> Fault:
    """Return the fault of a value that a type does not take: what reading it raised, or else what the type says."""
    cause = error.__cause__
    if isinstance(cause, (BadValue, TimeError)) and cause.code != "wrong_type":
        return Fault(where, cause.code, str(cause))
    if type(cause) is ValueError:
        return Fault(where, "metadata_too_large", str(cause))
    return fault_of_type(kind, value, where)
