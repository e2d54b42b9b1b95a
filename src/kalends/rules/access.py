"""Who may do what: the one table.

An operator acts for the whole organization. Everybody else is a person, and what they may do with an event follows
from what ties them to it:

| tie                                        | sees                     | changes it | answers            |
|--------------------------------------------|--------------------------|------------|--------------------|
| host                                       | all                      | yes        | for themselves     |
| participant                                | all                      | no         | for themselves     |
| asked to host it (a pending transfer)      | all                      | no         | for themselves     |
| `write` on the host's calendar             | all, unless private      | yes        | for the host       |
| `respond` or `write` on the calendar of a  |                          |            |                    |
| participant, or of who is asked to host it | all, unless private      | no         | for that person    |
| `read` on the host's calendar              | all, unless private      | no         | no                 |
| `titles` on the host's calendar            | title, unless private    | no         | no                 |
| member of the organization                 | a busy block             | no         | no                 |

Saying that somebody will host an event takes `write` on their calendar, as creating one in their name does.

What is not seen is not there (404); what is seen and may not be done is forbidden (403).
"""

from collections.abc import Collection
from enum import IntEnum

from msgspec import structs

from kalends.credentials import Token
from kalends.errors import Forbidden
from kalends.model import Actor, Hold, Scope, Sharing, UserId, Visibility


class AccessLevel(IntEnum):
    """How much of an event somebody sees, least first; each includes those before it."""

    busy = 0
    titles = 1
    read = 2
    write = 3
    """All of it, and with the right to change it."""


ACCESS_TO_HOSTED = {
    Sharing.free_busy: AccessLevel.busy,
    Sharing.titles: AccessLevel.titles,
    Sharing.read: AccessLevel.read,
    Sharing.respond: AccessLevel.read,
    Sharing.write: AccessLevel.write,
}
"""What a level on somebody's calendar shows of the events that this person hosts."""

DELEGATE = (Sharing.respond, Sharing.write)
"""The levels that also show what this person takes part in, and let another answer for them."""


def is_operator(actor: Actor) -> bool:
    """Tell whether somebody acts for the whole organization."""
    return actor.user_id is None


def may_read_events(actor: Actor) -> bool:
    """Return whether events and holds may be named to somebody: for that their token has to be made."""
    return Scope.events_read in actor.scopes


def access_level_of(
    actor: Actor, host_id: UserId, visibility: Visibility, *, participates: bool, delegate: bool
) -> AccessLevel:
    """Tell how much of an event somebody sees, who takes part in it or delegate of somebody it concerns, or neither."""
    if actor.user_id is None or actor.user_id == host_id:
        return AccessLevel.write
    own = AccessLevel.read if participates else AccessLevel.busy
    if visibility is Visibility.private:
        return own
    hosted = ACCESS_TO_HOSTED[actor.shared.get(host_id, Sharing.free_busy)]
    return max(own, hosted, AccessLevel.read if delegate else AccessLevel.busy)


def access_level_of_participation(
    actor: Actor, person: UserId, access_level: AccessLevel, host_id: UserId, *, hides: bool
) -> AccessLevel:
    """Tell how much somebody is told of an event in a person's time: nothing, unless they see who takes part.

    That the host hosts it sees who sees the event; `hides` says whether it hides its participants.
    """
    if person in (actor.user_id, host_id):
        return access_level
    hidden = hides_participants(access_level, hides=hides) and person not in delegators_of(actor)
    return AccessLevel.busy if hidden or access_level is AccessLevel.titles else access_level


def hides_participants(access_level: AccessLevel, *, hides: bool) -> bool:
    """Tell whether participants are not all shown to who sees so much of an event that hides them."""
    return hides and access_level < AccessLevel.write


def delegators_of(actor: Actor) -> list[UserId]:
    """Give the people whose delegate somebody is."""
    return [owner for owner, level in actor.shared.items() if level in DELEGATE]


def hosts_shown_to(actor: Actor, least: AccessLevel) -> list[UserId]:
    """Give the hosts of whose events somebody sees so much, or more."""
    return [owner for owner, level in actor.shared.items() if ACCESS_TO_HOSTED[level] >= least]


def is_self(actor: Actor, user_id: UserId | None) -> bool:
    """Tell whether somebody may do what is left to the person alone, and to operators; None is nobody in particular."""
    return actor.user_id in (None, user_id)


def may_answer_for(actor: Actor, user_id: UserId, visibility: Visibility) -> bool:
    """Tell whether somebody may accept and decline in a person's name; of a private event delegates know nothing."""
    if is_self(actor, user_id):
        return True
    return visibility is Visibility.default and actor.shared.get(user_id) in DELEGATE


def may_manage(actor: Actor, user_id: UserId) -> bool:
    """Tell whether somebody may host in a person's name, and set their working hours."""
    return is_self(actor, user_id) or actor.shared.get(user_id) is Sharing.write


def may_answer_transfer_for(actor: Actor, user_id: UserId, visibility: Visibility) -> bool:
    """Return whether somebody may accept or decline, in a person's name, to host an event."""
    return may_manage(actor, user_id) and may_answer_for(actor, user_id, visibility)


def may_use_hold(actor: Actor, placed_by: UserId | None) -> bool:
    """Tell whether a hold is somebody's own, by who placed it; operators may use every one."""
    return is_self(actor, placed_by)


def may_see_hold(actor: Actor, placed_by: UserId | None, people: Collection[UserId]) -> bool:
    """Return whether somebody is told of a hold: one of their own, or one that keeps their time."""
    return may_use_hold(actor, placed_by) or actor.user_id in people


def hold_shown_to(person: UserId | None, hold: Hold) -> Hold:
    """Return a hold as it is shown to a person who may see it, or to an operator (None).

    Who did not place it learns that they are held and by whom, and not who else is.
    """
    return hold if person in (None, hold.placed_by) else structs.replace(hold, user_ids=(person,))


def may_manage_token(actor: Actor, token: Token) -> bool:
    """Tell whether somebody may see and revoke a token: their own, and operators every one."""
    return is_self(actor, token.user_id)


def refuse_unless(allowed: bool, reason: str) -> None:
    """Raise Forbidden with a reason unless it is allowed."""
    if not allowed:
        raise Forbidden(reason)
