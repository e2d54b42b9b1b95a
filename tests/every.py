"""Checks of many quick cases in one test, which reports all failures together."""

from collections.abc import Callable, Iterable
from itertools import product
from typing import Any

import pytest


def check_every(check: Callable[..., None], *arguments: Any, **values: Iterable[Any]) -> None:
    """Call a check with every combination of the values. Raise a group of all failures with their values."""
    failures: list[BaseException] = []
    failed: list[str] = []
    for combination in product(*values.values()):
        chosen = dict(zip(values, combination, strict=True))
        try:
            check(*arguments, **chosen)
        except (Exception, pytest.fail.Exception) as failure:  # noqa: BLE001 (whatever it is, it is raised below)
            said = ", ".join(f"{name}={value!r}" for name, value in chosen.items())
            failure.add_note(said)
            failures.append(failure)
            failed.append(f"{said}: {str(failure).partition(chr(10))[0]}")
    if failures:
        raise BaseExceptionGroup("\n- ".join([f"{len(failures)} cases fail:", *failed]), failures)
