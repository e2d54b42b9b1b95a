"""The order of locks: no two transactions wait for each other, so no engine has to break a deadlock."""

from functools import partial
from secrets import token_bytes
from typing import Any

import pytest

from kalends.actions.holds import extend_hold, place_hold
from kalends.actions.idempotency import KEPT_FOR, claim_key
from kalends.actions.tokens import issue_token
from kalends.model import Actor, Span, TokenId
from kalends.store.database import WriteTx
from kalends.store.holds import lock_hold
from kalends.store.users import lock_people
from tests.cast import Cast, instant
from tests.threads import at_once, waiting_writers

MORNING = instant("2026-03-09T08:00+01:00")
SLOT = Span(instant("2026-03-09T14:00+01:00"), instant("2026-03-09T15:00+01:00"))


@pytest.fixture(autouse=True)
def before_the_event(clock):
    clock.set_to(MORNING)


def test_extending_and_using_a_hold_do_not_deadlock(cast: Cast):
    hold = cast.do(place_hold, [cast.guest.id], SLOT, 600)
    tries: list[str] = []

    def extend(tx: WriteTx) -> Any:
        tries.append("extend")
        return extend_hold(tx, cast.actor, hold.id, 600)

    def consume(tx: WriteTx) -> Any:
        tries.append("consume")
        lock_people(tx, cast.actor, [cast.guest.id])
        extending.start()
        waiting_writers(cast.database, 1)
        return lock_hold(tx, cast.actor, hold.id)

    extending = at_once(partial(cast.database.write, extend))
    assert cast.database.write(consume) == hold
    assert extending.result().extended
    assert sorted(tries) == ["consume", "extend"] if cast.database.dialect.name == "postgresql" else True


def test_deleting_lapsed_holds_blocks_nobody(cast: Cast, clock):
    cast.do(place_hold, [cast.guest.id], SLOT, 1)
    clock.set_to(MORNING + 2_000_000)
    other = at_once(partial(cast.do, place_hold, [cast.stranger.id], SLOT, 600))

    def place(tx: WriteTx) -> Any:
        place_hold(tx, cast.actor, [cast.host.id], SLOT, 600)
        other.start()
        return None if tx.alone else other.result()

    cast.database.write(place)
    assert other.result().user_ids == (cast.stranger.id,)


def test_deleting_old_keys_blocks_nobody(cast: Cast, clock):
    actor = Actor(cast.actor.organization_id, TokenId(cast.database.write(partial(make_token, cast.actor))))
    cast.database.write(lambda tx: claim_key(tx, actor, "old", b""))
    clock.set_to(MORNING + KEPT_FOR + 1)
    other = at_once(lambda: cast.database.write(lambda tx: claim_key(tx, actor, "other", b"")))

    def claim(tx: WriteTx) -> Any:
        claim_key(tx, actor, "one", b"")
        other.start()
        return None if tx.alone else other.result()

    cast.database.write(claim)
    assert other.result().key == "other"


def make_token(actor: Actor, tx: WriteTx) -> int:
    """Store a token, and return its id."""
    return issue_token(tx, actor, "of a test", token_bytes(20))[0].id
