"""The integrity check: it finds every planted inconsistency, and nothing else."""

import pytest
import sqlalchemy as sa

from kalends.actions.events import cancel_event
from kalends.actions.participants import answer_invitation, remove_participant
from kalends.drafts import ResponseUpdate
from kalends.reads.integrity import find_inconsistencies
from kalends.rules.zones import instant_of, read_time
from kalends.settings import Settings
from kalends.store.database import Database
from kalends.store.query import Query
from tests.cast import assemble

COUNTS = "Events whose counts of participants are wrong: 1."
PARTICIPATIONS = "Participants whose event is missing or wrong in their agenda: {}."
HOSTS = "Hosts without a participation whose event is missing or wrong in their agenda: {}."
NOBODYS = "Agenda rows of nobody's event: {}."
KINDS = "Agenda rows that show or block what they should not: {}."
OUT_OF_ORDER = "Users who are out of order, or not found by their name"
PARTICIPANT = "user_id = (SELECT id FROM \"user\" WHERE name = 'Gustav Guest')"
EVENT = "(SELECT max(id) FROM event)"
EMPTY_PARTICIPATION = "(SELECT min(id) FROM event)"
DECLINE = "UPDATE agenda SET response = 'declined', shown = 'free', blocking = false"
ACCEPT = "UPDATE agenda SET role = 'required', response = 'accepted', shown = 'busy', blocking = true"
ELSEWHERE = "UPDATE {} SET organization_id = (SELECT min(id) FROM organization)"

PLANTED = {
    "a count of roles": (f"UPDATE event SET optional_count = 1 WHERE id = {EVENT}", [COUNTS]),
    "a count of answers": (f"UPDATE event SET declined_count = 1 WHERE id = {EVENT}", [COUNTS]),
    "a participation that the agenda misses": (
        f"DELETE FROM agenda WHERE {PARTICIPANT} AND event_id = {EVENT}",
        [PARTICIPATIONS.format(1)],
    ),
    "another start": (
        f"UPDATE agenda SET starts_at = starts_at - 1 WHERE {PARTICIPANT} AND event_id = {EVENT}",
        [PARTICIPATIONS.format(1), NOBODYS.format(1)],
    ),
    "another end": (f"UPDATE agenda SET ends_at = ends_at + 1 WHERE event_id = {EVENT}", [PARTICIPATIONS.format(2)]),
    "another role": (
        f"UPDATE agenda SET role = 'optional' WHERE {PARTICIPANT} AND event_id = {EVENT} AND response = 'accepted'",
        [PARTICIPATIONS.format(1)],
    ),
    "another answer": (
        f"{DECLINE} WHERE {PARTICIPANT} AND event_id = {EVENT}",
        [PARTICIPATIONS.format(1)],
    ),
    "another status": (f"UPDATE agenda SET status = 'tentative' WHERE event_id = {EVENT}", [PARTICIPATIONS.format(2)]),
    "another host": (f"UPDATE agenda SET hosting = false WHERE event_id = {EVENT}", [PARTICIPATIONS.format(1)]),
    "a host without a participation": (
        f"DELETE FROM agenda WHERE event_id = {EMPTY_PARTICIPATION} AND hosting",
        [HOSTS.format(1)],
    ),
    "a host without a participation who attends": (
        f"{ACCEPT} WHERE event_id = {EMPTY_PARTICIPATION} AND hosting",
        [HOSTS.format(1)],
    ),
    "somebody who was removed": (
        f"UPDATE agenda SET user_id = 1 WHERE {PARTICIPANT} AND event_id = {EVENT}",
        [PARTICIPATIONS.format(1), NOBODYS.format(1)],
    ),
    "another event": (
        f"UPDATE agenda SET event_id = 1 WHERE {PARTICIPANT} AND event_id = {EVENT}",
        [PARTICIPATIONS.format(1), NOBODYS.format(1)],
    ),
    "busy who is free": (
        f"UPDATE agenda SET shown = 'free' WHERE {PARTICIPANT} AND event_id = {EVENT}",
        [KINDS.format(1)],
    ),
    "somebody who does not block": (f"UPDATE agenda SET blocking = false WHERE event_id = {EVENT}", [KINDS.format(2)]),
    "a participation of the future": (
        f"UPDATE participant SET version = 99 WHERE event_id = {EVENT} AND {PARTICIPANT}",
        ["Participants that are newer than their event: 1."],
    ),
    "another organization in the agenda": (
        ELSEWHERE.format("agenda") + f" WHERE event_id = {EVENT} AND {PARTICIPANT}",
        [PARTICIPATIONS.format(1)],
    ),
    "a participation of another organization": (
        ELSEWHERE.format("participant") + f" WHERE event_id = {EVENT} AND {PARTICIPANT}",
        ["Participants from another organization than their event: 1."],
    ),
    "people of another organization": (
        ELSEWHERE.format('"user"') + " WHERE name = 'Hanna Host'",
        [
            "Events hosted by somebody of another organization: 3.",
            "Participants from another organization than their event: 2.",
        ],
    ),
    "a deleted host": (
        "UPDATE \"user\" SET deleted_at = 1 WHERE name = 'Hanna Host'",
        [
            "Unfinished events hosted by somebody deleted: 2.",
            "Deleted people in unfinished events: 2.",
        ],
    ),
    "a place in the list": (
        "UPDATE \"user\" SET name_key = 'zzz' WHERE name = 'Gustav Guest'",
        [f"{OUT_OF_ORDER}: 1 ({{Gustav Guest}})."],
    ),
    "a text to find a user by": (
        "UPDATE \"user\" SET search_text = 'x'",
        [f"{OUT_OF_ORDER}: 3 ({{Hanna Host}}, {{Gustav Guest}}, {{Stella Stranger}})."],
    ),
    "an address that nobody finds": (
        "UPDATE \"user\" SET email_folded = 'x@example.org' WHERE name = 'Gustav Guest'",
        ["Users who are not found by their e-mail address: 1 ({Gustav Guest} (gustav@example.org))."],
    ),
    "a text to find an event by": (
        f"UPDATE event SET search_text = 'x' WHERE id = {EVENT}",
        ["Events that are not found by their text: 1 ({event})."],
    ),
    "a title that would be refused": (
        f"UPDATE event SET title = 'a' || chr(27), search_text = 'a' || chr(27) || '\n\n' WHERE id = {EVENT}",
        ["Events whose title, location or description would be refused today: 1 ({event})."],
    ),
    "a deleted guest": (
        "UPDATE \"user\" SET deleted_at = 1 WHERE name = 'Gustav Guest'",
        ["Deleted people in unfinished events: 3."],
    ),
}


