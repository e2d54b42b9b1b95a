"""The JSON text of an event that the database builds is what msgspec would encode, whatever its values."""

from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import Raw, structs

from kalends.actions.events import cancel_event, transfer_event
from kalends.actions.participants import answer_invitation
from kalends.drafts import ResponseUpdate
from kalends.model import DETAILS, EventDetailsJson, EventDetailsUpdate, Metadata, Response, ShowAs
from kalends.reads.event_text import EVENT, PARTICIPANT, SHOWN_AS_TITLE
from kalends.reads.events import EventFilter, list_events, read_event
from kalends.reads.participants import list_participants
from kalends.rest.event_shapes import EventJson, event_json
from kalends.rest.participants import ParticipantJson, participant_json
from kalends.rest.wire import ENCODER
from kalends.store import tables
from kalends.store.events import find_event
from tests.cast import assemble
from tests.seen import texts_of

WORDS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=40)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | WORDS,
    lambda inside: st.lists(inside, max_size=3) | st.dictionaries(WORDS, inside, max_size=3),
    max_leaves=8,
)


@settings(max_examples=25)
@given(data=st.data())
def test_the_text_is_what_msgspec_would_encode(database, clock, data):
    clock.set_to(data.draw(st.integers(1_700_000_000_000_000, 1_700_000_000_000_009) | st.just(1_700_000_000_000_000)))
    cast = assemble(database)
    options: dict[str, Any] = {
        "title": data.draw(WORDS.filter(str.strip)),
        "description": data.draw(WORDS),
        "location": data.draw(WORDS),
        "metadata": Metadata(data.draw(st.dictionaries(WORDS, JSON, max_size=4))),
        "show_as": data.draw(st.sampled_from(ShowAs)),
        "hide_participants": data.draw(st.booleans()),
        "host_attends": data.draw(st.booleans()),
    }
    event = cast.event(*data.draw(st.sampled_from([(), (cast.guest,), (cast.guest, cast.stranger)])), **options)
    if cast.guest.id in cast.participations(event.id):
        said = data.draw(st.sampled_from([Response.accepted, Response.declined, Response.tentative]))
        comment = data.draw(st.none() | WORDS)
        cast.do(answer_invitation, event.id, cast.guest.id, ResponseUpdate(response=said, comment=comment))
    if data.draw(st.booleans()):
        cast.as_person(cast.host).do(transfer_event, event.id, cast.stranger.id)
    if data.draw(st.booleans()):
        cast.do(cancel_event, event.id, data.draw(st.none() | WORDS))
    found = cast.ask(find_event, event.id)
    people = [participant_json(guest) for guest in cast.ask(list_participants, event.id, 9).items]
    plain = ENCODER.encode(event_json(found))
    whole = ENCODER.encode(structs.replace(event_json(found), participants=people))
    for expand, wanted in ((False, plain), (True, whole)):
        seen = cast.ask(read_event, event.id, expand=expand)
        page = cast.ask(list_events, EventFilter(status=found.status), 5, expand=expand)
        assert [members(text.encode()) for text in (seen.text, *texts_of(page))] == [members(wanted)] * 2


def members(raw: bytes) -> list[Any]:
    """Return all members in order; metadata as it is written, other text decoded, as escapes may differ."""
    read = msgspec.json.decode(raw, type=dict[str, Raw])
    return [(name, bytes(one) if name == "metadata" else msgspec.json.decode(one)) for name, one in read.items()]


def test_details_are_the_same_wherever_an_event_has_them():
    assert EventDetailsUpdate.__struct_fields__ == DETAILS
    assert EventDetailsJson.__struct_fields__ == ("id", *DETAILS)
    assert all(name in tables.event.c for name in DETAILS)


def test_members_shown_with_titles_are_in_every_answer():
    assert [*SHOWN_AS_TITLE] == [field.name for field in structs.fields(EventJson) if field.required]


def test_the_members_are_those_of_the_schema_in_its_order():
    shown = list(EventJson.__struct_fields__)
    after_the_event = ["participants", "participants_truncated", "conflicts", "warnings"]
    assert [*EVENT] == [name for name in shown if name not in after_the_event]
    assert [*PARTICIPANT] == [name for name in ParticipantJson.__struct_fields__ if name not in after_the_event]
