"""Actions on events."""

from collections.abc import Container

from msgspec import structs

from kalends.actions.booking import OnConflict
from kalends.actions.fetching import (
    Named,
    Versions,
    event_to_change,
    expect_version,
    lock_bookable_people,
    visible_event,
)
from kalends.actions.holds import consume_hold
from kalends.actions.saving import (
    EventChange,
    Participations,
    Saved,
    change_without_participations,
    remove_event,
    save_event,
    save_new_event,
)
from kalends.drafts import EventCreate, EventUpdate
from kalends.errors import Fault, Forbidden, Invalid, NotFound
from kalends.model import (
    Actor,
    Block,
    Conflict,
    Event,
    EventId,
    HoldId,
    Instant,
    ParticipantCounts,
    Response,
    Role,
    Status,
    UserId,
)
from kalends.rules.access import AccessLevel, may_answer_transfer_for, may_manage, refuse_unless
from kalends.rules.blocks import block_of, faults_in_any_zone
from kalends.rules.editing import apply_event_edit, cancelled, transferred, with_pending_host
from kalends.rules.metadata import metadata_text
from kalends.rules.participation import (
    agenda_of,
    new_participation,
    participant_limit_faults,
    refuse_cancelled,
    reset_response,
)
from kalends.store.commitments import blocking_commitments
from kalends.store.database import WriteTx
from kalends.store.participants import participations_of, participations_of_people


def create_event(
    tx: WriteTx,
    actor: Actor,
    draft: EventCreate,
    *,
    on_conflict: OnConflict = OnConflict.reject,
    hold_id: HoldId | None = None,
) -> Saved:
    """Create an event with its host and first participants; the hold `hold_id`, if given, becomes this event.

    Raise Forbidden, Invalid or BookingConflict.
    """
    event, participations = new_event(tx, actor, draft)
    if hold_id is not None:
        consume_hold(tx, actor, hold_id, event, {event.host_id, *participations})
    return save_new_event(tx, actor, event, participations, on_conflict)


def new_event(tx: WriteTx, actor: Actor, draft: EventCreate) -> tuple[Event, Participations]:
    """Return the event and the participations that a draft describes, and lock its people.

    Raise Forbidden or Invalid.
    """
    refuse_unless(
        may_manage(actor, draft.host_id),
        "You can only create events that you host, or that somebody who gave you write access hosts",
    )
    named: list[Named] = [(draft.host_id, ("host_id",))]
    named += [
        (participant.user_id, ("participants", place, "user_id"))
        for place, participant in enumerate(draft.participants)
    ]
    zones, faults = lock_bookable_people(tx, actor, named)
    roles, participant_faults = participant_roles(draft)
    block = drafted_block(draft, zones.get(draft.host_id))
    faults += participant_faults
    if isinstance(block, list):
        faults += block
    if faults or not isinstance(block, Block):
        raise Invalid(*faults)
    event = drafted_event(draft, block, EventId(tx.new_id()), now=tx.now)
    return event, {user_id: new_participation(event, user_id, role, now=tx.now) for user_id, role in roles.items()}


def drafted_block(draft: EventCreate, host_zone: str | None) -> Block | list[Fault]:
    """Return the block of a draft, by default in the zone of its host, or all faults of its times."""
    zone = draft.time_zone or host_zone
    return faults_in_any_zone(draft.start, draft.end) if zone is None else block_of(draft.start, draft.end, zone)


def drafted_event(draft: EventCreate, block: Block, event_id: EventId, *, now: Instant) -> Event:
    """Return the first version of an event, without participants."""
    return Event(
        id=event_id,
        host_id=draft.host_id,
        block=block,
        status=Status(draft.status),
        cancel_reason=None,
        metadata=metadata_text(draft.metadata),
        counts=ParticipantCounts(),
        version=1,
        created_at=now,
        updated_at=now,
        **draft.details(),
    )


