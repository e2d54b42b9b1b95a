"""Metadata: a JSON object that is stored for the caller, limited in size, and merged as RFC 7396 says."""

from collections.abc import Iterable, Mapping
from typing import Any, TypeGuard, cast

import msgspec

from kalends.errors import BadValue
from kalends.limits import MAX_METADATA_BYTES, MAX_METADATA_DEPTH


def metadata_text(metadata: Mapping[str, Any] | None) -> str:
    """Return metadata as compact JSON text.

    Raise BadValue `metadata_too_large` if that is larger than 16 KiB or nested too deeply.
    """
    refuse_deep(metadata)
    text = msgspec.json.encode(metadata or {})
    if len(text) > MAX_METADATA_BYTES:
        message = f"must be at most {MAX_METADATA_BYTES:,} bytes as JSON, not {len(text):,}"
        raise BadValue("metadata_too_large", message)
    return text.decode()


def refuse_deep(value: Any) -> None:
    """Raise BadValue `metadata_too_large` if a value is nested too deeply."""
    if depth_of(value) > MAX_METADATA_DEPTH:
        raise BadValue("metadata_too_large", f"must be nested at most {MAX_METADATA_DEPTH} levels deep")


def depth_of(value: Any) -> int:
    """Return the number of nested arrays and objects around the innermost value, without recursion."""
    depth = 0
    level: list[Any] = [value]
    while wholes := [parts for part in level if (parts := parts_of(part)) is not None]:
        depth += 1
        level = [part for parts in wholes for part in parts]
    return depth


def parts_of(value: Any) -> Iterable[Any] | None:
    """Return the values in an object or an array, None for any other value."""
    if is_object(value):
        return value.values()
    return cast("list[Any]", value) if isinstance(value, list) else None


def is_object(value: Any) -> TypeGuard[Mapping[str, Any]]:
    """Return whether a JSON value is an object."""
    return isinstance(value, Mapping)


def merged(target: Mapping[str, Any], patch: Mapping[str, Any]) -> dict[str, Any]:
    """Return an object with a JSON Merge Patch (RFC 7396 section 2) applied; `target` stays as it is.

    Raise BadValue for a patch that is nested too deeply.
    """
    refuse_deep(patch)
    return merged_object(target, patch)


def merged_object(target: Mapping[str, Any], patch: Mapping[str, Any]) -> dict[str, Any]:
    """Return an object with a patch applied: null removes a member, an object is merged, any other value replaces."""
    result = dict(target)
    for name, value in patch.items():
        if value is None:
            result.pop(name, None)
        elif is_object(value):
            old = result.get(name)
            result[name] = merged_object(old if is_object(old) else {}, value)
        else:
            result[name] = value
    return result
