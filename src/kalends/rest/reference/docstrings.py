"""Docstrings for the reference, which are also found if Python has removed them (`python -OO`)."""

import ast
import inspect
import textwrap
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from typing import Any, get_args, get_origin

from msgspec.inspect import EnumType, ListType, Metadata, StructType, Type, UnionType, multi_type_info


def docstring_of(thing: Callable[..., Any]) -> str:
    """Return the docstring of a function or a class; if it is not in memory, the one in the source file, if any."""
    text = thing.__doc__
    if text is None:
        with suppress(OSError):
            node = ast.parse(textwrap.dedent(inspect.getsource(thing))).body[0]
            if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
                text = ast.get_docstring(node)
    return inspect.cleandoc(text or "")


def describe_schemas(components: dict[str, Any], kinds: Iterable[Any]) -> None:
    """Set the description of each schema to the docstring of its class, without indentation on any Python."""
    for described in multi_type_info(kinds):
        for known in classes_in(described):
            if text := docstring_of(get_origin(known) or known):
                components[component_name(known)]["description"] = text


def component_name(kind: Any) -> str:
    """Return msgspec's name for the schema of a class: `PageJson_UserJson_` for `PageJson[UserJson]`."""
    arguments = "".join(f"{part.__name__}_" for part in get_args(kind))
    return f"{kind.__name__}_{arguments}" if arguments else kind.__name__


def classes_in(described: Type) -> Iterator[type]:
    """Yield the structs and enumerations in a type."""
    if isinstance(described, StructType):
        yield described.cls
        for field in described.fields:
            yield from classes_in(field.type)
    elif isinstance(described, EnumType):
        yield described.cls
    elif isinstance(described, ListType):
        yield from classes_in(described.item_type)
    elif isinstance(described, Metadata):
        yield from classes_in(described.type)
    elif isinstance(described, UnionType):
        for part in described.types:
            yield from classes_in(part)
