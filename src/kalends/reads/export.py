"""The export of all data about one person, in one snapshot; events and audit entries are read in pages."""

import json
from collections.abc import Iterator

import msgspec
import sqlalchemy as sa
from msgspec import Struct, structs
from sqlalchemy import bindparam

from kalends.credentials import Token
from kalends.errors import NotFound
from kalends.model import Actor, Event, Hold, Instant, Participation, Share, User, UserId
from kalends.reads.paging import follows, key_values
from kalends.rules.access import hold_shown_to, is_self_or_operator, refuse_unless
from kalends.rules.audit import AuditEntry, visible_to
from kalends.rules.hours import WorkingHours
from kalends.store.audit import audit_entries_of_person, end_of_page
from kalends.store.database import ReadTx
from kalends.store.events import COLUMNS, event_from, events_with_pending_host
from kalends.store.holds import holds_concerning
from kalends.store.hours import find_hours
from kalends.store.participants import COLUMNS as PARTICIPATION_COLUMNS
from kalends.store.participants import participation_from
from kalends.store.query import Query
from kalends.store.shares import shares_by, shares_with
from kalends.store.tables import agenda, event, participant
from kalends.store.tokens import list_tokens_of
from kalends.store.users import find_user_even_if_deleted

PAGE = 500
"""Events that are read at a time."""

CONCERNING = Query(
    sa.select(*COLUMNS, *PARTICIPATION_COLUMNS)
    .select_from(agenda)
    .join(event, agenda.c.event_id == event.c.id)
    .outerjoin(
        participant,
        sa.and_(participant.c.event_id == agenda.c.event_id, participant.c.user_id == agenda.c.user_id),
    )
    .where(
        agenda.c.organization_id == bindparam("org"),
        agenda.c.user_id == bindparam("id"),
        follows(agenda.c.starts_at, agenda.c.event_id),
    )
    .order_by(agenda.c.starts_at, agenda.c.event_id)
    .limit(sa.literal_column(str(PAGE)))
)

BEFORE_ALL = (-(1 << 63), 0)
"""A start and an id before those of all events."""


class Export(Struct, frozen=True, kw_only=True):
    """A person and their data: their own part in each event, and the audit entries by them and about them.

    Events and audit entries are read on iteration, in the same transaction as the rest.
    """

    exported_at: Instant
    user: User
    deleted: bool
    working_hours: WorkingHours | None
    shares_given: list[Share]
    shares_received: list[Share]
    tokens: list[Token]
    holds: list[Hold]
    events: Iterator[tuple[Event, Participation | None]]
    """In the order of start and id; without a participation, the person hosts the event and does not attend."""
    asked_to_host: list[Event]
    records: Iterator[AuditEntry]
    """Oldest first."""


def export_user(tx: ReadTx, actor: Actor, user_id: UserId) -> Export:
    """Return all data about a person, deleted ones too. Raise NotFound or Forbidden.

    It has no responses or network addresses of other people.
    """
    tx.snapshot()
    found = find_user_even_if_deleted(tx, actor, user_id)
    if found is None:
        raise NotFound("user", user_id)
    refuse_unless(is_self_or_operator(actor, user_id), "Only the user and operators can export the data of a user")
    person, deleted = found
    return Export(
        exported_at=tx.now,
        user=person,
        deleted=deleted,
        working_hours=find_hours(tx, actor, user_id)[0],
        shares_given=shares_by(tx, actor, user_id),
        shares_received=shares_with(tx, actor.organization_id, user_id),
        tokens=list_tokens_of(tx, actor, user_id),
        holds=[hold_shown_to(user_id, hold) for hold in holds_concerning(tx, actor, user_id)],
        events=events_of(tx, actor, user_id),
        asked_to_host=events_with_pending_host(tx, actor, user_id),
        records=audit_entries_of(tx, actor, user_id),
    )


def events_of(tx: ReadTx, actor: Actor, user_id: UserId) -> Iterator[tuple[Event, Participation | None]]:
    """Yield the events that concern a person, with their participation if they have one."""
    width = len(COLUMNS)
    after = BEFORE_ALL
    while True:
        tx.renew()
        rows = tx.rows(CONCERNING, org=actor.organization_id, id=user_id, **key_values(after))
        for row in rows:
            event = event_from(row[:width])
            yield event, None if row[width] is None else participation_from(row[width:])
            after = (event.block.span.start, event.id)
        if len(rows) < PAGE:
            return


def audit_entries_of(tx: ReadTx, actor: Actor, user_id: UserId) -> Iterator[AuditEntry]:
    """Yield the audit entries by a person and about them, with only their own data."""
    after = 0
    while (last := end_of_page(tx, actor, after)) is not None:
        tx.renew()
        for entry in audit_entries_of_person(tx, actor, user_id, after, last):
            yield own_part_of(entry, user_id)
        after = last


def own_part_of(entry: AuditEntry, user_id: UserId) -> AuditEntry:
    """Return an entry with only a person's own data: without the participations and network addresses of others."""
    return structs.replace(
        entry,
        address=entry.address if entry.user_id == user_id else None,
        before=own_snapshot(entry.before, user_id),
        after=own_snapshot(entry.after, user_id),
    )


def own_snapshot(text: str | None, user_id: UserId) -> str | None:
    """Return a snapshot of the audit log, as JSON text, with only a person's own data."""
    return None if text is None else msgspec.json.encode(visible_to(json.loads(text), user_id)).decode()
