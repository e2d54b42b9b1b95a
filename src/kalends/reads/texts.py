"""Checking whether stored text, and what is derived from it, follows the current rules.

Rules for text have become stricter, and derived text follows the Unicode tables of the Python that wrote it. Older rows
stay as they are and are reported here.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import chain

import sqlalchemy as sa
from sqlalchemy import bindparam

from kalends.characters import LINE, LINE_OR_NOTHING, LINES
from kalends.model import Actor, EventId, OrganizationId, UserId
from kalends.rules.emails import check_email, email_key
from kalends.rules.text import sort_key
from kalends.store.database import ReadTx, Row
from kalends.store.events import event_text
from kalends.store.query import Query
from kalends.store.tables import event, user
from kalends.store.users import email_owner, user_text

PAGE = 1_000
"""Rows in memory at a time."""

MOST_NAMED = 20
"""Cases of each kind of trouble that are named."""

USERS = Query(
    sa.select(
        user.c.id,
        user.c.organization_id,
        user.c.name,
        user.c.email,
        user.c.name_key,
        user.c.email_folded,
        user.c.search_text,
    )
    .where(user.c.id > bindparam("after"), user.c.deleted_at.is_(None))
    .order_by(user.c.id)
    .limit(PAGE)
)
EVENTS = Query(
    sa.select(event.c.id, event.c.title, event.c.location, event.c.description, event.c.search_text)
    .where(event.c.id > bindparam("after"))
    .order_by(event.c.id)
    .limit(PAGE)
)


@dataclass
class Troubles:
    """The number of cases of one kind of trouble, and the names of the first."""

    count: int = 0
    names: list[str] = field(default_factory=list)

    def add(self, name: str) -> None:
        """Count one more case."""
        self.count += 1
        if self.count <= MOST_NAMED:
            self.names.append(name)


def find_text_troubles(tx: ReadTx) -> list[str]:
    """Return a line for each kind of trouble with stored text, with the names of the first cases."""
    found: dict[str, Troubles] = {}
    for what, name in chain(user_troubles(tx), event_troubles(tx)):
        found.setdefault(what, Troubles()).add(name)
    return [
        f"{what}: {one.count} ({', '.join(one.names)}{', …' if one.count > MOST_NAMED else ''})."
        for what, one in found.items()
    ]


def user_troubles(tx: ReadTx) -> Iterator[tuple[str, str]]:
    """Yield troubles with the names and addresses of users: the kind, and the user."""
    for number, organization, name, email, name_key, email_folded, search_text in rows_of(tx, USERS):
        user_id, key = UserId(number), email_key(email)
        if key != email_folded:
            owner = email_owner(tx, Actor(OrganizationId(organization)), email)
            if owner is not None:
                yield "Users whose e-mail address somebody else has, too", f"{user_id} ({email}, as {owner})"
            else:
                yield "Users who are not found by their e-mail address", f"{user_id} ({email})"
        if (name_key, search_text) != (sort_key(name), user_text(name, email)):
            yield "Users who are out of order, or not found by their name", str(user_id)
        if not re.match(LINE, name):
            yield "Users whose name would be refused today", f"{user_id} ({name[:64]!r})"
        try:
            check_email(email)
        except ValueError as error:
            yield "Users whose e-mail address would be refused today", f"{user_id} ({email!r}: {error})"


def event_troubles(tx: ReadTx) -> Iterator[tuple[str, str]]:
    """Yield troubles with the texts of events: the kind, and the event."""
    for number, title, location, description, search_text in rows_of(tx, EVENTS):
        if search_text != event_text(title, location, description):
            yield "Events that are not found by their text", str(EventId(number))
        fits = re.match(LINE, title) and re.match(LINE_OR_NOTHING, location) and re.match(LINES, description)
        if not fits:
            yield "Events whose title, location or description would be refused today", str(EventId(number))


def rows_of(tx: ReadTx, query: Query) -> Iterator[Row]:
    """Yield all rows of a query, which is run page by page along the id in the first column."""
    after = -1
    while rows := tx.rows(query, after=after):
        yield from rows
        after = rows[-1][0]
