"""Public texts do not get lost when Python removes docstrings (-OO)."""

import json
import linecache
import subprocess
import sys
from typing import Any

import pytest

from kalends.app import reference
from kalends.rest.reference.docstrings import docstring_of

SAID = """
import json, sys
from kalends.app import reference
from kalends.errors import Fault, Invalid, Scope
from kalends.rest.reference.docstrings import docstring_of
from kalends.http.errors import PROBLEM_TYPES
from kalends.rest.problems import problem_document
from kalends.store.zone_data import load_zone_data

load_zone_data()
assert sys.flags.optimize == LEVEL and (docstring_of.__doc__ is None) == (LEVEL == 2)
fault = Fault(("a",), "missing", "is required")
given = {"conflicts": (), "scope": Scope.respond, "faults": (fault,), "time_zone": "UTC"}
texts = {}
for kind in PROBLEM_TYPES:
    code = getattr(kind.__init__, "__code__", None)
    names = code.co_varnames[1 : code.co_argcount] if code else ()
    error = kind(fault) if issubclass(kind, Invalid) else kind(**{name: given.get(name, 7) for name in names})
    texts[kind.__name__] = json.loads(problem_document(error, "/v1", "1", {}))
print(json.dumps([reference(), texts]))
"""


def texts(level: int) -> Any:
    """Return the reference and all problem documents as written by a process with this optimization level."""
    script = SAID.replace("LEVEL", str(level))
    done = subprocess.run(
        [sys.executable, f"-{'O' * level}" if level else "-B", "-c", script],
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    return json.loads(done.stdout)


@pytest.mark.slow
def test_reference_and_problems_are_the_same_without_docstrings():
    with_docstrings, without = texts(0), texts(2)
    assert with_docstrings == without
    assert with_docstrings[0] == json.loads(json.dumps(reference()))
    assert all(problem["detail"] for problem in without[1].values())


def test_without_source_there_is_no_docstring(monkeypatch):
    built = eval("lambda: None")
    assert docstring_of(built) == ""
    # Python 3.13 takes the text of `python -c` for the source of all that was made from a string.
    lines = ["import json\n", "def described():\n", "    pass\n"]
    monkeypatch.setitem(linecache.cache, "<string>", (len("".join(lines)), None, lines, "<string>"))
    assert docstring_of(built) == ""


@pytest.mark.parametrize("thing", [docstring_of, json.JSONDecodeError])
def test_a_docstring_is_read_from_the_source_if_it_is_not_in_memory(monkeypatch, thing):
    known = docstring_of(thing)
    monkeypatch.setattr(thing, "__doc__", None)
    assert docstring_of(thing) == known
