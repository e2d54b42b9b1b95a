"""Tokens are found by when they ended, to be removed some time after."""

from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Make an index of each way to end."""
    op.create_index(op.f("ix_token_expires_at"), "token", ["expires_at"])
    op.create_index(op.f("ix_token_revoked_at"), "token", ["revoked_at"])
