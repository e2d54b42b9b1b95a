"""Authentication by bearer tokens (RFC 6750).

Identities are cached for less than a second. So every process refuses a revoked token, and stops using a removed share,
before a second has passed, and a caller with many requests needs few lookups.
"""

import threading
import time
from collections.abc import Callable

from kalends.errors import Forbidden, Unauthenticated
from kalends.http.errors import Malformed
from kalends.http.request import Request
from kalends.model import Actor, Instant, UserId
from kalends.reads.identity import Identity
from kalends.rules.tokens import is_token, token_digest

ACT_AS = "Kalends-Act-As"
MOST_KEPT = 10_000

CacheKey = tuple[bytes, UserId | None]
"""The digest of a token, and the user for whom its operator acts."""

LookUp = Callable[[bytes, UserId | None], Identity | None]


class BearerTokens:
    """Authentication by bearer tokens, with a cache of identities; threads may share it."""

    def __init__(
        self, look_up: LookUp, note_use: Callable[[Actor], None], now: Callable[[], Instant], keep_ms: int
    ) -> None:
        self._look_up = look_up
        self._note_use = note_use
        self._now = now
        self._keep_s = keep_ms / 1_000
        self._kept: dict[CacheKey, tuple[float, Identity]] = {}
        self._lock = threading.Lock()

    def authenticate(self, request: Request) -> Actor:
        """Return the actor of a request.

        Raise Unauthenticated, Forbidden if the token may not act for that user, or Malformed.
        """
        scheme, _, credential = (request.header("Authorization") or "").partition(" ")
        secret = credential.strip()
        digest = token_digest(secret)
        known = self._identity(digest, None) if scheme.lower() == "bearer" and self._may_be(secret, digest) else None
        if known is None:
            raise Unauthenticated
        request.token_id = known.actor.token_id
        acting_for = acting_for_whom(request)
        if acting_for not in (None, known.actor.user_id):
            known = self._identity(digest, acting_for)
            if known is None:
                raise Forbidden("Only an operator token can act for another user, who must exist and not be deleted")
        who, where = known.actor, (request.address, request.request_id)
        return Actor(who.organization_id, who.token_id, who.user_id, who.scopes, who.shared, *where)

    def _may_be(self, secret: str, digest: bytes) -> bool:
        """Return whether to look a token up: text without the form of a token is refused without a lookup."""
        return (digest, None) in self._kept or is_token(secret)

    def _identity(self, digest: bytes, acting_for: UserId | None) -> Identity | None:
        kept = self._kept.get((digest, acting_for))
        fresh = kept is not None and kept[0] > time.monotonic()
        known = kept[1] if kept is not None and fresh else self._look_up_and_keep(digest, acting_for)
        if known is None or (known.expires_at is not None and known.expires_at <= self._now()):
            return None
        return known

    def _look_up_and_keep(self, digest: bytes, acting_for: UserId | None) -> Identity | None:
        until = time.monotonic() + self._keep_s  # counted from before the lookup: a cached identity is never older
        found = self._look_up(digest, acting_for)
        if found is None:
            return None
        with self._lock:
            if len(self._kept) >= MOST_KEPT:
                self._kept.clear()
            self._kept[digest, acting_for] = until, found
        if found.unnoted:
            self._note_use(found.actor)
        return found


def acting_for_whom(request: Request) -> UserId | None:
    """Return the user for whom an operator wants to act, or None. Raise Malformed."""
    text = request.header(ACT_AS)
    if text is None:
        return None
    try:
        return UserId.parse(text)
    except ValueError as error:
        raise Malformed(f"{ACT_AS}: {error}") from error
