"""Erasing a person: nothing shows who they were any more, and the calendar stays as it was."""

import json
import secrets
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
import sqlalchemy as sa
from msgspec import structs

from kalends.actions import erasure
from kalends.actions.erasure import erase_traces, erase_user
from kalends.actions.events import create_event, delete_event
from kalends.actions.hours import clear_working_hours, set_working_hours
from kalends.actions.idempotency import KeptAnswer, claim_key, keep_answer
from kalends.actions.imports import import_schedule
from kalends.actions.participants import answer_invitation
from kalends.actions.schedule import Schedule
from kalends.actions.sharing import share_calendar
from kalends.actions.tokens import issue_token
from kalends.actions.user_deletion import HostedEvents, delete_user
from kalends.actions.users import change_user, create_user
from kalends.drafts import EventCreate, ResponseUpdate, UserCreate, UserUpdate
from kalends.errors import Forbidden, HostsEvents, Invalid, NotFound, StaleVersion
from kalends.model import Email, Metadata, SharingLevel, User, UserId
from kalends.reads.audit import AuditFilter, list_audit_entries
from kalends.rest.wire import read_struct
from kalends.rules.audit import ObjectKind
from kalends.rules.erasure import ERASED_NAME, erased_email, erased_snapshot
from kalends.rules.hours import Window, WorkingHours
from kalends.rules.zones import read_time
from kalends.settings import Settings
from kalends.store import audit, idempotency, tables
from kalends.store.database import Database
from kalends.store.events import find_event
from kalends.store.query import Query
from tests.cast import BERLIN, Cast, check_consistency, instant
from tests.conftest import Clock
from tests.multitude import fill_audit_log, fill_keys
from tests.seen import read_event
from tests.threads import at_once, waiting_writers

NAME, EMAIL = "Zacharias Zimt", "Zacharias.Zimt@example.org"
MONDAYS = WorkingHours(((Window(540, 1020),), *((),) * 6), {})
YESTERDAY = {"start": read_time("2026-03-08T14:00"), "end": read_time("2026-03-08T15:00")}
TOMORROW: dict[str, Any] = {"start": read_time("2026-03-10T14:00"), "end": read_time("2026-03-10T15:00")}
NOON = instant("2026-03-09T12:00+01:00")

FILE = {
    "time_zone": "Europe/Berlin",
    "people": [{"ref": NAME, "name": NAME, "email": EMAIL}],
    "events": [],
}


@pytest.fixture
def database(migrated_url: str, session_clock: Clock) -> Iterator[Database]:
    """Yield a database for this test alone, as all of it is searched."""
    own = Database(Settings(database_url=migrated_url), session_clock)
    yield own
    own.close()


@pytest.fixture
def person(cast: Cast, clock):
    """Create a user with traces in every table, from the day before and this morning."""
    clock.set_to(instant("2026-03-08T12:00+01:00"))
    cast.do(import_schedule, read_struct(Schedule, FILE), "hr", lambda: None)
    user_id = UserId(cast.rows()["imported"][0][-1])
    cast.do(change_user, user_id, UserUpdate(name=f"{NAME} II", metadata=Metadata(nickname=NAME)))
    named = cast.do(change_user, user_id, UserUpdate(name=NAME))
    own = structs.replace(cast.actor, user_id=user_id, address="192.0.2.7")
    token, _ = cast.database.write(lambda tx: issue_token(tx, own, f"phone of {NAME}", secrets.token_bytes(20)))
    cast.do(set_working_hours, user_id, MONDAYS)
    cast.do(clear_working_hours, user_id)
    cast.do(set_working_hours, user_id, MONDAYS)
    cast.do(share_calendar, user_id, cast.guest.id, SharingLevel.read)
    cast.do(share_calendar, cast.host.id, user_id, SharingLevel.titles)
    past, future = cast.event(user_id, **YESTERDAY), cast.event(user_id, cast.guest, **TOMORROW)
    for event in (past, future):
        for comment in (f"says {NAME}", f"says {EMAIL}"):
            answer = ResponseUpdate(response="accepted", comment=comment)
            cast.database.write(
                lambda tx, event=event, answer=answer: answer_invitation(tx, own, event.id, user_id, answer)
            )
    cast.do(answer_invitation, past.id, cast.host.id, ResponseUpdate(response="accepted", comment="mine stays"))
    draft = EventCreate(
        host_id=user_id,
        title="Own",
        time_zone=BERLIN,
        start=read_time("2026-03-11T09:00"),
        end=read_time("2026-03-11T10:00"),
    )
    hosted = cast.database.write(lambda tx: create_event(tx, own, draft)).event
    keep(cast, token.id, {"id": str(user_id), "name": NAME, "email": EMAIL, "metadata": {"nickname": NAME}})
    clock.set_to(NOON)
    return named, past, future, hosted


