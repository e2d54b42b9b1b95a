"""Actions on the participants of an event."""

from collections.abc import Container, Mapping

from msgspec import structs

from kalends.actions.booking import OnConflict
from kalends.actions.fetching import (
    Named,
    Versions,
    event_to_change,
    expect_version,
    lock_bookable_people,
    participant_to_change,
    visible_event,
)
from kalends.actions.saving import EventChange, Saved, save_event
from kalends.drafts import ParticipantCreate, ResponseUpdate
from kalends.errors import AlreadyParticipant, Fault, Invalid, StaleVersion
from kalends.model import Actor, Event, EventId, Participant, Participation, Role, UserId
from kalends.rules.access import may_answer_for, refuse_unless
from kalends.rules.editing import next_version
from kalends.rules.participation import (
    apply_response,
    new_participation,
    participant_limit_faults,
    refuse_cancelled,
    refuse_ended,
)
from kalends.store.database import WriteTx
from kalends.store.participants import participants_among, participations_of_people


def add_participants(
    tx: WriteTx,
    actor: Actor,
    event_id: EventId,
    participants: list[ParticipantCreate],
    *,
    expect: Versions = None,
    on_conflict: OnConflict = OnConflict.reject,
) -> tuple[list[Participant], Saved]:
    """Add participants, all or none; return them in the order given, and the event.

    Raise NotFound, Forbidden, StaleVersion, EventCancelled, EventEnded, Invalid, AlreadyParticipant or BookingConflict.
    """
    before = event_to_change(tx, actor, event_id, expect)
    refuse_cancelled(before)
    refuse_ended(before, now=tx.now)
    named: list[Named] = [(new.user_id, (place, "user_id")) for place, new in enumerate(participants)]
    _, faults = lock_bookable_people(tx, actor, named)
    known = participations_of_people(tx, event_id, {user_id for user_id, _ in named})
    refuse_known_or_repeated(before, named, known, faults)
    if not participants:
        return [], Saved(before)
    return store_new_participations(tx, actor, before, {new.user_id: new.role for new in participants}, on_conflict)


def refuse_known_or_repeated(event: Event, named: list[Named], known: Container[UserId], faults: list[Fault]) -> None:
    """Raise Invalid if a user is named twice or there are too many, AlreadyParticipant if one takes part already."""
    first = dict(reversed(named))
    faults = faults + [
        Fault(where, "duplicate_participant", f"user {user_id} is named twice: name them once")
        for user_id, where in named
        if first[user_id] != where
    ]
    taken = [
        Fault(where, "already_participant", f"user {user_id} already takes part: leave them out")
        for user_id, where in reversed(first.items())
        if user_id in known
    ]
    faults += participant_limit_faults(event.counts.total + len(first) - len(taken), ())
    if faults:
        raise Invalid(*faults, *taken)
    if taken:
        raise AlreadyParticipant(tuple(taken))


def set_participant(
    tx: WriteTx,
    actor: Actor,
    event_id: EventId,
    user_id: UserId,
    role: Role,
    *,
    expect: Versions = None,
    only_new: bool = False,
    on_conflict: OnConflict = OnConflict.reject,
) -> tuple[Participant, Saved, bool]:
    """Add a participant, or change their role; return also whether they are new.

    Raise NotFound, Forbidden, StaleVersion, EventCancelled, EventEnded, Invalid or BookingConflict.
    """
    before = event_to_change(tx, actor, event_id)
    concerned = participants_among(tx, actor, before, [user_id])
    if concerned:
        (participant,) = concerned
        if only_new:
            raise StaleVersion("participant", participant.participation.version)
        expect_version("participant", participant.participation.version, expect)
        return *store_role(tx, actor, before, participant, role, on_conflict), False
    expect_version("participant", 0, expect)
    refuse_cancelled(before)
    refuse_ended(before, now=tx.now)
    _, faults = lock_bookable_people(tx, actor, [(user_id, ("user_id",))])
    faults += participant_limit_faults(before.counts.total + 1, ())
    if faults:
        raise Invalid(*faults)
    participants, saved = store_new_participations(tx, actor, before, {user_id: role}, on_conflict)
    return participants[0], saved, True


