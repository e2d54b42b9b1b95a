"""Idempotency-Key: only the first request with a key does its work, and all others get the same answer."""

import hashlib
from collections.abc import Callable
from contextlib import suppress

import msgspec

from kalends.actions.idempotency import Claim, KeptAnswer, claim_key, give_up_claim, keep_answer
from kalends.errors import OutcomeUnknown, Unavailable
from kalends.http.errors import Malformed
from kalends.http.request import Request
from kalends.http.responses import ResponseData
from kalends.limits import MAX_KEY_LENGTH
from kalends.model import Actor
from kalends.rest.members import canonical
from kalends.store.database import Database, WriteTx


def read_key(request: Request) -> str | None:
    """Return the Idempotency-Key of a request, or None. Raise Malformed."""
    key = request.header("Idempotency-Key")
    if key is None:
        return None
    if not 1 <= len(key) <= MAX_KEY_LENGTH or not key.isascii() or not key.isprintable():
        raise Malformed(f"an Idempotency-Key must be 1 to {MAX_KEY_LENGTH} printable ASCII characters")
    return key


def fingerprint(request: Request, actor: Actor, raw: bytes) -> bytes:
    """Return a digest of a request: method, target, actor and the meaning of its body (no body means `{}`)."""
    whole = hashlib.sha256()
    for part in (str(actor.user_id or ""), request.method, request.path, request.query_string):
        whole.update(part.encode() + b"\0")
    whole.update(canonical(raw or b"{}"))
    return whole.digest()


def answer_once(
    database: Database, actor: Actor, key: str, digest: bytes, work: Callable[[WriteTx], ResponseData]
) -> ResponseData:
    """Return the answer to a request: the first with a key does the work, and all others get the kept answer."""
    claim = database.write(lambda tx: claim_key(tx, actor, key, digest))
    if isinstance(claim, KeptAnswer):
        kept = ResponseData(claim.status, msgspec.json.decode(claim.headers, type=dict[str, str]), claim.body)
        return kept if claim.body else kept.without_body()
    try:
        return database.write(lambda tx: work_and_keep(tx, actor, claim, work))
    except OutcomeUnknown:
        raise  # the answer may be stored: the claim has to expire before the work can be repeated
    except BaseException:
        with suppress(Unavailable):
            database.write(lambda tx: give_up_claim(tx, actor, claim))
        raise


def work_and_keep(tx: WriteTx, actor: Actor, claim: Claim, work: Callable[[WriteTx], ResponseData]) -> ResponseData:
    """Do the work, and keep its answer in the same transaction."""
    answer = work(tx)
    headers = msgspec.json.encode(answer.headers).decode()
    keep_answer(tx, actor, claim, KeptAnswer(answer.status, headers, answer.body))
    return answer
