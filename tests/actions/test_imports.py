"""Importing a schedule: each item once, all or nothing, with faults that point into the file."""

from typing import Any

import msgspec
import pytest

from kalends.actions import imports
from kalends.actions.booking import OnConflict
from kalends.actions.events import delete_event
from kalends.actions.imports import ImportReport, Merged, email_local_part, import_schedule
from kalends.actions.schedule import Schedule
from kalends.actions.user_deletion import HostedEvents, delete_user
from kalends.actions.users import create_user
from kalends.drafts import UserCreate
from kalends.errors import Invalid
from kalends.model import Email
from kalends.reads.events import EventFilter
from kalends.reads.users import list_users, read_user
from kalends.rest.wire import read_struct
from tests.cast import check_consistency
from tests.seen import list_events

DAY = {"start": "2030-05-04T10:00", "end": "2030-05-04T11:00"}


def schedule_of(people: list[dict[str, Any]], events: list[dict[str, Any]] | None = None) -> Schedule:
    return read_struct(Schedule, {"time_zone": "Europe/Lisbon", "people": people, "events": events or []})


def imported(cast, schedule, source="plan", *, merge=False) -> ImportReport:
    items: list[None] = []
    report = cast.do(import_schedule, schedule, source, lambda: items.append(None), merge=merge)
    assert len(items) == len(schedule.people) + len(schedule.events)
    return report


def places(error: Any) -> list[tuple[tuple[str | int, ...], str]]:
    return [(fault.where, fault.code) for fault in error.value.faults]


def test_somebody_with_a_known_address_is_found_whatever_its_case(cast):
    people = [{"ref": "h", "name": "Another name", "email": "HANNA@example.org"}]
    schedule = schedule_of(people, [{"ref": "1", "title": "Talk", "host": "h", **DAY}])
    before = cast.rows()
    with cast.refused(Invalid) as caught:
        imported(cast, schedule)
    assert places(caught) == [(("people", 0, "email"), "email_taken")]
    assert cast.rows() == before, "nobody is given the events of another by accident"
    report = imported(cast, schedule, merge=True)
    assert msgspec.structs.astuple(report)[:4] == (0, 1, 1, 0)
    assert report.merged == [Merged(0, cast.host.id)]
    assert imported(cast, schedule).merged == [], "it is known by now who it is"
    (event,) = cast.ask(list_events, EventFilter(host_id=cast.host.id), 10, expand=False).events
    assert event.title == "Talk"
    assert cast.ask(read_user, cast.host.id) == cast.host


def test_an_event_of_a_file_may_have_all_details_of_an_event(cast):
    details = {
        "title": "Talk",
        "description": "On time",
        "location": "Hall",
        "show_as": "free",
        "visibility": "private",
        "hide_participants": True,
    }
    imported(cast, schedule_of([{"ref": "a", "name": "Ada"}], [{"ref": "1", "host": "a", **DAY, **details}]))
    (event,) = cast.ask(list_events, EventFilter(), 10, expand=False).events
    assert event.details() == details


def test_a_generated_address_that_exists_identifies_that_user(cast):
    maker = cast.do(create_user, UserCreate(name="Ada", email=Email("ada@plan.invalid")))
    report = imported(cast, schedule_of([{"ref": "ada", "name": "Ada"}]), merge=True)
    assert msgspec.structs.astuple(report)[:4] == (0, 1, 0, 0)
    assert [user.id for user in cast.ask(list_users, 10, text="ada").items] == [maker.id]


def test_importing_again_restores_nothing_that_was_deleted_or_changed(cast):
    schedule = schedule_of([{"ref": "a", "name": "Ada"}], [{"ref": "1", "title": "Talk", "host": "a", **DAY}])
    imported(cast, schedule)
    (event,) = cast.ask(list_events, EventFilter(), 10, expand=False).events
    cast.do(delete_event, event.id)
    before = cast.rows()
    assert msgspec.structs.astuple(imported(cast, schedule))[:4] == (0, 1, 0, 1)
    assert cast.rows() == before


def test_a_deleted_person_is_reported_wherever_the_file_names_them(cast):
    people = [{"ref": "a", "name": "Ada"}, {"ref": "b", "name": "Bo"}]
    imported(cast, schedule_of(people))
    for user in cast.ask(list_users, 10, text="plan.invalid").items:
        cast.do(delete_user, user.id, hosted=HostedEvents.cancel)
    events = [
        {"ref": "1", "title": "Hosted by nobody", "host": "a", **DAY},
        {"ref": "2", "title": "Both", "host": "b", "participants": ["a"], **DAY},
    ]
    with cast.refused(Invalid) as error:
        imported(cast, schedule_of(people, events))
    assert places(error) == [
        (("events", 0, "host"), "user_inactive"),
        (("events", 1, "host"), "user_inactive"),
        (("events", 1, "participants", 0), "user_inactive"),
    ]


