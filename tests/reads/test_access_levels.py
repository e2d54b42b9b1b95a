"""What users see of each other's events: in single reads, lists, conflicts and explanations."""

import pytest

from kalends.actions.events import change_event, create_event, delete_event
from kalends.actions.holds import place_hold
from kalends.actions.participants import add_participants, answer_invitation, change_role
from kalends.drafts import EventCreate, EventUpdate, ParticipantCreate, ResponseUpdate
from kalends.errors import BookingConflict, Forbidden, NotFound
from kalends.model import EventId, Response, Role, SharingLevel, Visibility
from kalends.reads.events import EventFilter, event_statement
from kalends.reads.explanation import explain_booking
from kalends.reads.participants import list_participants, read_participant
from kalends.reads.users import list_available_users
from kalends.rules.access import AccessLevel
from kalends.rules.zones import read_time
from kalends.store.visibility import visibility_values
from tests.cast import BERLIN
from tests.seen import list_events, read_event

LEVELS = [
    (None, AccessLevel.busy),
    (SharingLevel.free_busy, AccessLevel.busy),
    (SharingLevel.titles, AccessLevel.titles),
    (SharingLevel.read, AccessLevel.read),
    (SharingLevel.respond, AccessLevel.read),
    (SharingLevel.write, AccessLevel.write),
]
NOBODYS = EventId(2**62)


@pytest.fixture(autouse=True)
def before_it_all(clock, cast):
    clock.set_to(cast.event().block.span.start - 7 * 24 * 3_600_000_000)


def shared(cast, level):
    """Return the stranger's view, with whom the host shares their calendar at this level."""
    if level is not None:
        cast.share(cast.host, cast.stranger, level)
    return cast.as_person(cast.stranger)


def listed(cast, **wanted):
    page = cast.ask(list_events, EventFilter(**wanted), 50, expand=True)
    return {event.id: access_level for event, access_level in zip(page.events, page.access_levels, strict=True)}


def refusal(cast, read, *arguments, **options):
    with cast.refused(NotFound) as error:
        cast.ask(read, *arguments, **options)
    return str(error.value)


@pytest.mark.parametrize(("level", "access_level"), LEVELS)
@pytest.mark.parametrize("visibility", Visibility)
def test_an_event_is_seen_as_far_as_its_hosts_calendar_is_shared(cast, level, access_level, visibility):
    event = cast.event(cast.guest, visibility=visibility)
    seen = access_level if visibility is Visibility.default else AccessLevel.busy
    me = shared(cast, level)
    span = event.block.span
    ids = {"host_id": cast.host.id}, {"user_id": cast.host.id}
    if seen is AccessLevel.busy:
        assert refusal(me, read_event, event.id, expand=True) == str(NotFound("event", event.id))
        assert refusal(me, list_participants, event.id, 50).startswith("No event")
        assert refusal(me, list_participants, NOBODYS, 50) == str(NotFound("event", NOBODYS))
        assert all(event.id not in listed(me, **one) for one in ids)
    else:
        assert me.ask(read_event, event.id, expand=False).access_level is seen
        assert all(listed(me, **one)[event.id] is min(seen, AccessLevel.read) for one in ids)
    explained = me.ask(explain_booking, cast.host.id, span)
    shown = {reason.event_id: reason.access_level for reason in explained.events}
    assert shown.get(event.id) is (None if seen is AccessLevel.busy else seen)
    assert explained.unseen == ([] if shown else [span]), "nothing shows of hidden events under a visible one"
    assert not explained.bookable
    assert event.id not in listed(me), "a list without a person is one's own"


@pytest.mark.parametrize("level", [SharingLevel.titles, SharingLevel.read])
def test_titles_show_no_participants(cast, level):
    event = cast.event(cast.guest)
    me = shared(cast, level)
    whole = level is SharingLevel.read
    assert (me.ask(read_event, event.id, expand=True).participants is not None) is whole
    page = me.ask(list_events, EventFilter(host_id=cast.host.id), 50, expand=True)
    assert (event.id in page.participants) is whole
    for read in ((list_participants, event.id, 50), (read_participant, event.id, cast.guest.id)):
        if whole:
            me.ask(*read)
        else:
            with me.refused(Forbidden):
                me.ask(*read)


@pytest.mark.parametrize("level", [SharingLevel.titles, SharingLevel.read])
def test_access_to_titles_reveals_neither_participants_nor_descriptions(cast, level):
    """Filters and explanations must not reveal what is not shown."""
    event = cast.event(cast.guest, description="salary of Gustav")
    me = shared(cast, level)
    answered = {event.id: AccessLevel.read} if level is SharingLevel.read else {}
    host, guest, text = cast.host.id, cast.guest.id, "salary"
    assert {**listed(me, host_id=host, text=text)} == answered
    assert {**listed(me, user_id=guest)} == answered
    assert {**listed(me, participant_id=guest, host_id=host)} == answered
    assert {**listed(me, participant_id=guest, response=Response.needs_action)} == answered
    assert event.id in listed(me, user_id=host)
    assert (event.id in listed(me, user_id=host, role=Role.required)) is bool(answered)
    shown = me.ask(explain_booking, guest, event.block.span).events
    assert [one.access_level for one in shown] == ([AccessLevel.read] if answered else [])
    assert conflict_names(me, cast.guest) == ({event.id} if answered else set())


