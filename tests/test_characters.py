"""What a name, a location and a description may contain, however they are sent."""

import re
from typing import Any

import pytest
from msgspec import ValidationError, convert

from kalends.actions.schedule import Schedule
from kalends.characters import LINE, LINE_OR_NOTHING, LINES, VISIBLE, misfit
from kalends.drafts import Name, Remark
from kalends.errors import Invalid
from kalends.model import Description, Location, Title
from kalends.rest.wire import read_struct
from tests.api import faults, problem

NOTHING = {
    "white space": " \u00a0\u2003\u3000",
    "zero width space": "\u200b",
    "joiners": "\u200c\u200d\u2060",
    "byte order mark": "\ufeff",
    "Hangul fillers": "\u3164\u115f\u1160\uffa0",
    "blank of Braille": "\u2800",
    "Khmer inherent vowels": "\u17b4\u17b5",
    "soft hyphen": "\u00ad",
    "directional marks": "\u200e\u200f\u061c",
    "combining marks alone": "\u0301\u0308",
    "marks of a script alone": "\u064b\u0941\u20dd",
    "variation selectors": "\ufe0f\U000e0100",
    "tags": "\U000e0061\U000e007f",
    "not a character": "\uffff",
}
VISIBLE_LINES = {
    "letters": "Ünal Çelik",
    "a family of emoji": "\U0001f469\u200d\U0001f467",
    "a flag of tags": "\U0001f3f4\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f",
    "a heart with its selector": "\u2764\ufe0f",
    "Persian with a non-joiner": "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",
    "Hebrew with marks": "\u05e9\u05b8\u05dc\u05d5\u05b9\u05dd",
    "Hebrew with a directional mark": "\u05e9\u05dc\u05d5\u05dd\u200f!",
    "letters in pieces": "Jose\u0301",
    "Devanagari": "\u0915\u0941\u092e\u093e\u0930",
    "a dot": ".",
    "Braille": "\u2801",
    "an accent as a character": "\u00b4",
    "a private character": "\ue000",
    "blanks around": "\u200b x \u3164",
}
NOT_IN_A_LINE = {
    "\x03": "U+0003",
    "\x1b": "U+001B",
    "\r": "U+000D",
    "\n": "U+000A",
    "\t": "U+0009",
    "\x7f": "U+007F",
    "\x85": "U+0085",
    "\x9b": "U+009B",
    "\u2028": "U+2028 (LINE SEPARATOR)",
    "\u2029": "U+2029 (PARAGRAPH SEPARATOR)",
    "\u202e": "U+202E (RIGHT-TO-LEFT OVERRIDE)",
    "\u202a": "U+202A (LEFT-TO-RIGHT EMBEDDING)",
    "\u2066": "U+2066 (LEFT-TO-RIGHT ISOLATE)",
    "\u2069": "U+2069 (POP DIRECTIONAL ISOLATE)",
    "\udc80": "U+DC80",
}
NOT_IN_LINES = ["\0", "\x03", "\x0b", "\x0c", "\x1b", "\x7f", "\x85", "\x9b"]


@pytest.mark.parametrize("text", NOTHING.values(), ids=NOTHING)
def test_text_without_visible_characters_is_blank(text: str) -> None:
    for one in (text, *text):
        assert not re.search(VISIBLE, one)
        for kind in (Title, Name, Location):
            with pytest.raises(ValidationError, match="regex"):
                convert(one, kind)
        assert misfit(one) == ("blank", "must not be blank; nothing in it is visible")


@pytest.mark.parametrize("text", VISIBLE_LINES.values(), ids=VISIBLE_LINES)
def test_text_with_visible_characters_is_kept_unchanged(text: str) -> None:
    for kind in (Title, Name, Location, Description, Remark):
        assert convert(text, kind) == text


