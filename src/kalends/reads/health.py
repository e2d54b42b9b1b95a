"""Reading whether the database is there and has the schema that this Kalends needs."""

from kalends.store.database import ReadTx, refuse_other_schema


def check_readiness(tx: ReadTx) -> None:
    """Return if requests can be served. Raise SchemaMismatch, or Unavailable if the database cannot be reached."""
    refuse_other_schema(tx)