def conflict_names(me, person):
    """Try to book a user at that time, and return the events that are named as conflicts."""
    draft = EventCreate(
        host_id=me.actor.user_id or me.stranger.id,
        title="x",
        start=read_time("2026-03-09T14:00"),
        end=read_time("2026-03-09T15:00"),
        time_zone=BERLIN,
        participants=[ParticipantCreate(user_id=person.id)],
        host_attends=False,
    )
    with me.refused(BookingConflict) as error:
        me.database.write(lambda tx: create_event(tx, me.actor, draft))
    return {conflict.event_id for conflict in error.value.conflicts} - {None}


@pytest.mark.parametrize("hides", [False, True])
def test_hidden_participants_are_hidden_everywhere(cast, hides):
    """Participants see the host and themselves; no request reveals that somebody else takes part."""
    other, third = cast.person(), cast.person()
    event = cast.event(cast.guest, other, third, hide_participants=hides)
    me = cast.as_person(cast.guest)
    shown = {cast.host.id, cast.guest.id} | (set() if hides else {other.id, third.id})
    expanded = me.ask(read_event, event.id, expand=True)
    assert {one.participation.user_id for one in expanded.participants} == shown
    assert me.ask(read_event, event.id, expand=False).participants is None
    page = me.ask(list_events, EventFilter(), 50, expand=True)
    assert {one.participation.user_id for one in page.participants[event.id]} == shown
    found, key = set(), None
    while True:
        piece = me.ask(list_participants, event.id, 1 if not hides else 50, key)
        found |= {one.participation.user_id for one in piece.items}
        key = piece.next_key
        if key is None:
            break
    assert found == shown
    assert me.ask(read_participant, event.id, cast.host.id).is_host
    for wanted in ({"user_id": other.id}, {"participant_id": other.id, "response": Response.needs_action}):
        assert (event.id in listed(me, **wanted)) is not hides
        assert (event.id in listed(me, **wanted, host_id=cast.host.id)) is not hides
    for wanted in (
        {"participant_id": cast.guest.id, "user_id": other.id},
        {"participant_id": other.id, "user_id": cast.guest.id},
    ):
        assert (event.id in listed(me, **wanted)) is not hides
    assert event.id in listed(me, user_id=cast.host.id)
    assert event.id in listed(me, participant_id=cast.guest.id, user_id=cast.host.id)
    shown = {one.event_id: one.access_level for one in me.ask(explain_booking, other.id, event.block.span).events}
    assert shown == ({} if hides else {event.id: AccessLevel.read})
    assert (event.id in conflict_names(me, other)) is not hides
    if hides:
        assert str(other.id) in refusal(me, read_participant, event.id, other.id)
        with me.refused(Forbidden):
            me.ask(list_available_users, event.id, 50)
    else:
        assert other.id not in {user.id for user in me.ask(list_available_users, event.id, 50).items}


def test_hidden_participants_are_shown_to_host_manager_and_operator(cast):
    event = cast.event(cast.guest, hide_participants=True)
    cast.share(cast.host, cast.stranger, SharingLevel.write)
    for viewer in (cast, cast.as_person(cast.host), cast.as_person(cast.stranger)):
        assert len(viewer.ask(list_participants, event.id, 50).items) == 2
        assert len(viewer.ask(list_participants, event.id, 1).items) == 1
        assert event.id in listed(viewer, user_id=cast.guest.id)
        assert viewer.ask(list_available_users, event.id, 50)


def test_a_delegate_sees_whose_delegate_they_are(cast):
    other = cast.person()
    event = cast.event(cast.guest, other, hide_participants=True)
    cast.share(cast.guest, cast.stranger, SharingLevel.respond)
    me = cast.as_person(cast.stranger)
    seen = me.ask(list_participants, event.id, 50).items
    assert {one.participation.user_id for one in seen} == {cast.host.id, cast.guest.id}
    assert me.ask(read_participant, event.id, cast.guest.id).participation.user_id == cast.guest.id
    assert refusal(me, read_participant, event.id, other.id)
    assert listed(me, user_id=cast.guest.id) == {event.id: AccessLevel.read}
    assert event.id not in listed(me, user_id=other.id)
    assert event.id in listed(me, user_id=cast.host.id)


@pytest.mark.parametrize("level", [SharingLevel.titles, SharingLevel.read])
def test_without_respond_access_the_events_somebody_takes_part_in_are_hidden(cast, level):
    event = cast.event(cast.guest)
    cast.share(cast.guest, cast.stranger, level)
    me = cast.as_person(cast.stranger)
    assert refusal(me, read_event, event.id, expand=False)
    assert listed(me, user_id=cast.guest.id) == {}


