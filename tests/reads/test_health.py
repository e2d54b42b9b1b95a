"""Whether a database is ready to serve requests."""

import pytest

from kalends.errors import SchemaMismatch
from kalends.reads.health import check_readiness
from kalends.settings import Settings
from kalends.store.database import Database
from kalends.store.schema import migrate


def test_a_database_is_ready_once_it_has_the_schema(empty_url):
    database = Database(Settings(database_url=empty_url))
    with pytest.raises(SchemaMismatch):
        database.read(check_readiness)
    migrate(database)
    assert database.read(check_readiness) is None
    database.close()
