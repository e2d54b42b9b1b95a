"""Lookups that lock what an action changes.

Those of events check what the actor may do; callers of the others check it themselves.
"""

from kalends.errors import Fault, NotFound, StaleVersion
from kalends.model import Actor, Event, EventId, Participant, User, UserId
from kalends.rules.access import AccessLevel, access_level_of, refuse_unless
from kalends.store.database import WriteTx
from kalends.store.events import lock_event
from kalends.store.participants import participants_among
from kalends.store.users import find_and_lock_people, lock_user
from kalends.store.visibility import ties_to

Versions = frozenset[int] | None
"""Versions that the caller expects; None for any."""

Named = tuple[UserId, tuple[str | int, ...]]
"""A user, and the place in the request that names them."""


def event_to_change(tx: WriteTx, actor: Actor, event_id: EventId, expect: Versions = None) -> Event:
    """Return an event that the actor may change, and lock it. Raise NotFound, Forbidden or StaleVersion."""
    event, access_level = visible_event(tx, actor, event_id)
    refuse_unless(
        access_level is AccessLevel.write,
        "Only the host, somebody with write access to the host's calendar, or an operator can change an event",
    )
    expect_version("event", event.version, expect)
    return event


def visible_event(tx: WriteTx, actor: Actor, event_id: EventId) -> tuple[Event, AccessLevel]:
    """Return an event that the actor may see, with their access level, and lock it. Raise NotFound."""
    event = lock_event(tx, actor, event_id)
    if event is None:
        raise NotFound("event", event_id)
    has_all = actor.user_id in (None, event.host_id)
    concerned, delegate = (False, False) if has_all else ties_to(tx, actor, event_id)
    access_level = access_level_of(actor, event.host_id, event.visibility, concerned=concerned, delegate=delegate)
    if access_level is AccessLevel.busy:
        raise NotFound("event", event_id)
    return event, access_level


def user_to_change(tx: WriteTx, actor: Actor, user_id: UserId, expect: Versions = None) -> User:
    """Return a user, and lock them. Raise NotFound or StaleVersion."""
    user = lock_user(tx, actor, user_id)
    if user is None:
        raise NotFound("user", user_id)
    expect_version("user", user.version, expect)
    return user


def participant_to_change(
    tx: WriteTx, actor: Actor, event: Event, user_id: UserId, expect: Versions = None
) -> Participant:
    """Return a participant of an event that is locked already. Raise NotFound or StaleVersion."""
    participants = participants_among(tx, actor, event, [user_id])
    if not participants:
        raise NotFound("participant", user_id)
    (participant,) = participants
    expect_version("participant", participant.participation.version, expect)
    return participant


def expect_version(kind: str, current: int, expect: Versions) -> None:
    """Raise StaleVersion unless the current version is one that the caller expects."""
    if expect is not None and current not in expect:
        raise StaleVersion(kind, current)


def lock_bookable_people(tx: WriteTx, actor: Actor, named: list[Named]) -> tuple[dict[UserId, str], list[Fault]]:
    """Lock users; return the time zone of each who can be booked, and a fault for each who cannot."""
    found = find_and_lock_people(tx, actor, [user_id for user_id, _ in named])
    faults: list[Fault] = []
    for user_id, where in named:
        if user_id not in found:
            faults.append(Fault(where, "unknown_user", f"there is no user {user_id}: check the id"))
        elif found[user_id][1]:
            faults.append(Fault(where, "user_inactive", f"user {user_id} has been deleted: name another one"))
    return {user_id: zone for user_id, (zone, deleted) in found.items() if not deleted}, faults
