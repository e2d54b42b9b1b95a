"""Reading users: one by their id, or page by page in the order of names."""

from functools import lru_cache

import sqlalchemy as sa
from sqlalchemy import bindparam

from kalends.errors import NotFound
from kalends.model import Actor, EventId, Span, User, UserId
from kalends.reads.paging import Page, key_values, paged, read_page
from kalends.reads.participants import event_to_read
from kalends.rules.access import hides_participants, refuse_unless
from kalends.rules.text import like_pattern
from kalends.store.commitments import NOTHING, commitments, span_values
from kalends.store.database import ReadTx, Row
from kalends.store.query import Query
from kalends.store.tables import agenda, held_time, participant, user
from kalends.store.users import COLUMNS, find_user, user_from

PageKey = tuple[str, int]
"""The key of a page: `sort_key` of the name, and id, of its last user."""


def read_user(tx: ReadTx, actor: Actor, user_id: UserId) -> User:
    """Return a user. Raise NotFound, also if they are deleted."""
    found = find_user(tx, actor, user_id)
    if found is None:
        raise NotFound("user", user_id)
    return found


def list_users(
    tx: ReadTx,
    actor: Actor,
    limit: int,
    *,
    text: str | None = None,
    free: Span | None = None,
    joining: EventId | None = None,
    after: PageKey | None = None,
) -> Page[User, PageKey]:
    """Return a page of the users whose name or e-mail address contains `text` and whom nothing blocks in `free`.

    With `joining`, participants of that event are left out, and the event itself blocks nobody. It takes one statement
    in any case.
    """
    values = key_values(after)
    if text is not None:
        values["pattern"] = like_pattern(text)
    if free is not None:
        values |= span_values(free) | {"now": tx.now, "joining": joining or NOTHING}
    query = list_statement(searched=text is not None, free=free is not None, continued=after is not None)
    return read_page(tx, query, limit, user_in, key_in, org=actor.organization_id, **values)


def user_in(row: Row) -> User:
    """Return the user of a row of a list."""
    return user_from(row[:-1])


def key_in(row: Row) -> PageKey:
    """Return the key of a row of a list."""
    return row[-1], row[0]


def list_available_users(
    tx: ReadTx, actor: Actor, event_id: EventId, limit: int, *, text: str | None = None, after: PageKey | None = None
) -> Page[User, PageKey]:
    """Return a page of the users who could be added to an event: active, not in it yet, and free.

    Raise NotFound or Forbidden.
    """
    event, access_level = event_to_read(tx, actor, event_id)
    refuse_unless(
        not hides_participants(access_level, hides=event.hide_participants),
        "Only people who see all participants of this event can list who is available for it",
    )
    return list_users(tx, actor, limit, text=text, free=event.block.span, joining=event_id, after=after)


@lru_cache
def list_statement(*, searched: bool, continued: bool, free: bool = False) -> Query:
    """Return the statement: a range scan along the index of names, with a lookup of each person's commitments."""
    where: list[sa.ColumnElement[bool]] = [user.c.organization_id == bindparam("org"), user.c.deleted_at.is_(None)]
    if searched:
        where.append(user.c.search_text.like(bindparam("pattern"), escape="\\"))
    if free:
        where += nothing_in_the_way()
    statement = sa.select(*COLUMNS, user.c.name_key).where(*where)
    return Query(paged(statement, user.c.name_key, user.c.id, continued=continued))


def nothing_in_the_way() -> list[sa.ColumnElement[bool]]:
    """Return the conditions for available users: no other event and no hold blocks them, and they do not take part yet.

    They are looked up person by person: PostgreSQL turns NOT EXISTS into a join, which may scan everybody's agenda.
    """
    events, holds = commitments(lambda rows: rows.c.user_id == user.c.id)
    lookups = (
        events.with_only_columns(agenda.c.event_id).where(agenda.c.blocking, agenda.c.event_id != bindparam("joining")),
        holds.with_only_columns(held_time.c.hold_id),
        sa.select(participant.c.user_id).where(
            participant.c.event_id == bindparam("joining"), participant.c.user_id == user.c.id
        ),
    )
    return [lookup.limit(1).scalar_subquery().is_(None) for lookup in lookups]
