"""Operations on the participants of an event."""

from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Any, ClassVar

from msgspec import UNSET, Meta, Struct, UnsetType, structs

from kalends.actions import participants as actions
from kalends.drafts import ParticipantCreate, ResponseUpdate
from kalends.errors import (
    AlreadyParticipant,
    Invalid,
)
from kalends.http.conditions import Conditions, entity_tag
from kalends.limits import DEFAULT_PAGE_SIZE, MAX_PARTICIPANTS
from kalends.model import Actor, EventId, Participant, Response, Role, Scope, UserId
from kalends.reads import participants as reads
from kalends.rest.conflicts import BookingQuery, with_conflicts
from kalends.rest.operation import Reply
from kalends.rest.paging import PageJson, PageRequest
from kalends.rest.queries import Cursor, Limit, or_none
from kalends.rest.spans import ConflictJson
from kalends.rest.users import UserIdText
from kalends.rules.zones import from_instant
from kalends.store.database import ReadTx, WriteTx

RESPOND = "respond with PUT /v1/events/{event_id}/participants/{user_id}/response"
RESPOND_EACH = RESPOND.replace("{user_id}", "{{user_id}}")  # the path names no user
CHANGE_ROLE = "change the role with PATCH /v1/events/{event_id}/participants/{user_id}"


class ParticipantJson(Struct, omit_defaults=True):
    """A participant of an event, with their role and response."""

    scope: ClassVar[Scope] = Scope.events_read
    user_id: UserIdText
    name: str
    email: str
    role: Role
    response: Response
    comment: str | None
    responded_at: datetime | None
    is_host: bool
    conflicts: list[ConflictJson] | UnsetType = UNSET
    """Double bookings, which `on_conflict=allow` has allowed."""
    warnings: list[ConflictJson] | UnsetType = UNSET
    """Conflicts that do not prevent the change: of optional people who have not accepted."""
    example: ClassVar[Any] = {
        "user_id": "usr_018f3c5a9b2d5f70",
        "name": "Gustav Guest",
        "email": "gustav@example.org",
        "role": "required",
        "response": "accepted",
        "comment": "I bring the cake.",
        "responded_at": "2026-03-03T09:30:00Z",
        "is_host": False,
    }


class AddedParticipantsJson(PageJson[ParticipantJson]):
    """The participants who were added, in the order of the request; `next_cursor` is null."""

    conflicts: list[ConflictJson] | UnsetType = UNSET
    """Double bookings, which `on_conflict=allow` has allowed."""
    warnings: list[ConflictJson] | UnsetType = UNSET
    """Conflicts that do not prevent the change: of optional people who have not accepted."""


class ParticipantListQuery(Struct, forbid_unknown_fields=True, kw_only=True):
    """The page."""

    limit: Limit = DEFAULT_PAGE_SIZE
    cursor: Cursor | UnsetType = UNSET


class ParticipantPut(Struct, forbid_unknown_fields=True, kw_only=True):
    """The role of a participant."""

    role: Role = Role.required
    example: ClassVar[Any] = {"role": "optional"}


class ParticipantUpdate(Struct, forbid_unknown_fields=True, kw_only=True):
    """A merge patch for a participant."""

    role: Role | UnsetType = UNSET
    example: ClassVar[Any] = {"role": "optional"}


ParticipantCreateList = Annotated[list[ParticipantCreate], Meta(min_length=1, max_length=MAX_PARTICIPANTS)]


def participant_json(participant: Participant) -> ParticipantJson:
    """Return the JSON of a participant."""
    participation = participant.participation
    return ParticipantJson(
        str(participation.user_id),
        participant.name,
        participant.email,
        participation.role,
        participation.response,
        participation.comment,
        None if participation.responded_at is None else from_instant(participation.responded_at),
        participant.is_host,
    )


def participant_reply(participant: Participant) -> Reply[ParticipantJson]:
    """Return the reply with a participant; `is_host` is in the ETag, as it may change without the participation."""
    return Reply(
        participant_json(participant),
        etag=entity_tag(participant.participation.version, 2 * participant.user_version + participant.is_host),
    )


def new_participant_reply(participant: Participant) -> Reply[ParticipantJson]:
    """Return the reply with a participant who was just added."""
    path = f"/v1/events/{participant.event_id}/participants/{participant.participation.user_id}"
    return participant_reply(participant)._replace(status=HTTPStatus.CREATED, location=path)


