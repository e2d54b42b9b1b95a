"""Stored rows, as far as no action shows them."""

from kalends.credentials import Token
from kalends.model import ALL_SCOPES, Actor, EventId, Instant, TokenId
from kalends.reads.tokens import list_tokens
from kalends.store.database import Database, WriteTx
from kalends.store.events import find_event, lock_events
from kalends.store.idempotency import (
    find_key,
    forget_key,
    forget_old_keys,
    insert_claim,
    release_claim,
    store_answer,
)
from kalends.store.organizations import DEFAULT_ORGANIZATION
from kalends.store.participants import participants_among, participations_of, participations_of_people
from kalends.store.tokens import find_token, find_token_in_use, insert_token, revoke_token_row
from kalends.store.users import (
    email_owner,
    find_and_lock_people,
    find_user,
    lock_user,
    soft_delete_user,
    unfinished_events,
)
from tests.cast import Cast, new_organization
from tests.conftest import Clock
from tests.store.names import NAME

DIGEST = b"\x00\xff" * 16


def token_of(database: Database, actor: Actor, digest: bytes) -> Token:
    def make(tx: WriteTx) -> Token:
        made = Token(
            id=TokenId(tx.new_id()),
            organization_id=actor.organization_id,
            user_id=None,
            name="laptop",
            hint="kal_abcdef",
            scopes=ALL_SCOPES,
            created_at=tx.now,
            expires_at=None,
            last_used_at=None,
            revoked_at=None,
        )
        insert_token(tx, made, digest)
        return made

    return database.write(make)


def test_a_fresh_install_has_one_organization(fresh: Database) -> None:
    assert fresh.read(lambda tx: tx.row(NAME, id=DEFAULT_ORGANIZATION)) == ("default",)


def test_a_token_is_found_by_its_digest_until_it_is_revoked(database: Database) -> None:
    actor, digest = new_organization(database), DIGEST + b"1"
    made = token_of(database, actor, digest)
    assert database.read(lambda tx: find_token_in_use(tx, digest)) == made
    assert database.read(lambda tx: find_token_in_use(tx, b"")) is None
    other = new_organization(database)
    assert not database.write(lambda tx: revoke_token_row(tx, other, made.id))
    assert database.write(lambda tx: revoke_token_row(tx, actor, made.id))
    assert not database.write(lambda tx: revoke_token_row(tx, actor, made.id))
    assert database.read(lambda tx: find_token_in_use(tx, digest)) is None
    found = database.read(lambda tx: find_token(tx, actor, made.id))
    assert found is not None
    assert found.revoked_at is not None
    assert database.read(lambda tx: find_token(tx, other, made.id)) is None


def test_nothing_is_found_from_another_organization(cast: Cast) -> None:
    event = cast.event(cast.guest)
    other = new_organization(cast.database)
    people = [cast.host.id, cast.guest.id]

    def look(tx: WriteTx) -> list[object]:
        return [
            find_user(tx, other, cast.guest.id),
            lock_user(tx, other, cast.guest.id),
            find_and_lock_people(tx, other, people),
            email_owner(tx, other, cast.guest.email),
            unfinished_events(tx, other, cast.host.id, Instant(0)),
            find_event(tx, other, event.id),
            lock_events(tx, other, [event.id]),
            participants_among(tx, other, event, people),
            list_tokens(tx, other, 1).items,
        ]

    assert not any(cast.database.write(look))


def test_participations_are_stored_as_they_are_given(cast: Cast) -> None:
    event = cast.event(cast.guest)
    people = [cast.guest.id, cast.stranger.id]
    everybody = cast.database.read(lambda tx: participations_of(tx, event.id))
    assert list(everybody) == sorted([cast.host.id, cast.guest.id])
    some = cast.database.read(lambda tx: participations_of_people(tx, event.id, people))
    assert some == {cast.guest.id: everybody[cast.guest.id]}
    seen = cast.database.read(lambda tx: participants_among(tx, cast.actor, event, [cast.host.id, *people]))
    assert {participant.participation.user_id: participant.participation for participant in seen} == everybody
    assert [participant.is_host for participant in seen] == [True, False]


def test_a_deleted_user_is_marked_and_their_address_is_free(cast: Cast) -> None:
    cast.database.write(lambda tx: soft_delete_user(tx, cast.guest.id))
    people = [cast.host.id, cast.guest.id]
    known = cast.database.write(lambda tx: find_and_lock_people(tx, cast.actor, people))
    assert known == {cast.host.id: ("Europe/Berlin", False), cast.guest.id: ("Europe/Berlin", True)}
    assert cast.database.read(lambda tx: find_user(tx, cast.actor, cast.guest.id)) is None
    assert cast.person(email=cast.guest.email).id != cast.guest.id


def test_events_are_returned_in_the_order_of_their_ids(cast: Cast) -> None:
    events = [cast.event(), cast.event()]
    ids = [event.id for event in reversed(events)]
    assert cast.database.write(lambda tx: lock_events(tx, cast.actor, ids)) == events


def test_an_event_is_unfinished_until_it_ends(cast: Cast, clock: Clock) -> None:
    event = cast.event(cast.guest)
    span = event.block.span

    def unfinished() -> list[EventId]:
        return cast.database.read(lambda tx: unfinished_events(tx, cast.actor, cast.guest.id, Instant(0)))

    clock.set_to(span.end - 1)
    assert unfinished() == [event.id]
    clock.set_to(span.end)
    assert unfinished() == []


def test_a_key_is_claimed_answered_and_forgotten(database: Database, clock: Clock) -> None:
    organization = new_organization(database)
    made = token_of(database, organization, DIGEST + b"2")
    actor = Actor(organization.organization_id, made.id)
    clock.set_to(1_000)
    database.write(lambda tx: insert_claim(tx, actor, "key", b"print", 1))
    clock.set_to(2_000)
    database.write(lambda tx: insert_claim(tx, actor, "other", b"print", 2))
    assert database.write(lambda tx: find_key(tx, actor, "key")) == (b"print", 1_000, None, None, None)

    assert not database.write(lambda tx: store_answer(tx, actor, "key", 9, (201, "{}", b"body")))
    assert database.write(lambda tx: store_answer(tx, actor, "key", 1, (201, "{}", b"body")))
    assert database.write(lambda tx: find_key(tx, actor, "key")) == (b"print", 1_000, 201, "{}", b"body")

    database.write(lambda tx: release_claim(tx, actor, "key", 1))  # an answer stays
    assert database.write(lambda tx: find_key(tx, actor, "key")) is not None
    database.write(lambda tx: release_claim(tx, actor, "other", 1))  # somebody else's claim stays
    assert database.write(lambda tx: find_key(tx, actor, "other")) is not None
    database.write(lambda tx: release_claim(tx, actor, "other", 2))
    assert database.write(lambda tx: find_key(tx, actor, "other")) is None

    database.write(lambda tx: forget_old_keys(tx, 1_000))
    assert database.write(lambda tx: find_key(tx, actor, "key")) is not None
    database.write(lambda tx: forget_key(tx, actor, "key"))
    assert database.write(lambda tx: find_key(tx, actor, "key")) is None
    database.write(lambda tx: insert_claim(tx, actor, "key", b"print", 1), dry_run=True)
    database.write(lambda tx: insert_claim(tx, actor, "late", b"print", 3))
    database.write(lambda tx: forget_old_keys(tx, 2_001))
    assert database.write(lambda tx: find_key(tx, actor, "late")) is None
