"""Every list takes the same number of statements for 1, 3 and 250 rows, and so does every single read."""

from functools import partial

import msgspec
import pytest
from msgspec import structs

from kalends.model import SharingLevel, UserId
from kalends.reads.audit import AuditFilter, list_audit_entries
from kalends.reads.events import EventFilter, list_events, read_event
from kalends.reads.export import export_user
from kalends.reads.holds import list_holds
from kalends.reads.participants import list_participants, read_participant
from kalends.reads.users import list_users, read_user
from tests.multitude import FIRST_START, fill, fill_holds

ROWS = (1, 3, 250)


@pytest.fixture(scope="module")
def multitude(database):
    """Return a user who hosts 265 events of the same four users."""
    actor, first = fill(database, people=4, events=1060)
    return actor, UserId(first + 1)


@pytest.mark.parametrize("names", [(), ("user_id",), ("host_id",), ("participant_id",), ("user_id", "participant_id")])
@pytest.mark.parametrize("expand", [False, True])
def test_lists_of_events(database, multitude, names, expand):
    actor, person = multitude
    wanted = EventFilter(**dict.fromkeys(names, person))

    def read(tx, rows):
        page = list_events(tx, actor, wanted, rows, expand=expand)
        events = msgspec.json.decode(page.text)
        assert [len(event["participants"]) for event in events if expand] == [4] * (rows if expand else 0)
        assert len(events) == rows
        return tx.statements

    assert [database.read(lambda tx, rows=rows: read(tx, rows)) for rows in ROWS] == [1] * 3


@pytest.mark.parametrize("names", [(), ("user_id",), ("host_id",), ("participant_id",), ("user_id", "participant_id")])
@pytest.mark.parametrize("expand", [False, True])
@pytest.mark.parametrize("whose", ["own", "shared"])
def test_lists_of_events_for_a_person(database, multitude, names, expand, whose):
    """The caller's own agenda, and that of a user who shares theirs."""
    actor, person = multitude
    other = UserId(person + 1)
    me = person if whose == "own" else other
    shared = {person: SharingLevel.respond}
    asking = structs.replace(actor, user_id=me, shared={} if whose == "own" else shared)
    wanted = EventFilter(**dict.fromkeys(names, person))

    def read(tx, rows):
        page = list_events(tx, asking, wanted, rows, expand=expand)
        assert ["participants" in event for event in msgspec.json.decode(page.text)] == [expand] * rows
        return tx.statements

    assert [database.read(lambda tx, rows=rows: read(tx, rows)) for rows in ROWS] == [1] * 3


def test_lists_of_people(cast):
    crowd = [cast.person() for _ in range(250)]
    event = cast.event(*crowd)

    def users(tx, rows):
        assert len(list_users(tx, cast.actor, rows).items) == rows
        return tx.statements

    def guests(tx, rows):
        assert len(list_participants(tx, cast.actor, event.id, rows).items) == rows
        return tx.statements

    assert [cast.database.read(lambda tx, rows=rows: users(tx, rows)) for rows in ROWS] == [1, 1, 1]
    assert [cast.database.read(lambda tx, rows=rows: guests(tx, rows)) for rows in ROWS] == [2, 2, 2]

    def one(read, *arguments, **options):
        def work(tx):
            read(tx, cast.actor, *arguments, **options)
            return tx.statements

        return cast.database.read(work)

    assert one(read_event, event.id, expand=True) == 1
    assert one(read_event, event.id, expand=False) == 1
    assert one(read_user, cast.guest.id) == 1
    assert one(read_participant, event.id, crowd[0].id) == 2


def test_the_audit_log_and_the_export(cast):
    for _ in range(250):
        cast.person()

    def entries(tx, rows):
        assert len(list_audit_entries(tx, cast.actor, AuditFilter(), rows).items) == rows
        return tx.statements

    def export(tx, count):
        whole = export_user(tx, cast.actor, cast.guest.id)
        assert (len(list(whole.events)), len(list(whole.records))) == (count, 1)
        return tx.statements

    assert [cast.database.read(lambda tx, rows=rows: entries(tx, rows)) for rows in ROWS] == [1, 1, 1]
    counts = []
    for count in range(3):
        counts.append(cast.database.read(lambda tx, count=count: export(tx, count)))
        cast.event(cast.guest)
    assert counts == [11, 11, 11]


def test_lists_of_holds(database, clock):
    clock.set_to(FIRST_START)
    actor, first = fill(database, people=40, events=1)
    fill_holds(database, actor, first, people=2, holds=600)
    held = structs.replace(actor, user_id=UserId(first))

    def read(tx, *, asking, rows):
        found = list_holds(tx, asking, rows).items
        assert len(found) == rows
        return tx.statements

    counts = [database.read(partial(read, asking=asking, rows=rows)) for asking in (actor, held) for rows in ROWS]
    assert counts == [1] * 6
