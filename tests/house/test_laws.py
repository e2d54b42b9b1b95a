"""Conventions that no linter checks, for every file of the package."""

import ast
import importlib
import pkgutil
import re
from collections.abc import Iterator
from pathlib import Path

from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite

import kalends
from kalends.store.query import Query
from tests.every import check_every

SQLITE = SQLiteDialect_pysqlite(paramstyle="named")

SOURCE = Path(kalends.__file__).parent
FILES = sorted(SOURCE.rglob("*.py"))
MIGRATIONS = SOURCE / "store" / "migrations" / "versions"

LONGEST_FILE = 400
LONGEST_FUNCTION = 40
NO_NAMES = {"base", "common", "core", "helper", "helpers", "manager", "misc", "service", "util", "utils"}

OF_NO_ORGANIZATION = {
    "kalends.store.revision.VERSION_QUERY",
    "kalends.store.revision.HAS_VERSION",
    "kalends.store.idempotency.OLD",  # housekeeping: everybody's answers are kept for a day
    "kalends.store.idempotency.END_OF_PAGE",  # an instant, up to which the keys of the organization are read
    "kalends.reads.deployment.SERVER_FACTS",  # of the engine itself, as the next one
    "kalends.reads.deployment.SQLITE_VERSION",
    "kalends.store.organizations.LIST",  # for who runs the service, as the next ones: no door has them
    "kalends.store.organizations.FIND",
    "kalends.store.tokens.TOKENS_IN_USE",
    "kalends.store.tokens.REVOKED_BEFORE",  # housekeeping: tokens that ended are kept for a time, as the next one
    "kalends.store.tokens.EXPIRED_BEFORE",
    "kalends.reads.deployment.TOKENS_IN_USE",
    "kalends.reads.integrity.COMMITMENTS",  # the operator's check of the whole database counts, and shows no row
    "kalends.reads.texts.USERS",  # the same check names who is wrong, to who runs the service, as the next one
    "kalends.reads.texts.EVENTS",
    *(f"kalends.store.zone_release.{name}" for name in ("FIND", "FIND_AND_HOLD", "SET_TARGET", "SET_RELEASE")),
    # Zone data are the same for everybody: whoever runs the service moves the events of all organizations.
    *(
        f"kalends.store.retiming.{name}"
        for name in ("UNFINISHED", "LOCK", "PARTICIPATES", "LOOSE", "CROSSING", "MOVES")
    ),
}
OF_WHAT_WAS_FOUND_WITH_RIGHT = {"at", "at_event", "event_id", "at_user", "at_token", "at_key", "at_start", "hash"}
"""Parameters that name a row, or the rows of an event, that the caller already holds; a secret is its own right."""


def functions(tree: ast.AST) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    return (node for node in ast.walk(tree) if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)))


def test_files_and_functions_are_short() -> None:
    check_every(check_length, path=FILES)


def check_length(path: Path) -> None:
    text = path.read_text()
    assert len(text.splitlines()) <= LONGEST_FILE
    if MIGRATIONS not in path.parents:  # a schema has as many columns as it has
        long = {
            node.name: length
            for node in functions(ast.parse(text))
            if (length := (node.end_lineno or 0) - node.body[0].lineno + 1) > LONGEST_FUNCTION
        }
        assert long == {}


def test_names_are_not_generic() -> None:
    check_every(check_names, path=FILES)


def check_names(path: Path) -> None:
    tree = ast.parse(path.read_text())
    names = {path.stem} | {node.name for node in ast.walk(tree) if isinstance(node, (ast.FunctionDef, ast.ClassDef))}
    assert not {name for name in names if NO_NAMES & set(name.lower().strip("_").split("_"))}


def queries() -> Iterator[tuple[str, Query]]:
    for module in pkgutil.walk_packages(kalends.__path__, "kalends."):
        if module.name.startswith(("kalends.store.", "kalends.reads.")) and ".migrations" not in module.name:
            for name, value in vars(importlib.import_module(module.name)).items():
                if isinstance(value, Query):
                    yield f"{module.name}.{name}", value


def test_no_statement_reads_across_organizations() -> None:
    everything = dict(queries())
    assert len(everything) > 20
    for name, query in everything.items():
        text = query.compiled(SQLITE)[0]
        confined = "organization_id = :org" in text or text.startswith("INSERT INTO")
        found = any(re.search(rf":{parameter}\b", text) for parameter in OF_WHAT_WAS_FOUND_WITH_RIGHT)
        assert confined or found or name in OF_NO_ORGANIZATION, f"{name} is not confined:\n{text}"
