"""Reading credentials, without their secrets."""

from kalends.model import Actor, Bearer, Token
from kalends.store.database import ReadTx
from kalends.store.tokens import find_bearer, list_organization_tokens, list_tokens_of


def list_tokens(tx: ReadTx, actor: Actor) -> list[Token]:
    """List a person's own tokens, or to an operator all of the organization; oldest first, those out of use too."""
    return list_organization_tokens(tx, actor) if actor.user_id is None else list_tokens_of(tx, actor, actor.user_id)


def read_bearer(tx: ReadTx, actor: Actor) -> Bearer:
    """Return the token that the actor came with, its organization and the person whose it is."""
    return find_bearer(tx, actor)
