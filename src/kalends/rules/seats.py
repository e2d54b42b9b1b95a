"""Deciding about seats: who sits in an event, what they said, how many there are, what it is in their time."""

from collections.abc import Iterable

from kalends.drafts import Answer
from kalends.errors import EventCancelled, EventEnded, Fault
from kalends.model import MAX_PARTICIPANTS, AgendaRow, Event, Instant, Response, Role, Seat, Status, Tally, UserId
from kalends.rules.busy import commitment


def new_seat(event: Event, user_id: UserId, role: Role, *, now: Instant) -> Seat:
    """Seat somebody: the host has accepted, everybody else has yet to answer."""
    if user_id == event.host_id:
        return Seat(user_id, role, Response.accepted, None, now, event.version)
    return Seat(user_id, role, Response.needs_action, None, None, event.version)


def asked_again(event: Event, seat: Seat) -> Seat:
    """Give the seat after a move: everybody but the host has to answer anew."""
    if seat.user_id == event.host_id or seat.response is Response.needs_action:
        return seat
    return Seat(seat.user_id, seat.role, Response.needs_action, None, None, seat.version + 1)


def answered(event: Event, seat: Seat, answer: Answer, *, now: Instant) -> Seat:
    """Return the seat with an answer in it; the same answer once more changes nothing. Raises EventEnded."""
    refuse_ended(event, now=now)
    if (seat.response, seat.comment) == (answer.response, answer.comment):
        return seat
    return Seat(seat.user_id, seat.role, Response(answer.response), answer.comment, now, seat.version + 1)


def refuse_ended(event: Event, *, now: Instant) -> None:
    """Raise EventEnded if it is over: who was invited as what, and what they said, then stands."""
    if now >= event.block.span.end:
        raise EventEnded


def refuse_cancelled(event: Event) -> None:
    """Raise EventCancelled if nothing may change any more."""
    if event.status is Status.cancelled:
        raise EventCancelled


def tallied(tally: Tally, *, gone: Iterable[Seat] = (), come: Iterable[Seat] = ()) -> Tally:
    """Give the counts after some seats went and others came; a changed seat is one of each."""
    counts = {name: getattr(tally, name) for name in Tally.__struct_fields__}
    for step, seats in ((-1, gone), (1, come)):
        for seat in seats:
            counts[seat.role.value] += step
            counts[seat.response.value] += step
    return Tally(**counts)


def agenda_row(event: Event, user_id: UserId, seat: Seat | None) -> AgendaRow | None:
    """Tell what an event is in one person's time: None if they neither host it nor take part."""
    hosting = user_id == event.host_id
    if seat is None and not hosting:
        return None
    role, response = (seat.role, seat.response) if seat else (None, None)
    shown, blocking = commitment(event.status, event.show_as, role, response)
    span = event.block.span
    return AgendaRow(user_id, event.id, span, hosting, role, response, event.status, shown, blocking)


def agenda_of(event: Event, seats: Iterable[Seat]) -> set[AgendaRow]:
    """Tell what an event is in the time of its host and of everybody in `seats`."""
    by_person: dict[UserId, Seat | None] = {event.host_id: None}
    by_person.update({seat.user_id: seat for seat in seats})
    rows = (agenda_row(event, user_id, seat) for user_id, seat in by_person.items())
    return {row for row in rows if row is not None}


def seat_limit_faults(count: int, where: tuple[str | int, ...]) -> list[Fault]:
    """Say whether so many seats are too many for one event."""
    if count <= MAX_PARTICIPANTS:
        return []
    return [
        Fault(where, "too_many_participants", f"an event can have at most {MAX_PARTICIPANTS} participants, not {count}")
    ]