def change_role(
    tx: WriteTx,
    actor: Actor,
    event_id: EventId,
    user_id: UserId,
    role: Role | None,
    *,
    expect: Versions = None,
    on_conflict: OnConflict = OnConflict.reject,
) -> tuple[Participant, Saved]:
    """Make a participant required or optional; their response stays.

    Raise NotFound, Forbidden, StaleVersion, EventCancelled, EventEnded or BookingConflict.
    """
    before = event_to_change(tx, actor, event_id)
    participant = participant_to_change(tx, actor, before, user_id, expect)
    return store_role(tx, actor, before, participant, role or participant.participation.role, on_conflict)


def remove_participant(
    tx: WriteTx, actor: Actor, event_id: EventId, user_id: UserId, *, expect: Versions = None
) -> None:
    """Remove a participant; a host stays the host. Raise NotFound, Forbidden, StaleVersion or EventCancelled."""
    before = event_to_change(tx, actor, event_id)
    participant = participant_to_change(tx, actor, before, user_id, expect)
    refuse_cancelled(before)
    after = next_version(before, now=tx.now)
    save_event(tx, actor, EventChange(before, after, {user_id: participant.participation}, {}))


def answer_invitation(
    tx: WriteTx,
    actor: Actor,
    event_id: EventId,
    user_id: UserId,
    answer: ResponseUpdate,
    *,
    expect: Versions = None,
    on_conflict: OnConflict = OnConflict.reject,
) -> tuple[Participant, Saved]:
    """Accept, decline or answer tentatively; the same answer again changes nothing.

    Raise NotFound, Forbidden, StaleVersion, EventCancelled, EventEnded or BookingConflict.
    """
    before, _ = visible_event(tx, actor, event_id)
    refuse_unless(
        may_answer_for(actor, user_id, before.visibility),
        "You can only answer for yourself, or for somebody who lets you respond for them",
    )
    participant = participant_to_change(tx, actor, before, user_id, expect)
    refuse_cancelled(before)
    after = next_version(before, now=tx.now)
    participation = apply_response(after, participant.participation, answer, now=tx.now)
    if participation is participant.participation:
        return participant, Saved(before)
    return store_participation(tx, actor, before, after, participant, participation, on_conflict)


def store_role(
    tx: WriteTx, actor: Actor, before: Event, participant: Participant, role: Role, on_conflict: OnConflict
) -> tuple[Participant, Saved]:
    """Store a participant's role; the same role again changes nothing."""
    if participant.participation.role is role:
        return participant, Saved(before)
    refuse_cancelled(before)
    refuse_ended(before, now=tx.now)
    after = next_version(before, now=tx.now)
    new = structs.replace(participant.participation, role=role, version=participant.participation.version + 1)
    return store_participation(tx, actor, before, after, participant, new, on_conflict)


def store_participation(
    tx: WriteTx,
    actor: Actor,
    before: Event,
    after: Event,
    participant: Participant,
    new: Participation,
    on_conflict: OnConflict,
) -> tuple[Participant, Saved]:
    """Store the new version of one participation."""
    old = participant.participation
    saved = save_event(tx, actor, EventChange(before, after, {old.user_id: old}, {new.user_id: new}), on_conflict)
    return structs.replace(participant, participation=new), saved


def store_new_participations(
    tx: WriteTx, actor: Actor, before: Event, roles: Mapping[UserId, Role], on_conflict: OnConflict
) -> tuple[list[Participant], Saved]:
    """Store new participations; return the participants in the order of `roles`, and the event."""
    after = next_version(before, now=tx.now)
    participations = {user_id: new_participation(after, user_id, role, now=tx.now) for user_id, role in roles.items()}
    saved = save_event(tx, actor, EventChange(before, after, {}, participations), on_conflict)
    found = {
        participant.participation.user_id: participant
        for participant in participants_among(tx, actor, saved.event, list(roles))
    }
    return [found[user_id] for user_id in roles], saved