def participant_roles(draft: EventCreate) -> tuple[dict[UserId, Role], list[Fault]]:
    """Return the role of each participant, the host's first, and the faults of the list of participants."""
    roles = {draft.host_id: Role.required} if draft.host_attends else {}
    faults: list[Fault] = []
    seen: set[UserId] = set()
    for place, participant in enumerate(draft.participants):
        where = ("participants", place, "user_id")
        if participant.user_id in seen:
            faults.append(
                Fault(where, "duplicate_participant", f"user {participant.user_id} is named twice: name them once")
            )
        elif participant.user_id == draft.host_id and not draft.host_attends:
            faults.append(
                Fault(
                    where,
                    "host_does_not_attend",
                    "host_attends is false, so the host cannot be a participant: leave one of the two out",
                )
            )
        seen.add(participant.user_id)
        roles[participant.user_id] = participant.role
    return roles, faults + participant_limit_faults(len(roles), ("participants",))


def change_event(
    tx: WriteTx,
    actor: Actor,
    event_id: EventId,
    edit: EventUpdate,
    *,
    expect: Versions = None,
    keep_responses: bool = False,
    on_conflict: OnConflict = OnConflict.reject,
) -> Saved:
    """Apply an edit as one new version; a new time resets all responses but the host's (see `reset_responses`).

    Raise NotFound, Forbidden, StaleVersion, EventCancelled, Invalid or BookingConflict.
    """
    before = event_to_change(tx, actor, event_id, expect)
    refuse_cancelled(before)
    after = apply_event_edit(before, edit, now=tx.now)
    if after is before:
        return Saved(before)
    if after.block == before.block:
        return save_event(tx, actor, change_without_participations(tx, before, after), on_conflict)
    old = new = participations_of(tx, event_id)
    active, _ = lock_bookable_people(tx, actor, [(user_id, ()) for user_id in (before.host_id, *old)])
    warnings: tuple[Conflict, ...] = ()
    if after.block.span.end > tx.now:
        new = without_deleted(after, old, active)
    if not keep_responses:
        new, warnings = reset_responses(tx, actor, after, new, on_conflict)
    saved = save_event(tx, actor, EventChange(before, after, old, new), on_conflict)
    return saved._replace(warnings=warnings + saved.warnings)


def reset_responses(
    tx: WriteTx, actor: Actor, event: Event, participations: Participations, on_conflict: OnConflict
) -> tuple[Participations, tuple[Conflict, ...]]:
    """Return the participations of an event that gets a new time, with all responses reset but the host's.

    Unless double booking is allowed, people who declined and are busy at the new time stay declined, and their
    conflicts are returned as warnings. They were not needed before, so they neither prevent the new time nor are booked
    twice. The people are locked already.
    """
    reset = {user_id: reset_response(event, participation) for user_id, participation in participations.items()}
    needed = {row.user_id for row in agenda_of(event, reset.values()) if row.blocking}
    declined = sorted(user_id for user_id in needed if participations[user_id].response is Response.declined)
    if not declined or on_conflict is OnConflict.allow:
        return reset, ()
    span = event.block.span
    blocking = blocking_commitments(tx, actor, declined, [span], event_id=event.id)[span]
    unchanged = {conflict.user_id: participations[conflict.user_id] for conflict in blocking}
    return reset | unchanged, tuple(structs.replace(conflict, needed=False) for conflict in blocking)


def without_deleted(event: Event, participations: Participations, active: Container[UserId]) -> Participations:
    """Return the participations of people who are not deleted. Raise Invalid if the host is deleted."""
    if event.host_id not in active:
        message = f"the host, user {event.host_id}, has been deleted: transfer the event to another host first"
        raise Invalid(Fault(("end",), "user_inactive", message))
    return {user_id: participation for user_id, participation in participations.items() if user_id in active}


def delete_event(tx: WriteTx, actor: Actor, event_id: EventId, *, expect: Versions = None) -> None:
    """Remove an event for good. Raise NotFound, Forbidden or StaleVersion."""
    remove_event(tx, actor, event_to_change(tx, actor, event_id, expect))


