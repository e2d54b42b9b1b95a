"""Advice for callers who set a member in the wrong body: which operation sets it, or that none does."""

from collections.abc import Collection, Mapping
from typing import cast

from kalends.errors import Fault
from kalends.model import Identifier


def advised(
    fault: Fault,
    body: object,
    elsewhere: Mapping[str, str],
    shown: Collection[str],
    ids: Mapping[str, Identifier],
) -> Fault:
    """Return the fault of a body, or one that says what to do instead.

    `elsewhere` has the advice for a `name` or a `name=value`, with the ids of the path to be filled in; `shown` are the
    members of answers.
    """
    if fault.code not in ("unknown_field", "invalid_value") or len(fault.where) > 1 + isinstance(body, list):
        return fault
    name = str(fault.where[-1]) if fault.where else ""
    key = name
    if fault.code == "invalid_value" and isinstance(body, dict):
        key = f"{name}={cast('dict[str, object]', body).get(name)}"
    if key in elsewhere:
        return Fault(fault.where, "set_elsewhere", elsewhere[key].format(**ids))
    if fault.code == "unknown_field" and name in shown:
        return Fault(fault.where, "read_only", f"{name} cannot be set: leave it out")
    return fault
