"""What can be done with credentials."""

import pytest

from kalends.actions.tokens import issue_token, revoke_token
from kalends.errors import NotFound
from kalends.model import TokenId
from kalends.rules.tokens import token_digest
from tests.cast import assemble


def test_a_credential_is_stored_without_its_secret(cast):
    token, text = cast.do(issue_token, "laptop", b"k" * 20)
    assert (token.name, token.organization_id, token.revoked_at) == ("laptop", cast.actor.organization_id, None)
    assert text.startswith(token.hint)
    (row,) = cast.rows()["token"]
    assert token_digest(text) in {bytes(value) for value in row if isinstance(value, (bytes, memoryview))}
    assert text not in str(row)


def test_a_credential_is_revoked_once_and_only_by_its_organization(cast, database):
    token, _ = cast.do(issue_token, "laptop", b"q" * 20)
    before = cast.rows()
    with pytest.raises(NotFound):
        assemble(database).do(revoke_token, token.id)
    assert cast.rows() == before
    cast.do(revoke_token, token.id)
    for token_id in (token.id, TokenId(1)):
        with cast.refused(NotFound) as error:
            cast.do(revoke_token, token_id)
        assert error.value.name == token_id