def erase(cast: Cast, user_id: UserId, **options: Any) -> User:
    """Erase a user with all their traces."""
    left = cast.do(erase_user, user_id, **options)
    traces = None
    while (traces := cast.do(erase_traces, user_id, traces)) is not None:
        pass
    return left


def keep(cast: Cast, token_id: Any, body: Any) -> None:
    """Store an answer for repeated requests."""
    actor = structs.replace(cast.actor, token_id=token_id)

    def work(tx: Any) -> None:
        claim = claim_key(tx, actor, secrets.token_hex(4), b"")
        assert not isinstance(claim, KeptAnswer)
        keep_answer(tx, actor, claim, KeptAnswer(200, "{}", msgspec.json.encode(body)))

    cast.database.write(work)


def all_of_it(database: Database) -> str:
    """Return all text and bytes in the database as one text."""

    def read(tx: Any) -> str:
        return str([tx.rows(Query(sa.select(table))) for table in tables.metadata.sorted_tables])

    return database.read(read)


def test_no_name_and_no_address_is_left_in_the_database(cast, person):
    named, *_ = person
    assert NAME in all_of_it(cast.database)
    left = erase(cast, named.id, hosted=HostedEvents.cancel)
    everything = all_of_it(cast.database).casefold()
    for trace in (NAME, EMAIL, "zacharias", "zimt", "192.0.2.7"):
        assert trace.casefold() not in everything
    assert (left.name, left.email, left.metadata) == (ERASED_NAME, f"erased-{int(named.id):016x}@invalid", "{}")
    assert left.version == named.version + 1
    assert "mine stays" in everything
    rows = cast.rows()
    assert [row for row in rows["share"] + rows["imported"] + rows["working_hours"] if named.id in row] == []
    check_consistency(cast.database, cast.actor)


def test_events_show_an_erased_person_and_have_new_versions(cast, person):
    named, past, future, hosted = person
    before, versions = (
        cast.ask(find_event, past.id),
        {key: participation.version for key, participation in cast.participations(past.id).items()},
    )
    erase(cast, named.id, hosted=HostedEvents.cancel)
    after, _, guests = cast.ask(read_event, past.id, expand=True)
    assert (after.version, after.counts) == (before.version + 1, before.counts)
    said = {
        guest.participation.user_id: (guest.name, guest.participation.response, guest.participation.comment)
        for guest in guests
    }
    assert said[named.id] == (ERASED_NAME, "accepted", None)
    assert said[cast.host.id][2] == "mine stays"
    moved = {
        key for key, participation in cast.participations(past.id).items() if participation.version != versions[key]
    }
    assert moved == {named.id}
    assert named.id not in cast.participations(future.id)
    assert cast.ask(find_event, hosted.id).status == "cancelled"


def test_the_audit_log_records_an_erasure_without_personal_data(cast, person):
    named, past, *_ = person
    erase(cast, named.id, hosted=HostedEvents.cancel)
    last, deleted, *_ = cast.ask(list_audit_entries, AuditFilter(object_id=named.id), 250).items
    assert (last.action, last.before, last.after) == ("erased", None, None)
    gone = {"name": ERASED_NAME, "email": erased_email(named.id), "time_zone": "Europe/Berlin", "metadata": {}}
    assert (deleted.action, json.loads(deleted.before)) == ("deleted", gone)
    newest = cast.ask(list_audit_entries, AuditFilter(object_id=past.id), 1).items[0]
    silent = {"participants": {str(named.id): {"role": "required", "response": "accepted", "comment": None}}}
    assert (json.loads(newest.before), json.loads(newest.after)) == (silent, silent)


def test_erasing_again_changes_nothing(cast, person):
    named, *_ = person
    left = erase(cast, named.id, hosted=HostedEvents.cancel)
    before = cast.rows()
    assert erase(cast, named.id) == left
    assert cast.rows() == before


def test_erasure_works_in_parts_and_can_be_resumed_after_any(cast, database, request, monkeypatch):
    token, _ = cast.do(issue_token, "x", secrets.token_bytes(20))
    fill_audit_log(database, cast.actor, int(cast.host.id), audit.PAGE + 1)
    fill_keys(database, cast.actor, int(token.id), idempotency.PAGE + 101)
    named, past, *_ = request.getfixturevalue("person")  # it comes after what fills the first pages
    monkeypatch.setattr(erasure, "EVENTS_AT_ONCE", 1)
    cast.do(erase_user, named.id, hosted=HostedEvents.cancel)
    assert cast.participations(past.id)[named.id].comment == f"says {EMAIL}"
    parts, traces = 0, erasure.Traces([])
    while traces is not None:
        parts, traces = parts + 1, None
        for _ in range(parts):
            traces = cast.do(erase_traces, named.id, traces)
    assert parts == 1 + 2 + 2 + 1
    assert "zacharias" not in all_of_it(cast.database).casefold()


