"""Rows of Idempotency-Keys: claims of requests on keys, and the answers for repeated requests."""

import sqlalchemy as sa
from sqlalchemy import bindparam

from kalends.model import Actor, UserId
from kalends.store.database import ReadTx, Row, WriteTx
from kalends.store.query import Query
from kalends.store.tables import idempotency, token

AT = (idempotency.c.token_id == bindparam("at_token"), idempotency.c.key == bindparam("at_key"))
MINE = (*AT, idempotency.c.claim == bindparam("at_claim"))

PAGE = 250
"""Answers, of any size, that are emptied in one transaction when a person is erased."""

FIND = Query(
    sa.select(
        idempotency.c.fingerprint,
        idempotency.c.claimed_at,
        idempotency.c.status,
        idempotency.c.headers,
        idempotency.c.body,
    )
    .where(*AT)
    .with_for_update()
)
INSERT = Query(sa.insert(idempotency))
ANSWER = Query(
    sa.update(idempotency)
    .where(*MINE)
    .values(status=bindparam("new_status"), headers=bindparam("new_headers"), body=bindparam("new_body"))
)
RELEASE = Query(sa.delete(idempotency).where(*MINE, idempotency.c.status.is_(None)))
NEXT = (
    sa.select(idempotency.c.claimed_at)
    .where(idempotency.c.claimed_at > bindparam("after"))
    .order_by(idempotency.c.claimed_at)
    .limit(sa.literal_column(str(PAGE)))
)
END_OF_PAGE = Query(sa.select(sa.func.max(NEXT.subquery().c.claimed_at)))
EMPTY = (
    sa.update(idempotency)
    .where(idempotency.c.organization_id == bindparam("org"), idempotency.c.status.is_not(None))
    .values(body=bindparam("nothing"))
)
EMPTY_TO = Query(
    EMPTY.where(idempotency.c.token_id.in_(sa.select(token.c.id).where(token.c.user_id == bindparam("user_id"))))
)
EMPTY_PAGE = Query(
    EMPTY.where(idempotency.c.claimed_at > bindparam("after"), idempotency.c.claimed_at <= bindparam("last"))
)
FORGET = Query(sa.delete(idempotency).where(*AT))
OLD = Query(
    sa.select(idempotency.c.token_id, idempotency.c.key)
    .where(idempotency.c.claimed_at < bindparam("before"))
    .limit(sa.literal_column("100"))  # in the text: a plan for any number might scan the whole table
    .with_for_update(skip_locked=True)  # else two transactions that forget keys could wait for each other
)


def find_key(tx: WriteTx, actor: Actor, key: str) -> Row | None:
    """Return fingerprint, time of the claim, status, headers and body of a key; status is None until it is answered."""
    return tx.row(FIND, at_token=actor.token_id, at_key=key)


def insert_claim(tx: WriteTx, actor: Actor, key: str, fingerprint: bytes, claim: int) -> None:
    """Store the claim of a request on a key."""
    tx.run(
        INSERT,
        organization_id=actor.organization_id,
        token_id=actor.token_id,
        key=key,
        fingerprint=fingerprint,
        claim=claim,
        claimed_at=tx.now,
        status=None,
        headers=None,
        body=None,
    )


def store_answer(tx: WriteTx, actor: Actor, key: str, claim: int, answer: tuple[int, str, bytes]) -> bool:
    """Store status, headers and body for repeats; return False if the claim is gone."""
    status, headers, body = answer
    values = {"new_status": status, "new_headers": headers, "new_body": body}
    return tx.run(ANSWER, at_token=actor.token_id, at_key=key, at_claim=claim, **values) == 1


def release_claim(tx: WriteTx, actor: Actor, key: str, claim: int) -> None:
    """Remove a claim without an answer, so that the key can be used again."""
    tx.run(RELEASE, at_token=actor.token_id, at_key=key, at_claim=claim)


def forget_key(tx: WriteTx, actor: Actor, key: str) -> None:
    """Remove a key in any state."""
    tx.run(FORGET, at_token=actor.token_id, at_key=key)


def forget_old_keys(tx: WriteTx, before: int) -> None:
    """Remove up to 100 keys that were claimed before an instant.

    They are deleted one by one: with a list of pairs, SQLite would scan all keys.
    """
    old = tx.rows(OLD, before=before)
    tx.run_many(FORGET, [{"at_token": token_id, "at_key": key} for token_id, key in old])


def end_of_page(tx: ReadTx, after: int) -> int | None:
    """Return when the last of the next PAGE keys claimed after an instant was claimed, or None if there are no more."""
    row = tx.row(END_OF_PAGE, after=after)
    return row[0] if row else None


def empty_answers_to(tx: WriteTx, actor: Actor, user_id: UserId) -> None:
    """Remove the bodies of all kept answers to a person; a repeat still gets the status."""
    tx.run(EMPTY_TO, org=actor.organization_id, user_id=user_id, nothing=b"")


def empty_page_of_answers(tx: WriteTx, actor: Actor, after: int, last: int) -> None:
    """Remove the bodies of the answers to everybody whose keys were claimed after an instant, up to another."""
    tx.run(EMPTY_PAGE, org=actor.organization_id, after=after, last=last, nothing=b"")
