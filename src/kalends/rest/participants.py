"""Participants of an event over HTTP."""

from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Any, ClassVar

from msgspec import UNSET, Meta, Struct, UnsetType, structs

from kalends.actions import participants as actions
from kalends.drafts import ParticipantCreate, ResponseUpdate
from kalends.errors import (
    AlreadyParticipant,
    BookingConflict,
    EventCancelled,
    EventEnded,
    Invalid,
    NotFound,
    StaleVersion,
)
from kalends.model import MAX_PARTICIPANTS, EventId, Participant, Response, Role, Scope, UserId
from kalends.reads import participants as reads
from kalends.rest.conditions import entity_tag
from kalends.rest.conflicts import BookingQuery, guard_of, with_conflicts
from kalends.rest.paging import cursor_of, key_of
from kalends.rest.route import Call, Reply, operation
from kalends.rest.spans import ConflictJson
from kalends.rest.users import Cursor, Limit, UserIdText, known
from kalends.rules.zones import from_instant

OF_EVENT = {"event_id": EventId}
ID = {"event_id": EventId, "user_id": UserId}
PATH = "/v1/events/{event_id}/participants"
ANSWER_ELSEWHERE = dict.fromkeys(
    ("response", "comment"), "an answer is given by PUT /v1/events/{event_id}/participants/{user_id}/response"
)
CHANGE_ERRORS = (NotFound, EventCancelled, EventEnded, BookingConflict, StaleVersion, Invalid)


class ParticipantJson(Struct, omit_defaults=True):
    """Somebody's part in an event, and what they said to the invitation."""

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
    """Who was booked twice, as `on_conflict=allow` asked."""
    warnings: list[ConflictJson] | UnsetType = UNSET
    """Optional people who are not free."""


class ParticipantListJson(Struct, omit_defaults=True):
    """A page of participants in the order of their ids."""

    items: list[ParticipantJson]
    next_cursor: str | None
    conflicts: list[ConflictJson] | UnsetType = UNSET
    """Who was booked twice, as `on_conflict=allow` asked."""
    warnings: list[ConflictJson] | UnsetType = UNSET
    """Optional people who are not free."""


class ParticipantListQuery(Struct, forbid_unknown_fields=True, kw_only=True):
    """How many participants."""

    limit: Limit = 50
    cursor: Cursor | UnsetType = UNSET


class ParticipantPut(Struct, forbid_unknown_fields=True, kw_only=True):
    """The role that somebody takes part in."""

    role: Role = Role.required


class ParticipantUpdate(Struct, forbid_unknown_fields=True, kw_only=True):
    """A merge patch for somebody's part."""

    role: Role | UnsetType = UNSET


ParticipantCreateList = Annotated[list[ParticipantCreate], Meta(min_length=1, max_length=MAX_PARTICIPANTS)]


def participant_json(participant: Participant) -> ParticipantJson:
    """Write a participant."""
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


def participant_reply(participant: Participant, **more: Any) -> Reply:
    """Answer with a participant; `is_host` is part of the ETag, as it may change without the participation."""
    return Reply(
        participant_json(participant),
        etag=entity_tag(participant.participation.version, 2 * participant.user_version + participant.is_host),
        **more,
    )


def path_of(participant: Participant) -> str:
    """Give where a participant is read."""
    return f"/v1/events/{participant.event_id}/participants/{participant.participation.user_id}"


@operation(
    "POST",
    PATH,
    tag="Participants",
    scope=Scope.events_write,
    ids=OF_EVENT,
    query=BookingQuery,
    body=ParticipantCreate | ParticipantCreateList,
    elsewhere=dict.fromkeys(
        ("response", "comment"), "an answer is given by PUT /v1/events/{event_id}/participants/{{user_id}}/response"
    ),
    answer=(ParticipantJson, ParticipantListJson),
    status=HTTPStatus.CREATED,
    errors=(NotFound, StaleVersion, EventCancelled, EventEnded, AlreadyParticipant, BookingConflict, Invalid),
    example=[{"user_id": "usr_018f3c5a9b2d4e6f", "role": "required"}],
)
def add_participants(call: Call) -> Reply:
    """Add one participant or several.

    Given one, answers with it; given a list, with a list in the same order. All are added or none.
    """
    several = isinstance(call.body, list)
    participants: list[ParticipantCreate] = call.body if several else [call.body]
    guard = guard_of(call.query)
    try:
        added = actions.add_participants(
            call.tx, call.actor, call.ids["event_id"], participants, expect=call.expect, guard=guard
        )
    except (AlreadyParticipant, Invalid) as error:
        if not several:  # what is at fault is not in a list
            error.faults = tuple(structs.replace(fault, where=fault.where[1:]) for fault in error.faults)
        raise
    if several:
        return with_conflicts(
            Reply(ParticipantListJson([participant_json(participant) for participant in added], None)), guard
        )
    return with_conflicts(participant_reply(added[0], location=path_of(added[0])), guard)


