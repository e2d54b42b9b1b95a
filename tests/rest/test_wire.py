"""Faults in plain words."""

import pytest
from msgspec import ValidationError

from kalends.drafts import Answer, EventDraft
from kalends.errors import Fault, Invalid
from kalends.rest.wire import fault_of, read_struct


@pytest.mark.parametrize(
    ("message", "code", "plain"),
    [
        ("Expected `str`, got `int` - at `$.x`", "wrong_type", "text is needed, not a whole number"),
        ("Expected `str | null`, got `array`", "wrong_type", "text or null is needed, not a list"),
        ("Expected `object`, got `bool`", "wrong_type", "an object is needed, not true or false"),
        ("Expected `str` of length <= 200 - at `$.x`", "too_long", "200 characters are the most"),
        ("Expected `array` of length >= 1", "too_short", "at least 1 item is needed"),
        ("Expected `int` <= 250", "out_of_range", "250 is the most"),
        ("Invalid enum value 'a\n{0}`b' - at `$.x`", "invalid_value", "'a\n{0}`b' is not one of the values it takes"),
        ("Something nobody has seen yet - at `$.x`", "invalid_value", "Something nobody has seen yet"),
    ],
)
def test_what_the_library_says_is_said_in_plain_words(message, code, plain):
    assert fault_of(ValidationError(message), ("x",), 7) == Fault(("x",), code, plain)


def test_faults_come_in_the_order_of_the_members_and_the_unknown_ones_last():
    with pytest.raises(Invalid) as caught:
        read_struct(EventDraft, {"zzz": 1, "end": 5, "start": "x", "aaa": 2, "participants": [{"role": 1}, 7]})
    where = [fault.where for fault in caught.value.faults]
    assert where == [
        ("host_id",),
        ("title",),
        ("start",),
        ("end",),
        ("participants", 0, "user_id"),
        ("participants", 0, "role"),
        ("participants", 1),
        ("zzz",),
        ("aaa",),
    ]


def test_a_struct_without_faults_is_made():
    assert read_struct(Answer, {"response": "accepted"}) == Answer(response="accepted")
