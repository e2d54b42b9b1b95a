"""docs/statements.sql contains every statement that is sent to the engines."""

import re

from kalends.store.database import Database
from tests.docs.statements import DIALECTS, FILE, Statement, document, modules, queries_in, statements_of
from tests.every import check_every

STATEMENTS = [statement for module in modules() for statement in statements_of(module)]
NAMES = re.compile(r"%\((\w+)\)s|(?<![:'\w]):(\w+)")


def test_the_file_is_what_the_code_says() -> None:
    assert FILE.read_text() == document(), "run python -m tests.docs.statements, and read the difference"


def test_no_constant_is_missing() -> None:
    shown = {id(statement.query) for statement in STATEMENTS}
    for module in modules():
        for name, value in vars(module).items():
            assert {id(query) for _, query in queries_in(value)} <= shown, f"{module.__name__}.{name}"


def test_each_engine_explains_its_statements(database: Database) -> None:
    """An operator can do the same; here every parameter is NULL."""
    engine = next(name for name, dialect in DIALECTS.items() if dialect.name == database.dialect.name)
    check_every(explain, database, statement=[one for one in STATEMENTS if engine in one.engines()])


def explain(database: Database, statement: Statement) -> None:
    sql, constants = statement.query.compiled(database.dialect)
    nulls = {first or second: None for first, second in NAMES.findall(sql)}

    def work(tx) -> int:
        tx._cursor.execute(f"EXPLAIN {sql}", nulls | constants)
        return len(tx._cursor.fetchall())

    assert database.read(work) > 0
