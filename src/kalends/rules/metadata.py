"""Metadata: a JSON object kept for the caller, bounded, and merged the way RFC 7396 says."""

from collections.abc import Mapping
from typing import Any

import msgspec

MAX_BYTES = 16_384
MAX_DEPTH = 32
"""Arrays and objects within each other."""


def metadata_text(metadata: Mapping[str, Any] | None) -> str:
    """Write metadata as compact JSON text. Raises ValueError if it is larger than 16 KiB or nested too deeply."""
    if depth_of(metadata) > MAX_DEPTH:
        raise ValueError(f"metadata may be nested {MAX_DEPTH} levels deep at most")
    text = msgspec.json.encode(metadata or {})
    if len(text) > MAX_BYTES:
        raise ValueError(f"metadata takes {len(text)} bytes as JSON; {MAX_BYTES} is the most")
    return text.decode()


def depth_of(value: object) -> int:
    """Count how many arrays and objects stand around the innermost value, without recursing."""
    depth, level = 0, [value]
    while level := [part for part in level if isinstance(part, (Mapping, list))]:
        depth += 1
        level = [child for part in level for child in (part.values() if isinstance(part, Mapping) else part)]
    return depth


def merged(target: object, patch: object) -> object:
    """Apply a JSON Merge Patch (RFC 7396 section 2) and give the result; `target` stays as it is."""
    if not isinstance(patch, Mapping):
        return patch
    result = dict(target) if isinstance(target, Mapping) else {}
    for name, value in patch.items():
        if value is None:
            result.pop(name, None)
        else:
            result[name] = merged(result.get(name), value)
    return result
