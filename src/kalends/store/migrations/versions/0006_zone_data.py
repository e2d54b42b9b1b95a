"""With which release of zone data the instants of events were derived; of what was stored before, nobody knows."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Make the table with its one row."""
    table = op.create_table(
        "zone_data",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("release", sa.Text(), nullable=True),
        sa.Column("target", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_zone_data")),
    )
    op.bulk_insert(table, [{"id": 1}])
