"""Who sends a request: an entry point is given an Authenticator, one for each kind of credential."""

from typing import Protocol

from kalends.errors import MissingScope
from kalends.http.request import Request
from kalends.model import Actor, Scope


class Authenticator(Protocol):
    """Knows who sends a request by one kind of credential: a bearer token, a session cookie, a name and password."""

    def authenticate(self, request: Request) -> Actor:
        """Return who sends a request, and set its `token_id`. Raise Unauthenticated, Forbidden or Malformed."""
        ...


def need_scope(actor: Actor, scope: Scope) -> None:
    """Raise MissingScope unless the credential may be used for this."""
    if scope not in actor.scopes:
        raise MissingScope(scope)
