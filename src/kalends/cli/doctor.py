"""kalends doctor: what is good, doubtful or wrong about a deployment."""

import sys
from collections.abc import Callable, Iterator

import click

from kalends.cli.open_files import most_open_files
from kalends.cli.opening import existing_database, missing_file, read_settings, refuse_lost_file
from kalends.errors import BadSetting, KalendsError, SchemaMismatch
from kalends.reads.deployment import describe_sqlite, server_facts, token_snapshot
from kalends.reads.health import check_readiness
from kalends.reads.integrity import find_inconsistencies
from kalends.reads.zone_times import find_stale_times
from kalends.rules.deployment import (
    Finding,
    Grade,
    check_bodies,
    check_clocks,
    check_connection,
    check_disk,
    check_event_times,
    check_open_files,
    check_pooler,
    check_proxies,
    check_rate_limits,
    check_rights,
    check_server,
    check_tokens,
    check_zone_data,
    good,
    note,
    problem,
    warning,
)
from kalends.settings import Settings
from kalends.store.database import Database
from kalends.store.disk import database_files
from kalends.store.pooler import without_pooler
from kalends.store.revision import MIGRATE, NEEDED
from kalends.store.sqlite import sqlite_path
from kalends.store.zone_data import load_zone_data
from kalends.store.zone_release import find_release


@click.command(name="doctor", epilog="Example:  kalends doctor && kalends serve")
@click.option("--deep", is_flag=True, help="Also check the contents, as `kalends db check` does.")
def command(deep: bool) -> None:
    """Check the settings, the database and the machine, and say what to fix. Nothing is changed.

    Prints one line for each check: ok, note, warning or problem, and what to do. Exits with 1 if there is a problem. A
    database that is missing or has an older schema is only a note, because `kalends serve` creates or migrates it.
    """
    grades: list[Grade] = []
    for finding in examine(deep=deep):
        grades.append(finding.grade)
        click.echo(line_of(finding))
    problems, warnings = grades.count(Grade.problem), grades.count(Grade.warning)
    click.echo(f"Checks: {len(grades)}, problems: {problems}, warnings: {warnings}.", err=True)
    if problems:
        sys.exit(1)


def line_of(finding: Finding) -> str:
    """Write a finding on one line."""
    advice = f" -> {finding.advice}" if finding.advice else ""
    return " ".join(f"{finding.grade:<8} {finding.subject}: {finding.text}{advice}".split("\n"))


def examine(*, deep: bool) -> Iterator[Finding]:
    """Make all checks that can be made: without settings nothing else, without a database none of it."""
    try:
        settings = read_settings()
    except BadSetting as error:
        yield problem("settings", str(error), "correct the setting and run this again")
        return
    yield good("settings", "readable")
    for check in SETTINGS_CHECKS:
        yield from check(settings)
    yield from check_open_files(most_open_files())
    zone_data = load_zone_data()
    yield from check_zone_data(zone_data.release, str(zone_data.folder), zone_data.incomplete)
    try:
        if settings.database_url.startswith("sqlite:"):
            if path := missing_file(settings):
                refuse_lost_file(settings)
                yield note("database", f"there is no file {path} yet", "kalends serve creates it")
                return
            yield from examine_files(settings)
        with existing_database(settings, ready=False) as database:
            for check_database in DATABASE_CHECKS:
                yield from check_database(database, settings)
            if deep:
                yield from examine_contents(database)
    except KalendsError as error:
        yield problem("database", str(error))


def examine_files(settings: Settings) -> Iterator[Finding]:
    """Check where SQLite keeps the database, if there is one."""
    files = database_files(sqlite_path(settings.database_url))
    if files:
        yield from check_rights(files)
        yield from check_disk(files[0])


def examine_schema(database: Database, _: Settings) -> Iterator[Finding]:
    """Check that the database answers, with the schema that this Kalends needs. Raises Unavailable."""
    try:
        database.read(check_readiness)
    except SchemaMismatch as error:
        yield good("database", "it answers")
        said = f"at {error.found}, and {error.needed} is needed"
        if error.advice == MIGRATE:
            yield note("schema", said, "kalends serve migrates it, as does kalends db migrate")
        else:
            yield problem("schema", said, error.advice)
    else:
        yield good("database", "it answers")
        yield good("schema", NEEDED)


def examine_engine(database: Database, settings: Settings) -> Iterator[Finding]:
    """Check the engine."""
    if database.dialect.name == "sqlite":
        yield good("SQLite", database.read(describe_sqlite))
        return
    server, now = database.read(lambda tx: (server_facts(tx), tx.now))
    yield from check_server(server)
    yield from check_connection(server, settings)
    yield from check_pooler(server, expected=without_pooler(settings.database_url)[1])
    yield from check_clocks(server, now)


def examine_tokens(database: Database, _: Settings) -> Iterator[Finding]:
    """Check for tokens to be rid of, in a schema that is known. Raises Unavailable."""
    try:
        database.read(check_readiness)
    except SchemaMismatch:
        return  # it has been told
    yield from check_tokens(database.read(token_snapshot))


def examine_event_times(database: Database, _: Settings) -> Iterator[Finding]:
    """Check with which zone data the instants of events were derived, in a schema that is known. Raise Unavailable."""
    try:
        database.read(check_readiness)
    except SchemaMismatch:
        return  # it has been told
    yield from check_event_times(*database.read(find_release), load_zone_data().release)


def examine_contents(database: Database) -> Iterator[Finding]:
    """Check what is derived against what it is derived from, in a schema that is known. Raises Unavailable."""
    try:
        database.read(check_readiness)
    except SchemaMismatch:
        return  # it has been told
    troubles = database.read(find_inconsistencies)
    for trouble in troubles:
        yield problem("contents", trouble, "restore a backup, or report this with the line")
    for trouble in database.read(lambda tx: find_stale_times(tx, load_zone_data().release)):
        yield warning("local times", trouble, "run kalends db check for all of them")
    if not troubles:
        yield good("contents", "consistent")


SETTINGS_CHECKS: tuple[Callable[[Settings], Iterator[Finding]], ...] = (check_rate_limits, check_proxies, check_bodies)
DATABASE_CHECKS: tuple[Callable[[Database, Settings], Iterator[Finding]], ...] = (
    examine_schema,
    examine_engine,
    examine_tokens,
    examine_event_times,
)
"""What is checked in the database; who adds a check adds it here."""
