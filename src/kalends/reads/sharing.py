"""Reading the shares of calendars."""

from kalends.model import Actor, Share, UserId
from kalends.reads.users import read_user
from kalends.rules.access import is_self_or_operator, refuse_unless
from kalends.store.database import ReadTx
from kalends.store.shares import shares_by, shares_with


def list_shares(tx: ReadTx, actor: Actor, user_id: UserId, *, received: bool) -> list[Share]:
    """Return the shares of a user's calendar, or those `received`, in the order of ids. Raise NotFound or Forbidden."""
    tx.snapshot()
    read_user(tx, actor, user_id)
    refuse_unless(is_self_or_operator(actor, user_id), "Only the user and operators can list the shares of a user")
    return shares_with(tx, actor.organization_id, user_id) if received else shares_by(tx, actor, user_id)
