"""Kalends behind a transaction pooler, and what it reports if the URL does not name the pooler."""

import secrets
from pathlib import Path

import psycopg
import pytest
import sqlalchemy as sa
from click.testing import CliRunner

from kalends.actions.tokens import issue_token
from kalends.app import build_app
from kalends.cli import kalends
from kalends.errors import BadSetting, Unavailable
from kalends.settings import Settings
from kalends.store.database import Database, ReadTx
from kalends.store.query import Query
from tests.api import client
from tests.cast import assemble
from tests.pgbouncer import PgBouncer
from tests.threads import race

SHOWN = ("TimeZone", "statement_timeout", "idle_in_transaction_session_timeout", "lock_timeout", "enable_bitmapscan")


def shown(tx: ReadTx) -> list[str]:
    return [tx.rows(Query(sa.text(f"SHOW {name}")))[0][0] for name in (*SHOWN, "work_mem")]


def nested(database: Database, tx: ReadTx, more: int) -> None:
    """Open several transactions at the same time, so that the pooler has as many connections."""
    tx.snapshot()
    shown(tx)
    if more:
        database.read(lambda inner: nested(database, inner, more - 1))


def settings_of_sessions(url: str) -> list[str]:
    """Return the settings that another client finds on a connection of the same pooler."""
    with psycopg.connect(url, autocommit=True, prepare_threshold=None) as stranger:
        return [stranger.execute(f"SHOW {name}".encode()).fetchall()[0][0] for name in SHOWN]


def doctor(url: str) -> dict[str, str]:
    """Return what the doctor reports about a database, by subject."""
    done = CliRunner().invoke(kalends, ["doctor"], env={"KALENDS_DATABASE_URL": url})
    return {
        line[9:].partition(":")[0]: f"{line[:9].strip()}{line[9:].partition(':')[2]}"
        for line in done.stdout.splitlines()
    }


def test_every_transaction_sets_its_settings_and_leaves_none(url, poolers):
    pooler = poolers.of(url)
    before = settings_of_sessions(pooler.url(url, named=False))
    database = Database(Settings(database_url=f"{pooler.url(url)}&options=-c%20work_mem%3D64MB", busy_timeout_ms=1_234))
    for values, limit in (
        (database.read(shown), "2s"),
        (database.write(shown), "15s"),
        (database.read(lambda tx: [tx.snapshot(), *shown(tx)][1:]), "2s"),
    ):
        assert values == ["UTC", limit, "30s", "1234ms", "off", "64MB"]
    database.close()
    assert before[1] == "0"
    assert all(settings_of_sessions(pooler.url(url, named=False)) == before for _ in range(20))


def test_a_snapshot_sees_one_state(url, opened):
    database = opened(url)
    names = Query(sa.text("SELECT name FROM organization ORDER BY id"))
    rename = Query(sa.text("UPDATE organization SET name = :name"))

    def work(tx: ReadTx) -> tuple[object, object]:
        tx.snapshot()
        first = tx.rows(names)
        tx.snapshot()
        database.write(lambda other: other.run(rename, name="meanwhile"))
        return first, tx.rows(names)

    first, second = database.read(work)
    assert first == second != database.read(lambda tx: tx.rows(names))


def test_many_at_once_get_no_error(url, poolers):
    """Before the fix, 202 of these 480 requests failed."""
    database = Database(Settings(database_url=poolers.of(url).url(url), pool_size=8))
    cast = assemble(database)
    app = build_app(database, Settings(token_cache_ms=0, rate_limit=0, address_rate_limit=0))
    token = cast.do(issue_token, "of a test", secrets.token_bytes(20))[1]

    def requests(number: int) -> list[int]:
        event = {"host_id": str(cast.host.id), "title": "x", "time_zone": "Europe/Berlin"}
        event |= {"start": f"2026-03-{number + 1:02}T10:00", "end": f"2026-03-{number + 1:02}T11:00"}
        with client(app, token) as api:
            made = api.post("/v1/events", json=event)
            path = made.headers["Location"]
            answers = [made]
            for _ in range(14):
                answers += [api.get(f"{path}?expand=participants"), api.get("/v1/events"), api.get("/v1/users?q=a")]
                answers.append(api.patch(path, json={"title": secrets.token_hex(4)}))
            return [answer.status_code for answer in answers]

    statuses = [status for found in race([lambda n=n: requests(n) for n in range(12)]) for status in found]
    database.close()
    assert len(statuses) == 12 * 57
    assert set(statuses) == {200, 201}


def test_a_backup_does_not_go_through_a_pooler(url, opened, tmp_path: Path):
    with pytest.raises(BadSetting, match="a backup must not go through a pooler: name the server itself"):
        opened(url).backup(str(tmp_path / "copy"))


# ------------------------------------------------------------------------------------------------- what the doctor says


def test_the_doctor_accepts_a_pooler_that_the_url_names(url, poolers):
    assert doctor(poolers.of(url).url(url))["pooler"] == "ok each transaction sets its own settings"
    assert doctor(url)["pooler"] == "ok none"
    assert doctor(f"{url}&pooler=transaction")["pooler"].startswith(
        "warning the URL of the database names one, but there"
    )


def test_a_pooler_that_the_url_does_not_name_is_reported_with_the_parameter_to_set(url, poolers):
    unnamed = poolers.of(url).url(url, named=False)
    found = doctor(unnamed)["database"]
    assert found.startswith("problem No connection to PostgreSQL became available in time.")
    assert found.endswith("Add pooler=transaction to the URL of the database.")
    served = CliRunner().invoke(kalends, ["token", "list"], env={"KALENDS_DATABASE_URL": unnamed})
    assert "Add pooler=transaction to the URL of the database." in served.stderr


def test_a_pooler_that_swallows_settings_is_refused(url):
    pooler = PgBouncer(url, ignore_startup_parameters="options")
    try:
        found = doctor(pooler.url(url, named=False))["database"]
        assert "a pooler in front of the server drops the settings of sessions" in found
        assert found.endswith("Add pooler=transaction to the URL of the database.")
        assert doctor(pooler.url(url))["pooler"].startswith("ok")
    finally:
        pooler.end()


def test_a_pooler_that_looks_like_session_pooling_gets_a_warning_and_an_error_if_it_is_not(url):
    """The two cannot be told apart until the pooler mixes up statements."""
    limit = "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET statement_timeout = 9000', current_database()); END $$"
    with psycopg.connect(url, autocommit=True) as admin:
        admin.execute(limit)
    pooler = PgBouncer(url, ignore_startup_parameters="options")
    unnamed = pooler.url(url, named=False)
    database = Database(Settings(database_url=unnamed))

    def many() -> None:
        for _ in range(20):
            database.read(lambda tx: nested(database, tx, 4))

    try:
        assert doctor(unnamed)["pooler"] == (
            "warning there is one in front of the server -> "
            "add pooler=transaction to the URL of the database, unless it pools whole sessions"
        )
        with pytest.raises(Unavailable, match=r"mixes up prepared statements.*Add pooler=transaction"):
            many()
    finally:
        database.close()
        pooler.end()
