"""Order and search of names without case and accents, search of text without them, and IDN domains."""

from collections.abc import Iterator, Sequence
from typing import Any

import sqlalchemy as sa
from alembic import op

from kalends.rules.emails import email_key
from kalends.rules.text import sort_key
from kalends.store.events import event_text
from kalends.store.users import user_text

revision = "0005"
down_revision = "0004"

BATCH = 1_000
"""Rows in memory at a time."""

USERS = 'SELECT id, organization_id, name, email, email_folded, search_text FROM "user"'
EVENTS = "SELECT id, title, location, description, search_text FROM event"
FILL_USER = sa.text('UPDATE "user" SET name_key = :name_key, search_text = :text WHERE id = :id')
FILL_EMAIL = sa.text('UPDATE "user" SET email_folded = :email WHERE id = :id')
FILL_EVENT = sa.text("UPDATE event SET search_text = :text WHERE id = :id")
TAKEN = sa.text(
    'SELECT id FROM "user" WHERE organization_id = :org AND email_folded = :email AND deleted_at IS NULL AND id <> :id'
)


def upgrade() -> None:
    """Add the key, fill it, and put the index of names on it; names need no collation of their own any more."""
    on_postgresql = op.get_bind().dialect.name == "postgresql"
    bytewise = sa.Text(collation="C") if on_postgresql else sa.Text()
    op.add_column("user", sa.Column("name_key", bytewise, server_default=sa.text("''"), nullable=False))
    fill_users(op.get_bind())
    fill_events(op.get_bind())
    op.drop_index(op.f("ix_user_organization_id_name_id"), "user")
    op.create_index(op.f("ix_user_organization_id_name_key_id"), "user", ["organization_id", "name_key", "id"])
    if on_postgresql:
        op.execute('ALTER TABLE "user" ALTER COLUMN name TYPE text COLLATE "default"')


def fill_users(connection: sa.Connection) -> None:
    """Calculate the columns that are derived from names and addresses.

    If two people turn out to have the same address, one of them keeps the old key, which differs; `kalends db check`
    names them.
    """
    for users in pages_of(connection, USERS):
        derived = [
            {"id": one.id, "name_key": sort_key(one.name), "text": user_text(one.name, one.email)} for one in users
        ]
        connection.execute(FILL_USER, derived)
        for one in users:
            values = {"id": one.id, "org": one.organization_id, "email": email_key(one.email)}
            if values["email"] != one.email_folded and not connection.execute(TAKEN, values).first():
                connection.execute(FILL_EMAIL, values)


def fill_events(connection: sa.Connection) -> None:
    """Calculate the text in which events are searched, and store it if it changes: if it is not plain ASCII."""
    for events in pages_of(connection, EVENTS):
        texts = [(one.id, event_text(one.title, one.location, one.description), one.search_text) for one in events]
        changed = [{"id": event_id, "text": text} for event_id, text, old in texts if text != old]
        if changed:  # pragma: no branch (not seen when measured beside others; test_people_in_order.py has both)
            connection.execute(FILL_EVENT, changed)


def pages_of(connection: sa.Connection, select: str) -> Iterator[Sequence[sa.Row[Any]]]:
    """Yield all rows in the order of their ids, in batches."""
    page = sa.text(f"{select} WHERE id > :after ORDER BY id LIMIT {BATCH}")
    after = -1
    while rows := connection.execute(page, {"after": after}).all():
        yield rows
        after = rows[-1].id
