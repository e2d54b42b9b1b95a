"""Writing the audit log: every action that changes an object says so here, in the transaction that changes it."""

from collections.abc import Iterable, Mapping

import msgspec

from kalends.model import Actor, AuditId, Event, EventId, Identifier, Participation, UserId
from kalends.rules.audit import (
    AuditAction,
    AuditEntry,
    ObjectKind,
    Snapshot,
    difference,
    event_snapshot,
    participations_snapshot,
)
from kalends.store.audit import insert_audit_entry
from kalends.store.database import WriteTx

Participations = Mapping[UserId, Participation]

ENCODER = msgspec.json.Encoder(enc_hook=str)
"""A zone or an address that was just given is a kind of text that msgspec does not know."""


def announce(
    tx: WriteTx,
    actor: Actor,
    action: AuditAction,
    kind: ObjectKind,
    object_id: Identifier,
    before: Snapshot | None = None,
    after: Snapshot | None = None,
) -> None:
    """Record what was done to an object; of one that was there before and still is, only what differs."""
    if before is not None and after is not None:
        before, after = difference(before, after)
    store_audit_entry(tx, actor, action, kind, object_id, before, after)


def event_entry(
    tx: WriteTx,
    actor: Actor,
    action: AuditAction,
    event_id: EventId,
    before: Event | None,
    after: Event | None,
    old: Participations,
    new: Participations,
) -> AuditEntry:
    """Return the audit entry for a change of an event, with the participations that changed, before and after."""
    was = None if before is None else event_snapshot(before)
    now = None if after is None else event_snapshot(after)
    if was is not None and now is not None:
        was, now = difference(was, now)
    people = sorted(touched(old, new))
    return new_audit_entry(
        tx,
        actor,
        action,
        ObjectKind.event,
        event_id,
        None if was is None else {**was, **participations_snapshot(old, people)},
        None if now is None else {**now, **participations_snapshot(new, people)},
    )


def touched(old: Participations, new: Participations) -> Iterable[UserId]:
    """Give whose participations differ."""
    return (user_id for user_id in old.keys() | new.keys() if old.get(user_id) != new.get(user_id))


def store_audit_entry(
    tx: WriteTx,
    actor: Actor,
    action: AuditAction,
    kind: ObjectKind,
    object_id: Identifier,
    before: Snapshot | None,
    after: Snapshot | None,
) -> None:
    """Store who did it, when, from where, and what was before and after."""
    insert_audit_entry(tx, actor, new_audit_entry(tx, actor, action, kind, object_id, before, after))


def new_audit_entry(
    tx: WriteTx,
    actor: Actor,
    action: AuditAction,
    kind: ObjectKind,
    object_id: Identifier,
    before: Snapshot | None,
    after: Snapshot | None,
) -> AuditEntry:
    """Return the entry that says who did it, when, from where, and what was before and after."""
    return AuditEntry(
        id=AuditId(tx.new_id()),
        at=tx.now,
        token_id=actor.token_id,
        user_id=actor.user_id,
        address=actor.address,
        request_id=actor.request_id,
        action=action,
        object_kind=kind,
        object_id=object_id,
        before=text_or_none(before),
        after=text_or_none(after),
    )


def text_or_none(snapshot: Snapshot | None) -> str | None:
    """Write facts as JSON text, where there are any."""
    return None if snapshot is None else ENCODER.encode(snapshot).decode()
