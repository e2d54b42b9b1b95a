"""Rows of working hours: one a person, as JSON text."""

from collections.abc import Sequence
from datetime import date

import msgspec
import sqlalchemy as sa
from sqlalchemy import bindparam as given

from kalends.model import Actor, UserId
from kalends.rules.hours import Window, WorkingHours
from kalends.store.database import ReadTx, WriteTx
from kalends.store.query import Among, Query
from kalends.store.tables import user, working_hours

FIND = Query(
    sa.select(working_hours.c.hours, working_hours.c.version).where(
        working_hours.c.organization_id == given("org"), working_hours.c.user_id == given("id")
    )
)
OF_PEOPLE = Query(
    sa.select(user.c.id, user.c.time_zone, working_hours.c.hours)
    .join_from(user, working_hours, working_hours.c.user_id == user.c.id, isouter=True)
    .where(user.c.organization_id == given("org"), Among(user.c.id, "ids"), user.c.deleted_at.is_(None))
)
INSERT = Query(sa.insert(working_hours))
UPDATE = Query(
    sa.update(working_hours)
    .where(working_hours.c.user_id == given("at"))
    .values(hours=given("new_hours"), version=given("new_version"), updated_at=given("now"))
)
DELETE = Query(sa.delete(working_hours).where(working_hours.c.user_id == given("at")))


class Stored(msgspec.Struct, array_like=True):
    """How the hours of a person are written: windows of the seven days, and those of dates."""

    weekly: list[list[tuple[int, int]]]
    overrides: dict[date, list[tuple[int, int]]]


def hours_from(text: str) -> WorkingHours:
    """Read hours as they are stored."""
    stored = msgspec.json.decode(text, type=Stored)
    return WorkingHours(
        tuple(tuple(Window(*pair) for pair in day) for day in stored.weekly),
        {day: tuple(Window(*pair) for pair in pairs) for day, pairs in stored.overrides.items()},
    )


def hours_text(hours: WorkingHours) -> str:
    """Write hours as they are stored."""
    stored = Stored(
        [[(one.start, one.end) for one in day] for day in hours.weekly],
        {day: [(one.start, one.end) for one in windows] for day, windows in hours.overrides.items()},
    )
    return msgspec.json.encode(stored).decode()


def find_hours(tx: ReadTx, actor: Actor, user_id: UserId) -> tuple[WorkingHours, int] | None:
    """Give somebody's working hours and their version; None if none were ever set."""
    row = tx.row(FIND, org=actor.organization_id, id=user_id)
    return (hours_from(row[0]), row[1]) if row else None


def people_with_hours(
    tx: ReadTx, actor: Actor, people: Sequence[UserId]
) -> dict[UserId, tuple[str, WorkingHours | None]]:
    """Give zone and working hours of everybody who is there: one statement."""
    rows = tx.rows(OF_PEOPLE, org=actor.organization_id, ids=list(people))
    return {UserId(user_id): (zone, hours_from(text) if text else None) for user_id, zone, text in rows}


def store_hours(tx: WriteTx, actor: Actor, user_id: UserId, hours: WorkingHours, version: int) -> None:
    """Store somebody's working hours as a version; 1 is their first."""
    if version == 1:
        row = {"organization_id": actor.organization_id, "user_id": user_id, "updated_at": tx.now}
        tx.run(INSERT, **row, hours=hours_text(hours), version=version)
    else:
        tx.run(UPDATE, at=user_id, new_hours=hours_text(hours), new_version=version, now=tx.now)


def delete_hours(tx: WriteTx, user_id: UserId) -> bool:
    """Forget somebody's working hours; tell whether there were any."""
    return tx.run(DELETE, at=user_id) == 1
