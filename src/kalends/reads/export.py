"""All that is kept about one person, in one snapshot and in the same number of statements for everybody."""

import json

import msgspec
import sqlalchemy as sa
from msgspec import Struct, structs
from sqlalchemy import bindparam as given

from kalends.errors import NotFound
from kalends.model import Actor, Event, Hold, Instant, Seat, Share, Token, User, UserId
from kalends.rules.access import is_self, refuse_unless
from kalends.rules.audit import Record, told_to
from kalends.rules.hours import WorkingHours
from kalends.store.audit import records_of_person
from kalends.store.database import ReadTx
from kalends.store.events import COLUMNS, event_from
from kalends.store.holds import holds_concerning
from kalends.store.hours import find_hours
from kalends.store.participants import COLUMNS as SEAT_COLUMNS
from kalends.store.participants import seat_from
from kalends.store.query import Query
from kalends.store.shares import shares_by, shares_with
from kalends.store.tables import agenda, event, participant
from kalends.store.tokens import list_tokens_of
from kalends.store.users import find_user_even_if_deleted

CONCERNING = Query(
    sa.select(*COLUMNS, *SEAT_COLUMNS)
    .select_from(agenda)
    .join(event, agenda.c.event_id == event.c.id)
    .outerjoin(
        participant,
        sa.and_(participant.c.event_id == agenda.c.event_id, participant.c.user_id == agenda.c.user_id),
    )
    .where(agenda.c.organization_id == given("org"), agenda.c.user_id == given("id"))
    .order_by(agenda.c.starts_at, agenda.c.event_id)
)


class Export(Struct, frozen=True, kw_only=True):
    """A person and all that is theirs; of events their own seat, and of the record what they did or underwent."""

    exported_at: Instant
    user: User
    deleted: bool
    working_hours: WorkingHours | None
    shares_given: list[Share]
    shares_received: list[Share]
    tokens: list[Token]
    holds: list[Hold]
    events: list[tuple[Event, Seat | None]]
    """In the order of start and id; without a seat they host it and do not attend."""
    records: list[Record]
    """Oldest first."""


def export_user(tx: ReadTx, actor: Actor, user_id: UserId) -> Export:
    """Give all that is kept about a person, or about one who was deleted. Raises NotFound or Forbidden.

    Nothing in it is somebody else's answer or address.
    """
    tx.snapshot()
    found = find_user_even_if_deleted(tx, actor, user_id)
    if found is None:
        raise NotFound("user", user_id)
    refuse_unless(is_self(actor, user_id), "Only the user and operators can export what is kept about a user")
    person, deleted = found
    return Export(
        exported_at=tx.now,
        user=person,
        deleted=deleted,
        working_hours=find_hours(tx, actor, user_id)[0],
        shares_given=shares_by(tx, actor, user_id),
        shares_received=shares_with(tx, actor.organization_id, user_id),
        tokens=list_tokens_of(tx, actor, user_id),
        holds=[own_hold(one, user_id) for one in holds_concerning(tx, actor, user_id)],
        events=events_of(tx, actor, user_id),
        records=[own_record(one, user_id) for one in records_of_person(tx, actor, user_id)],
    )


def events_of(tx: ReadTx, actor: Actor, user_id: UserId) -> list[tuple[Event, Seat | None]]:
    """Give every event that concerns somebody, with their seat if they have one."""
    rows = tx.rows(CONCERNING, org=actor.organization_id, id=user_id)
    width = len(COLUMNS)
    return [(event_from(row[:width]), None if row[width] is None else seat_from(row[width:])) for row in rows]


def own_hold(hold: Hold, user_id: UserId) -> Hold:
    """Give a hold as far as it is somebody's own: of one that another placed, not who else is kept."""
    return hold if hold.placed_by == user_id else structs.replace(hold, user_ids=(user_id,))


def own_record(one: Record, user_id: UserId) -> Record:
    """Give an entry as far as it is somebody's own: not others' seats, nor from where others acted."""
    return structs.replace(
        one,
        address=one.address if one.user_id == user_id else None,
        before=own_facts(one.before, user_id),
        after=own_facts(one.after, user_id),
    )


def own_facts(text: str | None, user_id: UserId) -> str | None:
    """Give recorded facts, as JSON text, as far as they are somebody's own."""
    return None if text is None else msgspec.json.encode(told_to(json.loads(text), user_id)).decode()