def test_repeated_refs_and_addresses_are_all_named(cast):
    people = [
        {"ref": "a", "name": "Ada", "email": "ada@example.org"},
        {"ref": "a", "name": "Bo", "email": "bo@example.org"},
        {"ref": "c", "name": "Cy", "email": "ADA@example.org"},
        {"ref": "d", "name": "Di"},
        {"ref": "e", "name": "Ed"},
    ]
    events = [{"ref": "1", "title": "Talk", "host": "a", **DAY}] * 3
    with cast.refused(Invalid) as error:
        imported(cast, schedule_of(people, events))
    assert places(error) == [
        (("people", 1, "ref"), "repeated_ref"),
        (("people", 2, "email"), "repeated_email"),
        (("events", 1, "ref"), "repeated_ref"),
        (("events", 2, "ref"), "repeated_ref"),
    ]


def test_unknown_and_repeated_participants_are_reported_with_all_other_faults(cast):
    people = [{"ref": "a", "name": "Ada"}]
    events = [
        {"ref": "1", "title": "Nobody comes", "host": "x", "participants": ["y", "a", {"ref": "a"}], **DAY},
        {"ref": "2", "title": "Backwards", "host": "x", "start": DAY["end"], "end": DAY["start"]},
        {"ref": "3", "title": "Backwards", "host": "a", "start": DAY["end"], "end": DAY["start"]},
    ]
    with cast.refused(Invalid) as error:
        imported(cast, schedule_of(people, events))
    assert places(error) == [
        (("events", 0, "host"), "unknown_ref"),
        (("events", 0, "participants", 0), "unknown_ref"),
        (("events", 0, "participants", 2), "repeated_ref"),
        (("events", 1, "host"), "unknown_ref"),
        (("events", 1, "end"), "end_before_start"),
        (("events", 2, "end"), "end_before_start"),
    ]


def hourly(*hours: int, host: str = "a") -> list[dict[str, Any]]:
    times = ((hour, {"start": f"2030-05-04T{hour:02}:00", "end": f"2030-05-04T{hour + 1:02}:00"}) for hour in hours)
    return [
        {"ref": f"{host}{place}", "title": f"At {hour}", "host": host, **at} for place, (hour, at) in enumerate(times)
    ]


@pytest.mark.parametrize("at_once", [1, 2, 100])
def test_events_that_are_stored_together_are_checked_for_conflicts(cast, monkeypatch, at_once):
    monkeypatch.setattr(imports, "EVENTS_AT_ONCE", at_once)
    people = [{"ref": "a", "name": "Ada"}, {"ref": "b", "name": "Bo"}]
    events = [*hourly(10, 11, 10, 12, 12), *hourly(10, 11, host="b")]
    report = cast.do(import_schedule, schedule_of(people, events), "plan", lambda: None, on_conflict=OnConflict.reject)
    assert [(one.place, one.names) for one in report.double_bookings] == [(2, ("Ada",)), (4, ("Ada",))]
    assert (report.events_added, report.events_known) == (5, 0)
    again = cast.do(import_schedule, schedule_of(people, events), "plan", lambda: None)
    assert (again.events_added, again.events_known, [one.place for one in again.double_bookings]) == (2, 5, [2, 4])
    check_consistency(cast.database, cast.actor)


def test_each_additional_event_takes_one_more_statement(cast):
    people = [{"ref": "a", "name": "Ada"}]

    def statements(source: str, *hours: int) -> int:
        schedule = schedule_of(people, hourly(*hours))
        return cast.database.write(
            lambda tx: import_schedule(tx, cast.actor, schedule, source, lambda: None) and tx.statements
        )

    assert statements("many", *range(8, 18)) == statements("few", 8, 9) + 8


def test_the_same_refs_in_another_source_or_organization_are_different(cast):
    schedule = schedule_of([{"ref": "a", "name": "Ada"}])
    assert [imported(cast, schedule, source).people_added for source in ("plan", "other", "plan")] == [1, 1, 0]


@pytest.mark.parametrize("text", ["51", "a-b-c", "x" * 40])
def test_a_plain_ref_is_part_of_the_address_as_it_is(text):
    assert email_local_part(text) == text


def test_any_other_ref_gets_an_address_of_its_own():
    texts = [
        "Ada",
        "ADA",
        "ada b",
        "ada  b",
        "ünal",
        "Ünal",
        "日本",
        "中国",
        ".",
        "..",
        "x" * 41,
        "x" * 42,
        "a@b",
        "a.b",
        "a_b",
        "a-b",
        "a--b",
        "-a-",
        "xn--a",
    ]
    parts = [email_local_part(text) for text in texts]
    assert len(set(parts)) == len(texts)
    for part in parts:
        assert read_struct(Email, f"{part}@{part}.invalid")
        assert len(part) <= 50
