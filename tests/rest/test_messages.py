"""Messages about every body and query: what is wrong, what is allowed, and no jargon of a library."""

import re
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple
from urllib.parse import quote

import pytest
from msgspec.inspect import (
    BoolType,
    CustomType,
    DateType,
    EnumType,
    IntType,
    ListType,
    LiteralType,
    NoneType,
    StrType,
    StructType,
    Type,
    type_info,
)

from kalends import model
from kalends.errors import Fault, Invalid
from kalends.http.errors import BadQuery, Malformed
from kalends.rest.decoding import read_json, read_query
from kalends.rest.faults import alternatives, choices_of
from kalends.rest.routes import OPERATIONS
from kalends.rest.wire import DateOrTime, Minutes, ObjectId, TimeOfDay, read_struct
from tests.api import LIBRARY_TEXT
from tests.rest.test_bad_input import BAD_BODIES

Where = tuple[str | int, ...]
BODIES = {
    f"{known.method} {known.path}": known.signature.body for known in OPERATIONS if known.signature.body is not None
}
QUERIES = {known.signature.query.__name__: known.signature.query for known in OPERATIONS}
OF_TEXT: dict[type, dict[Any, str]] = {
    model.WrittenTime: {
        "x": "such as 2026-03-09T14:00:00+01:00, not 'x'",
        "2026-13-09T14:00Z": "must be a date such as",
        "2026-03-09T25:00Z": "must have a valid hour, minute, second and offset",
        "2026-03-09T24:01Z": "24:00",
        "1899-12-31T10:00Z": "between 1900 and 9998, not 1899",
    },
    DateOrTime: {"x": "must be a date such as 2026-03-09, not 'x'", "2026-02-30": "date such as", "9999-01-01": "9998"},
    TimeOfDay: {"9:30": "such as 09:30, not '9:30'", "25:00": "such as 09:30"},
    model.Zone: {"Mars/Base": "such as Europe/Berlin, not 'Mars/Base'", "": "such as Europe/Berlin"},
    model.Email: {"a@@b": "such as hanna@example.org, not 'a@@b'", "": "such as hanna@example.org"},
    ObjectId: {"x": "an id such as usr_", "evt_1": "an id such as evt_"},
    Minutes: {"x": "whole minutes or a duration such as PT1H30M, not 'x'", "P1Y": "PT1H30M", 1.5: "PT1H30M"},
    model.Metadata: {},
}


class Wrong(NamedTuple):
    """A wrong value, its pointer, and what the message has to say."""

    where: Where
    value: Any
    message: str


def wrong_values(described: Type, where: Where) -> Iterator[Wrong]:
    """Yield wrong values for a type and everything in it."""
    allowed = list(alternatives(described))
    nullable = any(isinstance(one, NoneType) for one in allowed)
    if not nullable:
        yield Wrong(where, None, "not null")
    for one in allowed:
        for kind, wrong in OF_TYPE.items():
            if isinstance(one, kind):
                for value, message in wrong(one):
                    yield Wrong(where, value, message)
    for one in allowed:
        if isinstance(one, ListType):
            yield from wrong_values(one.item_type, (*where, 0))
        elif isinstance(one, StructType):
            yield Wrong((*where, "colour"), 1, "unknown field 'colour'; allowed: " + ", ".join(names_of(one)))
            for field in one.fields:
                yield from wrong_values(field.type, (*where, field.encode_name))


def names_of(described: StructType) -> list[str]:
    return [field.encode_name for field in described.fields]


def wrong_text(limits: StrType) -> Iterator[tuple[Any, str]]:
    yield 7, "text"
    yield [], "text"
    if limits.max_length is not None:
        yield "x" * (limits.max_length + 1), f"at most {limits.max_length:,} characters, not {limits.max_length + 1:,}"
    if limits.min_length:
        yield "", f"at least {limits.min_length} character"
    if limits.pattern is not None and limits.min_length:
        yield "\u200b", "must not be blank"


def wrong_number(limits: IntType) -> Iterator[tuple[Any, str]]:
    yield "x", "a whole number, not 'x'"
    yield 1.5, "a whole number, not 1.5"
    assert limits.ge is not None
    assert limits.le is not None
    for value in (limits.ge - 1, limits.le + 1, 10**30):
        yield value, f"between {limits.ge:,} and {limits.le:,}, not {value}"


def wrong_list(limits: ListType) -> Iterator[tuple[Any, str]]:
    yield "x", "a list"
    if limits.min_length:
        yield [], f"at least {limits.min_length} item"


def wrong_choice(described: Type) -> Iterator[tuple[Any, str]]:
    allowed = ", ".join(choices_of(described))
    yield "nonsense", f"must be one of: {allowed}; not 'nonsense'"
    yield "", f"must be one of: {allowed}; not ''"
    yield 7, f"must be one of: {allowed}"