def add_participants(
    tx: WriteTx,
    actor: Actor,
    event_id: EventId,
    query: BookingQuery,
    body: ParticipantCreate | ParticipantCreateList,
    conditions: Conditions,
) -> Reply[ParticipantJson | AddedParticipantsJson]:
    """Add one participant or several.

    The answer to a single participant is that participant; the answer to a list is a list in the same order. Either all
    are added or none.
    """
    on_conflict, expect = query.on_conflict, conditions.versions
    wanted = body if isinstance(body, list) else [body]
    try:
        added, saved = actions.add_participants(tx, actor, event_id, wanted, expect=expect, on_conflict=on_conflict)
    except (AlreadyParticipant, Invalid) as error:
        if not isinstance(body, list):  # there is no list, so no place in it
            error.faults = tuple(structs.replace(fault, where=fault.where[1:]) for fault in error.faults)
        raise
    if isinstance(body, list):
        items = [participant_json(participant) for participant in added]
        return with_conflicts(Reply(AddedParticipantsJson(items, None)), saved)
    return with_conflicts(new_participant_reply(added[0]), saved)


def list_participants(
    tx: ReadTx, actor: Actor, event_id: EventId, query: ParticipantListQuery, page: PageRequest
) -> Reply[PageJson[ParticipantJson]]:
    """List the participants of an event.

    In the order of their ids, page by page.
    """
    found = reads.list_participants(tx, actor, event_id, query.limit, page.after(int))
    return Reply(page.to_json(found, participant_json))


def get_participant(tx: ReadTx, actor: Actor, event_id: EventId, user_id: UserId) -> Reply[ParticipantJson]:
    """Get a participant."""
    return participant_reply(reads.read_participant(tx, actor, event_id, user_id))


def put_participant(
    tx: WriteTx,
    actor: Actor,
    event_id: EventId,
    user_id: UserId,
    query: BookingQuery,
    body: ParticipantPut,
    conditions: Conditions,
) -> Reply[ParticipantJson]:
    """Add a participant, or change their role.

    It adds them (201), or changes the role of an existing participant and keeps their response (200). Repeating it
    changes nothing. `If-None-Match: *` only adds, `If-Match: *` only changes.
    """
    role, on_conflict, expect = body.role, query.on_conflict, conditions.versions
    if conditions.must_exist:
        changed, saved = actions.change_role(tx, actor, event_id, user_id, role, expect=expect, on_conflict=on_conflict)
        return with_conflicts(participant_reply(changed), saved)
    only_new = conditions.must_be_new
    participant, saved, added = actions.set_participant(
        tx, actor, event_id, user_id, role, expect=expect, only_new=only_new, on_conflict=on_conflict
    )
    reply = new_participant_reply(participant) if added else participant_reply(participant)
    return with_conflicts(reply, saved)


def update_participant(
    tx: WriteTx,
    actor: Actor,
    event_id: EventId,
    user_id: UserId,
    query: BookingQuery,
    body: ParticipantUpdate,
    conditions: Conditions,
) -> Reply[ParticipantJson]:
    """Mark a participant as required or optional.

    Their response stays.
    """
    role, on_conflict, expect = or_none(body.role), query.on_conflict, conditions.versions
    participant, saved = actions.change_role(tx, actor, event_id, user_id, role, expect=expect, on_conflict=on_conflict)
    return with_conflicts(participant_reply(participant), saved)


def remove_participant(
    tx: WriteTx, actor: Actor, event_id: EventId, user_id: UserId, conditions: Conditions
) -> Reply[None]:
    """Remove a participant.

    If the participant is the host, they stay the host but do not attend.
    """
    actions.remove_participant(tx, actor, event_id, user_id, expect=conditions.versions)
    return Reply()


def respond_to_event(
    tx: WriteTx,
    actor: Actor,
    event_id: EventId,
    user_id: UserId,
    query: BookingQuery,
    body: ResponseUpdate,
    conditions: Conditions,
) -> Reply[ParticipantJson]:
    """Accept, decline or answer tentatively.

    A response may change until the event ends. A new start, end or zone of the event resets all responses but the
    host's, unless `keep_responses=true`.
    """
    on_conflict, expect = query.on_conflict, conditions.versions
    participant, saved = actions.answer_invitation(
        tx, actor, event_id, user_id, body, expect=expect, on_conflict=on_conflict
    )
    return with_conflicts(participant_reply(participant), saved)
