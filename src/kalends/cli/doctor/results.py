"""The results of checks: how severe they are, what was found, and what to do."""

from enum import StrEnum
from typing import NamedTuple


class Severity(StrEnum):
    """The severity of a result."""

    ok = "ok"
    note = "note"
    """Nothing is wrong, but something is not ready yet."""
    warning = "warning"
    problem = "problem"


class CheckResult(NamedTuple):
    """The finding of one check, with advice unless all is well."""

    severity: Severity
    subject: str
    text: str
    advice: str = ""


def ok(subject: str, text: str) -> CheckResult:
    """Return a result that needs no action."""
    return CheckResult(Severity.ok, subject, text)


def note(subject: str, text: str, advice: str) -> CheckResult:
    """Return a result that is not a fault, such as a database that does not exist yet."""
    return CheckResult(Severity.note, subject, text, advice)


def warning(subject: str, text: str, advice: str) -> CheckResult:
    """Return a result that should be considered."""
    return CheckResult(Severity.warning, subject, text, advice)


def problem(subject: str, text: str, advice: str = "") -> CheckResult:
    """Return a result that has to be fixed."""
    return CheckResult(Severity.problem, subject, text, advice)
