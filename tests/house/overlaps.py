"""A query of the database for users who are booked twice."""

import sqlalchemy as sa

from kalends.model import Actor
from kalends.store.database import Database, ReadTx, Row
from kalends.store.query import Query
from kalends.store.tables import agenda, held_time

ONE, OTHER = agenda.alias("one"), agenda.alias("other")
TWO_EVENTS = Query(
    sa.select(ONE.c.user_id, ONE.c.event_id, OTHER.c.event_id)
    .join_from(ONE, OTHER, sa.and_(ONE.c.user_id == OTHER.c.user_id, ONE.c.event_id < OTHER.c.event_id))
    .where(
        ONE.c.organization_id == sa.bindparam("org"),
        ONE.c.blocking,
        OTHER.c.blocking,
        ONE.c.starts_at < OTHER.c.ends_at,
        OTHER.c.starts_at < ONE.c.ends_at,
    )
)
HOLD_AND_EVENT = Query(
    sa.select(ONE.c.user_id, ONE.c.event_id, held_time.c.hold_id)
    .join_from(ONE, held_time, ONE.c.user_id == held_time.c.user_id)
    .where(
        ONE.c.organization_id == sa.bindparam("org"),
        ONE.c.blocking,
        held_time.c.expires_at > sa.bindparam("now"),
        ONE.c.starts_at < held_time.c.ends_at,
        held_time.c.starts_at < ONE.c.ends_at,
    )
)
HELD, HELD_TOO = held_time.alias("held"), held_time.alias("held_too")
TWO_HOLDS = Query(
    sa.select(HELD.c.user_id, HELD.c.hold_id, HELD_TOO.c.hold_id)
    .join_from(HELD, HELD_TOO, sa.and_(HELD.c.user_id == HELD_TOO.c.user_id, HELD.c.hold_id < HELD_TOO.c.hold_id))
    .where(
        HELD.c.organization_id == sa.bindparam("org"),
        HELD.c.expires_at > sa.bindparam("now"),
        HELD_TOO.c.expires_at > sa.bindparam("now"),
        HELD.c.starts_at < HELD_TOO.c.ends_at,
        HELD_TOO.c.starts_at < HELD.c.ends_at,
    )
)


def overlaps(database: Database, actor: Actor) -> list[Row]:
    """Return every pair of events and current holds that books one user twice."""

    def read(tx: ReadTx) -> list[Row]:
        tx.snapshot()
        own = {"org": actor.organization_id}
        return (
            tx.rows(TWO_EVENTS, **own)
            + tx.rows(HOLD_AND_EVENT, **own, now=tx.now)
            + tx.rows(TWO_HOLDS, **own, now=tx.now)
        )

    return database.read(read)
