"""The list of fault codes has exactly those that the code uses, and the reference shows all of them."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import kalends
from kalends.app import reference
from kalends.errors import FAULT_CODES
from kalends.http.errors import PROBLEM_TYPES
from kalends.rest.reference.docs import reference_page

SOURCE = Path(kalends.__file__).parent
PLACES = {"Fault": 1, "BadValue": 0, "TimeError": 0, "ItemErrorJson": 0}
"""The position of the code among the arguments of a call."""


def constants(tree: ast.AST) -> Iterator[str]:
    """Yield every code in a module: in a call that takes one, or before its message in a tuple."""
    for node in ast.walk(tree):
        code: ast.expr | None = None
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in PLACES:
            place = PLACES[node.func.id]
            code = node.args[place] if len(node.args) > place and not isinstance(node.args[0], ast.Starred) else None
        elif (
            isinstance(node, ast.Tuple)
            and len(node.elts) == 2
            and isinstance(node.elts[1], (ast.JoinedStr, ast.Constant))
        ):
            message = node.elts[1]
            code = node.elts[0] if isinstance(message, ast.JoinedStr) or " " in str(message.value) else None
        if isinstance(code, ast.Constant) and isinstance(code.value, str) and re.fullmatch(r"[a-z_]+", code.value):
            yield code.value


def test_every_code_is_listed_and_every_listed_code_is_given() -> None:
    used = {code for path in SOURCE.rglob("*.py") for code in constants(ast.parse(path.read_text()))}
    assert used - FAULT_CODES.keys() == set(), "list them in errors.py"
    assert FAULT_CODES.keys() - used == set(), "nothing gives these any more"


def test_the_reference_lists_all_codes_with_their_meaning() -> None:
    document = reference()
    members = document["components"]["schemas"]["Problem"]["properties"]
    of_faults = members["errors"]["items"]["properties"]["code"]["description"]
    page = reference_page(document)
    for code, meaning in FAULT_CODES.items():
        assert f"- `{code}`: {meaning}" in of_faults.splitlines()
        assert f'<tr id="fault-{code}">' in page
    for kind in PROBLEM_TYPES:
        assert f"- `{kind.code}`: {PROBLEM_TYPES[kind].title}" in members["code"]["description"].splitlines()
        assert f'<tr id="{kind.code}">' in page
