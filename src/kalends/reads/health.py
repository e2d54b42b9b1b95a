"""Checking that the database can be reached and has the schema that this version of Kalends needs."""

from kalends.store.database import ReadTx, refuse_other_schema


def check_readiness(tx: ReadTx) -> None:
    """Check that requests can be served. Raise SchemaMismatch, or Unavailable if the database cannot be reached."""
    refuse_other_schema(tx)
