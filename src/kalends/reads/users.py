"""Reading people: one by their id, or page by page in the order of names."""

from functools import lru_cache

import sqlalchemy as sa
from msgspec import Struct
from sqlalchemy import bindparam

from kalends.errors import NotFound
from kalends.model import Actor, EventId, Span, User, UserId
from kalends.reads.participants import event_to_read
from kalends.rules.access import hides_participants, refuse_unless
from kalends.rules.text import like_pattern
from kalends.store.commitments import NOTHING, overlapping, span_values
from kalends.store.database import ReadTx
from kalends.store.query import Query
from kalends.store.tables import agenda, held_time, participant, user
from kalends.store.users import COLUMNS, find_user, user_from

PageKey = tuple[str, int]
"""Where a page ended: `sort_key` of the name, and id, of its last user."""


class UserPage(Struct, frozen=True):
    """Some users in the order of name (`sort_key`) and id; `next_key` is None on the last page."""

    users: list[User]
    next_key: PageKey | None


def read_user(tx: ReadTx, actor: Actor, user_id: UserId) -> User:
    """Give a user. Raises NotFound, for deleted ones too."""
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
) -> UserPage:
    """Give a page of the users whose name or e-mail address holds `text` and whom nothing blocks in `free`.

    Who is to join an event is neither blocked by it nor one of its participants. One statement, whatever is asked.
    """
    values: dict[str, object] = {}
    if text is not None:
        values["pattern"] = like_pattern(text)
    if free is not None:
        values |= span_values(free) | {"now": tx.now, "joining": joining or NOTHING}
    if after is not None:
        values["after_key"], values["after_id"] = after
    query = list_statement(searched=text is not None, free=free is not None, continued=after is not None)
    rows = tx.rows(query, org=actor.organization_id, count=limit + 1, **values)
    users = [user_from(row[:-1]) for row in rows[:limit]]
    return UserPage(users, (rows[limit - 1][-1], users[-1].id) if len(rows) > limit else None)


def list_available_users(
    tx: ReadTx, actor: Actor, event_id: EventId, limit: int, *, text: str | None = None, after: PageKey | None = None
) -> UserPage:
    """Give a page of the users who could be added to an event: active, not in it yet, and free.

    Raises NotFound or Forbidden.
    """
    event, access_level = event_to_read(tx, actor, event_id)
    refuse_unless(
        not hides_participants(access_level, hides=event.hide_participants),
        "This event hides its participants, and with them who could be added",
    )
    return list_users(tx, actor, limit, text=text, free=event.block.span, joining=event_id, after=after)


@lru_cache
def list_statement(*, searched: bool, continued: bool, free: bool = False) -> Query:
    """Compose the statement: a range scan along the index of names, with a look at each person's time."""
    where: list[sa.ColumnElement[bool]] = [user.c.organization_id == bindparam("org"), user.c.deleted_at.is_(None)]
    if searched:
        where.append(user.c.search_text.like(bindparam("pattern"), escape="\\"))
    if free:
        where += nothing_in_the_way()
    if continued:
        where.append(sa.tuple_(user.c.name_key, user.c.id) > sa.tuple_(bindparam("after_key"), bindparam("after_id")))
    statement = sa.select(*COLUMNS, user.c.name_key).where(*where).order_by(user.c.name_key, user.c.id)
    return Query(statement.limit(bindparam("count", type_=sa.Integer)))


def nothing_in_the_way() -> list[sa.ColumnElement[bool]]:
    """Say who is in the pool: whom no other event and no hold keeps away, and who is not in this event already.

    Looked up person by person: of NOT EXISTS, PostgreSQL makes a join that may scan everybody's time for one page.
    """
    another_event = (agenda.c.user_id == user.c.id, agenda.c.blocking, agenda.c.event_id != bindparam("joining"))
    a_hold = (held_time.c.user_id == user.c.id, held_time.c.expires_at > bindparam("now"))
    lookups = (
        sa.select(agenda.c.event_id).where(overlapping(agenda), *another_event),
        sa.select(held_time.c.hold_id).where(overlapping(held_time), *a_hold),
        sa.select(participant.c.user_id).where(
            participant.c.event_id == bindparam("joining"), participant.c.user_id == user.c.id
        ),
    )
    return [lookup.limit(1).scalar_subquery().is_(None) for lookup in lookups]
