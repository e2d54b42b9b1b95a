"""Decoding of JSON to the types of model.py; all faults in a body or a query are found at once."""

import re
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from types import UnionType
from typing import Any, Union, cast, get_args, get_origin

import msgspec
from msgspec import ValidationError

from kalends.errors import BadValue, Fault, Invalid
from kalends.model import DateOrTime, Email, Identifier, Metadata, WrittenTime, Zone
from kalends.rest.faults import Place, fault_of_type, kind_of, quoted
from kalends.rules.audit import OBJECT_ID_KINDS
from kalends.rules.emails import check_email
from kalends.rules.hours import minute_of_day, written_minute
from kalends.rules.metadata import metadata_text
from kalends.rules.zones import read_date_or_time, read_time, zone_named

DURATION = re.compile(r"PT(?:(\d{1,4})H)?(?:(\d{1,5})M)?", re.ASCII)
MOST_FAULTS = 1_000
"""The most faults in one answer: a body of a megabyte can contain a hundred thousand."""


class ObjectId(int):
    """The number in the id of an object of the audit log: a user, an event, a token or a hold."""

    __slots__ = ()


class TimeOfDay(int):
    """Minutes since midnight on a wall clock, written `09:30`; `24:00` ends a day."""

    __slots__ = ()

    def __str__(self) -> str:
        """Return the time as it is written."""
        return written_minute(self)


class Minutes(int):
    """A length of time: whole minutes, or an ISO 8601 duration such as PT1H30M."""

    __slots__ = ()


def read_minutes(value: object) -> Minutes:
    """Read a length of time. Raise BadValue `invalid_duration`."""
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 1 << 31:
        return Minutes(value)
    found = DURATION.fullmatch(value) if isinstance(value, str) else None
    if found is None or not any(found.groups()):
        raise BadValue("invalid_duration", f"must be whole minutes or a duration such as PT1H30M, not {kind_of(value)}")
    return Minutes(int(found[1] or 0) * 60 + int(found[2] or 0))


def read_time_of_day(text: str) -> TimeOfDay:
    """Read a time of day. Raise BadValue `invalid_time`."""
    return TimeOfDay(minute_of_day(text))


def read_zone(text: str) -> Zone:
    """Read the name of a time zone. Raise BadValue `unknown_zone`."""
    zone_named(text)
    return Zone(text)


def read_email(text: str) -> Email:
    """Read an e-mail address. Raise BadValue `invalid_email`, whose message ends with the reason."""
    try:
        check_email(text)
    except ValueError as error:
        reason = str(error).rstrip(".")  # often the message of the library, which alone knows the reason
        message = f"must be an e-mail address such as hanna@example.org, not {quoted(text)}: {reason}"
        raise BadValue("invalid_email", message) from error
    return Email(text)


def read_object_id(text: str) -> ObjectId:
    """Read the id of an object of the audit log. Raise BadValue `invalid_id`."""
    for kind in OBJECT_ID_KINDS:
        if text.startswith(kind.prefix):
            return ObjectId(read_id(kind, text))
    raise BadValue("invalid_id", f"must be an id such as usr_018f3c5a9b2d4e6f, not {quoted(text)}")


READERS: dict[type, Callable[[str], object]] = {
    WrittenTime: read_time,
    DateOrTime: read_date_or_time,
    TimeOfDay: read_time_of_day,
    Zone: read_zone,
    Email: read_email,
    ObjectId: read_object_id,
}
"""The functions that read values of each kind from text, and raise BadValue."""


def read_value(kind: type, value: object) -> object:
    """Return a value of a type of model.py, read from JSON; msgspec calls this for every type it does not know.

    Raise BadValue, or TypeError if the JSON has the wrong type.
    """
    if issubclass(kind, Metadata):
        if not isinstance(value, dict):
            raise TypeError("must be an object")
        metadata = Metadata(cast("dict[str, Any]", value))
        metadata_text(metadata)
        return metadata
    if kind is Minutes:
        return read_minutes(value)
    if not isinstance(value, str):
        raise TypeError("must be text")
    return read_id(kind, value) if issubclass(kind, Identifier) else READERS[kind](value)


