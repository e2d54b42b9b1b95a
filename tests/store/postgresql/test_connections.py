from typing import Any

import psycopg
import pytest
import sqlalchemy as sa

from kalends.errors import BadSetting, OutcomeUnknown, Unavailable
from kalends.store.database import Database, ReadTx, WriteTx
from kalends.store.postgresql import NOT_REPLICATED_TEXT
from kalends.store.query import Query
from kalends.store.schema import migrate
from tests.postgres import Postgres
from tests.store.conftest import Opener
from tests.store.names import add, count, new_name
from tests.store.postgresql.sessions import end_process, engine_of, process_of, until
from tests.threads import at_once, race


def test_a_database_whose_server_stops_is_unavailable_until_it_is_back(server: Postgres, stoppable: Database) -> None:
    name = new_name()
    stoppable.write(lambda tx: add(tx, name))
    # Nested, so that the pool has several connections to lose.
    stoppable.read(lambda _: stoppable.read(lambda tx: count(tx, name)))
    server.kill()
    for attempt in (stoppable.read, stoppable.write):
        with pytest.raises(Unavailable, match="Nothing was changed"):
            attempt(lambda tx: count(tx, name))
    with pytest.raises(Unavailable, match="cannot be reached"):
        migrate(stoppable)
    server.start()

    def works() -> bool:
        try:
            return stoppable.read(lambda tx: count(tx, name)) == 1
        except Unavailable:
            return False

    until(works)
    assert stoppable.write(lambda tx: add(tx, new_name()))


def test_a_server_that_comes_back_at_once_costs_nobody_an_error(server: Postgres, opened: Opener) -> None:
    database = opened(server.url, pool_size=4)
    migrate(database)
    name = new_name()
    database.write(lambda tx: add(tx, name))
    for stop in (server.stop, server.kill):
        stop()
        server.start()
        assert race([lambda: database.read(lambda tx: count(tx, name))] * 4) == [1] * 4
        assert database.write(lambda tx: count(tx, name)) == 1


def test_a_database_may_be_opened_before_its_server(server: Postgres, opened: Opener) -> None:
    server.stop()
    database = opened(server.url, busy_timeout_ms=100)
    with pytest.raises(Unavailable, match="in time"):
        database.read(process_of)
    server.start()
    until(lambda: migrate(database))


def test_a_connection_lost_in_the_middle_is_a_reason_to_try_again(database: Database, url: str) -> None:
    name, processes = new_name(), []

    def work(tx: WriteTx) -> int:
        processes.append(process_of(tx))
        add(tx, name)
        if len(processes) == 1:
            end_process(url, processes[0])
        return count(tx, name)

    assert database.write(work) == 1
    assert len(set(processes)) == 2
    assert database.read(lambda tx: count(tx, name)) == 1


def test_a_read_that_loses_its_connection_is_run_again(database: Database, url: str) -> None:
    processes = []

    def work(tx: ReadTx) -> int:
        tx.snapshot()
        processes.append(process_of(tx))
        if len(processes) == 1:
            end_process(url, processes[0])
        return count(tx, "default")

    assert database.read(work) == 1
    assert len(processes) == 2


def test_whether_a_lost_commit_was_saved_is_unknown_and_not_tried_again(database: Database, url: str) -> None:
    tries = []

    def work(tx: WriteTx) -> None:
        tries.append(add(tx, new_name()))
        end_process(url, process_of(tx))

    with pytest.raises(OutcomeUnknown, match="read what is there before you repeat"):
        database.write(work)
    assert len(tries) == 1
    assert database.read(lambda tx: count(tx, "default")) == 1


def test_a_dry_run_that_loses_its_connection_at_the_end_is_tried_again(database: Database, url: str) -> None:
    tries = []

    def work(tx: WriteTx) -> None:
        tries.append(process_of(tx))
        if len(tries) == 1:
            end_process(url, tries[0])

    database.write(work, dry_run=True)
    assert len(tries) == 2


def test_a_domain_error_is_not_hidden_by_a_lost_connection(database: Database, url: str) -> None:
    tries = []

    def work(tx: WriteTx) -> None:
        tries.append(process_of(tx))
        if len(tries) == 1:
            end_process(url, tries[0])
        raise BadSetting("this", "of a test")

    with pytest.raises(BadSetting):
        database.write(work)
    assert database.read(lambda tx: count(tx, "default")) == 1


def test_a_commit_that_did_not_reach_the_replica_is_unknown(server: Postgres, stoppable: Database) -> None:
    name = new_name()
    with psycopg.connect(server.url, autocommit=True) as admin:

        def waiting() -> Any:
            return admin.execute("SELECT pid FROM pg_stat_activity WHERE wait_event = 'SyncRep'").fetchone()

        admin.execute("ALTER SYSTEM SET synchronous_standby_names = 'nobody'")
        admin.execute("SELECT pg_reload_conf()")
        try:
            while True:  # the server takes note of the setting in its own time
                writing = at_once(lambda: stoppable.write(lambda tx: add(tx, name)))
                writing.start()
                until(lambda writing=writing: waiting() or writing._future.done())
                if process := waiting():
                    break
                writing.result()
            admin.execute("SELECT pg_cancel_backend(%s)", process)
            with pytest.raises(OutcomeUnknown, match="one node only"):
                writing.result()
            assert engine_of(stoppable)._pool.get_stats().get("pool_available", 0) < 4
        finally:
            admin.execute("ALTER SYSTEM RESET synchronous_standby_names")
            admin.execute("SELECT pg_reload_conf()")
            until(lambda: admin.execute("SHOW synchronous_standby_names").fetchone() == ("",))
    assert stoppable.read(lambda tx: count(tx, name)) >= 1


def test_the_text_of_the_notice_is_enough(database: Database) -> None:
    processes = []

    def work(tx: WriteTx) -> None:
        processes.append(process_of(tx))
        tx.run(warning(NOT_REPLICATED_TEXT))

    with pytest.raises(OutcomeUnknown, match="one node only"):
        database.write(work)
    assert [database.write(process_of)] != processes


def warning(text: str) -> Query:
    return Query(sa.text(f"DO $$ BEGIN RAISE WARNING '{text} due to user request'; END $$"))


def test_other_notices_are_ignored(url: str, opened: Opener) -> None:
    database = opened(url, pool_size=1)
    before = database.write(process_of)
    assert database.write(lambda tx: tx.run(warning("something else")) and None) is None
    assert database.write(process_of) == before, "the connection is kept"


def test_a_commit_after_a_swallowed_error_is_not_taken_for_saved(database: Database) -> None:
    name = new_name()

    def work(tx: WriteTx) -> None:
        add(tx, name)
        with pytest.raises(psycopg.errors.UndefinedTable):
            tx.rows(Query(sa.text("SELECT 1 FROM nowhere")))

    with pytest.raises(psycopg.errors.InFailedSqlTransaction):
        database.write(work)
    assert database.read(lambda tx: count(tx, name)) == 0
