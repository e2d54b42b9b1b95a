"""The release of zone data with which the instants of events were derived; it is unknown for older databases."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Create the table with its one row."""
    table = op.create_table(
        "zone_data",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("release", sa.Text(), nullable=True),
        sa.Column("target", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_zone_data")),
    )
    op.bulk_insert(table, [{"id": 1}])
