"""What ties whoever asks to an event, as SQL: decided by `rules/access.py`, looked up here.

Both ties are a look at one key of the agenda, which has a row for everybody an event concerns, and at the event's own
row, which names who is asked to host it: an event concerns them, too.
"""

from typing import Any

import sqlalchemy as sa
from sqlalchemy import bindparam

from kalends.model import Actor, Event, Visibility
from kalends.rules.access import AccessLevel, delegators_of, hosts_shown_to
from kalends.store.database import ReadTx
from kalends.store.query import AnyOf, Query
from kalends.store.tables import agenda, event

NOBODY = 0
"""No user has this id."""


def is_participant(start: sa.ColumnElement[int], event_id: sa.ColumnElement[int]) -> sa.ColumnElement[bool]:
    """Tell whether an event concerns `me`."""
    mine = agenda.alias("mine")
    asked = event.c.pending_host_id == bindparam("me")
    return sa.or_(asked, is_there(mine, mine.c.user_id == bindparam("me"), start, event_id))


def is_delegate(start: sa.ColumnElement[int], event_id: sa.ColumnElement[int]) -> sa.ColumnElement[bool]:
    """Tell whether an event concerns one of `delegators`."""
    theirs = agenda.alias("theirs")
    asked = AnyOf(event.c.pending_host_id, "delegators")
    return sa.or_(asked, is_there(theirs, AnyOf(theirs.c.user_id, "delegators"), start, event_id))


def is_there(
    rows: sa.FromClause, whose: sa.ColumnElement[bool], start: sa.ColumnElement[int], event_id: sa.ColumnElement[int]
) -> sa.ColumnElement[bool]:
    """Tell whether an event is on somebody's agenda.

    Looked up by its key, event by event: of EXISTS, PostgreSQL may make a table of everybody's agenda.
    """
    look = sa.select(rows.c.event_id).where(whose, rows.c.starts_at == start, rows.c.event_id == event_id)
    return look.limit(1).scalar_subquery().is_not(None)


PARTICIPATES = is_participant(event.c.starts_at, event.c.id).label("participates")
DELEGATE = is_delegate(event.c.starts_at, event.c.id).label("delegate")


def is_visible(start: sa.ColumnElement[int], event_id: sa.ColumnElement[int]) -> sa.ColumnElement[bool]:
    """Tell whether a person who asks sees more of an event than a busy block."""
    return sa.or_(
        is_participant(start, event_id),
        sa.and_(
            event.c.visibility == Visibility.default.value,
            sa.or_(AnyOf(event.c.host_id, "shown_hosts"), is_delegate(start, event_id)),
        ),
    )


def is_part_visible(part: sa.FromClause) -> sa.ColumnElement[bool]:
    """Tell whether a person who asks sees an event, and that the person of a row of the agenda takes part in it.

    A person with access to titles sees no participants, and an event may hide them: then they see themselves, the host
    and whose delegate they are (as `access_level_of_participation` of rules/access.py has it).
    """
    start, event_id, everybody = part.c.starts_at, part.c.event_id, sa.not_(event.c.hide_participants)
    theirs = AnyOf(part.c.user_id, "delegators")
    return sa.or_(
        part.c.user_id == bindparam("me"),
        sa.and_(
            is_participant(start, event_id),
            sa.or_(everybody, part.c.hosting, event.c.host_id == bindparam("me"), theirs),
        ),
        sa.and_(
            event.c.visibility == Visibility.default.value,
            sa.or_(
                theirs,
                AnyOf(event.c.host_id, "managed_hosts"),
                sa.and_(part.c.hosting, AnyOf(event.c.host_id, "shown_hosts")),
                sa.and_(everybody, AnyOf(event.c.host_id, "read_hosts")),
                sa.and_(sa.or_(everybody, part.c.hosting), is_delegate(start, event_id)),
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
    """Give the parameters of `is_participant` and `is_delegate`.

    Never an empty list: where PostgreSQL plans for the values themselves, it takes a condition that cannot hold for
    proof of any other, and scans a partial index that has nothing to do with it from end to end.
    """
    return {"me": actor.user_id or NOBODY, "delegators": delegators_of(actor) or [NOBODY]}


def visibility_values(actor: Actor, least: AccessLevel = AccessLevel.titles) -> dict[str, Any]:
    """Return the parameters of what decides here who sees what; what is seen less of than `least` is left out."""
    levels = {"shown_hosts": least, "read_hosts": AccessLevel.read, "managed_hosts": AccessLevel.write}
    return tie_values(actor) | {name: hosts_shown_to(actor, level) for name, level in levels.items()}


TIES = Query(sa.select(PARTICIPATES, DELEGATE).where(event.c.id == bindparam("event_id")))


def ties_to(tx: ReadTx, actor: Actor, happening: Event) -> tuple[bool, bool]:
    """Tell whether an event concerns a person, and whether it concerns somebody whose delegate they are."""
    participates, delegate = tx.rows(TIES, event_id=happening.id, **tie_values(actor))[0]
    return bool(participates), bool(delegate)
