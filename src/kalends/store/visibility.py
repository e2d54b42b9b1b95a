"""The actor's ties to an event, and what the actor may see by them, as SQL; `rules/access.py` has the rules.

An event concerns its host, its participants, and the person who is asked to host it. The event's own row names the
last, and the agenda has a row for each of the others. Looking up a key in the agenda takes two thirds of the time of
looking it up in `participant`, as the rows of a person's agenda are stored together.
"""

from typing import Any

import sqlalchemy as sa
from sqlalchemy import bindparam

from kalends.model import Actor, EventId, Visibility
from kalends.rules.access import AccessLevel, delegators_of, hosts_shown_to
from kalends.store.database import ReadTx
from kalends.store.query import AnyOf, Query
from kalends.store.tables import agenda, event

NOBODY = 0
"""No user has this id."""


def concerns_me() -> sa.ColumnElement[bool]:
    """Return whether an event concerns `me`."""
    mine = agenda.alias("mine")
    return sa.or_(event.c.pending_host_id == bindparam("me"), is_on_agenda(mine, mine.c.user_id == bindparam("me")))


def concerns_delegators() -> sa.ColumnElement[bool]:
    """Return whether an event concerns one of `delegators`."""
    theirs = agenda.alias("theirs")
    asked = AnyOf(event.c.pending_host_id, "delegators")
    return sa.or_(asked, is_on_agenda(theirs, AnyOf(theirs.c.user_id, "delegators")))


def is_on_agenda(rows: sa.FromClause, whose: sa.ColumnElement[bool]) -> sa.ColumnElement[bool]:
    """Return whether an event is on somebody's agenda.

    It is looked up by key, event by event: for EXISTS, PostgreSQL may build a hash of everybody's agenda.
    """
    look = sa.select(rows.c.event_id).where(whose, rows.c.starts_at == event.c.starts_at, rows.c.event_id == event.c.id)
    return look.limit(1).scalar_subquery().is_not(None)


CONCERNED = concerns_me().label("concerned")
DELEGATE = concerns_delegators().label("delegate")


def is_visible() -> sa.ColumnElement[bool]:
    """Return whether the actor, a person, sees more of an event than a busy block."""
    return sa.or_(
        concerns_me(),
        sa.and_(
            event.c.visibility == Visibility.default.value,
            sa.or_(AnyOf(event.c.host_id, "shown_hosts"), concerns_delegators()),
        ),
    )


def is_participation_visible(person: sa.ColumnElement[int]) -> sa.ColumnElement[bool]:
    """Return whether the actor sees an event, and that `person` hosts it or takes part in it.

    An actor with access to titles sees no participants. If an event hides its participants, they see themselves, the
    host and the people whose delegate they are (as in `access_level_of_participation` of rules/access.py).
    """
    everybody, hosting = sa.not_(event.c.hide_participants), event.c.host_id == person
    theirs = AnyOf(person, "delegators")
    return sa.or_(
        person == bindparam("me"),
        sa.and_(concerns_me(), sa.or_(everybody, hosting, event.c.host_id == bindparam("me"), theirs)),
        sa.and_(
            event.c.visibility == Visibility.default.value,
            sa.or_(
                theirs,
                AnyOf(event.c.host_id, "managed_hosts"),
                sa.and_(hosting, AnyOf(event.c.host_id, "shown_hosts")),
                sa.and_(everybody, AnyOf(event.c.host_id, "read_hosts")),
                sa.and_(sa.or_(everybody, hosting), concerns_delegators()),
            ),
        ),
    )


def is_pending_host_visible() -> sa.ColumnElement[bool]:
    """Return whether an actor who sees all of an event sees who is asked to host it (`with_participants_among`)."""
    return sa.or_(
        sa.not_(event.c.hide_participants),
        event.c.pending_host_id == bindparam("me"),
        AnyOf(event.c.pending_host_id, "delegators"),
        event.c.host_id == bindparam("me"),
        sa.and_(event.c.visibility == Visibility.default.value, AnyOf(event.c.host_id, "managed_hosts")),
    )


def tie_values(actor: Actor) -> dict[str, Any]:
    """Return the parameters of `concerns_me` and `concerns_delegators`.

    No list is empty: if PostgreSQL plans for the values themselves, a condition that is always false implies every
    other, and it may scan an unrelated partial index from end to end.
    """
    return {"me": actor.user_id or NOBODY, "delegators": delegators_of(actor) or [NOBODY]}


def visibility_values(actor: Actor, least: AccessLevel = AccessLevel.titles) -> dict[str, Any]:
    """Return the parameters of the conditions on visibility, for events that the actor sees at `least` or higher."""
    levels = {"shown_hosts": least, "read_hosts": AccessLevel.read, "managed_hosts": AccessLevel.write}
    return tie_values(actor) | {name: hosts_shown_to(actor, level) for name, level in levels.items()}


TIES = Query(sa.select(CONCERNED, DELEGATE).where(event.c.id == bindparam("event_id")))


def ties_to(tx: ReadTx, actor: Actor, event_id: EventId) -> tuple[bool, bool]:
    """Return whether an event concerns the actor, and whether it concerns somebody whose delegate they are."""
    concerned, delegate = tx.rows(TIES, event_id=event_id, **tie_values(actor))[0]
    return bool(concerned), bool(delegate)
