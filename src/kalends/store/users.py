"""Rows of users."""

from collections.abc import Iterable
from typing import Any

import sqlalchemy as sa
from msgspec import structs
from sqlalchemy import bindparam

from kalends.model import Actor, EventId, Instant, User, UserId
from kalends.rules.emails import email_key, email_words
from kalends.rules.text import searchable, sort_key
from kalends.store.database import ReadTx, Row, WriteTx
from kalends.store.query import AnyOf, Query
from kalends.store.tables import agenda, user

COLUMNS = tuple(user.c[name] for name in User.__struct_fields__)

BY_ID = sa.select(*COLUMNS).where(
    user.c.organization_id == bindparam("org"), user.c.id == bindparam("id"), user.c.deleted_at.is_(None)
)
FIND = Query(BY_ID)
FIND_TO_CHANGE = Query(BY_ID.with_for_update())
FIND_BY_EMAIL = Query(
    sa.select(user.c.id).where(
        user.c.organization_id == bindparam("org"),
        user.c.email_folded == bindparam("email"),
        user.c.deleted_at.is_(None),
    )
)
EVEN_IF_DELETED = sa.select(*COLUMNS, user.c.deleted_at.is_not(None)).where(
    user.c.organization_id == bindparam("org"), user.c.id == bindparam("id")
)
FIND_EVEN_IF_DELETED = Query(EVEN_IF_DELETED)
LOCK_EVEN_IF_DELETED = Query(EVEN_IF_DELETED.with_for_update())
LOCK_SEVERAL = Query(
    sa.select(user.c.id, user.c.time_zone, user.c.deleted_at.is_not(None))
    .where(user.c.organization_id == bindparam("org"), AnyOf(user.c.id, "ids"))
    .order_by(user.c.id)
    .with_for_update(key_share=True)
)
INSERT = Query(sa.insert(user))
CHANGED = ("name", "name_key", "email", "search_text", "time_zone", "metadata", "version", "updated_at")
KEY_KEPT = sa.case(
    (user.c.email == bindparam("email"), user.c.email_folded), else_=bindparam("email_folded", type_=sa.Text)
)
"""An unchanged address keeps its key: people whose addresses differ only by an older rule can still be changed."""
UPDATE = Query(
    sa.update(user)
    .where(user.c.id == bindparam("at"))
    .values({name: bindparam(name) for name in CHANGED})
    .values(email_folded=KEY_KEPT)
)
SOFT_DELETE = Query(sa.update(user).where(user.c.id == bindparam("at")).values(deleted_at=bindparam("now")))
UNFINISHED = Query(
    sa.select(agenda.c.event_id).where(
        agenda.c.organization_id == bindparam("org"),
        agenda.c.user_id == bindparam("id"),
        agenda.c.starts_at > bindparam("after"),
        agenda.c.ends_at > bindparam("now"),
    )
)


def user_from(row: Row) -> User:
    """Return the user of a row of COLUMNS."""
    user_id, name, email, time_zone, metadata, version, created_at, updated_at = row
    return User(UserId(user_id), name, email, time_zone, metadata, version, Instant(created_at), Instant(updated_at))


def find_user(tx: ReadTx, actor: Actor, user_id: UserId) -> User | None:
    """Return a user who is not deleted."""
    row = tx.row(FIND, org=actor.organization_id, id=user_id)
    return user_from(row) if row else None


def lock_user(tx: WriteTx, actor: Actor, user_id: UserId) -> User | None:
    """Return a user, and lock them until the transaction ends."""
    row = tx.row(FIND_TO_CHANGE, org=actor.organization_id, id=user_id)
    return user_from(row) if row else None


def find_user_even_if_deleted(
    tx: ReadTx, actor: Actor, user_id: UserId, *, lock: bool = False
) -> tuple[User, bool] | None:
    """Return a user, deleted and erased ones too, and whether they are deleted."""
    row = tx.row(LOCK_EVEN_IF_DELETED if lock else FIND_EVEN_IF_DELETED, org=actor.organization_id, id=user_id)
    return (user_from(row[:-1]), bool(row[-1])) if row else None


def lock_people(tx: WriteTx, actor: Actor, ids: Iterable[UserId]) -> None:
    """Lock people until the transaction ends, so that no other transaction books or deletes them.

    An action locks all its people in one call, which goes through them in the order of their ids: with several calls,
    two actions may wait for each other. SQLite has one writer at a time, which needs no lock.
    """
    if not tx.alone:
        find_and_lock_people(tx, actor, ids)


def find_and_lock_people(tx: WriteTx, actor: Actor, ids: Iterable[UserId]) -> dict[UserId, tuple[str, bool]]:
    """Lock people as `lock_people` does; return the time zone of each who exists, and whether they are deleted."""
    wanted = sorted({*ids})
    missing = [user_id for user_id in wanted if user_id not in tx.locked]
    if missing:
        tx.locked.update(dict.fromkeys(missing))
        for user_id, time_zone, deleted in tx.rows(LOCK_SEVERAL, org=actor.organization_id, ids=missing):
            tx.locked[user_id] = time_zone, bool(deleted)
    return {user_id: found for user_id in wanted if (found := tx.locked[user_id]) is not None}


def email_owner(tx: ReadTx, actor: Actor, email: str) -> UserId | None:
    """Return the user who has an e-mail address, in any way of writing it."""
    row = tx.row(FIND_BY_EMAIL, org=actor.organization_id, email=email_key(email))
    return UserId(row[0]) if row else None


def insert_user(tx: WriteTx, actor: Actor, person: User) -> None:
    """Store a new user."""
    tx.run(INSERT, organization_id=actor.organization_id, deleted_at=None, **user_values(person))


def update_user(tx: WriteTx, person: User) -> None:
    """Store a user's new version."""
    tx.run(UPDATE, at=person.id, **user_values(person))


def soft_delete_user(tx: WriteTx, user_id: UserId) -> None:
    """Mark a user as deleted: past events still name the person, but no list or lookup finds them any more."""
    tx.run(SOFT_DELETE, at=user_id, now=tx.now)


def user_values(person: User) -> dict[str, Any]:
    """Return the columns of a user's row, apart from organization and deletion."""
    return structs.asdict(person) | {
        "name_key": sort_key(person.name),
        "email_folded": email_key(person.email),
        "search_text": user_text(person.name, person.email),
    }


def user_text(name: str, email: str) -> str:
    """Return the text in which a user is searched."""
    return searchable(name, email_words(email))


def unfinished_events(tx: ReadTx, actor: Actor, user_id: UserId, after: Instant) -> list[EventId]:
    """Return a person's events that have not ended, in any order; all of them begin later than `after`."""
    rows = tx.rows(UNFINISHED, org=actor.organization_id, id=user_id, after=after, now=tx.now)
    return [EventId(event_id) for (event_id,) in rows]
