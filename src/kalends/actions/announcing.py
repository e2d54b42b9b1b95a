"""Announcing changes: every action announces what it changed, in the same transaction.

An announcement becomes an entry of the audit log.
"""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

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
from kalends.store.audit import insert_audit_entries
from kalends.store.database import WriteTx

Participations = Mapping[UserId, Participation]

ENCODER = msgspec.json.Encoder(enc_hook=str)
"""With `str` for values such as Zone and Email: msgspec does not encode subclasses of `str`."""


class Announcement(NamedTuple):
    """An action on an object, with snapshots before and after; of a changed object they hold what differs."""

    action: AuditAction
    kind: ObjectKind
    object_id: Identifier
    before: Snapshot | None
    after: Snapshot | None


def announce(
    tx: WriteTx,
    actor: Actor,
    action: AuditAction,
    kind: ObjectKind,
    object_id: Identifier,
    before: Snapshot | None = None,
    after: Snapshot | None = None,
) -> None:
    """Announce an action on one object; if both snapshots are given, only what differs between them."""
    if before is not None and after is not None:
        before, after = difference(before, after)
    announce_all(tx, [(actor, Announcement(action, kind, object_id, before, after))])


def announce_all(tx: WriteTx, announcements: Iterable[tuple[Actor, Announcement]]) -> None:
    """Announce actions on several objects, each with its actor, in one statement."""
    insert_audit_entries(tx, [(actor.organization_id, audit_entry(tx, actor, done)) for actor, done in announcements])


def event_announcement(
    action: AuditAction,
    event_id: EventId,
    before: Event | None,
    after: Event | None,
    old: Participations,
    new: Participations,
) -> Announcement:
    """Return the announcement of a change of an event and its participations; it holds only what differs."""
    was = None if before is None else event_snapshot(before)
    now = None if after is None else event_snapshot(after)
    if was is not None and now is not None:
        was, now = difference(was, now)
    people = sorted(user_id for user_id in old.keys() | new.keys() if old.get(user_id) != new.get(user_id))
    return Announcement(
        action,
        ObjectKind.event,
        event_id,
        None if was is None else {**was, **participations_snapshot(old, people)},
        None if now is None else {**now, **participations_snapshot(new, people)},
    )


def audit_entry(tx: WriteTx, actor: Actor, done: Announcement) -> AuditEntry:
    """Return the entry of the audit log for an announcement."""
    return AuditEntry(
        id=AuditId(tx.new_id()),
        at=tx.now,
        token_id=actor.token_id,
        user_id=actor.user_id,
        address=actor.address,
        request_id=actor.request_id,
        action=done.action,
        object_kind=done.kind,
        object_id=done.object_id,
        before=json_or_none(done.before),
        after=json_or_none(done.after),
    )


def json_or_none(snapshot: Snapshot | None) -> str | None:
    """Return a snapshot as JSON text, or None."""
    return None if snapshot is None else ENCODER.encode(snapshot).decode()
