"""Tokens of people, with scopes and an expiry; shares of calendars; hidden participants; the audit log."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

ALL_SCOPES = "audit:read events:read events:write free-busy:read respond tokens:write users:read users:write"


def upgrade() -> None:
    """Add the columns and tables; existing tokens get all scopes."""
    op.add_column("token", sa.Column("user_id", sa.BigInteger(), nullable=True))
    op.add_column("token", sa.Column("scopes", sa.Text(), server_default=sa.text("''"), nullable=False))
    op.add_column("token", sa.Column("expires_at", sa.BigInteger(), nullable=True))
    op.add_column("token", sa.Column("last_used_at", sa.BigInteger(), nullable=True))
    op.create_index(op.f("ix_token_user_id"), "token", ["user_id"])
    op.get_bind().execute(sa.text("UPDATE token SET scopes = :scopes"), {"scopes": ALL_SCOPES})
    op.add_column("event", sa.Column("hide_participants", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.add_column("hold", sa.Column("placed_by", sa.BigInteger(), nullable=True))
    op.create_table(
        "share",
        sa.Column("organization_id", sa.BigInteger(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("owner_id", sa.BigInteger(), nullable=False),
        sa.Column("level", sa.Text(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["organization_id"], ["organization.id"], name=op.f("fk_share_organization_id")),
        sa.ForeignKeyConstraint(["user_id"], ["user.id"], name=op.f("fk_share_user_id")),
        sa.ForeignKeyConstraint(["owner_id"], ["user.id"], name=op.f("fk_share_owner_id")),
        sa.PrimaryKeyConstraint("user_id", "owner_id", name=op.f("pk_share")),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_share_owner_id_user_id"), "share", ["owner_id", "user_id"])
    op.create_table(
        "audit",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.Column("organization_id", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("token_id", sa.BigInteger(), nullable=True),
        sa.Column("user_id", sa.BigInteger(), nullable=True),
        sa.Column("address", sa.Text(), nullable=True),
        sa.Column("request_id", sa.Text(), nullable=True),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("object_kind", sa.Text(), nullable=False),
        sa.Column("object_id", sa.BigInteger(), nullable=False),
        sa.Column("before", sa.Text(), nullable=True),
        sa.Column("after", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["organization_id"], ["organization.id"], name=op.f("fk_audit_organization_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit")),
    )
    op.create_index(op.f("ix_audit_organization_id_id"), "audit", ["organization_id", "id"])
    op.create_index(op.f("ix_audit_organization_id_object_id_id"), "audit", ["organization_id", "object_id", "id"])