@pytest.fixture
def sample(migrated_url):
    """Create a cast in its own database, as the check reads all organizations: three events, one of them cancelled."""
    before = instant_of(read_time("2026-03-01T00:00:00Z"), None)
    own = Database(Settings(database_url=migrated_url), lambda: before * 1_000)
    cast = assemble(own)
    without_host = cast.event(cast.guest, host_attends=False)
    cancelled = cast.event(cast.guest)
    cast.do(cancel_event, cancelled.id)
    event = cast.event(cast.guest, cast.stranger)
    cast.force(answer_invitation, event.id, cast.guest.id, ResponseUpdate(response="accepted"))
    cast.do(remove_participant, event.id, cast.stranger.id)
    assert without_host.id < cancelled.id < event.id
    yield own, {user.name: user.id for user in (cast.host, cast.guest, cast.stranger)} | {"event": event.id}
    own.close()


def test_nothing_is_found_where_nothing_is_wrong(sample):
    database, _ = sample
    assert database.read(find_inconsistencies) == []


@pytest.mark.parametrize("what", PLANTED)
def test_every_planted_inconsistency_is_found(sample, what):
    database, names = sample
    change, found = PLANTED[what]
    if database.dialect.name == "sqlite":
        change = change.replace("chr(", "char(")
    assert database.write(lambda tx: tx.run(Query(sa.text(change)))) > 0
    assert database.read(find_inconsistencies) == [one.format_map(names) for one in found]


def test_only_the_first_of_many_are_named(sample):
    database, _ = sample
    cast = assemble(database)
    for _ in range(23):
        cast.person("Somebody")
    change = "UPDATE \"user\" SET name_key = '' WHERE name = 'Somebody'"
    database.write(lambda tx: tx.run(Query(sa.text(change))))
    (message,) = database.read(find_inconsistencies)
    assert message.startswith(f"{OUT_OF_ORDER}: 23 (usr_")
    assert message.count("usr_") == 20
    assert message.endswith(", …).")
