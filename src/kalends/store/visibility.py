"""What ties whoever asks to an event, as SQL: decided by `rules/access.py`, looked up here.

An event concerns its host, its participants, and the person who is asked to host it. The event's own row names the
last, and the agenda has a row for each of the others. The look at a key of the agenda takes two thirds of the time of
one at `participant`, as a person's agenda lies together and the participants of many events do not.
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

    It is looked up by key, event by event: of EXISTS, PostgreSQL may make a hash of everybody's agenda.
    """
    look = sa.select(rows.c.event_id).where(whose, rows.c.starts_at == event.c.starts_at, rows.c.event_id == event.c.id)
    return look.limit(1).scalar_subquery().is_not(None)


PARTICIPATES = concerns_me().label("participates")
DELEGATE = concerns_delegators().label("delegate")


def is_visible() -> sa.ColumnElement[bool]:
    """Return whether a person who asks sees more of an event than a busy block."""
    return sa.or_(
        concerns_me(),
        sa.and_(
            event.c.visibility == Visibility.default.value,
            sa.or_(AnyOf(event.c.host_id, "shown_hosts"), concerns_delegators()),
        ),
    )


def is_part_visible(person: sa.ColumnElement[int]) -> sa.ColumnElement[bool]:
    """Return whether a person who asks sees an event, and that another person hosts it or takes part in it.

    A person with access to titles sees no participants, and an event may hide them: then they see themselves, the host
    and whose delegate they are (as `access_level_of_participation` of rules/access.py has it).
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


def is_offer_visible() -> sa.ColumnElement[bool]:
    """Return whether a person who sees all of an event sees who is asked to host it (see `with_participants_among`)."""
    return sa.or_(
        sa.not_(event.c.hide_participants),
        event.c.pending_host_id == bindparam("me"),
        AnyOf(event.c.pending_host_id, "delegators"),
        event.c.host_id == bindparam("me"),
        sa.and_(event.c.visibility == Visibility.default.value, AnyOf(event.c.host_id, "managed_hosts")),
    )


def tie_values(actor: Actor) -> dict[str, Any]:
    """Return the parameters of `concerns_me` and `concerns_delegators`.

    Never an empty list: where PostgreSQL plans for the values themselves, it takes a condition that cannot hold for
    proof of any other, and scans a partial index that has nothing to do with it from end to end.
    """
    return {"me": actor.user_id or NOBODY, "delegators": delegators_of(actor) or [NOBODY]}


def visibility_values(actor: Actor, least: AccessLevel = AccessLevel.titles) -> dict[str, Any]:
    """Return the parameters of what decides here who sees what; what is seen less of than `least` is left out."""
    levels = {"shown_hosts": least, "read_hosts": AccessLevel.read, "managed_hosts": AccessLevel.write}
    return tie_values(actor) | {name: hosts_shown_to(actor, level) for name, level in levels.items()}


TIES = Query(sa.select(PARTICIPATES, DELEGATE).where(event.c.id == bindparam("event_id")))


def ties_to(tx: ReadTx, actor: Actor, event_id: EventId) -> tuple[bool, bool]:
    """Return whether an event concerns a person, and whether it concerns somebody whose delegate they are."""
    participates, delegate = tx.rows(TIES, event_id=event_id, **tie_values(actor))[0]
    return bool(participates), bool(delegate)
