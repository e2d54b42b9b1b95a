"""Idempotency keys: a request is carried out once, however often it is sent."""

import pytest

from kalends.actions.idempotency import Claim, KeptAnswer, claim_key, give_up_claim, keep_answer
from kalends.actions.tokens import issue_token
from kalends.errors import KeyInFlight, KeyReused
from kalends.model import Actor
from kalends.rules.intervals import HOUR, MINUTE
from tests.cast import instant
from tests.threads import race

BEGIN = instant("2026-03-09T08:00+01:00")
PRINT, OTHER = b"one request", b"another request"
ANSWER = KeptAnswer(201, '{"ETag":"1"}', b"{}")


@pytest.fixture
def ask(cast, clock):
    """Claim a key, as a user with a token of their own."""
    clock.set_to(BEGIN)
    token, _ = cast.do(issue_token, "laptop", int(cast.actor.organization_id).to_bytes(20, "big"))
    actor = Actor(cast.actor.organization_id, token.id)
    return lambda action, *arguments: cast.database.write(lambda tx: action(tx, actor, *arguments))


def test_the_first_request_claims_the_key_and_repeats_get_its_answer(ask, clock):
    claim = ask(claim_key, "k", PRINT)
    assert isinstance(claim, Claim)
    with pytest.raises(KeyInFlight):
        ask(claim_key, "k", PRINT)
    ask(keep_answer, claim, ANSWER)
    clock.set_to(BEGIN + 24 * HOUR - 1)
    assert ask(claim_key, "k", PRINT) == ANSWER
    clock.set_to(BEGIN + 24 * HOUR)
    assert isinstance(ask(claim_key, "k", OTHER), Claim)


def test_a_key_stands_for_one_request(ask):
    claim = ask(claim_key, "k", PRINT)
    with pytest.raises(KeyReused):
        ask(claim_key, "k", OTHER)
    ask(keep_answer, claim, ANSWER)
    with pytest.raises(KeyReused):
        ask(claim_key, "k", OTHER)
    assert isinstance(ask(claim_key, "K", OTHER), Claim)


def test_a_released_claim_can_be_claimed_again(ask):
    ask(give_up_claim, ask(claim_key, "k", PRINT))
    claim = ask(claim_key, "k", OTHER)
    ask(keep_answer, claim, ANSWER)
    ask(give_up_claim, claim)
    assert ask(claim_key, "k", OTHER) == ANSWER


def test_a_claim_lapses_and_its_late_owner_has_lost_it(ask, clock):
    late = ask(claim_key, "k", PRINT)
    clock.set_to(BEGIN + MINUTE - 1)
    with pytest.raises(KeyInFlight):
        ask(claim_key, "k", PRINT)
    clock.set_to(BEGIN + MINUTE)
    claim = ask(claim_key, "k", PRINT)
    with pytest.raises(KeyInFlight):
        ask(keep_answer, late, ANSWER)
    ask(give_up_claim, late)
    ask(keep_answer, claim, ANSWER)
    assert ask(claim_key, "k", PRINT) == ANSWER


def test_old_keys_are_forgotten(ask, cast, clock):
    ask(claim_key, "old", PRINT)
    clock.set_to(BEGIN + 25 * HOUR)
    ask(claim_key, "new", PRINT)
    assert [row[2] for row in cast.rows()["idempotency"]] == ["new"]


def test_another_token_has_keys_of_its_own(ask, cast):
    ask(claim_key, "k", PRINT)
    token, _ = cast.do(issue_token, "phone", int(cast.actor.organization_id).to_bytes(20, "little"))
    other = Actor(cast.actor.organization_id, token.id)
    assert isinstance(cast.database.write(lambda tx: claim_key(tx, other, "k", OTHER)), Claim)


def test_of_twenty_concurrent_requests_one_gets_the_claim(ask):
    results = race([lambda: ask(claim_key, "k", PRINT)] * 20)
    assert sorted(type(result).__name__ for result in results) == ["Claim"] + ["KeyInFlight"] * 19
