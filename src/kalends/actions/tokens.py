"""What can be done with credentials."""

from kalends.errors import NotFound
from kalends.model import Actor, Token, TokenId
from kalends.rules.tokens import token_digest, token_hint, token_text
from kalends.store.database import WriteTx
from kalends.store.tokens import insert_token, revoke_token_row


def issue_token(tx: WriteTx, actor: Actor, name: str, secret: bytes) -> tuple[Token, str]:
    """Make a credential of 160 random bits; its text is given here once and stored nowhere."""
    text = token_text(secret)
    made = Token(TokenId(tx.new_id()), actor.organization_id, name, token_hint(text), tx.now, None)
    insert_token(tx, made, token_digest(text))
    return made, text


def revoke_token(tx: WriteTx, actor: Actor, token_id: TokenId) -> None:
    """Take a credential out of use at once. Raises NotFound."""
    if not revoke_token_row(tx, actor, token_id):
        raise NotFound("token in use", token_id)
