"""Rows of working hours: one for each person, as JSON text."""

from datetime import date

import msgspec
import sqlalchemy as sa
from sqlalchemy import bindparam

from kalends.model import Actor, UserId
from kalends.rules.hours import Window, WorkingHours
from kalends.store.database import ReadTx, WriteTx
from kalends.store.query import Query
from kalends.store.tables import working_hours

FIND = Query(
    sa.select(working_hours.c.hours, working_hours.c.version).where(
        working_hours.c.organization_id == bindparam("org"), working_hours.c.user_id == bindparam("id")
    )
)
INSERT = Query(sa.insert(working_hours))
UPDATE = Query(
    sa.update(working_hours)
    .where(working_hours.c.user_id == bindparam("at"))
    .values(hours=bindparam("new_hours"), version=bindparam("new_version"), updated_at=bindparam("now"))
)
DELETE = Query(
    sa.delete(working_hours).where(
        working_hours.c.organization_id == bindparam("org"), working_hours.c.user_id == bindparam("id")
    )
)

NO_HOURS = ""
"""The text of working hours that were removed: their row stays, so that no version is used twice."""


class Stored(msgspec.Struct, array_like=True):
    """The stored form of a person's hours: windows of the seven days, and those of dates."""

    weekly: list[list[tuple[int, int]]]
    overrides: dict[date, list[tuple[int, int]]]


def hours_from(text: str | None) -> WorkingHours | None:
    """Return the hours in a stored text, or None."""
    if not text:
        return None
    stored = msgspec.json.decode(text, type=Stored)
    return WorkingHours(
        tuple(tuple(Window(*pair) for pair in day) for day in stored.weekly),
        {day: tuple(Window(*pair) for pair in pairs) for day, pairs in stored.overrides.items()},
    )


def hours_text(hours: WorkingHours) -> str:
    """Return hours as the text to store."""
    stored = Stored(
        [[(one.start, one.end) for one in day] for day in hours.weekly],
        {day: [(one.start, one.end) for one in windows] for day, windows in hours.overrides.items()},
    )
    return msgspec.json.encode(stored).decode()


def find_hours(tx: ReadTx, actor: Actor, user_id: UserId) -> tuple[WorkingHours | None, int]:
    """Return a person's working hours, or None, and their version, which is 0 if none were ever set."""
    row = tx.row(FIND, org=actor.organization_id, id=user_id)
    return (hours_from(row[0]), row[1]) if row else (None, 0)


def store_hours(tx: WriteTx, actor: Actor, user_id: UserId, hours: WorkingHours | None, version: int) -> None:
    """Store a version of a person's working hours, None if they are removed; the first version is 1."""
    text = hours_text(hours) if hours else NO_HOURS
    if version == 1:
        row = {"organization_id": actor.organization_id, "user_id": user_id, "updated_at": tx.now}
        tx.run(INSERT, **row, hours=text, version=version)
    else:
        tx.run(UPDATE, at=user_id, new_hours=text, new_version=version, now=tx.now)


def delete_hours(tx: WriteTx, actor: Actor, user_id: UserId) -> None:
    """Remove a person's working hours with their version, which is safe only for people who never set any again."""
    tx.run(DELETE, org=actor.organization_id, id=user_id)
