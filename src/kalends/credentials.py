"""Tokens, their bearers, and organizations."""

from msgspec import Struct

from kalends.model import Instant, OrganizationId, Scope, TokenId, User, UserId


class Token(Struct, frozen=True, kw_only=True):
    """A token without its secret; without `user_id` it is an operator's."""

    id: TokenId
    organization_id: OrganizationId
    user_id: UserId | None
    name: str
    hint: str
    scopes: frozenset[Scope]
    created_at: Instant
    expires_at: Instant | None
    last_used_at: Instant | None
    """To the minute."""
    revoked_at: Instant | None

    def is_active(self, now: Instant) -> bool:
        """Return whether the token is neither revoked nor expired."""
        return self.revoked_at is None and (self.expires_at is None or self.expires_at > now)


class Bearer(Struct, frozen=True):
    """The token of a request, the name of its organization, and its user; None for an operator's."""

    token: Token
    organization_name: str
    user: User | None


class Organization(Struct, frozen=True):
    """A customer; only its own tokens reach its rows."""

    id: OrganizationId
    name: str
    created_at: Instant
