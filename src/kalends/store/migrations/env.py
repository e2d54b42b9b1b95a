"""Run by Alembic inside the connection and transaction that `kalends.store.schema` opened."""

from alembic import context

from kalends.store.revision import VERSION_TABLE
from kalends.store.tables import metadata

context.configure(
    connection=context.config.attributes["connection"], target_metadata=metadata, version_table=VERSION_TABLE
)
context.run_migrations()