@operation(
    "GET",
    PATH,
    tag="Participants",
    scope=Scope.events_read,
    ids=OF_EVENT,
    query=ParticipantListQuery,
    answer=ParticipantListJson,
    errors=(NotFound, Invalid),
)
def list_participants(call: Call) -> Reply:
    """List the participants of an event.

    In the order of their ids, page by page.
    """
    query: ParticipantListQuery = call.query
    after = key_of(call, int)
    page = reads.list_participants(call.tx, call.actor, call.ids["event_id"], query.limit, after)
    items = [participant_json(participant) for participant in page.participants]
    return Reply(ParticipantListJson(items, cursor_of(call, page.next_key)))


@operation(
    "GET",
    PATH + "/{user_id}",
    tag="Participants",
    scope=Scope.events_read,
    ids=ID,
    answer=ParticipantJson,
    errors=(NotFound,),
)
def get_participant(call: Call) -> Reply:
    """Read a participant."""
    return participant_reply(reads.read_participant(call.tx, call.actor, call.ids["event_id"], call.ids["user_id"]))


@operation(
    "PUT",
    PATH + "/{user_id}",
    tag="Participants",
    scope=Scope.events_write,
    ids=ID,
    query=BookingQuery,
    body=ParticipantPut,
    elsewhere=ANSWER_ELSEWHERE,
    answer=ParticipantJson,
    also=HTTPStatus.CREATED,
    errors=CHANGE_ERRORS,
    example={"role": "optional"},
)
def put_participant(call: Call) -> Reply:
    """Make somebody a participant in a role.

    Adds them (201), or changes the role of who already takes part (200) and keeps their answer. Doing it again
    changes nothing. `If-None-Match: *` only adds, `If-Match: *` only changes.
    """
    if call.if_match is not None and call.if_match.anything:
        return update_participant(call)
    guard = guard_of(call.query)
    participant, added = actions.set_participant(
        call.tx,
        call.actor,
        call.ids["event_id"],
        call.ids["user_id"],
        call.body.role,
        expect=call.expect,
        only_new=call.if_none_match is not None and call.if_none_match.anything,
        guard=guard,
    )
    if added:
        return with_conflicts(
            participant_reply(participant, status=HTTPStatus.CREATED, location=path_of(participant)), guard
        )
    return with_conflicts(participant_reply(participant), guard)


@operation(
    "PATCH",
    PATH + "/{user_id}",
    tag="Participants",
    scope=Scope.events_write,
    ids=ID,
    query=BookingQuery,
    body=ParticipantUpdate,
    elsewhere=ANSWER_ELSEWHERE,
    answer=ParticipantJson,
    errors=CHANGE_ERRORS,
    example={"role": "optional"},
)
def update_participant(call: Call) -> Reply:
    """Mark a participant as required or optional.

    Their answer stays.
    """
    role = known(call.body.role)
    event_id, user_id = call.ids["event_id"], call.ids["user_id"]
    guard = guard_of(call.query)
    participant = actions.change_role(call.tx, call.actor, event_id, user_id, role, expect=call.expect, guard=guard)
    return with_conflicts(participant_reply(participant), guard)


@operation(
    "DELETE",
    PATH + "/{user_id}",
    tag="Participants",
    scope=Scope.events_write,
    ids=ID,
    status=HTTPStatus.NO_CONTENT,
    errors=(NotFound, EventCancelled, StaleVersion),
)
def remove_participant(call: Call) -> Reply:
    """Remove a participant.

    Removing the host's own part keeps them as host: the event then runs without them.
    """
    event_id, user_id = call.ids["event_id"], call.ids["user_id"]
    actions.remove_participant(call.tx, call.actor, event_id, user_id, expect=call.expect)
    return Reply()


@operation(
    "PUT",
    PATH + "/{user_id}/response",
    tag="Participants",
    scope=Scope.respond,
    ids=ID,
    query=BookingQuery,
    body=ResponseUpdate,
    elsewhere={"role": "the role is changed by PATCH /v1/events/{event_id}/participants/{user_id}"},
    answer=ParticipantJson,
    errors=(NotFound, EventCancelled, EventEnded, BookingConflict, StaleVersion, Invalid),
    example={"response": "accepted", "comment": "I bring the cake."},
)
def respond_to_event(call: Call) -> Reply:
    """Accept, decline or answer tentatively.

    An answer may change until the event ends. A new start, end or zone of the event asks everybody but the host anew.
    """
    event_id, user_id = call.ids["event_id"], call.ids["user_id"]
    guard = guard_of(call.query)
    participant = actions.answer_invitation(
        call.tx, call.actor, event_id, user_id, call.body, expect=call.expect, guard=guard
    )
    return with_conflicts(participant_reply(participant), guard)
