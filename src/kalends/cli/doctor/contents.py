"""Checks of the contents of the database: tokens, and the instants of events."""

from collections.abc import Iterator

from kalends.cli.doctor.results import CheckResult, ok, problem, warning
from kalends.reads.deployment import TokenFacts
from kalends.rules.zones import release_order


def check_tokens(facts: TokenFacts) -> Iterator[CheckResult]:
    """Check for tokens that are not used, or that never expire."""
    if facts.idle:
        text = f"{facts.idle} of {facts.active} were not used for 90 days"
        yield warning("idle tokens", text, "find and revoke them with kalends token list and kalends token revoke")
    else:
        yield ok("idle tokens", f"none of {facts.active}")
    if facts.endless:
        text = f"{facts.endless} of operators are over a year old and never expire"
        yield warning("old tokens", text, "replace them by tokens that expire: kalends token create --expires 365d")
    else:
        yield ok("old tokens", "none")


def check_event_times(release: str | None, target: str | None, used: str) -> Iterator[CheckResult]:
    """Check whether the instants of events were derived with the zone data in use."""
    newest = max(release, target, key=release_order)
    if release == target == used:
        yield ok("event times", f"derived with zone data {used}")
    elif release_order(newest) > release_order(used):
        text = f"derived with zone data {newest}; {used}, which is used, is older, so kalends serve refuses to start"
        yield problem("event times", text, f"upgrade the package tzdata to {newest} or later")
    else:
        text = f"derived with zone data {release or 'of an unknown release'}, not with {used}"
        yield warning("event times", text, "start kalends serve, which updates them, or run: kalends db retime")
