"""A large export is read in pages, complete and without duplicates."""

from kalends.actions.events import transfer_event
from kalends.model import UserId
from kalends.reads.export import PAGE, export_user
from kalends.rules.zones import read_time
from kalends.store import audit
from tests.cast import instant
from tests.multitude import fill, fill_audit_log


def test_events_and_audit_entries_of_several_pages_are_complete(database):
    actor, first = fill(database, people=2, events=2 * PAGE + 2, participations=1)
    fill_audit_log(database, actor, first - 5, 2 * audit.PAGE + 2)

    def export(tx):
        whole = export_user(tx, actor, UserId(first))
        return [event for event, _ in whole.events], list(whole.records)

    events, records = database.read(export)
    assert [event.host_id for event in events] == [first] * (PAGE + 1)
    assert len({event.id for event in events}) == PAGE + 1
    assert events == sorted(events, key=lambda event: (event.block.span.start, event.id))
    assert len({one.id for one in records if one.user_id == first}) == audit.PAGE + 1
    assert {one.object_id for one in records if one.user_id != first} <= {first}
    assert records == sorted(records, key=lambda one: one.id)


def test_an_export_has_the_events_that_a_user_is_offered(cast, clock):
    clock.set_to(instant("2026-03-01T08:00+01:00"))
    host, stranger = cast.as_person(cast.host), cast.as_person(cast.stranger)
    later = host.event(start=read_time("2026-03-11T14:00"), end=read_time("2026-03-11T15:00"))
    sooner = host.event(cast.stranger)
    for event in (later, sooner):
        host.do(transfer_event, event.id, cast.stranger.id)
    document = stranger.ask(export_user, cast.stranger.id)
    assert [event.id for event in document.asked_to_host] == [sooner.id, later.id]
    assert [event.id for event, _ in document.events] == [sooner.id]
    assert host.ask(export_user, cast.host.id).asked_to_host == []
