"""Faults in plain words."""

from datetime import date
from enum import StrEnum
from typing import Annotated, Literal

import pytest
from msgspec import Meta, UnsetType

from kalends.characters import LINE
from kalends.drafts import EventCreate, ResponseUpdate
from kalends.errors import Fault, Invalid
from kalends.model import Metadata, UserId
from kalends.rest.wire import read_struct


class Colour(StrEnum):
    red = "red"
    blue = "blue"


Short = Annotated[str, Meta(min_length=1, max_length=3, pattern=LINE)]
Few = Annotated[list[int], Meta(min_length=2, max_length=3)]


@pytest.mark.parametrize(
    ("kind", "value", "code", "message"),
    [
        (str, 7, "wrong_type", "must be text, not 7"),
        (str | None, ["x"], "wrong_type", "must be text or null, not a list"),
        (Metadata | None, True, "wrong_type", "must be an object or null, not true"),
        (UserId | None, 1.5, "wrong_type", "must be text or null, not 1.5"),
        (UserId, None, "wrong_type", "must be text, not null"),
        (list[str], {}, "wrong_type", "must be a list, not an object"),
        (ResponseUpdate, "x", "wrong_type", "must be an object, not 'x'"),
        (bool, "maybe", "wrong_type", "must be true or false, not 'maybe'"),
        (int, "x" * 99, "wrong_type", f"must be a whole number, not '{'x' * 64}'..."),
        (int | float | None, False, "wrong_type", "must be a whole number or a number or null, not false"),
        (Colour | None, 1, "wrong_type", "must be one of: red, blue or null, not 1"),
        (Colour, "green\n", "invalid_value", "must be one of: red, blue; not 'green\\n'"),
        (Literal["a", "b"] | None, "", "invalid_value", "must be one of: a, b; not ''"),
        (Short, "", "too_short", "must be at least 1 character, not 0"),
        (Short | UnsetType, "abcd", "too_long", "must be at most 3 characters, not 4"),
        (Short, " ", "blank", "must not be blank; nothing in it is visible"),
        (Few, [1], "too_short", "must have at least 2 items, not 1"),
        (Few | None, [1] * 1_000, "too_long", "must have at most 3 items, not 1,000"),
        (Annotated[int, Meta(ge=1, le=250)], 0, "out_of_range", "must be between 1 and 250, not 0"),
        (Annotated[int, Meta(ge=1)], -(10**99), "out_of_range", f"must be at least 1, not -1{'0' * 62}..."),
        (Annotated[int, Meta(le=1_000)], 1_001, "out_of_range", "must be at most 1,000, not 1001"),
        (date, "x", "invalid_time", "must be a date such as 2026-03-09, not 'x'"),
        (date, 1, "wrong_type", "must be a date such as 2026-03-09, not 1"),
        (Metadata, {"x": "y" * 16_384}, "metadata_too_large", "must be at most 16,384 bytes as JSON, not 16,392"),
    ],
)
def test_messages_about_invalid_values_use_plain_words(kind, value, code, message):
    with pytest.raises(Invalid) as caught:
        read_struct(kind, value)
    assert caught.value.faults == (Fault((), code, message),)


def test_faults_come_in_the_order_of_the_members_and_the_unknown_ones_last():
    with pytest.raises(Invalid) as caught:
        read_struct(EventCreate, {"zzz": 1, "end": 5, "start": "x", "aaa": 2, "participants": [{"role": 1}, 7]})
    where = [fault.where for fault in caught.value.faults]
    assert where == [
        ("title",),
        ("host_id",),
        ("start",),
        ("end",),
        ("participants", 0, "user_id"),
        ("participants", 0, "role"),
        ("participants", 1),
        ("zzz",),
        ("aaa",),
    ]


def test_a_struct_without_faults_is_created():
    assert read_struct(ResponseUpdate, {"response": "accepted"}) == ResponseUpdate(response="accepted")
