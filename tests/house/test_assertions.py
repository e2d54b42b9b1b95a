"""Every test asserts something, as a test without an assertion cannot fail."""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

pytestmark = pytest.mark.unmeasured

TESTS = Path(__file__).parents[1]
EXPECTING = {"raises", "warns", "fail", "refused", "run_state_machine_as_test"}


class Function(NamedTuple):
    """A function in tests: whether it contains an assertion, and the functions in tests that it names."""

    path: str
    name: str
    asserts: bool
    named: set[tuple[str, str]]

    @property
    def place(self) -> tuple[str, str]:
        return self.path, self.name


def functions_of(path: str, text: str) -> Iterator[Function]:
    """Return the functions of a file; names are those that it defines or imports from other test files."""
    tree = ast.parse(text)
    nodes = list(ast.walk(tree))
    homes = {
        name.name: f"{node.module.replace('.', '/')}.py"
        for node in nodes
        if isinstance(node, ast.ImportFrom) and node.module
        for name in node.names
    }
    definitions = [node for node in nodes if isinstance(node, ast.FunctionDef)]
    homes |= {node.name: path for node in definitions}
    return (function_in(node, path, homes) for node in definitions)


def function_in(definition: ast.FunctionDef, path: str, homes: dict[str, str]) -> Function:
    nodes = list(ast.walk(definition))
    taken = {node.arg for node in nodes if isinstance(node, ast.arg)}
    named = {node.id for node in nodes if isinstance(node, ast.Name)} - taken
    expected = EXPECTING & (named | {node.attr for node in nodes if isinstance(node, ast.Attribute)})
    asserts = bool(expected) or any(isinstance(node, ast.Assert) for node in nodes)
    return Function(path, definition.name, asserts, {(homes[name], name) for name in named if name in homes})


def asserting_nothing(functions: list[Function]) -> list[str]:
    """Return the tests without assertions, neither of their own nor in a function that they call or pass on."""
    asserting = {one.place for one in functions if one.asserts}
    while more := {one.place for one in functions if one.named & asserting} - asserting:
        asserting |= more
    return [f"{path}::{name}" for path, name in sorted({one.place for one in functions} - asserting) if is_test(name)]


def is_test(name: str) -> bool:
    return name.startswith("test_")


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
