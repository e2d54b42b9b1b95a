"""Faults of values, derived from the type that the value should have: what is wrong, and what is allowed."""

from collections.abc import Iterator
from typing import Any, cast

from msgspec.inspect import (
    BoolType,
    CustomType,
    DateType,
    EnumType,
    FloatType,
    IntType,
    ListType,
    LiteralType,
    Metadata,
    NoneType,
    StrType,
    StructType,
    Type,
    UnionType,
    type_info,
)

from kalends import model
from kalends.characters import misfit
from kalends.errors import Fault

LONGEST_QUOTE = 64
DATE_EXAMPLE = "2026-03-09"

WORDS: dict[type[Type], str] = {
    StrType: "text",
    IntType: "a whole number",
    FloatType: "a number",
    BoolType: "true or false",
    NoneType: "null",
    DateType: f"a date such as {DATE_EXAMPLE}",
    ListType: "a list",
    StructType: "an object",
    CustomType: "text",
}

Place = tuple[str | int, ...]


def fault_of_type(kind: Any, value: object, where: Place) -> Fault:
    """Return the fault of a value that is not valid for a type."""
    allowed = list(alternatives(type_info(kind)))
    for one in allowed:
        if found := violated_constraint(one, value):
            code, message = found
            return Fault(where, code, message)
    if any(isinstance(one, DateType) for one in allowed) and isinstance(value, str):
        return Fault(where, "invalid_time", f"must be a date such as {DATE_EXAMPLE}, not {quoted(value)}")
    choices = [choice for one in allowed for choice in choices_of(one)]
    if choices and isinstance(value, str):
        return Fault(where, "invalid_value", f"must be one of: {', '.join(choices)}; not {quoted(value)}")
    words = " or ".join(dict.fromkeys(map(word_of, allowed)))
    return Fault(where, "wrong_type", f"must be {words}, not {kind_of(value)}")


def alternatives(described: Type) -> Iterator[Type]:
    """Yield the types that a value may have, null last."""
    if isinstance(described, Metadata):
        yield from alternatives(described.type)
    elif isinstance(described, UnionType):
        for part in sorted(described.types, key=lambda part: isinstance(part, NoneType)):
            yield from alternatives(part)
    else:
        yield described


def violated_constraint(described: Type, value: object) -> tuple[str, str] | None:
    """Return code and message for a value of the right type that violates a constraint of it; None for any other."""
    if isinstance(described, StrType) and isinstance(value, str):
        wrong = wrong_length(described, len(value), "be", "character")
        if wrong is None and described.pattern is not None:
            return misfit(value)  # every pattern is one of characters.py
        return wrong
    if isinstance(described, ListType) and isinstance(value, list):
        return wrong_length(described, len(cast("list[object]", value)), "have", "item")
    if isinstance(described, IntType) and isinstance(value, int) and not isinstance(value, bool):
        return "out_of_range", f"must be {range_of(described)}, not {quoted(value)}"
    return None


def wrong_length(limits: StrType | ListType, length: int, verb: str, unit: str) -> tuple[str, str] | None:
    """Return code and message of a length that is out of bounds."""
    least, most = limits.min_length or 0, limits.max_length
    if length < least:
        return "too_short", f"must {verb} at least {counted(least, unit)}, not {length:,}"
    if most is not None and length > most:
        return "too_long", f"must {verb} at most {counted(most, unit)}, not {length:,}"
    return None


def counted(number: int, unit: str) -> str:
    """Return a number with its unit."""
    return f"{number:,} {unit}{'' if number == 1 else 's'}"


def range_of(limits: IntType) -> str:
    """Return the words for the numbers that are allowed."""
    if limits.ge is not None and limits.le is not None:
        return f"between {limits.ge:,} and {limits.le:,}"
    if limits.ge is not None:
        return f"at least {limits.ge:,}"
    return f"at most {limits.le:,}"


def choices_of(described: Type) -> list[str]:
    """Return the values of an enumeration or a literal type."""
    if isinstance(described, EnumType):
        return [str(member.value) for member in described.cls]
    return [str(value) for value in described.values] if isinstance(described, LiteralType) else []


def word_of(described: Type) -> str:
    """Return the words for a type of JSON."""
    if isinstance(described, CustomType) and issubclass(described.cls, model.Metadata):
        return WORDS[StructType]
    if choices := choices_of(described):
        return f"one of: {', '.join(choices)}"
    return WORDS[type(described)]


def kind_of(value: object) -> str:
    """Return the words for a wrong value: short text as it is, any other value by its type."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (str, int, float)):
        return quoted(value)
    return "a list" if isinstance(value, list) else "an object"


def quoted(value: str | float) -> str:
    """Return a value as it was sent, shortened."""
    if isinstance(value, str):
        return repr(value) if len(value) <= LONGEST_QUOTE else f"{value[:LONGEST_QUOTE]!r}..."
    text = str(value)
    return text if len(text) <= LONGEST_QUOTE else f"{text[:LONGEST_QUOTE]}..."
