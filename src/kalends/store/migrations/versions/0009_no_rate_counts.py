"""Counts for rate limits are kept by each process alone."""

from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Drop the table of shared counts."""
    op.drop_table("rate_count")
