"""Actions on the shares of a calendar."""

from kalends.actions.announcing import announce
from kalends.actions.fetching import lock_bookable_people, user_to_change
from kalends.errors import Fault, Invalid, NotFound
from kalends.limits import MAX_SHARES
from kalends.model import Actor, Share, SharingLevel, UserId
from kalends.rules.access import is_self_or_operator, refuse_unless
from kalends.rules.audit import AuditAction, ObjectKind, share_snapshot
from kalends.store.database import WriteTx
from kalends.store.idempotency import empty_answers_to
from kalends.store.shares import delete_share_row, insert_share, shares_by, shares_with, update_share

REASON = "Only the user and operators can share the calendar of a user"


def share_calendar(
    tx: WriteTx, actor: Actor, owner_id: UserId, user_id: UserId, level: SharingLevel
) -> tuple[Share, bool]:
    """Share a calendar with another user at a level; return the share, and whether it is new.

    The same level again changes nothing. Raise NotFound, Forbidden or Invalid.
    """
    first, second = sorted((owner_id, user_id))
    known, faults = lock_bookable_people(tx, actor, [(first, ("other_id",)), (second, ("other_id",))])
    if owner_id not in known:
        raise NotFound("user", owner_id)
    refuse_unless(is_self_or_operator(actor, owner_id), REASON)
    before = share_between(tx, actor, owner_id, user_id)
    if owner_id == user_id:
        faults = [Fault(("other_id",), "own_calendar", "must be another user than the owner of the calendar")]
    elif before is None and len(shares_with(tx, actor.organization_id, user_id)) >= MAX_SHARES:
        faults.append(
            Fault(
                ("other_id",),
                "too_many_shares",
                f"{MAX_SHARES} calendars are shared with them, which is the most: end one of these first",
            )
        )
    if faults:
        raise Invalid(*faults)
    made = Share(owner_id, user_id, level, tx.now)
    if before is None:
        insert_share(tx, actor, made)
        announce(tx, actor, AuditAction.created, ObjectKind.share, owner_id, None, share_snapshot(made))
        return made, True
    if before.level is level:
        return before, False
    update_share(tx, made)
    empty_answers_to(tx, actor, user_id)
    announce(tx, actor, AuditAction.changed, ObjectKind.share, owner_id, share_snapshot(before), share_snapshot(made))
    return made, False


def stop_sharing(tx: WriteTx, actor: Actor, owner_id: UserId, user_id: UserId) -> None:
    """Stop sharing a calendar with another user. Raise NotFound or Forbidden."""
    user_to_change(tx, actor, owner_id)
    refuse_unless(is_self_or_operator(actor, owner_id), REASON)
    found = share_between(tx, actor, owner_id, user_id)
    if found is None:
        raise NotFound("share with user", user_id)
    end_shares(tx, actor, [found])


def stop_all_sharing(tx: WriteTx, actor: Actor, user_id: UserId) -> None:
    """Remove all shares of a user's calendar, and all shares of other calendars with them."""
    end_shares(tx, actor, [*shares_by(tx, actor, user_id), *shares_with(tx, actor.organization_id, user_id)])


def end_shares(tx: WriteTx, actor: Actor, shares: list[Share]) -> None:
    """Remove shares, and the answers kept for repeats that would show what was shared."""
    for share in shares:
        delete_share_row(tx, share.owner_id, share.user_id)
        announce(tx, actor, AuditAction.deleted, ObjectKind.share, share.owner_id, share_snapshot(share), None)
    for user_id in sorted({share.user_id for share in shares}):
        empty_answers_to(tx, actor, user_id)


def share_between(tx: WriteTx, actor: Actor, owner_id: UserId, user_id: UserId) -> Share | None:
    """Return the share of a calendar with a user, or None."""
    return next((share for share in shares_by(tx, actor, owner_id) if share.user_id == user_id), None)
