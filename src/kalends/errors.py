"""The errors of Kalends: each has a code, typed fields and a message.

Entry points present them: `http/errors.py` with a status, the command line with an exit code.
"""

from collections.abc import Mapping
from typing import ClassVar

from msgspec import Struct

from kalends.model import Conflict, Scope


class Fault(Struct, frozen=True):
    """One fault in the arguments: `where` is the path of the argument, clients branch on `code`."""

    where: tuple[str | int, ...]
    code: str
    message: str


class BadValue(ValueError):
    """A value of the right JSON type that is not valid; `code` is the code of its fault."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code

    def fault(self, *where: str | int) -> Fault:
        """Return the fault of the value, which is at the path `where`."""
        return Fault(where, self.code, str(self))


FAULT_CODES: Mapping[str, str] = {
    "already_participant": "The user already takes part in the event",
    "blank": "Nothing in the text is visible",
    "control_character": "The text contains a character that breaks, hides or reorders text",
    "duplicate_date": "A date is named twice",
    "duplicate_participant": "A participant is named twice",
    "duplicate_user": "A user is named twice",
    "email_taken": "Another user has the e-mail address",
    "empty_span": "The end of the window does not come after its start",
    "end_before_start": "The end does not come after the start",
    "hold_elsewhere": "The hold reserves another time or other people",
    "hold_lapsed": "The hold has expired, never existed, or was placed by somebody else",
    "host_does_not_attend": "The host is named as a participant although `host_attends` is false",
    "in_the_past": "The time must lie in the future",
    "invalid_cursor": "The cursor is not the `next_cursor` of a page of this list",
    "invalid_duration": "It is neither whole minutes nor a duration such as PT1H30M",
    "invalid_email": "It is not an e-mail address",
    "invalid_id": "It is not an id, or not one of this kind",
    "invalid_time": "It is not a valid date or time",
    "invalid_value": "It is not one of the values that are allowed, which the message lists",
    "invalid_window": "The window of working hours has no length, or does not end",
    "metadata_too_large": "The metadata is too large or nested too deeply",
    "missing": "The value is required",
    "nonexistent_time": "The clocks of the time zone skip this local time",
    "not_one_day": "Start and end do not lie within one local day of the time zone",
    "nul_character": "The text contains the NUL character",
    "out_of_range": "The number is too small or too large",
    "own_calendar": "A calendar cannot be shared with its owner",
    "person_required": "The filter needs `participant_id` or `user_id` as well",
    "read_only": "The member is shown in answers and cannot be set",
    "repeated_email": "Two people of a file to import have one e-mail address",
    "repeated_field": "An object has the member more than once",
    "repeated_parameter": "The parameter is given twice",
    "repeated_ref": "A reference within a file to import is used twice",
    "set_elsewhere": "Another operation sets the member; the message names it",
    "time_zone_required": "A time without an offset needs `time_zone`",
    "too_many_commitments": "The users have more events and holds in that time than are read for one answer",
    "too_many_windows": "There are more windows of working hours than a user may have, or than are shown in one answer",
    "too_long": "The text has too many characters, or the list too many items",
    "too_many_participants": "An event cannot have so many participants",
    "too_many_shares": "Too many calendars are shared with one person",
    "too_many_tokens": "The user has too many tokens in use",
    "too_much_held": "The holds that the user placed would keep too much of people's time",
    "too_short": "The text, the list or the time is too short",
    "unknown_field": "The body has an unknown member; the message lists the members that are known",
    "unknown_parameter": "The query has an unknown parameter; the message lists the parameters that are known",
    "unknown_ref": "A reference within a file to import names nobody",
    "unknown_user": "There is no such user",
    "unknown_zone": "It is not the name of an IANA time zone",
    "user_inactive": "The user has been deleted",
    "window_too_long": "The window of time is too long",
    "wrong_successor": "`hosted=transfer` and `to` do not go together, or `to` names the user who is deleted",
    "wrong_type": "The value has the wrong JSON type",
}
"""All codes of faults, and what they mean."""


class KalendsError(Exception):
    """The base class of all errors; `message` is a template for the text, filled with the fields of the error."""

    code: ClassVar[str] = "error"
    message: ClassVar[str] = "Kalends could not do that."

    def __str__(self) -> str:
        """Return the message with the fields filled in."""
        return self.message.format(**vars(self))


class Invalid(KalendsError):
    """Arguments break rules."""

    code = "invalid"

    def __init__(self, *faults: Fault) -> None:
        super().__init__()
        self.faults = faults

    def __str__(self) -> str:
        """Return all faults as one text."""
        return "; ".join(fault.message for fault in self.faults)


class NotFound(KalendsError):
    """An object does not exist, or the actor may not see it."""

    code = "not_found"
    message = "No {kind} {name} could be found: it does not exist, or you may not see it."

    def __init__(self, kind: str, name: object) -> None:
        super().__init__()
        self.kind = kind
        self.name = name


class Unauthenticated(KalendsError):
    """The request has no valid token."""

    code = "unauthenticated"
    message = "A valid token is needed: send it as `Authorization: Bearer kal_...`."


class Forbidden(KalendsError):
    """The actor may see the object, but may not do this to it."""

    code = "forbidden"
    message = "{reason}."

    def __init__(self, reason: str) -> None:
        super().__init__()
        self.reason = reason


class MissingScope(KalendsError):
    """The token lacks the scope of the operation."""

    code = "insufficient_scope"
    message = "The token lacks the scope {scope}: use one that was created with it."

    def __init__(self, scope: Scope) -> None:
        super().__init__()
        self.scope = scope


class RateLimited(KalendsError):
    """One caller makes too many requests."""

    code = "rate_limited"
    message = "Too many requests from this {caller}: wait {retry_after} s before the next."

    def __init__(self, caller: str, retry_after: int) -> None:
        super().__init__()
        self.caller = caller
        self.retry_after = retry_after


class StaleVersion(KalendsError):
    """The current version is not one that the caller expects."""

    code = "stale_version"
    message = (
        "The If-Match or If-None-Match condition is not met: the {kind} is at version {current} (0: there is none). "
        "Read it again before you repeat the request."
    )

    def __init__(self, kind: str, current: int) -> None:
        super().__init__()
        self.kind = kind
        self.current = current


class EmailTaken(KalendsError):
    """Another user has the e-mail address."""

    code = "email_taken"
    message = "Another user has the e-mail address {email}: give another one."

    def __init__(self, email: str) -> None:
        super().__init__()
        self.email = email
        self.faults = (Fault(("email",), "email_taken", f"another user has {email}: give another address"),)


class AlreadyParticipant(KalendsError):
    """A user to add takes part already."""

    code = "already_participant"
    message = "Somebody to add already takes part in the event."

    def __init__(self, faults: tuple[Fault, ...]) -> None:
        super().__init__()
        self.faults = faults


class BookingConflict(KalendsError):
    """Somebody needed is busy at that time."""

    code = "conflict"
    message = "This would book somebody twice: `conflicts` lists who is busy and when."

    def __init__(self, conflicts: tuple[Conflict, ...], time_zone: str) -> None:
        super().__init__()
        self.conflicts = conflicts
        self.time_zone = time_zone


class HoldExtended(KalendsError):
    """The hold has been extended already, which is possible once."""

    code = "hold_extended"
    message = "A hold can be extended once, and this one has been: release it and place a new one."


class EventCancelled(KalendsError):
    """The event is cancelled and cannot be changed any more."""

    code = "event_cancelled"
    message = "The event is cancelled: it can only be read and deleted."


class EventEnded(KalendsError):
    """The event has ended, so that its participants cannot be changed in this way."""

    code = "event_ended"
    message = "The event has ended: nobody can be added any more, and roles and responses can no longer change."


class HostsEvents(KalendsError):
    """The user to delete hosts events, and the request does not say whether to cancel or transfer them."""

    code = "hosts_events"
    message = (
        "Unfinished events that the user hosts: {count}. "
        "Cancel them (hosted=cancel) or transfer them to another user (hosted=transfer&to=usr_...)."
    )

    def __init__(self, count: int) -> None:
        super().__init__()
        self.count = count


class TooManyEvents(KalendsError):
    """Deleting the user would change so many events that other writers would wait too long."""

    code = "too_many_events"
    message = "{reason}: {advice}."

    def __init__(self, reason: str, advice: str) -> None:
        super().__init__()
        self.reason = reason
        self.advice = advice


class KeyReused(KalendsError):
    """An Idempotency-Key was used for two different requests."""

    code = "idempotency_key_reused"
    message = "This Idempotency-Key was used for another request: use a new key for each new request."


class KeyInFlight(KalendsError):
    """The first request with an Idempotency-Key has no answer yet."""

    code = "idempotency_key_in_flight"
    message = "The first request with this Idempotency-Key has not been answered yet: repeat this one in a second."


TRY_AGAIN = "Try again later."


class Unavailable(KalendsError):
    """The request cannot be served at the moment; nothing was changed."""

    code = "unavailable"
    message = "{reason} Nothing was changed. {advice}"

    def __init__(self, reason: str, retry_after: int = 1, advice: str = TRY_AGAIN) -> None:
        super().__init__()
        self.reason = reason
        self.retry_after = retry_after
        self.advice = advice


class OutcomeUnknown(Unavailable):
    """It is unknown whether the change was saved."""

    code = "outcome_unknown"
    message = "{reason} Whether the change was saved is unknown: read what is there before you repeat the request."


class Unfinished(Unavailable):
    """One of several transactions of a request failed, after others were committed."""

    code = "unfinished"
    message = "{reason} What you asked for has been done in part: repeat the request to finish it."


class TooExpensive(KalendsError):
    """Reading was stopped, as it took longer than a server allows or, `by_size`, built too large a text."""

    code = "too_expensive"
    message = (
        "The query took too long or found too much, and was stopped. "
        "Ask for less, such as a shorter span, a smaller limit or fewer users."
    )

    def __init__(self, *, by_size: bool = False) -> None:
        super().__init__()
        self.by_size = by_size


class ZoneDataMismatch(KalendsError):
    """The instants in the database were derived with another release of zone data than this process has."""

    code = "zone_data_mismatch"
    message = "The events of the database follow zone data {found}, and this version of Kalends has {used}: {advice}."

    def __init__(self, found: str, used: str, advice: str) -> None:
        super().__init__()
        self.found = found
        self.used = used
        self.advice = advice


class SchemaMismatch(KalendsError):
    """The schema of the database is not the one that this version of Kalends needs."""

    code = "schema_mismatch"
    message = "The database is at schema {found}, and this version of Kalends needs {needed}: {advice}."

    def __init__(self, found: str, needed: str, advice: str) -> None:
        super().__init__()
        self.found = found
        self.needed = needed
        self.advice = advice


class BadSetting(KalendsError):
    """A setting is invalid, or what it names cannot be used."""

    code = "bad_setting"
    message = "{name} is not usable: {reason}."

    def __init__(self, name: str, reason: str) -> None:
        super().__init__()
        self.name = name
        self.reason = reason
