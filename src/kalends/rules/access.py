"""Authorization: the only table of who may do what.

An operator acts for the whole organization. Everybody else is a person, and what they may do with an event depends on
their tie to it:

| tie                                        | sees                     | changes it | answers            |
|--------------------------------------------|--------------------------|------------|--------------------|
| host                                       | all                      | yes        | for themselves     |
| participant                                | all*                     | no         | for themselves     |
| asked to host it (a pending transfer)      | all*                     | no         | for themselves     |
| `write` on the host's calendar             | all, unless private      | yes        | for the host       |
| `respond` or `write` on the calendar of a  |                          |            |                    |
| participant, or of a person asked to host  | all*, unless private     | no         | for that person**  |
| `read` on the host's calendar              | all*, unless private     | no         | no                 |
| `titles` on the host's calendar            | title, unless private    | no         | no                 |
| any other user of the organization         | a busy block             | no         | no                 |

* If the event hides its participants: of them only the host, themselves, and people whose delegate they are.
** Accepting or declining a pending transfer for that person needs `write`.

Making a person the host of an event takes `write` on their calendar, as creating an event in their name does.

What the actor may not see does not exist for them (404). What they see but may not do is forbidden (403).
"""

from collections.abc import Collection
from enum import IntEnum

from msgspec import structs

from kalends.credentials import Token
from kalends.errors import Forbidden
from kalends.model import Actor, Hold, Scope, SharingLevel, UserId, Visibility


class AccessLevel(IntEnum):
    """How much of an event an actor may see, lowest first; each level includes those before it."""

    busy = 0
    titles = 1
    read = 2
    write = 3
    """All of it, with the right to change it."""


ACCESS_TO_HOSTED = {
    SharingLevel.free_busy: AccessLevel.busy,
    SharingLevel.titles: AccessLevel.titles,
    SharingLevel.read: AccessLevel.read,
    SharingLevel.respond: AccessLevel.read,
    SharingLevel.write: AccessLevel.write,
}
"""The access level to the events that a person hosts, by the level at which their calendar is shared."""

DELEGATE = (SharingLevel.respond, SharingLevel.write)
"""The levels that also show the events that the owner takes part in, and permit answering for the owner."""


def is_operator(actor: Actor) -> bool:
    """Return whether an actor acts for the whole organization."""
    return actor.user_id is None


def may_read_events(actor: Actor) -> bool:
    """Return whether events and holds may be named to an actor, which needs a scope of their token."""
    return Scope.events_read in actor.scopes


def access_level_of(
    actor: Actor, host_id: UserId, visibility: Visibility, *, concerned: bool, delegate: bool
) -> AccessLevel:
    """Return how much of an event an actor sees.

    `participates` says whether they take part, `delegate` whether they are a delegate of a person whom it concerns.
    """
    if actor.user_id is None or actor.user_id == host_id:
        return AccessLevel.write
    own = AccessLevel.read if concerned else AccessLevel.busy
    if visibility is Visibility.private:
        return own
    hosted = ACCESS_TO_HOSTED[actor.shared.get(host_id, SharingLevel.free_busy)]
    return max(own, hosted, AccessLevel.read if delegate else AccessLevel.busy)


def access_level_of_participation(
    actor: Actor, person: UserId, access_level: AccessLevel, host_id: UserId, *, hides: bool
) -> AccessLevel:
    """Return how much an actor sees of an event in the time of `person`: a busy block, unless they see who takes part.

    `access_level` is how much they see of the event itself, `hides` whether it hides its participants. Everybody who
    sees the event sees its host.
    """
    if person in (actor.user_id, host_id):
        return access_level
    hidden = hides_participants(access_level, hides=hides) and person not in delegators_of(actor)
    return AccessLevel.busy if hidden or access_level is AccessLevel.titles else access_level


def hides_participants(access_level: AccessLevel, *, hides: bool) -> bool:
    """Return whether some participants are not shown at an access level; `hides` says whether the event hides them."""
    return hides and access_level < AccessLevel.write


def delegators_of(actor: Actor) -> list[UserId]:
    """Return the people whose delegate an actor is."""
    return [owner for owner, level in actor.shared.items() if level in DELEGATE]


def hosts_shown_to(actor: Actor, least: AccessLevel) -> list[UserId]:
    """Return the hosts whose events an actor sees at a level or a higher one, as their calendars are shared."""
    return [owner for owner, level in actor.shared.items() if ACCESS_TO_HOSTED[level] >= least]


def is_self_or_operator(actor: Actor, user_id: UserId | None) -> bool:
    """Return whether an actor may do what only the person and operators may do; without a person, only operators."""
    return actor.user_id in (None, user_id)


def may_answer_for(actor: Actor, user_id: UserId, visibility: Visibility) -> bool:
    """Return whether an actor may accept and decline in a person's name; delegates cannot see private events."""
    if is_self_or_operator(actor, user_id):
        return True
    return visibility is Visibility.default and actor.shared.get(user_id) in DELEGATE


def may_manage(actor: Actor, user_id: UserId) -> bool:
    """Return whether an actor may host in a person's name, and set their working hours."""
    return is_self_or_operator(actor, user_id) or actor.shared.get(user_id) is SharingLevel.write


def may_answer_transfer_for(actor: Actor, user_id: UserId, visibility: Visibility) -> bool:
    """Return whether an actor may accept or decline, in a person's name, to host an event."""
    return may_manage(actor, user_id) and may_answer_for(actor, user_id, visibility)


def may_use_hold(actor: Actor, placed_by: UserId | None) -> bool:
    """Return whether an actor may use a hold: if they placed it, or are an operator."""
    return is_self_or_operator(actor, placed_by)


def may_see_hold(actor: Actor, placed_by: UserId | None, people: Collection[UserId]) -> bool:
    """Return whether an actor may see a hold: if they may use it, or it keeps their time."""
    return may_use_hold(actor, placed_by) or actor.user_id in people


def hold_shown_to(person: UserId | None, hold: Hold) -> Hold:
    """Return a hold as it is shown to a person who may see it, or to an operator (None).

    A person who did not place it sees that it keeps their time and who placed it, but not the other people.
    """
    return hold if person in (None, hold.placed_by) else structs.replace(hold, user_ids=(person,))


def may_manage_token(actor: Actor, token: Token) -> bool:
    """Return whether an actor may see and revoke a token: if it is their own, or they are an operator."""
    return is_self_or_operator(actor, token.user_id)


def refuse_unless(allowed: bool, reason: str) -> None:
    """Raise Forbidden with a reason unless it is allowed."""
    if not allowed:
        raise Forbidden(reason)
