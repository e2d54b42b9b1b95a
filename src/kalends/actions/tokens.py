"""Actions on tokens."""

from collections.abc import Set as AbstractSet

from kalends.actions.announcing import announce
from kalends.credentials import Token
from kalends.errors import Fault, Invalid, NotFound
from kalends.limits import MAX_TOKENS
from kalends.model import ALL_SCOPES, Actor, Instant, Scope, TokenId, UserId
from kalends.rules.access import may_manage_token, refuse_unless
from kalends.rules.audit import AuditAction, ObjectKind, token_snapshot
from kalends.rules.intervals import DAY
from kalends.rules.tokens import token_digest, token_hint, token_text
from kalends.store.database import WriteTx
from kalends.store.tokens import (
    find_token,
    forget_ended_tokens,
    insert_token,
    list_tokens_of,
    revoke_token_row,
    touch_token,
)

ENDED_KEPT_FOR = 90 * DAY
"""How long a token that was revoked or has expired is still listed, before it is removed."""


def issue_token(
    tx: WriteTx,
    actor: Actor,
    name: str,
    secret: bytes,
    *,
    scopes: AbstractSet[Scope] = ALL_SCOPES,
    expires_at: Instant | None = None,
) -> tuple[Token, str]:
    """Create a token of 160 random bits for the actor; return it with its text, which is stored nowhere.

    If the actor itself uses a token, the new one has no more scopes, and by default expires at the same time.

    Raise Forbidden for more scopes or a later expiry than the actor's token has, Invalid for an expiry in the past, no
    scopes, or too many tokens.
    """
    expires_at = end_within_own(tx, actor, expires_at)
    lacking = sorted(scope.value for scope in scopes - actor.scopes)
    refuse_unless(not lacking, f"A token can only pass on scopes that it has; this one lacks {', '.join(lacking)}")
    faults = token_faults(tx, actor, scopes, expires_at)
    if faults:
        raise Invalid(*faults)
    text = token_text(secret)
    made = Token(
        id=TokenId(tx.new_id()),
        organization_id=actor.organization_id,
        user_id=actor.user_id,
        name=name,
        hint=token_hint(text),
        scopes=frozenset(scopes),
        created_at=tx.now,
        expires_at=expires_at,
        last_used_at=None,
        revoked_at=None,
    )
    insert_token(tx, made, token_digest(text))
    forget_ended_tokens(tx, tx.now - ENDED_KEPT_FOR)
    announce(tx, actor, AuditAction.issued, ObjectKind.token, made.id, None, token_snapshot(made))
    return made, text


def end_within_own(tx: WriteTx, actor: Actor, expires_at: Instant | None) -> Instant | None:
    """Return when a new token expires. Raise Forbidden if that is later than the actor's own token does."""
    own = None if actor.token_id is None else find_token(tx, actor, actor.token_id)
    if own is None or own.expires_at is None:
        return expires_at
    refuse_unless(
        expires_at is None or expires_at <= own.expires_at,
        "A token cannot expire after the one that it is created with",
    )
    return expires_at or own.expires_at


def token_faults(tx: WriteTx, actor: Actor, scopes: AbstractSet[Scope], expires_at: Instant | None) -> list[Fault]:
    """Return the faults of a new token."""
    faults: list[Fault] = []
    if expires_at is not None and expires_at <= tx.now:
        faults.append(Fault(("expires_at",), "in_the_past", "must be in the future"))
    if not scopes:
        faults.append(Fault(("scopes",), "missing", "must name at least one scope"))
    if actor.user_id is not None:
        known = list_tokens_of(tx, actor, actor.user_id)
        if sum(token.is_active(tx.now) for token in known) >= MAX_TOKENS:
            faults.append(
                Fault(
                    (),
                    "too_many_tokens",
                    f"{MAX_TOKENS} of your tokens are in use, which is the most: revoke one first",
                )
            )
    return faults


def revoke_token(tx: WriteTx, actor: Actor, token_id: TokenId) -> None:
    """Revoke a token at once. Raise NotFound, also if it is not in use or is somebody else's."""
    found = find_token(tx, actor, token_id)
    if found is None or not may_manage_token(actor, found) or not revoke_token_row(tx, actor, token_id):
        raise NotFound("token in use", token_id)
    announce(tx, actor, AuditAction.revoked, ObjectKind.token, token_id, token_snapshot(found), None)


def revoke_all_tokens(tx: WriteTx, actor: Actor, user_id: UserId) -> None:
    """Revoke all tokens of a user."""
    for token in list_tokens_of(tx, actor, user_id):
        if revoke_token_row(tx, actor, token.id):
            announce(tx, actor, AuditAction.revoked, ObjectKind.token, token.id, token_snapshot(token), None)


def note_use(tx: WriteTx, actor: Actor) -> None:
    """Store when the actor's token was used last, to the minute."""
    if actor.token_id is not None:
        touch_token(tx, actor.token_id)
