"""The audit log: every action that changes an object adds an entry, and one that changes nothing adds none."""

import json
import secrets
from typing import Any

import pytest
from msgspec import structs

from kalends.actions.events import cancel_event, change_event, create_event, delete_event, transfer_event
from kalends.actions.holds import extend_hold, place_hold, release_hold
from kalends.actions.hours import clear_working_hours, set_working_hours
from kalends.actions.participants import add_participants, answer_invitation, remove_participant
from kalends.actions.sharing import share_calendar, stop_sharing
from kalends.actions.tokens import issue_token, revoke_token
from kalends.actions.user_deletion import HostedEvents, delete_user
from kalends.actions.users import change_user
from kalends.drafts import EventCreate, EventUpdate, ParticipantCreate, ResponseUpdate, UserUpdate
from kalends.errors import BookingConflict
from kalends.model import Instant, Metadata, Scope, SharingLevel, Span, TokenId, UserId
from kalends.reads.audit import AuditFilter, list_audit_entries
from kalends.rules.hours import Window, WorkingHours
from kalends.rules.tokens import token_digest, token_hint
from kalends.rules.zones import instant_of, read_time
from tests.cast import BERLIN, Cast, instant

MORNING = instant("2026-03-09T08:00+01:00")
MONDAYS = WorkingHours(((Window(540, 1020),), *((),) * 6), {})
SLOT = Span(instant("2026-03-09T16:00+01:00"), instant("2026-03-09T17:00+01:00"))


@pytest.fixture(autouse=True)
def on_the_morning(clock):
    clock.set_to(MORNING)


@pytest.fixture
def new_entries(cast: Cast):
    """Return the new audit entries since the last call, oldest first: action, kind, id, before and after."""
    seen = set()

    def news() -> list[tuple[Any, ...]]:
        records = reversed(cast.ask(list_audit_entries, AuditFilter(), 250).items)
        new = [one for one in records if one.id not in seen]
        seen.update(one.id for one in new)
        return [
            (
                one.action,
                one.object_kind,
                one.object_id,
                *(text and json.loads(text) for text in (one.before, one.after)),
            )
            for one in new
        ]

    news()
    return news


def participation(response: str, role: str = "required", comment: str | None = None) -> dict[str, Any]:
    return {"role": role, "response": response, "comment": comment}


def test_creating_and_deleting_an_event_records_all_its_participations(cast, new_entries):
    event = cast.event(cast.guest, metadata=Metadata(topic="roof"))
    facts = {
        "host_id": str(cast.host.id),
        "pending_host_id": None,
        "title": "Planning",
        "description": "",
        "location": "",
        "start": "2026-03-09T14:00:00+01:00",
        "end": "2026-03-09T15:00:00+01:00",
        "time_zone": "Europe/Berlin",
        "status": "confirmed",
        "show_as": "busy",
        "visibility": "default",
        "hide_participants": False,
        "cancel_reason": None,
        "metadata": {"topic": "roof"},
        "participants": {
            str(cast.host.id): participation("accepted"),
            str(cast.guest.id): participation("needs_action"),
        },
    }
    assert new_entries() == [("created", "event", event.id, None, facts)]
    cast.do(delete_event, event.id)
    assert new_entries() == [("deleted", "event", event.id, facts, None)]


def test_an_update_records_only_the_members_that_differ(cast, new_entries):
    event = cast.event(cast.guest)
    new_entries()
    cast.do(change_event, event.id, EventUpdate(title="Plan B", time_zone=BERLIN))
    assert new_entries() == [("changed", "event", event.id, {"title": "Planning"}, {"title": "Plan B"})]
    cast.do(answer_invitation, event.id, cast.guest.id, ResponseUpdate(response="accepted", comment="gladly"))
    before = {"participants": {str(cast.guest.id): participation("needs_action")}}
    after = {"participants": {str(cast.guest.id): participation("accepted", comment="gladly")}}
    assert new_entries() == [("changed", "event", event.id, before, after)]
    cast.do(change_event, event.id, EventUpdate(end=read_time("2026-03-09T15:30")))
    before = {"end": "2026-03-09T15:00:00+01:00", "participants": after["participants"]}
    after = {"end": "2026-03-09T15:30:00+01:00", "participants": {str(cast.guest.id): participation("needs_action")}}
    assert new_entries() == [("changed", "event", event.id, before, after)]
    cast.do(add_participants, event.id, [ParticipantCreate(user_id=cast.stranger.id)])
    stranger = str(cast.stranger.id)
    come = ({"participants": {stranger: None}}, {"participants": {stranger: participation("needs_action")}})
    assert new_entries() == [("changed", "event", event.id, *come)]
    cast.do(remove_participant, event.id, cast.stranger.id)
    assert new_entries() == [("changed", "event", event.id, *reversed(come))]
    cast.do(transfer_event, event.id, cast.guest.id)
    ((_, _, _, before, after),) = new_entries()
    assert (before["host_id"], after["host_id"]) == (str(cast.host.id), str(cast.guest.id))
    cast.do(cancel_event, event.id, "rain")
    gone = ({"status": "confirmed", "cancel_reason": None}, {"status": "cancelled", "cancel_reason": "rain"})
    assert new_entries() == [("changed", "event", event.id, *gone)]


