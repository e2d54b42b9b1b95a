"""The kind of threads that answer a request: those that read, that read much, that calculate much, or that write."""

import re
from collections.abc import Callable, Iterable

from kalends.http.lanes import Kind
from kalends.rest.operation import Operation

READS_MUCH = re.compile(r"(?:^|&)(?:q=|limit=[12]\d\d(?:&|$))")
"""A list by text, which reads more rows than it returns, or a page of a hundred items or more."""


def kind_finder(operations: Iterable[Operation]) -> Callable[[str, str, str], Kind]:
    """Return a function from method, path and query of a request to its kind; the path may be unknown."""
    known = list(operations)
    calculation, heavy, light = (
        re.compile("|".join(pattern_of(operation) for operation in known if operation.kind is kind))
        for kind in (Kind.CALCULATION, Kind.HEAVY, Kind.LIGHT)
    )

    def kind_of(method: str, path: str, query: str) -> Kind:
        request = f"{'GET' if method == 'HEAD' else method} {path}"
        if calculation.fullmatch(request):
            return Kind.CALCULATION
        if heavy.fullmatch(request) or (READS_MUCH.search(query) and light.fullmatch(request)):
            return Kind.HEAVY
        return Kind.LIGHT if method in ("GET", "HEAD") or light.fullmatch(request) else Kind.WRITE

    return kind_of


def pattern_of(operation: Operation) -> str:
    """Return the regular expression for the method and all paths of an operation."""
    path = re.sub(r"\{\w+\}", "[^/]+", operation.path)
    return f"{operation.method} {path}"