@pytest.mark.parametrize("letter", NOT_IN_A_LINE, ids=NOT_IN_A_LINE.values())
@pytest.mark.parametrize("form", ["a{}b", "{}ab", "ab{}"])
def test_a_line_holds_nothing_that_breaks_or_reorders_it(letter: str, form: str) -> None:
    text = form.format(letter)
    assert not re.search(LINE, text)
    assert not re.search(LINE_OR_NOTHING, text)
    code, message = misfit(text)
    assert code == "control_character"
    assert message.endswith(f"; character {text.index(letter) + 1} is {NOT_IN_A_LINE[letter]}")


@pytest.mark.parametrize("letter", NOT_IN_LINES, ids=map(repr, NOT_IN_LINES))
@pytest.mark.parametrize("form", ["a{}b", "{}", "a\n{}"])
def test_a_text_of_lines_holds_no_other_control_character(letter: str, form: str) -> None:
    text = form.format(letter)
    assert not re.search(LINES, text)
    assert misfit(text)[0] == "control_character"


@pytest.mark.parametrize(
    "text", ["", " ", "\n", "a\r\n\tb\n", "\u202b\u05e9\u202c", "a\u2028b", *VISIBLE_LINES.values()]
)
def test_a_text_of_lines_may_hold_breaks_and_directions(text: str) -> None:
    assert convert(text, Description) == convert(text, Remark) == text


def test_an_empty_location_is_allowed() -> None:
    assert convert("", Location) == ""


def test_the_longest_text_is_checked_quickly() -> None:
    assert re.search(LINES, "x\n" * 5_000)
    assert not re.search(LINES, "x" * 10_000 + "\x03")
    assert not re.search(LINE, "\u200b" * 10_000)


ODD: dict[str, dict[str, Any]] = {
    "blank": {"title": "\u3164", "location": "\u200b"},
    "control_character": {"title": "a\nb", "location": "a\u202eb", "description": "a\x1bb"},
}


@pytest.mark.parametrize("code", ODD)
def test_an_event_is_refused_with_each_member_named(api, cast, code: str) -> None:
    sent = {"host_id": str(cast.host.id), "title": "x", "start": "2026-03-09T14:00Z", "end": "2026-03-09T15:00Z"}
    before = cast.rows()
    expected = {f"/{name}": code for name in ODD[code]}
    assert faults(problem(api.post("/v1/events", json=sent | ODD[code]), 422)) == expected
    event = cast.event(cast.guest)
    assert faults(problem(api.patch(f"/v1/events/{event.id}", json=ODD[code]), 422)) == expected
    assert before.keys() == cast.rows().keys()


def test_names_comments_and_reasons_follow_the_same_rule(api, cast) -> None:
    event = f"/v1/events/{cast.event(cast.guest).id}"
    answer = {"response": "accepted", "comment": "a\x03"}
    calls = {
        "/name": api.post("/v1/users", json={"name": "\u2800", "email": "x@example.org"}),
        "/comment": api.put(f"{event}/participants/{cast.guest.id}/response", json=answer),
        "/reason": api.post(f"{event}/cancel", json={"reason": "a\x9b"}),
    }
    for pointer, answer in calls.items():
        problem(answer, 422, "invalid", pointer)
    problem(api.post("/v1/tokens", json={"name": "a\u2028b"}), 422, "invalid", "/name")
    problem(api.get("/v1/users", params={"q": "\u200b"}), 422, "invalid", "/q")
    assert api.put(f"{event}/participants/{cast.guest.id}/response", json={"response": "accepted", "comment": "a\n\tb"})


def test_a_file_follows_the_same_rule() -> None:
    person = {"ref": "a\x1b[2J", "name": "\u200b"}
    event = {"ref": "1", "title": "a\rb", "host": "a", "start": "2026-05-04T19:00", "end": "2026-05-04T20:00"}
    event |= {"location": "\ufeff", "description": "\x03"}
    with pytest.raises(Invalid) as caught:
        read_struct(Schedule, {"time_zone": "UTC", "people": [person], "events": [event]})
    assert {(fault.where[-1], fault.code) for fault in caught.value.faults} == {
        ("ref", "control_character"),
        ("name", "blank"),
        ("title", "control_character"),
        ("location", "blank"),
        ("description", "control_character"),
    }
