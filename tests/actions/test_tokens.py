"""Actions on tokens."""

import secrets
from contextlib import closing
from dataclasses import replace

import pytest
from msgspec import structs

from kalends.actions import tokens
from kalends.actions.idempotency import claim_key
from kalends.actions.tokens import issue_token, revoke_token
from kalends.actions.user_deletion import delete_user
from kalends.errors import Forbidden, Invalid, NotFound
from kalends.model import ALL_SCOPES, Instant, Scope, SharingLevel, TokenId
from kalends.reads.audit import AuditFilter, list_audit_entries
from kalends.reads.tokens import list_tokens
from kalends.rules.tokens import token_digest
from kalends.settings import Settings
from kalends.store.database import Database
from tests.cast import assemble, codes


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


def issue(acting, **options):
    return acting.do(issue_token, "of a test", secrets.token_bytes(20), **options)[0]


def test_a_token_acts_as_its_creator_with_no_more_scopes(cast):
    me = cast.as_person(cast.guest)
    assert (issue(me).user_id, issue(cast).user_id) == (cast.guest.id, None)
    scopes = frozenset({Scope.respond, Scope.tokens_write})
    lesser = replace(me, actor=structs.replace(me.actor, scopes=scopes))
    for asked in (scopes, {Scope.respond}):
        assert issue(lesser, scopes=asked).scopes == asked
    for asked in (ALL_SCOPES, scopes | {Scope.events_read}):
        with lesser.refused(Forbidden) as error:
            issue(lesser, scopes=asked)
        assert "events:read" in str(error.value)
    with lesser.refused(Invalid) as error:
        issue(lesser, scopes=frozenset())
    assert codes(error) == ["missing"]


def test_a_token_ends_after_it_begins(cast, clock):
    now = Instant(clock() // 1_000)
    clock.set_to(now)
    assert issue(cast, expires_at=Instant(now + 1)).is_active(now)
    for end in (now, Instant(now - 1)):
        with cast.refused(Invalid) as error:
            issue(cast, expires_at=end)
        assert codes(error) == ["in_the_past"]
    clock.set_to(now + 1)
    assert [token.is_active(Instant(now + 1)) for token in cast.ask(list_tokens, 250, ended=True).items] == [False]


def test_a_token_does_not_outlive_the_one_that_created_it(cast):
    with_end, endless = issue(cast, expires_at=Instant(2**51)), issue(cast)
    lesser = replace(cast, actor=structs.replace(cast.actor, token_id=with_end.id))
    assert issue(lesser).expires_at == with_end.expires_at
    assert issue(lesser, expires_at=Instant(2**51 - 1)).expires_at == 2**51 - 1
    with lesser.refused(Forbidden):
        issue(lesser, expires_at=Instant(2**51 + 1))
    free = replace(cast, actor=structs.replace(cast.actor, token_id=endless.id))
    assert issue(free).expires_at is None


def test_the_active_tokens_of_a_person_are_limited(cast, monkeypatch):
    monkeypatch.setattr(tokens, "MAX_TOKENS", 2)
    me = cast.as_person(cast.guest)
    first, _ = issue(me), issue(me)
    with me.refused(Invalid) as error:
        issue(me)
    assert codes(error) == ["too_many_tokens"]
    me.do(revoke_token, first.id)
    issue(me)
    assert len(me.ask(list_tokens, 250, ended=True).items) == 3, "those out of use are listed, too"
    for _ in range(3):
        issue(cast)


def test_people_see_and_revoke_their_own_and_operators_all(cast):
    guest, host = cast.as_person(cast.guest), cast.as_person(cast.host)
    cast.share(cast.guest, cast.host, SharingLevel.write)
    mine, other, backend = issue(guest), issue(host), issue(cast)
    assert [token.id for token in guest.ask(list_tokens, 250, ended=True).items] == [mine.id]
    assert [token.id for token in cast.ask(list_tokens, 250, ended=True).items] == [mine.id, other.id, backend.id]
    for token_id in (other.id, backend.id):
        with guest.refused(NotFound):
            guest.do(revoke_token, token_id)
    guest.do(revoke_token, mine.id)
    cast.do(revoke_token, other.id)


def test_deleting_a_user_ends_only_their_tokens(cast):
    issue(cast.as_person(cast.guest))
    kept = {issue(cast.as_person(cast.stranger)).id, issue(cast).id}
    cast.do(delete_user, cast.guest.id)
    now = cast.database.now()
    assert {token.id for token in cast.ask(list_tokens, 250, ended=True).items if token.is_active(now)} == kept


@pytest.fixture
def alone(migrated_url, clock):
    """Yield a cast whose database has no other tokens, which would be removed as well."""
    with closing(Database(Settings(database_url=migrated_url), clock)) as database:
        yield assemble(database)


def ended_ids(cast):
    return {token.id for token in cast.ask(list_tokens, 250, ended=True).items}


def test_tokens_are_removed_some_time_after_they_ended(alone, clock):
    now = Instant(clock() // 1_000)
    clock.set_to(now)
    me = alone.as_person(alone.guest)
    lasting, revoked, expiring = issue(alone), issue(me), issue(me, expires_at=Instant(now + 1))
    later = issue(alone, expires_at=Instant(now + 2))
    alone.do(revoke_token, revoked.id)
    assert [token.id for token in alone.ask(list_tokens, 250).items] == [lasting.id, expiring.id, later.id]
    clock.set_to(now + tokens.ENDED_KEPT_FOR + 1)
    assert [token.id for token in alone.ask(list_tokens, 250).items] == [lasting.id]
    newest = issue(alone)
    assert ended_ids(alone) == {lasting.id, expiring.id, later.id, newest.id}
    clock.set_to(now + tokens.ENDED_KEPT_FOR + 3)
    issued = issue(alone)
    assert ended_ids(alone) == {lasting.id, newest.id, issued.id}
    assert [
        record.object_id for record in alone.ask(list_audit_entries, AuditFilter(object_id=revoked.id), 9).items
    ] == [
        revoked.id,
        revoked.id,
    ], "the audit log keeps them"


def test_a_token_is_kept_while_answers_are_stored_for_it(alone, clock):
    now = Instant(clock() // 1_000)
    clock.set_to(now)
    used = issue(alone, expires_at=Instant(now + 1))
    acting = structs.replace(alone.actor, token_id=used.id)
    alone.database.write(lambda tx: claim_key(tx, acting, "a key", b"digest"))
    clock.set_to(now + 2 * tokens.ENDED_KEPT_FOR)
    issue(alone)
    assert used.id in ended_ids(alone)
    another = structs.replace(alone.actor, token_id=issue(alone).id)
    alone.database.write(lambda tx: claim_key(tx, another, "a key", b"digest"))  # it forgets old ones
    issue(alone)
    assert used.id not in ended_ids(alone)


def test_the_number_of_tokens_removed_at_a_time_is_limited(alone, clock):
    now = Instant(clock() // 1_000)
    clock.set_to(now)
    ids = [issue(alone, expires_at=Instant(now + 1 + number)).id for number in range(52)]
    clock.set_to(now + 2 * tokens.ENDED_KEPT_FOR)
    for left in (2, 0):
        issue(alone)
        assert ended_ids(alone) & {*ids} == {*ids[52 - left :]}
