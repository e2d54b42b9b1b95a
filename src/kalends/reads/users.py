"""Reading people: one by their id, or page by page in the order of names."""

from functools import lru_cache

import sqlalchemy as sa
from msgspec import Struct
from sqlalchemy import bindparam as given

from kalends.errors import NotFound
from kalends.model import Actor, User, UserId
from kalends.rules.text import like_pattern
from kalends.store.database import ReadTx
from kalends.store.query import Query
from kalends.store.tables import user
from kalends.store.users import COLUMNS, find_user, user_from

Key = tuple[str, int]
"""Where a page ended: name and id of its last user."""


class UserPage(Struct, frozen=True):
    """Some users in the order of name (by code point) and id; `next_key` is None on the last page."""

    users: list[User]
    next_key: Key | None


def read_user(tx: ReadTx, actor: Actor, user_id: UserId) -> User:
    """Give a user. Raises NotFound, for deleted ones too."""
    found = find_user(tx, actor, user_id)
    if found is None:
        raise NotFound("user", user_id)
    return found


def list_users(tx: ReadTx, actor: Actor, limit: int, *, text: str | None = None, after: Key | None = None) -> UserPage:
    """Give a page of the users whose name or e-mail address holds `text`: one statement."""
    values: dict[str, object] = {}
    if text is not None:
        values["pattern"] = like_pattern(text)
    if after is not None:
        values["after_name"], values["after_id"] = after
    query = listing(searched=text is not None, continued=after is not None)
    rows = tx.rows(query, org=actor.organization_id, count=limit + 1, **values)
    users = [user_from(row) for row in rows[:limit]]
    return UserPage(users, (users[-1].name, users[-1].id) if len(rows) > limit else None)


@lru_cache
def listing(*, searched: bool, continued: bool) -> Query:
    """Compose the statement: a range scan along the index of names."""
    where: list[sa.ColumnElement[bool]] = [user.c.organization_id == given("org"), user.c.deleted_at.is_(None)]
    if searched:
        where.append(user.c.search_text.like(given("pattern"), escape="\\"))
    if continued:
        where.append(sa.tuple_(user.c.name, user.c.id) > sa.tuple_(given("after_name"), given("after_id")))
    statement = sa.select(*COLUMNS).where(*where).order_by(user.c.name, user.c.id)
    return Query(statement.limit(given("count", type_=sa.Integer)))
