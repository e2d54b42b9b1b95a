"""The cost limit of a search for dates: steps are counted, so that the same rule always has the same result."""

from kalends.rules.recurrence.rule import RuleError

MAX_STEPS = 4_000
STEPS_PER_DATE = 10


class Steps:
    """A counter of the steps of a search, each of a few microseconds; it ends a search that takes too many.

    A search may take 4,000 steps, and 10 more for each date that it gives.
    """

    def __init__(self) -> None:
        self.taken = 0
        self.allowed = MAX_STEPS

    def take(self, number: int = 1) -> None:
        """Count steps. Raise RuleError `rule_too_costly` if there are too many."""
        self.taken += number
        if self.taken > self.allowed:
            raise RuleError(
                "rule_too_costly",
                "the rule gives dates too seldom, or counts too many of them by COUNT before the first one that is "
                "asked for: use fewer BY parts, a longer FREQ, or UNTIL in place of COUNT",
            )

    def allow_more(self) -> None:
        """Allow more steps, after the search has given a date."""
        self.allowed += STEPS_PER_DATE
