"""kalends doctor: check a deployment, and say what to fix. Each module holds the checks of one theme."""

import sys
from collections.abc import Callable, Iterator

import click

from kalends.cli.doctor.contents import check_event_times, check_tokens
from kalends.cli.doctor.files import check_disk, check_rights
from kalends.cli.doctor.results import CheckResult, Severity, note, ok, problem, warning
from kalends.cli.doctor.server import check_clocks, check_connection, check_pooler, check_server
from kalends.cli.doctor.settings import (
    check_bodies,
    check_open_files,
    check_proxies,
    check_rate_limits,
    check_zone_data,
)
from kalends.cli.open_files import open_files_limit
from kalends.cli.opening import connected, missing_file, read_settings, refuse_lost_file
from kalends.errors import BadSetting, KalendsError, SchemaMismatch
from kalends.reads.deployment import describe_sqlite, server_facts, token_snapshot
from kalends.reads.health import check_readiness
from kalends.reads.integrity import find_inconsistencies
from kalends.reads.zone_times import find_stale_times
from kalends.settings import Settings
from kalends.store.database import Database
from kalends.store.disk import database_files
from kalends.store.pooler import without_pooler
from kalends.store.revision import MIGRATE, NEEDED
from kalends.store.zone_data import load_zone_data
from kalends.store.zone_release import find_release


@click.command(name="doctor", epilog="Example:  kalends doctor && kalends serve")
@click.option("--deep", is_flag=True, help="Also check the contents, as `kalends db check` does.")
def command(deep: bool) -> None:
    """Check the settings, the database and the machine, and say what to fix. Nothing is changed.

    Prints one line for each check: ok, note, warning or problem, and what to do. Exits with 1 if there is a problem. A
    database that is missing or has an older schema is only a note, because `kalends serve` creates or migrates it.
    """
    severities: list[Severity] = []
    for result in run_checks(deep=deep):
        severities.append(result.severity)
        click.echo(line_of(result))
    problems, warnings = severities.count(Severity.problem), severities.count(Severity.warning)
    click.echo(f"Checks: {len(severities)}, problems: {problems}, warnings: {warnings}.", err=True)
    if problems:
        sys.exit(1)


def line_of(result: CheckResult) -> str:
    """Return a result on one line."""
    advice = f" -> {result.advice}" if result.advice else ""
    return " ".join(f"{result.severity:<8} {result.subject}: {result.text}{advice}".split("\n"))


def run_checks(*, deep: bool) -> Iterator[CheckResult]:
    """Run all checks that can run: without settings only that one, and without a database none of the database."""
    try:
        settings = read_settings()
    except BadSetting as error:
        yield problem("settings", str(error), "correct the setting and run this again")
        return
    yield ok("settings", "readable")
    for check in SETTINGS_CHECKS:
        yield from check(settings)
    yield from check_open_files(open_files_limit())
    zone_data = load_zone_data()
    yield from check_zone_data(zone_data.release, str(zone_data.folder), zone_data.incomplete)
    try:
        with connected(settings) as database:
            if path := missing_file(database):
                refuse_lost_file(database)
                yield note("database", f"there is no file {path} yet", "kalends serve creates it")
                return
            for check_database in DATABASE_CHECKS:
                yield from check_database(database, settings)
            if deep:
                yield from check_contents(database)
    except KalendsError as error:
        yield problem("database", str(error))


def check_files(database: Database, _: Settings) -> Iterator[CheckResult]:
    """Check the files of the database, unless it is on a server."""
    if database.path is not None:
        files = database_files(database.path)
        yield from check_rights(files)
        yield from check_disk(files[0])


def check_schema(database: Database, _: Settings) -> Iterator[CheckResult]:
    """Check that the database answers, with the schema that this version of Kalends needs. Raise Unavailable."""
    try:
        database.read(check_readiness)
    except SchemaMismatch as error:
        yield ok("database", "it answers")
        found = f"at {error.found}, and {error.needed} is needed"
        if error.advice == MIGRATE:
            yield note("schema", found, "kalends serve migrates it, as does kalends db migrate")
        else:
            yield problem("schema", found, error.advice)
    else:
        yield ok("database", "it answers")
        yield ok("schema", NEEDED)


def check_engine(database: Database, settings: Settings) -> Iterator[CheckResult]:
    """Check the SQLite library, or the PostgreSQL server and the connection to it."""
    if database.path is not None:
        yield ok("SQLite", database.read(describe_sqlite))
        return
    server, now = database.read(lambda tx: (server_facts(tx), tx.now))
    yield from check_server(server)
    yield from check_connection(server, settings)
    yield from check_pooler(server, expected=without_pooler(settings.database_url)[1])
    yield from check_clocks(server, now)


def has_needed_schema(database: Database) -> bool:
    """Return whether the contents can be read, as `check_schema` has reported already. Raise Unavailable."""
    try:
        database.read(check_readiness)
    except SchemaMismatch:
        return False
    return True


def check_stored(database: Database, _: Settings) -> Iterator[CheckResult]:
    """Check tokens, and the zone data with which the instants of events were derived. Raise Unavailable."""
    if has_needed_schema(database):
        yield from check_tokens(database.read(token_snapshot))
        yield from check_event_times(*database.read(find_release), load_zone_data().release)


def check_contents(database: Database) -> Iterator[CheckResult]:
    """Check derived data against its source. Raise Unavailable."""
    if not has_needed_schema(database):
        return
    inconsistencies = database.read(find_inconsistencies)
    for one in inconsistencies:
        yield problem("contents", one, "restore a backup, or report this with the line")
    for one in database.read(lambda tx: find_stale_times(tx, load_zone_data().release)):
        yield warning("local times", one, "run kalends db check for all of them")
    if not inconsistencies:
        yield ok("contents", "consistent")


SETTINGS_CHECKS: tuple[Callable[[Settings], Iterator[CheckResult]], ...] = (
    check_rate_limits,
    check_proxies,
    check_bodies,
)
DATABASE_CHECKS: tuple[Callable[[Database, Settings], Iterator[CheckResult]], ...] = (
    check_files,
    check_schema,
    check_engine,
    check_stored,
)
"""The checks of the database; a new check is added here."""