def wrong_word(described: CustomType) -> Iterator[tuple[Any, str]]:
    kind = described.cls
    if kind is model.Metadata:
        yield "x", "an object"
        yield {"x": "y" * 20_000}, "at most 16,384 bytes"
        yield {"a": deep(40)}, "at most 32 levels"
        return
    if kind is not Minutes:
        yield 7, "text"
        yield {}, "text"
    if issubclass(kind, model.Identifier):
        example = f"an id such as {kind.prefix}018f3c5a9b2d4e6f, not "
        yield from ((value, example) for value in ("x", f"{kind.prefix}1", "org_018f3c5a9b2d4e6f"))
    else:
        yield from OF_TEXT[kind].items()


def deep(levels: int) -> Any:
    """Return nested lists."""
    value: Any = []
    for _ in range(levels):
        value = [value]
    return value


OF_TYPE: dict[type[Type], Callable[[Any], Iterator[tuple[Any, str]]]] = {
    StrType: wrong_text,
    IntType: wrong_number,
    BoolType: lambda _: iter([("maybe", "true or false, not 'maybe'"), (1, "true or false, not 1")]),
    ListType: wrong_list,
    EnumType: wrong_choice,
    LiteralType: wrong_choice,
    CustomType: wrong_word,
    DateType: lambda _: iter([("x", "a date such as 2026-03-09, not 'x'"), (7, "a date such as 2026-03-09, not 7")]),
    StructType: lambda _: iter([("x", "an object"), (7, "an object")]),
}


def body_with(where: Where, value: Any) -> Any:
    """Return a body with one value at its pointer."""
    if not where:
        return value
    first, *rest = where
    inner = body_with(tuple(rest), value)
    return [inner] if isinstance(first, int) else {first: inner}


def faults_of(kind: Any, value: Any) -> tuple[Fault, ...]:
    try:
        read_struct(kind, value)
    except Invalid as error:
        return error.faults
    return ()


def check_message(fault: Fault, message: str) -> None:
    assert message in fault.message, (fault, message)
    assert not LIBRARY_TEXT.search(fault.message), fault
    assert not fault.message.endswith("."), "it may be followed by another"
    assert len(fault.message) < 600


@pytest.mark.parametrize("name", BODIES)
def test_messages_about_wrong_values_of_a_body_say_what_is_allowed(name):
    kind = BODIES[name]
    tried = 0
    for wrong in wrong_values(type_info(kind), ()):
        body = body_with(wrong.where, wrong.value)
        found = [fault for fault in faults_of(kind, body) if fault.where[: len(wrong.where)] == wrong.where]
        assert found, wrong
        check_message(found[0], wrong.message)
        tried += 1
    assert tried > 3


@pytest.mark.parametrize("name", BODIES)
def test_every_missing_member_is_reported(name):
    for one in alternatives(type_info(BODIES[name])):
        if isinstance(one, StructType):
            needed = [(field.encode_name,) for field in one.fields if field.required]
            found = [fault for fault in faults_of(BODIES[name], {}) if fault.code == "missing"]
            assert [fault.where for fault in found] == needed
            assert {fault.message for fault in found} <= {"is required"}


@pytest.mark.parametrize("name", QUERIES)
def test_messages_about_wrong_values_of_a_query_say_what_is_allowed(name):
    kind = QUERIES[name]
    described = type_info(kind)
    assert isinstance(described, StructType)
    for field in described.fields:
        for wrong in wrong_values(field.type, (field.encode_name,)):
            if not isinstance(wrong.value, str) and not (isinstance(wrong.value, int) and "between" in wrong.message):
                continue  # a query has nothing but text, and numbers where they are wanted
            if wrong.value == 10**30:
                continue  # too long to be read as a number
            with pytest.raises(BadQuery) as caught:
                read_query(kind, f"{quote(field.encode_name)}={quote(str(wrong.value))}")
            (fault,) = [fault for fault in caught.value.faults if fault.where == wrong.where]
            check_message(fault, wrong.message)
    with pytest.raises(BadQuery) as caught:
        read_query(kind, "colour=red")
    (fault,) = caught.value.faults
    check_message(
        fault, f"allowed: {', '.join(names_of(described))}" if described.fields else "no parameter is allowed"
    )


@pytest.mark.parametrize("name", BAD_BODIES)
def test_messages_about_invalid_json_use_no_jargon_of_the_library(name):
    with pytest.raises(Malformed) as caught:
        read_json(BAD_BODIES[name])
    assert str(caught.value).startswith("The request cannot be read: the body")
    assert not LIBRARY_TEXT.search(str(caught.value))
    assert not re.search(r"Input data|JSON is malformed|Number out of|Integer value|codec", str(caught.value))


def test_jargon_of_the_library_is_recognized():
    for text in ("Expected `str`, got `int` - at `$.x`", "Object missing required field", "a Struct", "msgspec"):
        assert LIBRARY_TEXT.search(text)
