"""The identity of a caller: the actor of a token, looked up before any other read."""

from msgspec import Struct

from kalends.model import Actor, Instant, UserId
from kalends.rules.intervals import MINUTE
from kalends.store.database import ReadTx
from kalends.store.shares import shares_with
from kalends.store.tokens import find_token_in_use, is_active


class Identity(Struct, frozen=True):
    """The actor of a token, its expiry, and whether its last use has yet to be stored."""

    actor: Actor
    expires_at: Instant | None
    unnoted: bool


def find_identity(tx: ReadTx, digest: bytes, acting_for: UserId | None) -> Identity | None:
    """Return the identity of a token with this digest; `acting_for` is a person for whom an operator wants to act.

    Return None if the token is unknown, revoked or expired, its user is deleted, or it may not act for that person.
    """
    tx.snapshot()
    found = find_token_in_use(tx, digest)
    if found is None:
        return None
    if acting_for is not None and found.user_id not in (None, acting_for):
        return None
    user_id = found.user_id or acting_for
    shared = {}
    if user_id is not None:
        if not is_active(tx, found.organization_id, user_id):
            return None
        shared = {share.owner_id: share.level for share in shares_with(tx, found.organization_id, user_id)}
    actor = Actor(found.organization_id, found.id, user_id, found.scopes, shared)
    unnoted = found.last_used_at is None or tx.now - found.last_used_at >= MINUTE
    return Identity(actor, found.expires_at, unnoted)