def test_a_comment_that_was_removed_meanwhile_is_skipped(cast, person):
    named, past, *_ = person
    cast.do(erase_user, named.id, hosted=HostedEvents.cancel)
    traces = cast.do(erase_traces, named.id, None)
    assert traces.commented == [past.id]
    cast.do(erase_traces, named.id, traces)
    version = cast.ask(find_event, past.id).version
    cast.do(erase_traces, named.id, traces)
    assert cast.ask(find_event, past.id).version == version
    cast.do(delete_event, past.id)
    assert cast.do(erase_traces, named.id, traces) == traces._replace(commented=[])


def test_a_user_who_was_deleted_before_can_be_erased(cast, person):
    named, *_ = person
    cast.do(delete_user, named.id, hosted=HostedEvents.cancel)
    with cast.refused(StaleVersion):
        erase(cast, named.id, expect=frozenset({1}))
    with cast.refused(Invalid):
        erase(cast, named.id, hosted=HostedEvents.transfer)
    erase(cast, named.id, expect=frozenset({named.version}))
    assert "zacharias" not in all_of_it(cast.database).casefold()
    check_consistency(cast.database, cast.actor)


def test_a_host_of_future_events_is_erased_only_with_a_choice_for_them(cast, person):
    named, _, _, hosted = person
    with cast.refused(HostsEvents):
        erase(cast, named.id)
    erase(cast, named.id, hosted=HostedEvents.transfer, to=cast.stranger.id)
    assert cast.ask(find_event, hosted.id).host_id == cast.stranger.id


def test_only_operators_erase_users_and_only_existing_ones(cast, person):
    named, *_ = person
    own = structs.replace(cast.actor, user_id=named.id)
    with cast.refused(Forbidden):
        cast.database.write(lambda tx: erase_user(tx, own, named.id))
    with cast.refused(NotFound):
        erase(cast, UserId(3))


def test_a_dry_run_erases_nothing(cast, person):
    before = cast.rows()
    cast.database.write(lambda tx: erase_user(tx, cast.actor, person[0].id, hosted=HostedEvents.cancel), dry_run=True)
    assert cast.rows() == before


def test_the_address_may_be_used_again_and_a_comment_that_is_added_meanwhile_is_erased(cast, clock, database: Database):
    clock.set_to(NOON)
    person = cast.do(create_user, UserCreate(name=NAME, email=Email(EMAIL)))
    event = cast.event(
        person, **{name: read_time(f"2026-03-09T{time}") for name, time in (("start", "11:30"), ("end", "12:30"))}
    )

    def comment(tx):
        answer_invitation(
            tx, cast.actor, event.id, person.id, ResponseUpdate(response="accepted", comment=f"says {NAME}")
        )
        clock.set_to(event.block.span.end)
        erasure.start()
        waiting_writers(database, 1)

    erasure = at_once(lambda: erase(cast, person.id))
    database.write(comment)
    erasure.result()
    assert "zacharias" not in str(cast.rows()).casefold()
    assert cast.do(create_user, UserCreate(name=NAME, email=Email(EMAIL))).id != person.id


def test_audit_entries_about_others_are_kept():
    me, other = UserId(7), UserId(8)
    own = {"name": NAME}
    assert erased_snapshot(own, ObjectKind.user, other, me) == own
    assert erased_snapshot(own, ObjectKind.share, me, me) == own
    assert erased_snapshot({"user_id": str(other)} | own, ObjectKind.token, 5, me) == {"user_id": str(other)} | own
    assert erased_snapshot(own, ObjectKind.working_hours, other, me) == own
    assert erased_snapshot({"weekly": {}}, ObjectKind.working_hours, me, me) == {}
    assert erased_snapshot({"participants": {str(me): None}}, ObjectKind.event, 5, me) == {
        "participants": {str(me): None}
    }


def test_a_request_under_a_key_that_is_still_being_worked_on_stays_claimed(cast, person):
    named, *_ = person
    token, _ = cast.do(issue_token, "x", secrets.token_bytes(20))
    actor = structs.replace(cast.actor, token_id=token.id)
    claim = cast.database.write(lambda tx: claim_key(tx, actor, "in flight", b""))
    erase(cast, named.id, hosted=HostedEvents.cancel)
    answer = KeptAnswer(201, "{}", b'{"of": "after"}')
    cast.database.write(lambda tx: keep_answer(tx, actor, claim, answer))
    assert cast.database.write(lambda tx: claim_key(tx, actor, "in flight", b"")) == answer
