"""Pending transfers: the person who is asked to host an event."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"

ASKED = sa.text("pending_host_id IS NOT NULL")


def upgrade() -> None:
    """Add the column, empty, and an index of the few events that have it."""
    op.add_column("event", sa.Column("pending_host_id", sa.BigInteger(), nullable=True))
    op.create_index(
        op.f("ix_event_pending_host_id_starts_at_id"),
        "event",
        ["pending_host_id", "starts_at", "id"],
        sqlite_where=ASKED,
        postgresql_where=ASKED,
    )
