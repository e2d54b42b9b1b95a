"""Idempotency: claims on Idempotency-Keys, and the answers that are kept for repeated requests.

A claim is committed before the work begins, so a second request sees it at once, in any process. The answer is stored
in the same transaction as the work, so neither exists without the other. A claim expires after a minute, in case its
process died. A request that finishes later than that fails, if another one has claimed the key.
"""

from msgspec import Struct

from kalends.errors import KeyInFlight, KeyReused
from kalends.model import Actor
from kalends.rules.intervals import HOUR, MINUTE
from kalends.store.database import WriteTx
from kalends.store.idempotency import (
    find_key,
    forget_key,
    forget_old_keys,
    insert_claim,
    release_claim,
    store_answer,
)

KEPT_FOR = 24 * HOUR
LAPSES_AFTER = MINUTE


class Claim(Struct, frozen=True):
    """The right of one request to do the work of a key."""

    key: str
    number: int


class KeptAnswer(Struct, frozen=True):
    """The first answer to a request: status, headers as JSON text, body."""

    status: int
    headers: str
    body: bytes


def claim_key(tx: WriteTx, actor: Actor, key: str, fingerprint: bytes) -> Claim | KeptAnswer:
    """Return a claim on a key, or the kept answer if there is one. Raise KeyReused or KeyInFlight."""
    forget_old_keys(tx, tx.now - KEPT_FOR)
    found = find_key(tx, actor, key)
    if found is not None:
        first, claimed_at, status, headers, body = found
        fresh = tx.now - claimed_at < (LAPSES_AFTER if status is None else KEPT_FOR)
        if fresh and bytes(first) != fingerprint:
            raise KeyReused
        if fresh:
            if status is None:
                raise KeyInFlight
            return KeptAnswer(status, headers, bytes(body))
        forget_key(tx, actor, key)
    claim = Claim(key, tx.new_id())
    insert_claim(tx, actor, key, fingerprint, claim.number)
    return claim


def keep_answer(tx: WriteTx, actor: Actor, claim: Claim, answer: KeptAnswer) -> None:
    """Keep an answer for repeats. Raise KeyInFlight if the claim has expired and another request has the key."""
    if not store_answer(tx, actor, claim.key, claim.number, (answer.status, answer.headers, answer.body)):
        raise KeyInFlight


def give_up_claim(tx: WriteTx, actor: Actor, claim: Claim) -> None:
    """Release a claim after a failure, so that the request can be repeated with its key."""
    release_claim(tx, actor, claim.key, claim.number)
