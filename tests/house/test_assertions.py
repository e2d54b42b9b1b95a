"""Every test asserts something: what asserts nothing cannot fail."""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

TESTS = Path(__file__).parents[1]
EXPECTING = {"raises", "warns", "fail", "refused", "run_state_machine_as_test"}


class Function(NamedTuple):
    """A function of tests, and where it was defined that something is called by a name in it."""

    node: ast.FunctionDef
    path: str
    homes: dict[str, str]

    @property
    def place(self) -> tuple[str, str]:
        return self.path, self.node.name


def functions_of(path: str, text: str) -> Iterator[Function]:
    tree = ast.parse(text)
    homes = {
        name.name: f"{node.module.replace('.', '/')}.py"
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module
        for name in node.names
    }
    nodes = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    homes |= {node.name: path for node in nodes}
    return (Function(node, path, homes) for node in nodes)


def asserts(function: Function, asserting: set[tuple[str, str]]) -> bool:
    """Tell whether a function asserts something, itself or by a function of tests that it calls or hands on."""
    nodes = list(ast.walk(function.node))
    if any(isinstance(node, ast.Assert) for node in nodes):
        return True
    if EXPECTING & {node.attr for node in nodes if isinstance(node, ast.Attribute)}:
        return True
    taken = {node.arg for node in nodes if isinstance(node, ast.arg)}
    named = {node.id for node in nodes if isinstance(node, ast.Name)} - taken
    return bool(EXPECTING & named) or any((function.homes.get(name, ""), name) in asserting for name in named)


def asserting_nothing(functions: list[Function]) -> list[str]:
    """Give the tests that assert nothing."""
    asserting: set[tuple[str, str]] = set()
    while True:
        more = {function.place for function in functions if asserts(function, asserting)}
        if more == asserting:
            break
        asserting = more
    return [
        f"{path}::{name}" for path, name in sorted({one.place for one in functions} - asserting) if name[:5] == "test_"
    ]


def test_every_test_asserts_something() -> None:
    paths = sorted(TESTS.rglob("*.py"))
    functions = [one for path in paths for one in functions_of(str(path.relative_to(TESTS.parent)), path.read_text())]
    assert len(functions) > 1_000
    assert asserting_nothing(functions) == []


def test_what_asserts_nothing_is_found() -> None:
    there = "def check(): assert x"
    here = """
from tests.there import check, fetch
def deep(): check()
def test_itself(): assert 1
def test_by_a_check(): deep()
def test_by_a_check_that_is_handed_on(): each(check)
def test_that_expects(f):
    with pytest.raises(E): f()
def test_nothing(check): fetch()
def test_by_a_namesake(): elsewhere.check()
"""
    functions = [*functions_of("tests/there.py", there), *functions_of("tests/here.py", here)]
    assert asserting_nothing(functions) == ["tests/here.py::test_by_a_namesake", "tests/here.py::test_nothing"]