def read_id(kind: type[Identifier], text: str) -> Identifier:
    """Read an id of a kind, such as `usr_` and 16 digits. Raise BadValue `invalid_id`."""
    try:
        return kind.parse(text)
    except ValueError as error:
        raise BadValue("invalid_id", f"{error}, not {quoted(text)}") from error


def id_schema(kind: type[Identifier]) -> dict[str, Any]:
    """Return the JSON Schema of the ids of a kind."""
    return {
        "type": "string",
        "pattern": f"^{kind.prefix}[0-7][0-9a-f]{{15}}$",
        "examples": [kind.example()],
    }


ENCODER = msgspec.json.Encoder(enc_hook=str)
"""The encoder of answers; values of types that msgspec does not know are written as text."""


def read_struct(kind: Any, value: object) -> Any:
    """Return a struct made from decoded JSON. Raise Invalid with every fault, up to MOST_FAULTS."""
    try:
        return msgspec.convert(value, kind, dec_hook=read_value)
    except ValidationError as error:
        faults = islice(faults_in(kind, value, ()), MOST_FAULTS)
        raise Invalid(*faults) from error


def faults_in(kind: Any, value: Any, where: Place) -> Iterator[Fault]:
    """Yield all faults in a value: msgspec stops at the first, so each part is decoded by itself."""
    struct, item = parts_of(kind)
    if isinstance(value, list) and item is not None:
        yield from faults_of_list(kind, item, cast("list[Any]", value), where)
    elif isinstance(value, dict) and struct is not None:
        yield from faults_of_object(struct, cast("dict[str, Any]", value), where)
    else:
        yield from faults_of_whole(kind, value, where)


def faults_of_whole(kind: Any, value: Any, where: Place) -> Iterator[Fault]:
    """Yield the fault of a value that has no parts, or whose parts have no faults."""
    try:
        msgspec.convert(value, kind, dec_hook=read_value)
    except ValidationError as error:
        yield fault_of(error, kind, value, where)


def faults_of_list(kind: Any, item: Any, values: list[Any], where: Place) -> Iterator[Fault]:
    """Yield all faults in the items of a list; if there are none, that of the list itself."""
    fine = True
    for place, value in enumerate(values):
        for fault in faults_in(item, value, (*where, place)):
            fine = False
            yield fault
    if fine:
        yield from faults_of_whole(kind, values, where)


def faults_of_object(struct: Any, value: dict[str, Any], where: Place) -> Iterator[Fault]:
    """Yield the faults of all missing, unknown and invalid members of an object."""
    fields = {field.encode_name: field for field in msgspec.structs.fields(struct)}
    for name, field in fields.items():
        if name in value:
            yield from faults_in(field.type, value[name], (*where, name))
        elif field.required:
            yield Fault((*where, name), "missing", "is required")
    for name in value:
        if name not in fields and struct.__struct_config__.forbid_unknown_fields:
            yield Fault((*where, name), "unknown_field", unknown_name("field", name, fields))


def unknown_name(what: str, name: str, known: Iterable[str]) -> str:
    """Return the message for an unknown member or parameter."""
    allowed = ", ".join(known)
    return f"unknown {what} {quoted(name)}; {f'allowed: {allowed}' if allowed else f'no {what} is allowed here'}"


def parts_of(kind: Any) -> tuple[Any, Any]:
    """Return the struct and the type of list items that a type allows, each None if it allows none."""
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
    """Return the fault of a value that is not valid for a type: the one that reading raised, or else the type's."""
    cause = error.__cause__
    return cause.fault(*where) if isinstance(cause, BadValue) else fault_of_type(kind, value, where)
