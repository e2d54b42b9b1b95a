"""What a check of the doctor says: how severe it is, what was found, and what to do about it."""

from enum import StrEnum
from typing import NamedTuple


class Severity(StrEnum):
    """How much a result matters."""

    ok = "ok"
    note = "note"
    """Nothing is wrong, and something is still to come."""
    warning = "warning"
    problem = "problem"


class CheckResult(NamedTuple):
    """What one check has found, and what to do about it unless all is well."""

    severity: Severity
    subject: str
    text: str
    advice: str = ""


def ok(subject: str, text: str) -> CheckResult:
    """Return a result that needs nothing done."""
    return CheckResult(Severity.ok, subject, text)


def note(subject: str, text: str, advice: str) -> CheckResult:
    """Return a result that is no fault, such as a database that does not exist yet."""
    return CheckResult(Severity.note, subject, text, advice)


def warning(subject: str, text: str, advice: str) -> CheckResult:
    """Return a result to think about."""
    return CheckResult(Severity.warning, subject, text, advice)


def problem(subject: str, text: str, advice: str = "") -> CheckResult:
    """Return a result that has to be fixed."""
    return CheckResult(Severity.problem, subject, text, advice)