def test_changes_that_do_nothing_refused_actions_and_dry_runs_are_not_recorded(cast, new_entries):
    event = cast.event(cast.guest)
    cast.do(set_working_hours, cast.guest.id, MONDAYS)
    cast.do(share_calendar, cast.host.id, cast.guest.id, SharingLevel.read)
    new_entries()
    cast.do(change_event, event.id, EventUpdate(title=event.title))
    cast.do(change_user, cast.guest.id, UserUpdate(name=cast.guest.name))
    cast.do(set_working_hours, cast.guest.id, MONDAYS)
    cast.do(share_calendar, cast.host.id, cast.guest.id, SharingLevel.read)
    cast.do(transfer_event, event.id, cast.host.id)
    again = {
        "host_id": cast.host.id,
        "title": "x",
        "start": read_time("2026-03-09T14:00"),
        "end": read_time("2026-03-09T15:00"),
    }
    again["time_zone"] = BERLIN
    with cast.refused(BookingConflict):
        cast.do(create_event, EventCreate(**again))
    cast.database.write(lambda tx: delete_event(tx, cast.actor, event.id), dry_run=True)
    assert new_entries() == []


def test_changes_of_users_are_recorded(cast, new_entries):
    person = cast.person("Nina New")
    facts = {"name": "Nina New", "email": person.email, "time_zone": "Europe/Berlin", "metadata": {}}
    assert new_entries() == [("created", "user", person.id, None, facts)]
    cast.do(change_user, person.id, UserUpdate(metadata=Metadata(badge=7)))
    assert new_entries() == [("changed", "user", person.id, {"metadata": {}}, {"metadata": {"badge": 7}})]
    cast.do(delete_user, person.id)
    assert new_entries() == [("deleted", "user", person.id, facts | {"metadata": {"badge": 7}}, None)]


def test_deleting_a_user_records_each_change_that_it_causes(cast, new_entries):
    person = cast.person()
    own = structs.replace(cast.actor, user_id=person.id)
    token, _ = cast.database.write(lambda tx: issue_token(tx, own, "phone", secrets.token_bytes(20)))
    revoked, _ = cast.database.write(lambda tx: issue_token(tx, own, "old", secrets.token_bytes(20)))
    cast.do(revoke_token, revoked.id)
    cast.do(share_calendar, person.id, cast.guest.id, SharingLevel.read)
    cast.do(share_calendar, cast.host.id, person.id, SharingLevel.titles)
    hosted = cast.event(host_id=person.id)
    concerned = cast.event(person, cast.guest)
    new_entries()
    cast.do(delete_user, person.id, hosted=HostedEvents.cancel)
    recorded = [(action, kind, object_id) for action, kind, object_id, _, _ in new_entries()]
    assert recorded == [
        ("changed", "event", hosted.id),
        ("changed", "event", concerned.id),
        ("revoked", "token", token.id),
        ("deleted", "share", person.id),
        ("deleted", "share", cast.host.id),
        ("deleted", "user", person.id),
    ]


def test_the_secret_of_a_token_is_not_recorded(cast, new_entries):
    end = instant("2027-01-01T00:00+00:00")
    made, text = cast.do(
        issue_token, "backup", secrets.token_bytes(20), scopes={Scope.users_read, Scope.events_read}, expires_at=end
    )
    facts = {
        "user_id": None,
        "name": "backup",
        "scopes": ["events:read", "users:read"],
        "expires_at": "2027-01-01T00:00:00Z",
    }
    cast.do(revoke_token, made.id)
    assert new_entries() == [("issued", "token", made.id, None, facts), ("revoked", "token", made.id, facts, None)]
    kept = str(cast.rows()["audit"])
    assert text not in kept
    assert token_hint(text) not in kept
    assert token_digest(text).hex() not in kept


def test_sharing_and_working_hours_are_recorded_under_their_owner(cast, new_entries):
    cast.do(share_calendar, cast.host.id, cast.guest.id, SharingLevel.titles)
    cast.do(share_calendar, cast.host.id, cast.guest.id, SharingLevel.write)
    cast.do(stop_sharing, cast.host.id, cast.guest.id)
    titles, write = ({"shared_with": {str(cast.guest.id): level}} for level in ("titles", "write"))
    assert new_entries() == [
        ("created", "share", cast.host.id, None, titles),
        ("changed", "share", cast.host.id, titles, write),
        ("deleted", "share", cast.host.id, write, None),
    ]
    cast.do(set_working_hours, cast.host.id, MONDAYS)
    tuesdays = WorkingHours(((), (Window(0, 1440),), *((),) * 5), {})
    cast.do(set_working_hours, cast.host.id, tuesdays)
    cast.do(clear_working_hours, cast.host.id)
    cast.do(set_working_hours, cast.host.id, MONDAYS)
    monday = {"monday": [{"start": "09:00", "end": "17:00"}]}
    tuesday = {"tuesday": [{"start": "00:00", "end": "24:00"}]}
    assert new_entries() == [
        ("created", "working_hours", cast.host.id, None, {"weekly": monday, "overrides": {}}),
        ("changed", "working_hours", cast.host.id, {"weekly": monday}, {"weekly": tuesday}),
        ("deleted", "working_hours", cast.host.id, {"weekly": tuesday, "overrides": {}}, None),
        ("created", "working_hours", cast.host.id, None, {"weekly": monday, "overrides": {}}),
    ]


