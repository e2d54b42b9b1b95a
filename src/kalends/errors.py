"""What can go wrong, in the field's words: each error carries a code, typed fields and its message as docstring.

Doors give an error its form (`rest/problems.py` a status, the command line an exit code); nothing here knows of them.
"""

from typing import ClassVar

from msgspec import Struct

from kalends.model import Clash, Scope


class Fault(Struct, frozen=True):
    """One thing wrong with what was given: `where` is the path of the argument, `code` what clients branch on."""

    where: tuple[str | int, ...]
    code: str
    message: str


class KalendsError(Exception):
    """Kalends could not do that."""

    code: ClassVar[str] = "error"

    def __str__(self) -> str:
        """Fill the fields into the message."""
        return (type(self).__doc__ or "").format(**vars(self))


class Invalid(KalendsError):
    """What was given breaks a rule."""

    code = "invalid"

    def __init__(self, *faults: Fault) -> None:
        super().__init__()
        self.faults = faults

    def __str__(self) -> str:
        """Say every fault at once."""
        return "; ".join(fault.message for fault in self.faults)


class NotFound(KalendsError):
    """There is no {kind} {name} here."""

    code = "not_found"

    def __init__(self, kind: str, name: object) -> None:
        super().__init__()
        self.kind = kind
        self.name = name


class Unauthenticated(KalendsError):
    """A valid token is needed (Authorization: Bearer kal_…)."""

    code = "unauthenticated"


class Forbidden(KalendsError):
    """{reason}."""

    code = "forbidden"

    def __init__(self, reason: str) -> None:
        super().__init__()
        self.reason = reason


class MissingScope(KalendsError):
    """The token lacks the scope {scope}."""

    code = "insufficient_scope"

    def __init__(self, scope: Scope) -> None:
        super().__init__()
        self.scope = scope


class RateLimited(KalendsError):
    """Too many requests from this {caller}: go on in {retry_after} s."""

    code = "rate_limited"

    def __init__(self, caller: str, retry_after: int) -> None:
        super().__init__()
        self.caller = caller
        self.retry_after = retry_after


class StaleVersion(KalendsError):
    """The {kind} has changed: it is at version {current}, not at the one you have."""

    code = "stale_version"

    def __init__(self, kind: str, current: int) -> None:
        super().__init__()
        self.kind = kind
        self.current = current


class EmailTaken(KalendsError):
    """Another user has the e-mail address {email}."""

    code = "email_taken"

    def __init__(self, email: str) -> None:
        super().__init__()
        self.email = email


class AlreadyParticipant(KalendsError):
    """Already a participant of the event."""

    code = "already_participant"

    def __init__(self, faults: tuple[Fault, ...]) -> None:
        super().__init__()
        self.faults = faults


class Conflict(KalendsError):
    """Somebody needed is not free at that time."""

    code = "conflict"

    def __init__(self, clashes: tuple[Clash, ...], time_zone: str) -> None:
        super().__init__()
        self.clashes = clashes
        self.time_zone = time_zone


class HoldExtended(KalendsError):
    """A hold can be extended once, and this one has been."""

    code = "hold_extended"


class EventCancelled(KalendsError):
    """The event is cancelled: it can be read and deleted, nothing else."""

    code = "event_cancelled"


class EventEnded(KalendsError):
    """The event has ended: answers can no longer change."""

    code = "event_ended"


class HostsEvents(KalendsError):
    """The user hosts {count} unfinished events: cancel (hosted=cancel) or hand them over (hosted=transfer&to=…)."""

    code = "hosts_events"

    def __init__(self, count: int) -> None:
        super().__init__()
        self.count = count


class KeyReused(KalendsError):
    """This Idempotency-Key was used for another request."""

    code = "idempotency_key_reused"


class KeyInFlight(KalendsError):
    """The first request with this Idempotency-Key is still being worked on."""

    code = "idempotency_key_in_flight"


class Unavailable(KalendsError):
    """{reason} Nothing was changed: try again later."""

    code = "unavailable"

    def __init__(self, reason: str, retry_after: int = 1) -> None:
        super().__init__()
        self.reason = reason
        self.retry_after = retry_after


class OutcomeUnknown(Unavailable):
    """{reason} Whether the change was saved is unknown: read before you repeat it."""

    code = "outcome_unknown"


class SchemaMismatch(KalendsError):
    """The database is at schema {found}, this Kalends needs {needed}: {advice}."""

    code = "schema_mismatch"

    def __init__(self, found: str, needed: str, advice: str) -> None:
        super().__init__()
        self.found = found
        self.needed = needed
        self.advice = advice


class BadSetting(KalendsError):
    """{name} is not usable: {reason}."""

    code = "bad_setting"

    def __init__(self, name: str, reason: str) -> None:
        super().__init__()
        self.name = name
        self.reason = reason
