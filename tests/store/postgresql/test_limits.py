import threading
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest
import sqlalchemy as sa

from kalends.errors import BadSetting, OutcomeUnknown, TooExpensive, Unavailable
from kalends.settings import Settings
from kalends.store import postgresql
from kalends.store.database import Database, ReadTx, WriteTx
from kalends.store.pooler import without_pooler
from kalends.store.query import Query
from kalends.store.retry import ATTEMPTS
from kalends.store.schema import migrate
from tests.store.conftest import Opener
from tests.store.names import LOCK, NAME, PROCESS, add, count, new_name, rename
from tests.store.postgresql.sessions import end_process, engine_of, process_of, until
from tests.threads import at_once, race


def test_writers_who_lock_each_other_out_both_get_through(database: Database) -> None:
    ids = database.write(lambda tx: [add(tx, "0"), add(tx, "0")])
    meeting = threading.Barrier(2)
    tries = []

    def work(tx: WriteTx, first: int, second: int, mine: list[int]) -> None:
        mine.append(first)
        tries.append(first)
        tx.row(LOCK, id=first)
        if len(mine) == 1:
            meeting.wait(10)
        tx.row(LOCK, id=second)
        for at in (first, second):
            rename(tx, at, str(int(tx.rows(NAME, id=at)[0][0]) + 1))

    orders = (ids, ids[::-1])
    race(
        [
            lambda order=order: database.write(lambda tx, mine=[], o=order: work(tx, o[0], o[1], mine))
            for order in orders
        ]
    )
    assert [database.read(lambda tx, at=at: tx.row(NAME, id=at)) for at in ids] == [("2",), ("2",)]
    assert len(tries) >= 3, "one of them began again, on a busy machine perhaps twice"


