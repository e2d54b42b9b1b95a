"""Erasure: only the id of an erased person stays, and nothing that says who it was.

What others wrote stays: titles, descriptions, locations, reasons and metadata of events are not searched for a name.
"""

from typing import Any

from msgspec import structs

from kalends.model import Instant, User, UserId
from kalends.rules.audit import ObjectKind

ERASED_NAME = "Erased person"
ERASED_TOKEN_NAME = "erased"  # noqa: S105 (a name, not a secret)


def erased_email(user_id: UserId) -> str:
    """Return the e-mail address of an erased user: it is unique, and gets no mail (RFC 6761 section 6.4)."""
    return f"erased-{int(user_id):016x}@invalid"


def erased_user(before: User, *, now: Instant) -> User:
    """Return a user as erased; an erased user is returned as they are."""
    after = structs.replace(before, name=ERASED_NAME, email=erased_email(before.id), metadata="{}")
    return before if after == before else structs.replace(after, version=before.version + 1, updated_at=now)


def erased_snapshot(snapshot: dict[str, Any], kind: ObjectKind, object_id: int, user_id: UserId) -> dict[str, Any]:
    """Return a snapshot without the data of a person."""
    if kind is ObjectKind.event:
        return without_comment(snapshot, user_id)
    if kind is ObjectKind.token:
        return snapshot | {"name": ERASED_TOKEN_NAME} if snapshot.get("user_id") == str(user_id) else snapshot
    if kind is ObjectKind.working_hours:
        return {} if object_id == user_id else snapshot
    if kind is ObjectKind.user and object_id == user_id:
        return without_details(snapshot, user_id)
    return snapshot


def without_comment(snapshot: dict[str, Any], user_id: UserId) -> dict[str, Any]:
    """Return the snapshot of an event without the comment of one participant."""
    participations: dict[str, Any] = snapshot.get("participants", {})
    participation = participations.get(str(user_id))
    if participation is None:
        return snapshot
    return snapshot | {"participants": participations | {str(user_id): participation | {"comment": None}}}


def without_details(written: dict[str, Any], user_id: UserId) -> dict[str, Any]:
    """Return the snapshot of a person with all personal data replaced."""
    blank: dict[str, Any] = {"name": ERASED_NAME, "email": erased_email(user_id), "metadata": {}, "comment": None}
    return {name: blank.get(name, value) for name, value in written.items()}
