"""Operations for privacy: exporting all data of a user, and erasing a user."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any, ClassVar

from msgspec import Struct

from kalends.actions import erasure as actions
from kalends.actions.erasure import Traces
from kalends.http.conditions import Conditions
from kalends.http.files import gathered
from kalends.model import Actor, Event, Participation, Response, Role, UserId
from kalends.reads import export as reads
from kalends.reads.event_text import TELLS_OF_ALL_PARTICIPANTS
from kalends.reads.export import Export
from kalends.rest.audit import AuditEntryJson, audit_entry_json
from kalends.rest.event_shapes import EventJson, event_json
from kalends.rest.holds import HoldJson, hold_json
from kalends.rest.hours import WorkingHoursJson, hours_json
from kalends.rest.operation import Reply
from kalends.rest.queries import or_none
from kalends.rest.sharing import ShareJson, share_json
from kalends.rest.tokens import TokenJson, moment_or_none, token_json
from kalends.rest.users import UserDeleteQuery, UserJson, user_json, user_reply
from kalends.rest.wire import ENCODER
from kalends.rules.zones import from_instant
from kalends.store.database import ReadTx, WriteTx


class ParticipationJson(Struct):
    """The user's own participation in an event."""

    role: Role
    response: Response
    comment: str | None
    responded_at: datetime | None


class ExportedEventJson(EventJson, kw_only=True):
    """An event of one person: without counts, version and `updated_at`, and without other people but its host.

    Without a participation, the person hosts it, or is asked to, and does not take part.
    """

    participation: ParticipationJson | None
    example: ClassVar[Any] = {
        name: value for name, value in EventJson.example.items() if name != "participant_counts"
    } | {
        "participation": {
            "role": "required",
            "response": "accepted",
            "comment": "I bring the cake.",
            "responded_at": "2026-03-03T09:30:00Z",
        }
    }


class UserExportJson(Struct):
    """All data about a person."""

    exported_at: datetime
    user: UserJson
    deleted: bool
    working_hours: WorkingHoursJson | None
    shares_given: list[ShareJson]
    shares_received: list[ShareJson]
    tokens: list[TokenJson]
    holds: list[HoldJson]
    """Those that they placed and those that keep their time; the latter without other people."""
    events: list[ExportedEventJson]
    """In the order of start and id."""
    asked_to_host: list[ExportedEventJson]
    """Events of others that they are asked to host, in the same order."""
    audit_log: list[AuditEntryJson]
    """Entries with the person as actor or object, oldest first."""
    example: ClassVar[Any] = {
        "exported_at": "2026-03-04T10:00:00Z",
        "user": UserJson.example
        | {"id": "usr_018f3c5a9b2d5f70", "name": "Gustav Guest", "email": "gustav@example.org"},
        "deleted": False,
        "working_hours": WorkingHoursJson.example,
        "shares_given": [],
        "shares_received": [ShareJson.example],
        "tokens": [TokenJson.example | {"user_id": "usr_018f3c5a9b2d5f70"}],
        "holds": [],
        "events": [ExportedEventJson.example],
        "asked_to_host": [],
        "audit_log": [AuditEntryJson.example],
    }


def exported_event_json(event: Event, participation: Participation | None) -> ExportedEventJson:
    """Return the JSON of an event with one person's participation, and without what reveals responses of others."""
    whole = event_json(event)
    names = [
        name for name in EventJson.__struct_fields__ if name not in (*TELLS_OF_ALL_PARTICIPANTS, "pending_host_id")
    ]
    members: dict[str, Any] = {name: getattr(whole, name) for name in names}
    return ExportedEventJson(**members, participation=participation_json(participation))


def participation_json(participation: Participation | None) -> ParticipationJson | None:
    """Return the JSON of a participation, or None."""
    return (
        None
        if participation is None
        else ParticipationJson(
            participation.role,
            participation.response,
            participation.comment,
            moment_or_none(participation.responded_at),
        )
    )


def export_pieces(export: Export) -> Iterator[bytes]:
    """Yield the JSON of UserExportJson, one event or audit entry at a time."""
    yield ENCODER.encode(user_export_json(export)).removesuffix(b'[],"asked_to_host":[],"audit_log":[]}')
    yield from list_pieces(exported_event_json(event, participation) for event, participation in export.events)
    yield b',"asked_to_host":'
    yield from list_pieces(exported_event_json(event, None) for event in export.asked_to_host)
    yield b',"audit_log":'
    yield from list_pieces(map(audit_entry_json, export.records))
    yield b"}"


def list_pieces(items: Iterable[Struct]) -> Iterator[bytes]:
    """Yield the JSON of a list, one item at a time."""
    separator = b"["
    for item in items:
        yield separator + ENCODER.encode(item)
        separator = b","
    yield b"]" if separator == b"," else b"[]"


def user_export_json(export: Export) -> UserExportJson:
    """Return the JSON of all data about a person, without events and audit entries."""
    return UserExportJson(
        exported_at=from_instant(export.exported_at),
        user=user_json(export.user, whole=True),
        deleted=export.deleted,
        working_hours=None if export.working_hours is None else hours_json(export.working_hours),
        shares_given=[share_json(share) for share in export.shares_given],
        shares_received=[share_json(share) for share in export.shares_received],
        tokens=[token_json(token) for token in export.tokens],
        holds=[hold_json(hold) for hold in export.holds],
        events=[],
        asked_to_host=[],
        audit_log=[],
    )


def export_user(tx: ReadTx, actor: Actor, user_id: UserId) -> Reply[UserExportJson]:
    """Export all data of a user.

    For the user themself and for operators, who can also export deleted users. The export has the user, working hours,
    shares, tokens without secrets, holds, every event that concerns them with their own participation, and audit
    entries. Responses of other people are left out. It also needs the scopes `events:read`, `audit:read` and
    `tokens:write`.
    """
    return Reply(gathered(export_pieces(reads.export_user(tx, actor, user_id))))


def erase_some_traces(tx: WriteTx, actor: Actor, user_id: UserId, left: Traces | None) -> Traces | None:
    """Remove some of the traces of an erased user; return what is left."""
    return actions.erase_traces(tx, actor, user_id, left)


def erase_user(
    tx: WriteTx, actor: Actor, user_id: UserId, query: UserDeleteQuery, conditions: Conditions
) -> Reply[UserJson]:
    """Erase a user.

    The user is deleted, unless they are deleted already, with the same options for the events that they host. Name and
    e-mail address are replaced everywhere, also in the audit log. Metadata, comments, working hours, shares and the
    names of their tokens are removed. What others wrote stays: titles, descriptions and metadata of events are not
    searched for the name. The answer comes after all is done, with the erased user; until then, comments and audit
    entries may still show the data. If the answer is `unfinished`, or none arrives, repeat the request. Erasing cannot
    be undone.
    """
    hosted, to, expect, on_conflict = or_none(query.hosted), or_none(query.to), conditions.versions, query.on_conflict
    left = actions.erase_user(tx, actor, user_id, hosted=hosted, to=to, expect=expect, on_conflict=on_conflict)
    return user_reply(actor, left)