def test_a_transaction_that_cannot_be_put_in_an_order_is_tried_again(database: Database) -> None:
    at = database.write(lambda tx: add(tx, "before"))
    tries = []

    def work(tx: WriteTx) -> None:
        tx.run(Query(sa.text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")))
        tries.append(tx.rows(NAME, id=at)[0][0])
        if len(tries) == 1:
            database.write(lambda other: rename(other, at, "meanwhile"))
        rename(tx, at, "after")

    database.write(work)
    assert tries == ["before", "meanwhile"]


def test_waiting_too_long_for_a_row_is_unavailable(database: Database, url: str, opened: Opener) -> None:
    at = database.write(lambda tx: add(tx, "before"))
    hasty = opened(url, busy_timeout_ms=50)
    until(lambda: engine_of(hasty)._pool.get_stats()["pool_available"])  # 50 ms may be too short to connect as well

    def work(tx: WriteTx) -> None:
        tx.row(LOCK, id=at)
        with pytest.raises(Unavailable, match="too long") as refused:
            hasty.write(lambda other: rename(other, at, "hasty"))
        assert refused.value.retry_after == 5

    database.write(work)
    hasty.write(lambda tx: rename(tx, at, "hasty"))


def test_a_statement_that_runs_too_long_is_ended(url: str, opened: Opener) -> None:
    hasty = opened(f"{url}&options=-c%20statement_timeout%3D50ms")
    tries = []

    def work(tx: ReadTx) -> None:
        tries.append(tx)
        tx.snapshot()
        tx.row(Query(sa.text("SELECT pg_sleep(30)::text")))

    with pytest.raises(TooExpensive):
        hasty.read(work)
    with pytest.raises(Unavailable, match="too long"):
        hasty.write(work)
    assert len(tries) == 2
    assert hasty.read(process_of)


def test_without_a_limit_for_reads_the_one_of_the_url_still_holds(url: str, opened: Opener) -> None:
    hasty = opened(f"{url}&options=-c%20statement_timeout%3D50ms", read_timeout_ms=0)
    with pytest.raises(Unavailable, match="too long"):
        hasty.read(lambda tx: tx.row(Query(sa.text("SELECT pg_sleep(30)::text"))))


SLOW_TO_COMMIT = """
CREATE FUNCTION dawdle() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(30); RETURN NULL; END';
CREATE CONSTRAINT TRIGGER dawdle AFTER INSERT ON organization DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION dawdle()
"""


def test_a_commit_that_is_cancelled_is_known_to_have_failed(database: Database, url: str) -> None:
    database.change_schema(lambda connection: connection.exec_driver_sql(SLOW_TO_COMMIT).close())
    name = new_name()
    writing = at_once(lambda: database.write(lambda tx: add(tx, name)))
    writing.start()
    with psycopg.connect(url, autocommit=True) as admin:
        cancel = "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE wait_event = 'PgSleep'"
        until(lambda: admin.execute(cancel).fetchone())
    with pytest.raises(Unavailable, match="too long") as refused:
        writing.result()
    assert not isinstance(refused.value, OutcomeUnknown)
    assert database.read(lambda tx: count(tx, name)) == 0


def test_a_pool_without_a_free_connection_is_unavailable(url: str, opened: Opener) -> None:
    small = opened(url, pool_size=1, busy_timeout_ms=50)
    tries = []

    def work(_: ReadTx) -> None:
        with pytest.raises(Unavailable, match="in time"):
            small.read(tries.append)

    def is_connected() -> bool:
        with suppress(Unavailable):  # a new connection may take longer than that
            return bool(small.read(process_of))
        return False

    until(is_connected)
    small.read(work)
    assert not tries
    assert small.read(process_of)


def test_a_server_that_takes_no_writes_any_more_is_left_for_another(
    url: str, database: Database, opened: Opener
) -> None:
    read_only = "ALTER DATABASE {} SET default_transaction_read_only = {}"
    name = urlsplit(url).path[1:]
    processes: list[int] = []

    def work(tx: WriteTx) -> int:
        processes.append(process_of(tx))
        if len(processes) == 1:
            tx.run(Query(sa.text("SET TRANSACTION READ ONLY")))
        return add(tx, "after")

    assert database.write(work)
    assert len(set(processes)) == 2
    with psycopg.connect(url, autocommit=True) as admin:
        admin.execute(read_only.format(name, "on"))  # pyright: ignore[reportArgumentType,reportCallIssue] (a fixed text)
    demoted = opened(url)
    with pytest.raises(Unavailable, match="accepts no writes"):
        demoted.write(work)
    assert len(set(processes)) == 2 + ATTEMPTS


def test_a_full_disk_is_reported(database: Database) -> None:
    full = Query(sa.text("DO $$ BEGIN RAISE EXCEPTION USING ERRCODE = 'disk_full'; END $$"))
    with pytest.raises(Unavailable, match="disk of the database server is full") as refused:
        database.write(lambda tx: tx.run(full))
    assert refused.value.retry_after == 10


def test_whether_writes_work_is_tested_without_waiting_for_locks(database: Database, url: str) -> None:
    with psycopg.connect(url) as other:
        other.execute("SELECT 1 FROM zone_data FOR UPDATE")
        database.check_writable()
        assert other.execute("SELECT count(*) FROM pg_locks WHERE NOT granted").fetchone() == (0,)


def test_sessions_have_limits_and_a_url_may_add_to_them(url: str, opened: Opener) -> None:
    def settings(tx: ReadTx) -> list[str]:
        names = ("TimeZone", "statement_timeout", "idle_in_transaction_session_timeout", "lock_timeout", "work_mem")
        return [tx.rows(Query(sa.text(f"SHOW {name}")))[0][0] for name in names]

    plain = opened(url, busy_timeout_ms=1_234)
    assert plain.read(settings)[:4] == ["UTC", "2s", "30s", "1234ms"]
    assert plain.write(settings)[:4] == ["UTC", "15s", "30s", "1234ms"]
    rich = opened(f"{url}&options=-c%20work_mem%3D64MB&connect_timeout=9", busy_timeout_ms=1_234)
    assert rich.read(settings) == ["UTC", "2s", "30s", "1234ms", "64MB"]
    hurried = opened(f"{url}&options=-c%20statement_timeout%3D9s")
    assert hurried.read(settings)[1] == hurried.write(settings)[1] == "9s"
    assert engine_of(rich)._limits == {"tcp_user_timeout": 2_000}
    assert engine_of(plain)._limits == {"connect_timeout": 2, "tcp_user_timeout": 2_000}


@pytest.mark.parametrize("url", ["postgresql://user:s3cret@[half/name", "postgres://host/name?colour=s3cret"])
def test_a_url_that_makes_no_sense_is_refused_without_repeating_it(url: str) -> None:
    with pytest.raises(BadSetting, match="KALENDS_DATABASE_URL") as refused:
        Database(Settings(database_url=url))
    assert "s3cret" not in str(refused.value)


def test_a_blocked_migration_lets_others_pass_and_tries_again(database: Database, url: str) -> None:
    tries = []
    with psycopg.connect(url) as other:
        other.execute("LOCK TABLE organization IN ACCESS SHARE MODE")

        def work(connection: sa.Connection) -> str:
            tries.append(connection)
            if len(tries) == 3:
                other.rollback()
            connection.execute(sa.text("ALTER TABLE organization ADD COLUMN colour TEXT"))
            return "done"

        assert database.change_schema(work) == "done"
    assert len(tries) == 3


def test_a_migration_that_stays_blocked_gives_up(database: Database, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgresql, "MIGRATION_ATTEMPTS", 2)
    tries = []

    def work(connection: sa.Connection) -> None:
        tries.append(connection)
        connection.execute(sa.text("ALTER TABLE organization ADD COLUMN colour TEXT"))

    with psycopg.connect(url) as other:
        other.execute("LOCK TABLE organization IN ACCESS SHARE MODE")
        with pytest.raises(Unavailable, match="lock the tables"):
            database.change_schema(work)
    assert len(tries) == 2


def test_a_migration_that_loses_its_connection_is_run_again(database: Database, url: str) -> None:
    processes = []

    def work(connection: sa.Connection) -> int:
        processes.append(connection.execute(sa.text("SELECT pg_backend_pid()")).scalar_one())
        if len(processes) == 1:
            end_process(url, processes[0])
        return connection.execute(sa.text("SELECT 1")).scalar_one()

    assert database.change_schema(work) == 1
    assert len(processes) == 2


def test_a_folder_that_is_no_server_is_unavailable(tmp_path: Path, opened: Opener) -> None:
    nowhere = opened(f"postgresql:///kalends?host={tmp_path}", busy_timeout_ms=50)
    with pytest.raises(Unavailable, match="cannot be reached"):
        migrate(nowhere)
    with pytest.raises(Unavailable, match="in time"):
        nowhere.write(lambda tx: add(tx, new_name()))


def test_an_idle_transaction_is_ended_and_unavailable(database: Database, url: str, opened: Opener) -> None:
    hasty = opened(f"{url}&options=-c%20idle_in_transaction_session_timeout%3D50ms")
    alive = Query(sa.text("SELECT pid FROM pg_stat_activity WHERE pid = :pid"))

    def stop(tx: WriteTx) -> None:
        (pid,) = tx.rows(PROCESS)[0]
        until(lambda: not database.read(lambda other: other.rows(alive, pid=pid)))
        tx.rows(PROCESS)

    with pytest.raises(Unavailable):
        hasty.write(stop)
    assert hasty.write(lambda tx: len(tx.rows(PROCESS))) == 1


@pytest.mark.parametrize("mode", ["session", "", "statement"])
def test_only_transaction_poolers_have_to_be_named_in_the_url(mode: str) -> None:
    with pytest.raises(BadSetting, match="pooler must be transaction"):
        Database(Settings(database_url=f"postgresql://host/name?pooler={mode}&connect_timeout=1"))


def test_the_pooler_parameter_is_removed_from_the_url() -> None:
    assert without_pooler("postgresql://h/n") == ("postgresql://h/n", False)
    assert without_pooler("postgresql://h/n?pooler=transaction") == ("postgresql://h/n", True)
    url = "postgresql://h/n?a=1&pooler=transaction&b=%26"
    assert without_pooler(url) == ("postgresql://h/n?a=1&b=%26", True)


def test_options_behind_a_pooler_become_settings_of_transactions() -> None:
    assert postgresql.settings_in("-c work_mem=64MB --x.y=1 -ca=b") == {"work_mem": "64MB", "x.y": "1", "a": "b"}
    for options in ("-c work_mem", "-W", "-c a='; DROP TABLE user; --'", "-c a=b\\ c"):
        with pytest.raises(BadSetting, match="options must be like"):
            postgresql.settings_in(options)
