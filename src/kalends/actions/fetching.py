"""Fetching with right: an action gets the row it may change, or the caller learns that there is none."""

from kalends.errors import Fault, NotFound, StaleVersion
from kalends.model import Actor, Event, EventId, Participant, User, UserId
from kalends.rules.access import AccessLevel, access_level_of, refuse_unless
from kalends.store.database import WriteTx
from kalends.store.events import lock_event
from kalends.store.participants import participants_among
from kalends.store.users import find_and_lock_people, lock_user
from kalends.store.visibility import ties_to

Versions = frozenset[int] | None
"""Versions that the caller expects; None expects nothing."""

Named = tuple[UserId, tuple[str | int, ...]]
"""A person, and the place in what the caller gave that names them."""


def event_to_change(tx: WriteTx, actor: Actor, event_id: EventId, expect: Versions = None) -> Event:
    """Give an event that the actor may change, locked. Raises NotFound, Forbidden or StaleVersion."""
    found, access_level = visible_event(tx, actor, event_id)
    refuse_unless(
        access_level is AccessLevel.write,
        "Only the host, somebody with write access to the host's calendar, or an operator can change an event",
    )
    expect_version("event", found.version, expect)
    return found


def visible_event(tx: WriteTx, actor: Actor, event_id: EventId) -> tuple[Event, AccessLevel]:
    """Give an event that the actor sees, locked, and how much they see of it. Raises NotFound."""
    found = lock_event(tx, actor, event_id)
    access_level = AccessLevel.busy
    if found is not None:
        known = actor.user_id in (None, found.host_id)
        participates, delegate = (False, False) if known else ties_to(tx, actor, event_id)
        access_level = access_level_of(
            actor, found.host_id, found.visibility, participates=participates, delegate=delegate
        )
    if found is None or access_level is AccessLevel.busy:
        raise NotFound("event", event_id)
    return found, access_level


def user_to_change(tx: WriteTx, actor: Actor, user_id: UserId, expect: Versions = None) -> User:
    """Give a user, locked. Raises NotFound or StaleVersion."""
    found = lock_user(tx, actor, user_id)
    if found is None:
        raise NotFound("user", user_id)
    expect_version("user", found.version, expect)
    return found


def participant_to_change(
    tx: WriteTx, actor: Actor, event: Event, user_id: UserId, expect: Versions = None
) -> Participant:
    """Give somebody's part in an event that is locked. Raises NotFound or StaleVersion."""
    found = participants_among(tx, actor, event, [user_id])
    if not found:
        raise NotFound("participant", user_id)
    expect_version("participant", found[0].participation.version, expect)
    return found[0]


def expect_version(kind: str, current: int, expect: Versions) -> None:
    """Raise StaleVersion unless the current version is one that the caller expects."""
    if expect is not None and current not in expect:
        raise StaleVersion(kind, current)


def people_to_book(tx: WriteTx, actor: Actor, named: list[Named]) -> tuple[dict[UserId, str], list[Fault]]:
    """Return the zone of everybody who can be booked, locked, and a fault for everybody else who is named."""
    found = find_and_lock_people(tx, actor, [user_id for user_id, _ in named])
    faults: list[Fault] = []
    for user_id, where in named:
        if user_id not in found:
            faults.append(Fault(where, "unknown_user", f"there is no user {user_id}: check the id"))
        elif found[user_id][1]:
            faults.append(Fault(where, "user_inactive", f"user {user_id} has been deleted: name another one"))
    return {user_id: zone for user_id, (zone, deleted) in found.items() if not deleted}, faults
