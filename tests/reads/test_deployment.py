"""What the engines report about their deployment."""

import time

import apsw
import psycopg

from kalends.reads.deployment import describe_sqlite, server_facts
from kalends.settings import Settings
from kalends.store.database import Database


def test_sqlite_reports_its_version_and_compile_options(tmp_path) -> None:
    (tmp_path / "x.db").touch()
    database = Database(Settings(database_url=f"sqlite:///{tmp_path / 'x.db'}"))
    description = database.read(describe_sqlite)
    assert description.startswith(f"{apsw.sqlite_lib_version()}, compiled with ")
    assert "THREADSAFE=1" in description
    assert database.read(lambda tx: tx.backend_pid) == 0, "there is no server"
    database.close()


def test_a_postgresql_server_reports_its_properties(postgres_url) -> None:
    database = Database(Settings(database_url=postgres_url))
    server = database.read(server_facts)
    database.close()
    assert server.version // 10_000 == 18
    assert (server.fsync, server.synchronous_commit) == (False, "on")
    assert server.connections == 197
    assert server.superuser
    assert (server.address, server.encrypted) == ("", False)
    assert abs(server.clock - time.time_ns() // 1_000) < 60_000_000


def test_a_role_and_a_session_of_its_own_are_seen(postgres_url, postgresql_databases) -> None:
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute("CREATE ROLE ordinary LOGIN")
    with postgresql_databases.empty() as url:
        own = url.replace("postgres@", "ordinary@") + "&options=-c%20synchronous_commit%3Doff"
        database = Database(Settings(database_url=own))
        server = database.read(server_facts)
        database.close()
    assert not server.superuser
    assert server.synchronous_commit == "off"
