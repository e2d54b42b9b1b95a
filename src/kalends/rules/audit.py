"""Snapshots for the audit log: the members of an object before and after a change, by the names that callers see.

Versions, counts and time stamps are left out, and so is every secret: a token appears without its hash and its hint.
"""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Any

import msgspec
from msgspec import Struct

from kalends.credentials import Token
from kalends.model import AuditId, Event, Hold, Identifier, Instant, Participation, Share, TokenId, User, UserId
from kalends.rules.hours import DAYS, Window, WorkingHours, written_minute
from kalends.rules.zones import from_instant

Snapshot = Mapping[str, Any]


class AuditAction(StrEnum):
    """A kind of action on an object."""

    created = "created"
    changed = "changed"
    retimed = "retimed"
    deleted = "deleted"
    erased = "erased"
    issued = "issued"
    revoked = "revoked"
    placed = "placed"
    extended = "extended"
    released = "released"
    consumed = "consumed"


class ObjectKind(StrEnum):
    """A kind of object; shares have the id of the calendar's owner, and working hours that of their user."""

    user = "user"
    event = "event"
    token = "token"  # noqa: S105 (a word, not a secret)
    hold = "hold"
    share = "share"
    working_hours = "working_hours"

    @property
    def id_kind(self) -> type[Identifier]:
        """Return the kind of its ids."""
        return Identifier.kinds.get(self, UserId)


OBJECT_ID_KINDS = tuple(dict.fromkeys(kind.id_kind for kind in ObjectKind))
"""The kinds of ids of all objects in the audit log."""


class AuditEntry(Struct, frozen=True, kw_only=True):
    """An entry of the audit log: action, actor, object and time; `before` and `after` are snapshots as JSON text.

    Without `token_id` it was done on the command line; without `user_id` by an operator.
    """

    id: AuditId
    at: Instant
    token_id: TokenId | None
    user_id: UserId | None
    address: str | None
    request_id: str | None
    action: AuditAction
    object_kind: ObjectKind
    object_id: Identifier
    before: str | None
    after: str | None


def difference(before: Snapshot, after: Snapshot) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the members that differ between two snapshots, with the old values and with the new ones."""
    names = [name for name in before if before[name] != after[name]]
    return {name: before[name] for name in names}, {name: after[name] for name in names}


def user_snapshot(person: User) -> Snapshot:
    """Return the snapshot of a user."""
    return {
        "name": person.name,
        "email": person.email,
        "time_zone": person.time_zone,
        "metadata": msgspec.Raw(person.metadata.encode()),
    }


def event_snapshot(event: Event) -> Snapshot:
    """Return the snapshot of an event, without its participations."""
    return {
        "host_id": str(event.host_id),
        "pending_host_id": None if event.pending_host_id is None else str(event.pending_host_id),
        "start": event.block.start_local,
        "end": event.block.end_local,
        "time_zone": event.block.time_zone,
        "status": event.status.value,
        "cancel_reason": event.cancel_reason,
        "metadata": msgspec.Raw(event.metadata.encode()),
        **event.details(),
    }


def participation_snapshot(participation: Participation | None) -> Snapshot | None:
    """Return the snapshot of a participation; None if there is none."""
    if participation is None:
        return None
    return {
        "role": participation.role.value,
        "response": participation.response.value,
        "comment": participation.comment,
    }


def participations_snapshot(participations: Mapping[UserId, Participation], people: Iterable[UserId]) -> Snapshot:
    """Return the participations of some people as a member of an event's snapshot; empty if there are no people."""
    shown = {str(user_id): participation_snapshot(participations.get(user_id)) for user_id in people}
    return {"participants": shown} if shown else {}


def token_snapshot(token: Token) -> Snapshot:
    """Return the snapshot of a token, without any part of its secret."""
    return {
        "user_id": None if token.user_id is None else str(token.user_id),
        "name": token.name,
        "scopes": sorted(token.scopes),
        "expires_at": None if token.expires_at is None else from_instant(token.expires_at),
    }


def hold_snapshot(hold: Hold) -> Snapshot:
    """Return the snapshot of a hold."""
    return {
        "user_ids": [str(user_id) for user_id in hold.user_ids],
        "start": from_instant(hold.span.start),
        "end": from_instant(hold.span.end),
        "expires_at": from_instant(hold.expires_at),
        "extended": hold.extended,
    }


def share_snapshot(share: Share) -> Snapshot:
    """Return the snapshot of a share."""
    return {"shared_with": {str(share.user_id): share.level.value}}


def hours_snapshot(hours: WorkingHours) -> Snapshot:
    """Return the snapshot of working hours."""
    week = zip(DAYS, hours.weekly, strict=True)
    return {
        "weekly": {day: windows_snapshot(windows) for day, windows in week if windows},
        "overrides": {str(day): windows_snapshot(windows) for day, windows in hours.overrides.items()},
    }


def windows_snapshot(windows: Iterable[Window]) -> list[Snapshot]:
    """Return the snapshots of the windows of a day."""
    return [{"start": written_minute(one.start), "end": written_minute(one.end)} for one in windows]


def visible_to(snapshot: dict[str, Any], user_id: UserId) -> dict[str, Any]:
    """Return a snapshot with only what concerns one person: events and holds without their other people."""
    own = dict(snapshot)
    if "participants" in snapshot:
        own["participants"] = {
            who: participation for who, participation in snapshot["participants"].items() if who == str(user_id)
        }
    if "user_ids" in snapshot:
        own["user_ids"] = [who for who in snapshot["user_ids"] if who == str(user_id)]
    return own
