import json
from typing import Any

import msgspec
import pytest

from kalends.drafts import EventUpdate, UserUpdate
from kalends.errors import Invalid
from kalends.model import (
    Block,
    Email,
    Event,
    EventId,
    Instant,
    Metadata,
    ParticipantCounts,
    Participation,
    Response,
    Role,
    ShowAs,
    Status,
    User,
    UserId,
    Visibility,
    Zone,
)
from kalends.rules.blocks import block_of
from kalends.rules.editing import apply_event_edit, apply_user_edit, cancelled, transferred
from kalends.rules.zones import read_time

NOW = Instant(7_000_000)
HOST, SUCCESSOR = UserId(1), UserId(2)


def block(start: str, end: str, zone: str = "Europe/Berlin") -> Block:
    made = block_of(read_time(start), read_time(end), zone)
    assert isinstance(made, Block)
    return made


EVENT = Event(
    id=EventId(9),
    host_id=HOST,
    title="Planning",
    description="What next?",
    location="Room 1",
    block=block("2026-03-09T14:00", "2026-03-09T15:00"),
    status=Status.confirmed,
    show_as=ShowAs.busy,
    visibility=Visibility.default,
    hide_participants=False,
    cancel_reason=None,
    metadata='{"a":1}',
    counts=ParticipantCounts(required=1, accepted=1),
    version=3,
    created_at=Instant(1),
    updated_at=Instant(2),
)
USER = User(HOST, "Hanna", "hanna@example.org", "Europe/Berlin", "{}", 1, Instant(1), Instant(1))


def change(**edit: Any) -> Event:
    return apply_event_edit(EVENT, EventUpdate(**edit), now=NOW)


def difference(after: Event) -> dict[str, Any]:
    new, old = msgspec.structs.asdict(after), msgspec.structs.asdict(EVENT)
    assert (new.pop("version"), new.pop("updated_at")) == (4, NOW)
    return {name: value for name, value in new.items() if value != old[name]}


@pytest.mark.parametrize(
    ("edit", "changed"),
    [
        ({"title": "Retrospective"}, {"title": "Retrospective"}),
        ({"description": None}, {"description": ""}),
        ({"location": None, "title": "Walk"}, {"location": "", "title": "Walk"}),
        ({"status": "tentative"}, {"status": Status.tentative}),
        ({"show_as": ShowAs.free}, {"show_as": ShowAs.free}),
        ({"visibility": Visibility.private}, {"visibility": Visibility.private}),
        ({"metadata": Metadata(b=2)}, {"metadata": '{"a":1,"b":2}'}),
        ({"metadata": Metadata(a=None)}, {"metadata": "{}"}),
        ({"metadata": None}, {"metadata": "{}"}),
        (
            {"start": read_time("2026-03-09T14:30"), "end": read_time("2026-03-09T16:00+01:00")},
            {"block": block("2026-03-09T14:30", "2026-03-09T16:00")},
        ),
        ({"end": read_time("2026-03-09T24:00")}, {"block": block("2026-03-09T14:00", "2026-03-10T00:00")}),
        (
            {"time_zone": Zone("Asia/Tokyo")},
            {"block": block("2026-03-09T22:00+09:00", "2026-03-09T23:00+09:00", "Asia/Tokyo")},
        ),
    ],
)
def test_an_edit_changes_only_the_given_members_and_makes_one_new_version(
    edit: dict[str, Any], changed: dict[str, Any]
) -> None:
    assert difference(change(**edit)) == changed


@pytest.mark.parametrize(
    "edit",
    [
        {},
        {"title": "Planning", "description": "What next?", "location": "Room 1", "status": "confirmed"},
        {"show_as": ShowAs.busy, "visibility": Visibility.default, "metadata": Metadata(a=1)},
        {"metadata": Metadata()},
        {
            "start": read_time("2026-03-09T13:00:00Z"),
            "end": read_time("2026-03-09T15:00"),
            "time_zone": Zone("Europe/Berlin"),
        },
    ],
)
def test_an_edit_that_changes_nothing_makes_no_version(edit: dict[str, Any]) -> None:
    assert change(**edit) is EVENT


def test_all_faults_of_an_edit_are_found_together() -> None:
    with pytest.raises(Invalid) as refused:
        change(
            start=read_time("2026-03-29T01:00:00.5"),
            end=read_time("2026-03-29T02:30"),
            metadata=Metadata(a="x" * 20_000),
        )
    assert [(fault.where, fault.code) for fault in refused.value.faults] == [
        (("start",), "invalid_time"),
        (("end",), "nonexistent_time"),
        (("metadata",), "metadata_too_large"),
    ]


def test_a_zone_in_which_the_event_is_not_within_a_day_is_refused() -> None:
    with pytest.raises(Invalid, match="same day as the start in Asia/Kathmandu") as refused:
        apply_event_edit(
            msgspec.structs.replace(EVENT, block=block("2026-03-09T19:00", "2026-03-09T19:30")),
            EventUpdate(time_zone=Zone("Asia/Kathmandu")),
            now=NOW,
        )
    assert [fault.code for fault in refused.value.faults] == ["not_one_day"]


@pytest.mark.parametrize(
    ("edit", "changed"),
    [
        (UserUpdate(name="Hannah"), {"name": "Hannah"}),
        (UserUpdate(email=Email("h@example.org")), {"email": "h@example.org"}),
        (UserUpdate(time_zone=Zone("UTC")), {"time_zone": "UTC"}),
        (UserUpdate(metadata=Metadata(a={"b": 1})), {"metadata": '{"a":{"b":1}}'}),
    ],
)
def test_a_user_changes_as_an_event_does(edit: UserUpdate, changed: dict[str, Any]) -> None:
    assert apply_user_edit(USER, edit, now=NOW) == msgspec.structs.replace(USER, version=2, updated_at=NOW, **changed)


def test_a_user_who_stays_the_same_stays_the_same() -> None:
    assert apply_user_edit(USER, UserUpdate(name="Hanna", metadata=None), now=NOW) is USER


def test_metadata_of_a_user_has_its_limits() -> None:
    with pytest.raises(Invalid) as refused:
        apply_user_edit(USER, UserUpdate(metadata=Metadata(a=json.loads("[" * 40 + "]" * 40))), now=NOW)
    assert [(fault.where, fault.code) for fault in refused.value.faults] == [(("metadata",), "metadata_too_large")]


def participation(user_id: UserId, role: Role = Role.optional, response: Response = Response.declined) -> Participation:
    return Participation(user_id, role, response, "no", Instant(5), 1)


@pytest.mark.parametrize(
    ("concerned", "attends"),
    [({HOST}, True), ({HOST, SUCCESSOR}, True), ({SUCCESSOR}, True), (set(), False)],
)
def test_a_new_host_attends_as_the_old_one_did(concerned: set[UserId], attends: bool) -> None:
    participations = {user_id: participation(user_id) for user_id in concerned}
    event, after = transferred(EVENT, participations, SUCCESSOR, now=NOW)
    assert difference(event) == {"host_id": SUCCESSOR}
    version = 2 if SUCCESSOR in concerned else event.version
    assert after.get(SUCCESSOR) == (
        Participation(SUCCESSOR, Role.required, Response.accepted, None, NOW, version) if attends else None
    )
    assert after.get(HOST) == participations.get(HOST)


def test_a_cancelled_event_says_why() -> None:
    assert difference(cancelled(EVENT, "ill", now=NOW)) == {"status": Status.cancelled, "cancel_reason": "ill"}
