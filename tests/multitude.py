"""A multitude: an organization with many people and events, made inside the database because plans need numbers."""

from typing import Any

import sqlalchemy as sa

from kalends.model import Actor
from kalends.store.database import Database, WriteTx
from kalends.store.query import Query
from tests.cast import new_organization

FIRST_START = 1_767_225_600_000_000
"""2026-01-01T00:00:00Z, in microseconds since 1970."""

HALF_HOUR = 1_800_000_000

NUMBERS = "WITH RECURSIVE number(n) AS (SELECT CAST(0 AS BIGINT) UNION ALL SELECT n + 1 FROM number WHERE n < {last})"

PEOPLE = """
INSERT INTO "user" (id, organization_id, name, name_key, email, email_folded, search_text, time_zone, metadata, version,
    created_at, updated_at)
{numbers} SELECT {first} + n, {organization}, 'Person ' || (n * 7919 % {people}),
    'person ' || (n * 7919 % {people}), n || '@example.org',
    n || '@example.org', 'person ' || n, 'Europe/Berlin', '{{}}', 1, 0, 0 FROM number
"""
EVENTS = """
INSERT INTO event (id, organization_id, host_id, title, description, location, search_text, time_zone, starts_at,
    ends_at, start_local, end_local, status, show_as, visibility, metadata, required_count, optional_count,
    accepted_count, declined_count, tentative_count, needs_action_count, version, created_at, updated_at)
{numbers} SELECT {first} + n, {organization}, {first} + n % {people}, 'Event ' || n, '', '', 'event ' || n,
    'Europe/Berlin', {start}, {start} + {half_hour}, '', '', CASE WHEN n % 20 = 0 THEN 'cancelled' ELSE 'confirmed' END,
    'busy', 'default', '{{}}', {participations}, 0, 1, 0, 0, {participations} - 1, 1, 0, 0 FROM number
"""
PARTICIPATIONS = """
INSERT INTO participant (organization_id, event_id, user_id, role, response, version)
{numbers}, part(k) AS (SELECT CAST(0 AS BIGINT) UNION ALL SELECT k + 1 FROM part WHERE k < {participations} - 1)
SELECT {organization}, {first} + n, {first} + (n + k * 17) % {people}, 'required',
    CASE WHEN k = 0 THEN 'accepted' ELSE 'needs_action' END, 1 FROM number CROSS JOIN part
"""
AGENDA = """
INSERT INTO agenda (organization_id, user_id, starts_at, event_id, ends_at, hosting, role, response, status, shown,
    blocking, exclusive)
SELECT event.organization_id, user_id, starts_at, event_id, ends_at, host_id = user_id, role, response, status,
    CASE WHEN host_id = user_id THEN 'busy' ELSE 'tentative' END, true, false
FROM participant JOIN event ON event.id = event_id WHERE event.organization_id = {organization}
"""


AUDIT_ENTRY = """
INSERT INTO audit (id, organization_id, at, user_id, token_id, action, object_kind, object_id)
{numbers} SELECT {first} + n, {organization}, {start} + n * {half_hour}, {object} + 5 + n % 2, {object},
    'changed', 'event', {object} + n * 7919 % {objects} FROM number
"""


def fill_record(database: Database, actor: Actor, first_object: int, entries: int) -> int:
    """Make entries of the audit log, ten for every object, numbered from the id that is given back."""

    def work(tx: WriteTx) -> int:
        first = tx.new_id()
        values = {"organization": int(actor.organization_id), "object": first_object, "objects": entries // 10}
        values |= {"start": FIRST_START, "half_hour": HALF_HOUR}
        tx.run(Query(sa.text(AUDIT_ENTRY.format(numbers=NUMBERS.format(last=entries - 1), first=first, **values))))
        tx.run(Query(sa.text("ANALYZE")))
        return first

    return database.write(work)


KEYS = """
INSERT INTO idempotency (organization_id, token_id, key, fingerprint, claim, claimed_at, status, headers, body)
{numbers} SELECT {organization}, {token}, 'key ' || n, 'print', n, {start} + n, 200, '{{}}', 'body' FROM number
"""


def fill_keys(database: Database, actor: Actor, token: int, keys: int) -> None:
    """Make answers that are kept under keys of a token, a microsecond apart."""
    values = {"organization": int(actor.organization_id), "token": token, "start": FIRST_START}
    text = KEYS.format(numbers=NUMBERS.format(last=keys - 1), **values)
    for statement in (text, "ANALYZE"):
        database.write(lambda tx, statement=statement: tx.run(Query(sa.text(statement))))


def fill(
    database: Database, *, people: int, events: int, participations: int = 4, apart: int = HALF_HOUR
) -> tuple[Actor, int]:
    """Make people and events, numbered from the id that is given back; event n is hosted by person n modulo people.

    Every event takes half an hour and starts so many microseconds `apart` from the next.
    """
    actor = new_organization(database)

    def work(tx: WriteTx) -> int:
        first = tx.new_id()
        values: dict[str, Any] = {
            "first": first,
            "organization": int(actor.organization_id),
            "people": people,
            "participations": participations,
            "start": f"({FIRST_START} + n * 7919 % {events} * {apart})",
            "half_hour": HALF_HOUR,
        }
        for text, rows in ((PEOPLE, people), (EVENTS, events), (PARTICIPATIONS, events), (AGENDA, 0)):
            tx.run(Query(sa.text(text.format(numbers=NUMBERS.format(last=rows - 1), **values))))
        return first

    first = database.write(work)
    database.write(lambda tx: tx.run(Query(sa.text("ANALYZE"))))
    return actor, first


HOLDS = """
INSERT INTO hold (id, organization_id, starts_at, ends_at, expires_at, extended, created_at, placed_by)
{numbers} SELECT {first} + n, {organization}, {start} + n * {half_hour}, {start} + (n + 1) * {half_hour},
    CASE WHEN n % 10 = 0 THEN 0 ELSE {expires} + n END, false, 0, {object} + n % {people} FROM number
"""
HELD_TIME = """
INSERT INTO held_time (organization_id, user_id, starts_at, hold_id, ends_at, expires_at)
{numbers}, participation(k) AS (SELECT CAST(0 AS BIGINT) UNION ALL SELECT k + 1 FROM participation WHERE k < 1)
SELECT {organization}, {object} + (n + k * 17 + 1) % {people}, starts_at, id, ends_at, expires_at
FROM number JOIN hold ON id = {first} + n CROSS JOIN participation
"""


def fill_holds(database: Database, actor: Actor, first_person: int, *, people: int, holds: int) -> int:
    """Make holds of two people each, a tenth of them lapsed, numbered from the id that is given back.

    Hold n is placed by person n modulo people and lapses n microseconds after FIRST_START.
    """

    def work(tx: WriteTx) -> int:
        first = tx.new_id()
        values = {"first": first, "organization": int(actor.organization_id), "object": first_person}
        values |= {"people": people, "start": FIRST_START, "half_hour": HALF_HOUR, "expires": FIRST_START}
        for text in (HOLDS, HELD_TIME):
            tx.run(Query(sa.text(text.format(numbers=NUMBERS.format(last=holds - 1), **values))))
        tx.run(Query(sa.text("ANALYZE")))
        return first

    return database.write(work)
