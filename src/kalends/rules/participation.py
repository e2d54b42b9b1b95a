"""Participations: responses, counts, and the agenda rows of an event."""

from collections.abc import Iterable

from msgspec import Struct

from kalends.drafts import ResponseUpdate
from kalends.errors import EventCancelled, EventEnded, Fault
from kalends.limits import MAX_PARTICIPANTS
from kalends.model import (
    Event,
    EventId,
    Instant,
    ParticipantCounts,
    Participation,
    Response,
    Role,
    Span,
    Status,
    Strength,
    UserId,
)
from kalends.rules.busy import strength_of


class AgendaRow(Struct, frozen=True):
    """One event in one person's time: derived from the event and the person's participation, never edited."""

    user_id: UserId
    event_id: EventId
    span: Span
    hosting: bool
    role: Role | None
    response: Response | None
    status: Status
    shown: Strength
    blocking: bool


def new_participation(event: Event, user_id: UserId, role: Role, *, now: Instant) -> Participation:
    """Return a new participation: the host has accepted, everybody else has yet to answer."""
    if user_id == event.host_id:
        return Participation(user_id, role, Response.accepted, None, now, event.version)
    return Participation(user_id, role, Response.needs_action, None, None, event.version)


def reset_response(event: Event, participation: Participation) -> Participation:
    """Return a participation after the event got a new time: everybody but the host has to answer again."""
    if participation.user_id == event.host_id or participation.response is Response.needs_action:
        return participation
    return Participation(
        participation.user_id, participation.role, Response.needs_action, None, None, participation.version + 1
    )


def apply_response(
    event: Event, participation: Participation, answer: ResponseUpdate, *, now: Instant
) -> Participation:
    """Return a participation with an answer; the same answer again changes nothing. Raise EventEnded."""
    refuse_ended(event, now=now)
    if (participation.response, participation.comment) == (answer.response, answer.comment):
        return participation
    return Participation(
        participation.user_id,
        participation.role,
        Response(answer.response),
        answer.comment,
        now,
        participation.version + 1,
    )


def refuse_ended(event: Event, *, now: Instant) -> None:
    """Raise EventEnded if an event is over: roles and responses then stay as they are."""
    if now >= event.block.span.end:
        raise EventEnded


def refuse_cancelled(event: Event) -> None:
    """Raise EventCancelled if an event is cancelled: nothing in it may change any more."""
    if event.status is Status.cancelled:
        raise EventCancelled


def updated_counts(
    counts: ParticipantCounts, *, removed: Iterable[Participation] = (), added: Iterable[Participation] = ()
) -> ParticipantCounts:
    """Return the counts after participations were removed and added; a changed participation is both."""
    numbers = {name: getattr(counts, name) for name in ParticipantCounts.__struct_fields__}
    for step, participations in ((-1, removed), (1, added)):
        for participation in participations:
            numbers[participation.role.value] += step
            numbers[participation.response.value] += step
    return ParticipantCounts(**numbers)


def agenda_row(event: Event, user_id: UserId, participation: Participation | None) -> AgendaRow | None:
    """Return the row of an event in a person's time, or None if they neither host it nor take part."""
    hosting = user_id == event.host_id
    if participation is None and not hosting:
        return None
    role, response = (participation.role, participation.response) if participation else (None, None)
    shown, blocking = strength_of(event.status, event.show_as, role, response)
    span = event.block.span
    return AgendaRow(user_id, event.id, span, hosting, role, response, event.status, shown, blocking)


def agenda_of(event: Event, participations: Iterable[Participation]) -> set[AgendaRow]:
    """Return the rows of an event in the time of its host and of everybody in `participations`."""
    by_person: dict[UserId, Participation | None] = {event.host_id: None}
    by_person.update({participation.user_id: participation for participation in participations})
    rows = (agenda_row(event, user_id, participation) for user_id, participation in by_person.items())
    return {row for row in rows if row is not None}


def changes_every_agenda(before: Event, after: Event) -> bool:
    """Return whether a change of an event changes all of its agenda rows."""
    return (before.block.span, before.status, before.show_as) != (after.block.span, after.status, after.show_as)


def participant_limit_faults(count: int, where: tuple[str | int, ...]) -> list[Fault]:
    """Return a fault if an event would have too many participants."""
    if count <= MAX_PARTICIPANTS:
        return []
    return [
        Fault(where, "too_many_participants", f"an event can have at most {MAX_PARTICIPANTS} participants, not {count}")
    ]
