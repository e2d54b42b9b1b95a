"""Applying edits to events and users: only what the edit names changes."""

import json
from collections.abc import Mapping
from typing import Any

from msgspec import UNSET, UnsetType, structs

from kalends.drafts import EventUpdate, UserUpdate
from kalends.errors import BadValue, Fault, Invalid
from kalends.model import (
    DETAILS,
    Block,
    Event,
    EventDetails,
    Instant,
    Participation,
    Response,
    Role,
    Status,
    User,
    UserId,
)
from kalends.rules.blocks import block_of
from kalends.rules.metadata import merged, metadata_text
from kalends.rules.retiming import retimed_block
from kalends.rules.zones import TimeError, read_time

DETAIL_DEFAULTS = {field.name: field.default for field in structs.fields(EventDetails)}


def next_version(event: Event, *, now: Instant) -> Event:
    """Return the next version of an event, to be changed further."""
    return structs.replace(event, version=event.version + 1, updated_at=now)


def apply_event_edit(before: Event, edit: EventUpdate, *, now: Instant) -> Event:
    """Apply an edit; one that changes nothing leaves the version alone. Raise Invalid."""
    block, faults = edited_block(before.block, edit)
    metadata = edited_metadata(before.metadata, edit.metadata, faults)
    if faults:
        raise Invalid(*faults)
    after = structs.replace(
        before,
        block=block,
        metadata=metadata,
        status=Status(new_or_old(edit.status, before.status)),
        **edited_details(edit),
    )
    return before if after == before else next_version(after, now=now)


def edited_details(edit: EventUpdate) -> dict[str, Any]:
    """Return the details that an edit sets, by name; null stands for the default."""
    edited = {name: value for name in DETAILS if (value := getattr(edit, name)) is not UNSET}
    return {name: DETAIL_DEFAULTS[name] if value is None else value for name, value in edited.items()}


def edited_block(block: Block, edit: EventUpdate) -> tuple[Block, list[Fault]]:
    """Return the block after an edit; a time that the edit leaves out keeps its instant, in the zone of the edit.

    That instant is the one of the wall-clock time in the old zone: if the rules of that zone have changed since it was
    stored, the wall-clock time stays.
    """
    if edit.start is UNSET and edit.end is UNSET and edit.time_zone is UNSET:
        return block, []
    now_at = retimed_if_known(block)
    made = block_of(
        new_or_old(edit.start, read_time(now_at.start_local)),
        new_or_old(edit.end, read_time(now_at.end_local)),
        new_or_old(edit.time_zone, block.time_zone),
    )
    return (block, made) if isinstance(made, list) else (made, [])


def retimed_if_known(block: Block) -> Block:
    """Return a block at the instants that the zone data of this process give; as it is if its zone is unknown."""
    try:
        return retimed_block(block)
    except TimeError:
        return block


def apply_user_edit(before: User, edit: UserUpdate, *, now: Instant) -> User:
    """Apply an edit; one that changes nothing leaves the version alone. Raise Invalid."""
    faults: list[Fault] = []
    metadata = edited_metadata(before.metadata, edit.metadata, faults)
    if faults:
        raise Invalid(*faults)
    after = structs.replace(
        before,
        name=new_or_old(edit.name, before.name),
        email=new_or_old(edit.email, before.email),
        time_zone=new_or_old(edit.time_zone, before.time_zone),
        metadata=metadata,
    )
    return before if after == before else structs.replace(after, version=before.version + 1, updated_at=now)


def edited_metadata(text: str, patch: Mapping[str, Any] | UnsetType | None, faults: list[Fault]) -> str:
    """Return metadata with a patch merged into it (RFC 7396); null empties it. A fault is added to `faults`."""
    if isinstance(patch, UnsetType):
        return text
    try:
        return metadata_text(None if patch is None else merged(json.loads(text), patch))
    except BadValue as error:
        faults.append(error.fault("metadata"))
        return text


def transferred(
    before: Event, participations: Mapping[UserId, Participation], host_id: UserId, *, now: Instant
) -> tuple[Event, dict[UserId, Participation]]:
    """Return an event and its participations with a new host.

    The new host attends, as required and accepted, if the old host did or the new one took part already. The old host
    stays a participant. `participations` are those of the old and the new host, if they have one.
    """
    after = structs.replace(next_version(before, now=now), host_id=host_id, pending_host_id=None)
    attends = before.host_id in participations or host_id in participations
    version = participations[host_id].version + 1 if host_id in participations else after.version
    taken = {host_id: Participation(host_id, Role.required, Response.accepted, None, now, version)} if attends else {}
    return after, {**participations, **taken}


def with_pending_host(before: Event, host_id: UserId | None, *, now: Instant) -> Event:
    """Return the event with another person asked to host it, or nobody; if that changes nothing, the event itself."""
    if host_id == before.pending_host_id:
        return before
    return structs.replace(next_version(before, now=now), pending_host_id=host_id)


def cancelled(before: Event, reason: str | None, *, now: Instant) -> Event:
    """Return the event as cancelled: it no longer makes anybody busy, and nobody is asked to host it."""
    after = next_version(before, now=now)
    return structs.replace(after, status=Status.cancelled, cancel_reason=reason, pending_host_id=None)


def new_or_old(new: Any, old: Any) -> Any:
    """Return the new value, or the old one if an edit leaves it out."""
    return old if new is UNSET else new