def test_a_private_event_is_a_block_to_delegates_and_managers(cast):
    event = cast.event(cast.guest, visibility=Visibility.private)
    cast.share(cast.host, cast.stranger, SharingLevel.write)
    cast.share(cast.guest, cast.stranger, SharingLevel.respond)
    me = cast.as_person(cast.stranger)
    assert refusal(me, read_event, event.id, expand=False)
    for action in ((change_event, event.id, EventUpdate(title="x")), (delete_event, event.id)):
        with me.refused(NotFound):
            me.do(*action)
    with me.refused(NotFound):
        me.do(answer_invitation, event.id, cast.guest.id, ResponseUpdate(response="declined"))
    assert event.id not in listed(me, user_id=cast.guest.id)
    assert event.id not in listed(me, host_id=cast.host.id)
    assert event.id not in conflict_names(me, cast.guest)
    guest = cast.as_person(cast.guest)
    assert guest.ask(read_event, event.id, expand=False).access_level is AccessLevel.read


def test_explanations_and_conflicts_hide_private_events_from_operators(cast):
    event = cast.event(cast.guest, visibility=Visibility.private)
    shown = cast.ask(explain_booking, cast.guest.id, event.block.span)
    assert (shown.events, shown.unseen) == ([], [event.block.span])
    assert conflict_names(cast, cast.guest) == set()
    open_one = cast.event(cast.guest)
    assert conflict_names(cast, cast.guest) == {open_one.id}


def test_those_involved_in_a_hold_see_its_id(cast):
    event = cast.event()
    placer, held = cast.as_person(cast.person()), cast.as_person(cast.guest)
    hold = placer.do(place_hold, [cast.guest.id], event.block.span, 300)
    viewers = ((placer, hold.id), (held, hold.id), (cast, hold.id), (cast.as_person(cast.stranger), None))
    for viewer, hold_id in viewers:
        explained = viewer.ask(explain_booking, cast.guest.id, event.block.span)
        assert [reason.hold_id for reason in explained.holds] == ([hold_id] if hold_id else [])
        assert explained.unseen == ([] if hold_id else [event.block.span])


def test_lists_without_a_user_show_the_callers_own_events_page_by_page(cast):
    mine = [cast.event(cast.guest, title=f"{number}").id for number in range(5)]
    cast.event(host_id=cast.stranger.id)
    me, found, key = cast.as_person(cast.guest), [], None
    while True:
        page = me.ask(list_events, EventFilter(after=key), 2, expand=False)
        found += [event.id for event in page.events]
        key = page.next_key
        if key is None:
            break
    assert found == mine
    assert set(listed(me, response=Response.needs_action)) == set(mine), "the answer that is meant is one's own"
    assert len(listed(cast)) > len(mine) + 1, "an operator's are everybody's"


def test_pages_of_somebody_elses_agenda_contain_only_visible_events(cast):
    """Pages are filled with what is visible; hidden events leave no gap."""
    seen = []
    for number in range(9):
        event = cast.event(cast.guest, visibility=Visibility.private if number % 2 else Visibility.default)
        if not number % 2:
            seen.append(event.id)
    cast.share(cast.guest, cast.stranger, SharingLevel.respond)
    me, found, sizes, key = cast.as_person(cast.stranger), [], [], None
    while True:
        page = me.ask(list_events, EventFilter(user_id=cast.guest.id, after=key), 2, expand=False)
        found += [event.id for event in page.events]
        sizes.append(len(page.events))
        key = page.next_key
        if key is None:
            break
    assert (found, sizes) == (seen, [2, 2, 1])


@pytest.mark.parametrize("concerned", [False, True])
def test_actions_on_visible_events_are_forbidden_and_on_hidden_ones_not_found(cast, concerned):
    event = cast.event(*([cast.stranger] if concerned else []))
    me = cast.as_person(cast.stranger)
    kind = Forbidden if concerned else NotFound
    calls = (
        (change_event, event.id, EventUpdate(title="x")),
        (delete_event, event.id),
        (add_participants, event.id, [ParticipantCreate(user_id=cast.guest.id)]),
        (change_role, event.id, cast.stranger.id, Role.optional),
        (answer_invitation, event.id, cast.host.id, ResponseUpdate(response="declined")),
    )
    for action, *arguments in calls:
        with me.refused(kind) as error:
            me.do(action, *arguments)
        if not concerned:
            with me.refused(NotFound) as unknown:
                me.do(action, NOBODYS, *arguments[1:])
            assert str(error.value).replace(str(event.id), "") == str(unknown.value).replace(str(NOBODYS), "")


def test_the_text_of_a_hidden_event_is_not_built(cast):
    """The time that it takes would reveal how large the event is."""
    event = cast.event(cast.guest)
    for person, found in ((cast.guest, True), (cast.stranger, False)):
        actor = cast.as_person(person).actor
        values = {"org": actor.organization_id, "id": event.id, **visibility_values(actor)}
        rows = cast.database.read(lambda tx, values=values: tx.rows(event_statement(tied=True, expand=True), **values))
        assert bool(rows) is found
