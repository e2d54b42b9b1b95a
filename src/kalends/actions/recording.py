"""Writing the record: every action that changes an object says so here, in the transaction that changes it."""

from collections.abc import Iterable, Mapping

import msgspec

from kalends.model import Actor, AuditId, Event, EventId, Identifier, Seat, UserId
from kalends.rules.audit import Deed, Facts, ObjectKind, Record, difference, event_facts, seats_facts
from kalends.store.audit import insert_record
from kalends.store.database import WriteTx

Seats = Mapping[UserId, Seat]

ENCODER = msgspec.json.Encoder(enc_hook=str)
"""A zone or an address that was just given is a kind of text that msgspec does not know."""


def record(
    tx: WriteTx,
    actor: Actor,
    action: Deed,
    kind: ObjectKind,
    object_id: Identifier,
    before: Facts | None = None,
    after: Facts | None = None,
) -> None:
    """Record what was done to an object; of one that was there before and still is, only what differs."""
    if before is not None and after is not None:
        before, after = difference(before, after)
    store_record(tx, actor, action, kind, object_id, before, after)


def event_entry(
    tx: WriteTx,
    actor: Actor,
    action: Deed,
    event_id: EventId,
    before: Event | None,
    after: Event | None,
    old: Seats,
    new: Seats,
) -> Record:
    """Return the entry of what was done to an event, with the seats that it touched as they were and as they are."""
    was = None if before is None else event_facts(before)
    now = None if after is None else event_facts(after)
    if was is not None and now is not None:
        was, now = difference(was, now)
    people = sorted(touched(old, new))
    return new_record(
        tx,
        actor,
        action,
        ObjectKind.event,
        event_id,
        None if was is None else {**was, **seats_facts(old, people)},
        None if now is None else {**now, **seats_facts(new, people)},
    )


def touched(old: Seats, new: Seats) -> Iterable[UserId]:
    """Give whose seats differ."""
    return (user_id for user_id in old.keys() | new.keys() if old.get(user_id) != new.get(user_id))


def store_record(
    tx: WriteTx,
    actor: Actor,
    action: Deed,
    kind: ObjectKind,
    object_id: Identifier,
    before: Facts | None,
    after: Facts | None,
) -> None:
    """Store who did it, when, from where, and what was before and after."""
    insert_record(tx, actor, new_record(tx, actor, action, kind, object_id, before, after))


def new_record(
    tx: WriteTx,
    actor: Actor,
    action: Deed,
    kind: ObjectKind,
    object_id: Identifier,
    before: Facts | None,
    after: Facts | None,
) -> Record:
    """Return the entry that says who did it, when, from where, and what was before and after."""
    return Record(
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


def text_or_none(facts: Facts | None) -> str | None:
    """Write facts as JSON text, where there are any."""
    return None if facts is None else ENCODER.encode(facts).decode()
