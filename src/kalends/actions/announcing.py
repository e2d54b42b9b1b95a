"""Announcing what was done: every action that changes an object does it here, in the transaction that changes it.

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
"""A zone or an address that was just given is a kind of text that msgspec does not know."""


class Announcement(NamedTuple):
    """What was done to an object, and what was before and after, as far as it differs."""

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
    """Announce what was done to one object; if it was there before and still is, only what differs."""
    if before is not None and after is not None:
        before, after = difference(before, after)
    announce_all(tx, [(actor, Announcement(action, kind, object_id, before, after))])


def announce_all(tx: WriteTx, announcements: Iterable[tuple[Actor, Announcement]]) -> None:
    """Announce what was done to several objects, and who did it, in one statement."""
    insert_audit_entries(tx, [(actor.organization_id, audit_entry(tx, actor, done)) for actor, done in announcements])


def event_announcement(
    action: AuditAction,
    event_id: EventId,
    before: Event | None,
    after: Event | None,
    old: Participations,
    new: Participations,
) -> Announcement:
    """Return the announcement of a change of an event and its participations; only what differs is in it."""
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
    """Return the entry that says who did it, when, from where, and what was before and after."""
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
    """Write a snapshot as JSON text, if there is one."""
    return None if snapshot is None else ENCODER.encode(snapshot).decode()
