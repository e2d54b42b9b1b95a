"""What can be done with the participants of an event."""

from collections.abc import Mapping

from msgspec import structs

from kalends.actions.booking import Guard
from kalends.actions.finding import (
    Versions,
    event_in_sight,
    event_to_change,
    expect_version,
    participant_to_change,
    people_to_book,
)
from kalends.actions.saving import save_event
from kalends.drafts import Answer, Invitation
from kalends.errors import AlreadyParticipant, Fault, Invalid, StaleVersion
from kalends.model import Actor, Event, EventId, Participant, Role, Seat, UserId
from kalends.rules.access import may_answer_for, refuse_unless
from kalends.rules.revise import next_version
from kalends.rules.seats import answered, new_seat, refuse_cancelled, refuse_ended, seat_limit_faults
from kalends.store.database import WriteTx
from kalends.store.participants import participants_among, seats_among


def add_participants(
    tx: WriteTx,
    actor: Actor,
    event_id: EventId,
    guests: list[Invitation],
    *,
    expect: Versions = None,
    guard: Guard | None = None,
) -> list[Participant]:
    """Seat everybody named, or nobody.

    Raises NotFound, StaleVersion, EventCancelled, EventEnded, Invalid, AlreadyParticipant or Conflict.
    """
    before = event_to_change(tx, actor, event_id, expect)
    refuse_cancelled(before)
    refuse_ended(before, now=tx.now)
    _, faults = people_to_book(tx, actor, [(guest.user_id, (place, "user_id")) for place, guest in enumerate(guests)])
    places = {guest.user_id: place for place, guest in reversed(list(enumerate(guests)))}
    faults += [
        Fault((place, "user_id"), "duplicate_participant", f"user {guest.user_id} is named twice: name them once")
        for place, guest in enumerate(guests)
        if places[guest.user_id] != place
    ]
    seated = seats_among(tx, event_id, places)
    faults += seat_limit_faults(before.tally.total + len(places.keys() - seated.keys()), ())
    taken = [
        Fault((place, "user_id"), "already_participant", f"user {user_id} already takes part: leave them out")
        for user_id, place in reversed(places.items())
        if user_id in seated
    ]
    if faults:
        raise Invalid(*faults, *taken)
    if taken:
        raise AlreadyParticipant(tuple(taken))
    if not guests:
        return []
    return store_new_seats(tx, actor, before, {guest.user_id: guest.role for guest in guests}, guard)


def seat_participant(
    tx: WriteTx,
    actor: Actor,
    event_id: EventId,
    user_id: UserId,
    role: Role,
    *,
    expect: Versions = None,
    only_new: bool = False,
    guard: Guard | None = None,
) -> tuple[Participant, bool]:
    """Make somebody a participant in a role, whether or not they were one; tell whether they are new.

    Raises NotFound, StaleVersion, EventCancelled, EventEnded, Invalid or Conflict.
    """
    before = event_to_change(tx, actor, event_id)
    seated = participants_among(tx, actor, before, [user_id])
    if seated:
        (guest,) = seated
        if only_new:
            raise StaleVersion("participant", guest.seat.version)
        expect_version("participant", guest.seat.version, expect)
        return store_role(tx, actor, before, guest, role, guard), False
    expect_version("participant", 0, expect)
    refuse_cancelled(before)
    refuse_ended(before, now=tx.now)
    _, faults = people_to_book(tx, actor, [(user_id, ("user_id",))])
    faults += seat_limit_faults(before.tally.total + 1, ())
    if faults:
        raise Invalid(*faults)
    return store_new_seats(tx, actor, before, {user_id: role}, guard)[0], True


def change_role(
    tx: WriteTx,
    actor: Actor,
    event_id: EventId,
    user_id: UserId,
    role: Role | None,
    *,
    expect: Versions = None,
    guard: Guard | None = None,
) -> Participant:
    """Make a participant required or optional; their answer stays.

    Raises NotFound, StaleVersion, EventCancelled, EventEnded or Conflict.
    """
    before = event_to_change(tx, actor, event_id)
    guest = participant_to_change(tx, actor, before, user_id, expect)
    return store_role(tx, actor, before, guest, role or guest.seat.role, guard)


def remove_participant(
    tx: WriteTx, actor: Actor, event_id: EventId, user_id: UserId, *, expect: Versions = None
) -> None:
    """Take somebody's seat away; the host goes on hosting. Raises NotFound, StaleVersion or EventCancelled."""
    before = event_to_change(tx, actor, event_id)
    guest = participant_to_change(tx, actor, before, user_id, expect)
    refuse_cancelled(before)
    save_event(tx, actor, before, next_version(before, now=tx.now), {user_id: guest.seat}, {})


def answer_invitation(
    tx: WriteTx,
    actor: Actor,
    event_id: EventId,
    user_id: UserId,
    answer: Answer,
    *,
    expect: Versions = None,
    guard: Guard | None = None,
) -> Participant:
    """Accept, decline or answer tentatively; the same answer once more changes nothing.

    Raises NotFound, Forbidden, StaleVersion, EventCancelled, EventEnded or Conflict.
    """
    before, _ = event_in_sight(tx, actor, event_id)
    refuse_unless(
        may_answer_for(actor, user_id, before.visibility),
        "You can only answer for yourself, or for somebody who lets you respond for them",
    )
    guest = participant_to_change(tx, actor, before, user_id, expect)
    refuse_cancelled(before)
    after = next_version(before, now=tx.now)
    seat = answered(after, guest.seat, answer, now=tx.now)
    return guest if seat is guest.seat else store_seat(tx, actor, before, after, guest, seat, guard)


def store_role(
    tx: WriteTx, actor: Actor, before: Event, guest: Participant, role: Role, guard: Guard | None
) -> Participant:
    """Store a participant's role; the same role once more changes nothing."""
    if guest.seat.role is role:
        return guest
    refuse_cancelled(before)
    refuse_ended(before, now=tx.now)
    after = next_version(before, now=tx.now)
    new = structs.replace(guest.seat, role=role, version=guest.seat.version + 1)
    return store_seat(tx, actor, before, after, guest, new, guard)


def store_seat(
    tx: WriteTx, actor: Actor, before: Event, after: Event, guest: Participant, new: Seat, guard: Guard | None
) -> Participant:
    """Store what one participant's seat has become."""
    save_event(tx, actor, before, after, {new.user_id: guest.seat}, {new.user_id: new}, guard)
    return structs.replace(guest, seat=new)


def store_new_seats(
    tx: WriteTx, actor: Actor, before: Event, roles: Mapping[UserId, Role], guard: Guard | None
) -> list[Participant]:
    """Store new seats and give their participants in the order they were named."""
    after = next_version(before, now=tx.now)
    seats = {user_id: new_seat(after, user_id, role, now=tx.now) for user_id, role in roles.items()}
    saved = save_event(tx, actor, before, after, {}, seats, guard)
    found = {guest.seat.user_id: guest for guest in participants_among(tx, actor, saved, list(roles))}
    return [found[user_id] for user_id in roles]