def cancel_event(
    tx: WriteTx, actor: Actor, event_id: EventId, reason: str | None = None, *, expect: Versions = None
) -> Event:
    """Cancel an event: it stays readable and no longer makes anybody busy. Cancelling it again changes nothing.

    Raise NotFound, Forbidden or StaleVersion.
    """
    before = event_to_change(tx, actor, event_id, expect)
    if before.status is Status.cancelled:
        return before
    after = cancelled(before, reason, now=tx.now)
    return save_event(tx, actor, change_without_participations(tx, before, after)).event


def transfer_event(
    tx: WriteTx,
    actor: Actor,
    event_id: EventId,
    host_id: UserId,
    *,
    expect: Versions = None,
    on_conflict: OnConflict = OnConflict.reject,
) -> Saved:
    """Transfer an event to another host, or ask them to host it if the actor may not manage their calendar.

    A pending transfer to somebody else ends.

    Raise NotFound, Forbidden, StaleVersion, EventCancelled, Invalid or BookingConflict.
    """
    before = event_to_change(tx, actor, event_id, expect)
    refuse_cancelled(before)
    if host_id != before.host_id and may_manage(actor, host_id):
        return save_transfer(tx, actor, before, host_id, "host_id", on_conflict)
    refuse_unbookable(tx, actor, host_id, "host_id")
    return save_pending_transfer(tx, actor, before, None if host_id == before.host_id else host_id)


def answer_transfer(
    tx: WriteTx,
    actor: Actor,
    event_id: EventId,
    *,
    accept: bool,
    expect: Versions = None,
    on_conflict: OnConflict = OnConflict.reject,
) -> Saved:
    """Accept or decline a pending transfer: the event gets the new host, or keeps its host.

    Raise NotFound, Forbidden, StaleVersion, Invalid or BookingConflict.
    """
    before, access_level = visible_event(tx, actor, event_id)
    new_host_id = before.pending_host_id
    if new_host_id is None and access_level is AccessLevel.write:
        raise NotFound("pending transfer of event", event_id)
    if new_host_id is None or not may_answer_transfer_for(actor, new_host_id, before.visibility):
        raise Forbidden(
            "Only the person who is asked to host an event, somebody with write access to their calendar, or an "
            "operator can accept or decline it"
        )
    expect_version("event", before.version, expect)
    if accept:
        return save_transfer(tx, actor, before, new_host_id, "response", on_conflict)
    return save_pending_transfer(tx, actor, before, None)


def withdraw_transfer(tx: WriteTx, actor: Actor, event_id: EventId, *, expect: Versions = None) -> None:
    """End a pending transfer. Raise NotFound, Forbidden or StaleVersion."""
    before = event_to_change(tx, actor, event_id, expect)
    if before.pending_host_id is None:
        raise NotFound("pending transfer of event", event_id)
    save_pending_transfer(tx, actor, before, None)


def save_transfer(
    tx: WriteTx, actor: Actor, before: Event, host_id: UserId, where: str, on_conflict: OnConflict
) -> Saved:
    """Save an event with another host, whom the argument `where` names. Raise Invalid or BookingConflict."""
    refuse_unbookable(tx, actor, host_id, where)
    old = participations_of_people(tx, before.id, [before.host_id, host_id])
    after, new = transferred(before, old, host_id, now=tx.now)
    faults = participant_limit_faults(before.counts.total + len(new) - len(old), (where,))
    if faults:
        raise Invalid(*faults)
    return save_event(tx, actor, EventChange(before, after, old, new), on_conflict)


def refuse_unbookable(tx: WriteTx, actor: Actor, host_id: UserId, where: str) -> None:
    """Lock the user who is to host an event. Raise Invalid if they cannot."""
    _, faults = lock_bookable_people(tx, actor, [(host_id, (where,))])
    if faults:
        raise Invalid(*faults)


def save_pending_transfer(tx: WriteTx, actor: Actor, before: Event, host_id: UserId | None) -> Saved:
    """Store who is asked to host an event; the same person as before changes nothing."""
    after = with_pending_host(before, host_id, now=tx.now)
    return Saved(before) if after is before else save_event(tx, actor, EventChange(before, after, {}, {}))