def test_holds_are_recorded_until_they_are_used_or_released(cast, new_entries):
    hold = cast.do(place_hold, [cast.guest.id], SLOT, 60)
    cast.do(extend_hold, hold.id, 120)
    cast.do(release_hold, hold.id)
    facts = {
        "user_ids": [str(cast.guest.id)],
        "start": "2026-03-09T15:00:00Z",
        "end": "2026-03-09T16:00:00Z",
        "expires_at": "2026-03-09T07:01:00Z",
        "extended": False,
    }
    longer = {"expires_at": "2026-03-09T07:02:00Z", "extended": True}
    assert new_entries() == [
        ("placed", "hold", hold.id, None, facts),
        ("extended", "hold", hold.id, {name: facts[name] for name in longer}, longer),
        ("released", "hold", hold.id, facts | longer, None),
    ]
    hold = cast.do(place_hold, [cast.guest.id], SLOT, 60)
    draft = EventCreate(
        host_id=cast.guest.id,
        title="x",
        start=read_time("2026-03-09T16:00"),
        end=read_time("2026-03-09T17:00"),
        time_zone=BERLIN,
    )
    event = cast.database.write(lambda tx: create_event(tx, cast.actor, draft, hold_id=hold.id)).event
    _, consumed, created = new_entries()
    assert consumed == ("consumed", "hold", hold.id, facts, {"event_id": str(event.id)})
    assert created[:3] == ("created", "event", event.id)


def test_leaving_a_hold_records_its_people_before_and_after(cast, new_entries):
    hold = cast.do(place_hold, [cast.guest.id, cast.stranger.id], SLOT, 60)
    both = [str(user_id) for user_id in hold.user_ids]
    new_entries()
    for person, before, after in ((cast.guest, both, [str(cast.stranger.id)]), (cast.stranger, both[1:], None)):
        cast.as_person(person).do(release_hold, hold.id)
        ((*what, was, now),) = new_entries()
        assert what == ["released", "hold", hold.id]
        assert was["user_ids"] == before
        assert now == (after and {"user_ids": after})
    assert (was["start"], was["extended"]) == ("2026-03-09T15:00:00Z", False)


def test_actor_time_and_client_address_are_recorded(cast, new_entries):
    token_id = TokenId(77)
    actor = structs.replace(
        cast.actor, token_id=token_id, user_id=cast.host.id, address="192.0.2.7", request_id="first"
    )
    draft = EventCreate(
        host_id=cast.host.id,
        title="x",
        start=read_time("2026-03-09T14:00"),
        end=read_time("2026-03-09T15:00"),
        time_zone=BERLIN,
    )
    cast.database.write(lambda tx: create_event(tx, actor, draft))
    (one,) = cast.ask(list_audit_entries, AuditFilter(token_id=token_id), 9).items
    assert (one.at, one.user_id, one.address, one.request_id) == (MORNING, cast.host.id, "192.0.2.7", "first")
    assert str(one.id).startswith("aud_")
    assert str(one.object_id).startswith("evt_")


def test_the_audit_log_is_listed_newest_first_page_by_page(cast, clock):
    people = [cast.person() for _ in range(3)]
    clock.set_to(MORNING + 60_000_000)
    cast.do(change_user, people[0].id, UserUpdate(name="Ada"))
    everything = cast.ask(list_audit_entries, AuditFilter(), 250).items
    assert [one.object_id for one in everything[:4]] == [people[0].id, *reversed([person.id for person in people])]
    pages, after = [], None
    while True:
        page = cast.ask(list_audit_entries, AuditFilter(older_than=after), 2)
        pages += page.items
        after = page.next_key
        if after is None:
            break
    assert pages == everything
    later = AuditFilter(since=Instant(MORNING + 1))
    assert cast.ask(list_audit_entries, later, 9).items == everything[:1]
    assert cast.ask(list_audit_entries, AuditFilter(until=Instant(MORNING + 1)), 250).items == everything[1:]
    assert len(cast.ask(list_audit_entries, AuditFilter(object_id=people[0].id), 9).items) == 2
    assert cast.ask(list_audit_entries, AuditFilter(user_id=UserId(5)), 9).items == []
    assert instant_of(read_time("2026-03-09T07:00:00Z"), None) == everything[1].at
