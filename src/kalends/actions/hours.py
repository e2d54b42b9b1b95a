"""Actions on the working hours of a user."""

from kalends.actions.announcing import announce
from kalends.actions.fetching import Versions, expect_version, user_to_change
from kalends.errors import NotFound
from kalends.model import Actor, UserId
from kalends.rules.access import may_manage, refuse_unless
from kalends.rules.audit import AuditAction, ObjectKind, hours_snapshot
from kalends.rules.hours import WorkingHours
from kalends.store.database import WriteTx
from kalends.store.hours import find_hours, store_hours

REASON = "Only the user, somebody with write access to their calendar, or an operator can set working hours"


def set_working_hours(
    tx: WriteTx, actor: Actor, user_id: UserId, hours: WorkingHours, *, expect: Versions = None
) -> int:
    """Replace a user's working hours and return their new version; the same hours again change nothing.

    Raise NotFound, Forbidden or StaleVersion.
    """
    user_to_change(tx, actor, user_id)
    refuse_unless(may_manage(actor, user_id), REASON)
    known, version = find_hours(tx, actor, user_id)
    expect_version("working hours", version, expect)
    if known == hours:
        return version
    store_hours(tx, actor, user_id, hours, version + 1)
    was, action = (None, AuditAction.created) if known is None else (hours_snapshot(known), AuditAction.changed)
    announce(tx, actor, action, ObjectKind.working_hours, user_id, was, hours_snapshot(hours))
    return version + 1


def clear_working_hours(tx: WriteTx, actor: Actor, user_id: UserId, *, expect: Versions = None) -> None:
    """Remove a user's working hours. Raise NotFound, Forbidden or StaleVersion."""
    user_to_change(tx, actor, user_id)
    refuse_unless(may_manage(actor, user_id), REASON)
    known, version = find_hours(tx, actor, user_id)
    if known is None:
        raise NotFound("working hours of user", user_id)
    expect_version("working hours", version, expect)
    store_hours(tx, actor, user_id, None, version + 1)
    announce(tx, actor, AuditAction.deleted, ObjectKind.working_hours, user_id, hours_snapshot(known), None)
