"""Authentication: an entry point has an Authenticator, of which there is one for each kind of credential."""

from typing import Protocol

from kalends.errors import MissingScope
from kalends.http.request import Request
from kalends.model import Actor, Scope


class Authenticator(Protocol):
    """Authentication by one kind of credential: a bearer token, a session cookie, a name and password."""

    def authenticate(self, request: Request) -> Actor:
        """Return the actor of a request, and set its `token_id`. Raise Unauthenticated, Forbidden or Malformed."""
        ...


def need_scope(actor: Actor, scope: Scope) -> None:
    """Raise MissingScope unless the credential of the actor has a scope."""
    if scope not in actor.scopes:
        raise MissingScope(scope)
