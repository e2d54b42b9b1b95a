"""Indexes of the times at which tokens ended, to remove them some time after."""

from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Create an index for expired tokens and one for revoked tokens."""
    op.create_index(op.f("ix_token_expires_at"), "token", ["expires_at"])
    op.create_index(op.f("ix_token_revoked_at"), "token", ["revoked_at"])
