"""Write the offset zero in local times of events as `Z`: older rows have `+00:00`."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

ZERO = "+00:00"


def upgrade() -> None:
    """Rewrite the local times of events whose offset is zero."""
    event = sa.table("event", sa.column("start_local", sa.Text), sa.column("end_local", sa.Text))
    for column in (event.c.start_local, event.c.end_local):
        with_z = sa.func.replace(column, ZERO, "Z", type_=sa.Text)
        op.execute(sa.update(event).where(column.endswith(ZERO)).values({column.name: with_z}))
