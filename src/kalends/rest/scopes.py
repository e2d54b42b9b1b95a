"""The scopes that a token needs for the answer of an operation: each kind of data names its own."""

from collections.abc import Iterable, Iterator
from typing import Any

from msgspec.inspect import ListType, Metadata, StructType, Type, UnionType, type_info

from kalends.model import Scope


def scopes_of(answers: Iterable[Any]) -> frozenset[Scope]:
    """Return the scopes that the structs of an answer, and those within them, have as the class variable `scope`."""
    return frozenset(scope for answer in answers for scope in scopes_within(type_info(answer), set()))


def scopes_within(described: Type, seen: set[type]) -> Iterator[Scope]:
    """Yield the scopes in a type; `seen` are the structs that have been searched."""
    match described:
        case Metadata(type=inner) | ListType(item_type=inner):
            yield from scopes_within(inner, seen)
        case UnionType(types=kinds):
            for kind in kinds:
                yield from scopes_within(kind, seen)
        case StructType(cls=cls, fields=fields) if cls not in seen:
            seen.add(cls)
            scope = getattr(cls, "scope", None)
            if isinstance(scope, Scope):
                yield scope
            for field in fields:
                yield from scopes_within(field.type, seen)
        case _:
            return
