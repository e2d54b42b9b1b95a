"""Removal of the counts for rate limits, which each process now keeps in memory."""

from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Drop the table of shared counts."""
    op.drop_table("rate_count")
