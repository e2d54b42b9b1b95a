"""Members of JSON: no repetitions, and a canonical form."""

import gzip
import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kalends.rest.members import canonical, repeated_members
from tests.api import problem

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda parts: st.lists(parts, max_size=4) | st.dictionaries(st.text(max_size=3), parts, max_size=4),
    max_leaves=12,
)

REPEATED: dict[str, set[tuple[str | int, ...]]] = {
    '{"a": 1, "a": 2}': {("a",)},
    '{"a": 1, "a": 1}': {("a",)},
    '{"a": 1, "\\u0061": 2}': {("a",)},
    '{"a:": 1, "a\\u003a": 2}': {("a:",)},
    '{"a": ":", "a": "\\u003A"}': {("a",)},
    '{"a\\u003a": 1, "b": 1, "b": 1}': {("b",)},
    '{"": 1, "": 2}': {("",)},
    '{"é": 1, "\\u00e9": 2}': {("é",)},
    '{"x": {"a": 1, "a": 2}, "y": [{"b": 1, "b": 2}, {"c": 1, "c": 1, "c": 1}]}': {
        ("x", "a"),
        ("y", 0, "b"),
        ("y", 1, "c"),
    },
    '{"a": {"b": 1, "b": 2}, "a": 3}': {("a",), ("a", "b")},
    '[{"a": 1}, {"a": 1, "a": 1}]': {(1, "a")},
    '{"n": 1e5, "m": 12345678901234567890123, "n": 1.0}': {("n",)},
}
ONCE = [
    "{}",
    "[]",
    "7",
    '"a:b"',
    '{"a": ":", "b": "::", "c:": "\\":"}',
    '{"a\\u003a": ":", "b": "\\u003a"}',
    '{"a": {"a": {"a": 1}}, "b": [{"a": 1}, {"a": 2}]}',
    '{"a": 1, "A": 2, "á": 3, "a\\u0301": 4}',
    '{"\\\\u003a": 1, ":": 2}',
    '{"n": 123456789012345678901234567890, "m": 1.5e300, "o": -0.0}',
]


@pytest.mark.parametrize("text", REPEATED)
def test_each_repeated_member_is_found(text: str) -> None:
    found = repeated_members(text.encode(), msgspec.json.decode(text))
    assert {fault.where for fault in found} == REPEATED[text]
    assert {fault.code for fault in found} == {"repeated_field"}


@pytest.mark.parametrize("text", ONCE)
def test_nothing_is_found_where_each_member_stands_once(text: str) -> None:
    assert repeated_members(text.encode(), msgspec.json.decode(text)) == []


@given(VALUES, st.booleans())
def test_json_without_repeated_members_is_accepted(value: object, plain: bool) -> None:
    raw = json.dumps(value, ensure_ascii=plain).encode(errors="ignore")
    assert repeated_members(raw, msgspec.json.decode(raw)) == []


@given(VALUES, VALUES, VALUES, st.text(max_size=3))
def test_any_repeated_member_is_found(first: object, second: object, around: object, name: str) -> None:
    name, one, other, more = (json.dumps(part) for part in (name, first, second, around))
    raw = f'[{more}, {{{name}: {one}, "b{name[1:]}: {more}, {name}: {other}}}]'.encode()
    assert (1, json.loads(name)) in {fault.where for fault in repeated_members(raw, msgspec.json.decode(raw))}


def test_the_number_of_reported_repetitions_is_limited() -> None:
    raw = b"[" + b",".join([b'{"a":1,"a":2}'] * 3_000) + b"]"
    assert len(repeated_members(raw, msgspec.json.decode(raw))) == 1_000


def test_an_answer_names_all_repeated_members(api, cast) -> None:
    before = cast.rows()
    sent = b'{"name": "x", "name": "y", "email": "x@example.org", "metadata": {"a": [{"b": 1, "\\u0062": 2}]}}'
    answer = api.post("/v1/users", content=sent, headers={"Content-Type": "application/json"})
    document = problem(answer, 422, "invalid", "/name", "/metadata/a/0/b")
    assert document["errors"][0]["message"] == "'name' must be given once, not 2 times"
    assert cast.rows() == before


SAME: list[tuple[str, str]] = [
    ('{"a": 1, "b": [1, 2]}', '{ "b":[1,2],\n"a":1 }'),
    ('{"a": "é/\\u00e9"}', '{"\\u0061": "\\u00e9\\/é"}'),
    ('{"a": 1.0}', '{"a": 1}'),
    ('{"a": 1e2, "b": 2.50}', '{"b": 2.5, "a": 100}'),
    ('{"a": -0.0}', '{"a": 0}'),
    ('{"a": {"y": 1, "x": 2}}', '{"a": {"x": 2, "y": 1}}'),
]
OTHERS = ['{"a": 1}', '{"a": "1"}', '{"a": true}', '{"a": null}', '{"a": [1]}', '{"a": 1.5}', "{}", '{"b": 1}']


@pytest.mark.parametrize(("a", "b"), SAME)
def test_equal_values_have_one_canonical_form(a: str, b: str) -> None:
    assert canonical(a.encode()) == canonical(b.encode())


def test_different_values_have_different_canonical_forms() -> None:
    assert len({canonical(text.encode()) for text in [*OTHERS, '{"a": [2, 1]}', '{"a": [1, 2]}']}) == len(OTHERS) + 2


@given(VALUES)
def test_the_canonical_form_is_stable_and_independent_of_layout(value: object) -> None:
    raw = json.dumps(value).encode()
    form = canonical(raw)
    assert (
        canonical(form) == canonical(json.dumps(value, indent=3, ensure_ascii=False).encode(errors="replace")) == form
    )
    assert json.loads(form) == value


def test_a_body_is_the_same_request_however_it_is_written(api) -> None:
    def send(sent: bytes, **headers: str) -> Any:
        given = {"Content-Type": "application/json", "Idempotency-Key": "written twice"}
        return api.post("/v1/users", content=sent, headers=given | headers)

    plain = '{"name": "Zoë", "email": "zoe@example.org", "metadata": {"size": 1}}'
    first = send(plain.encode())
    assert first.status_code == 201
    other = '\ufeff{"metadata": {"size": 1.0},\n "email": "zoe@example.org", "name": "Zo\\u00eb"}'.encode()
    for again in (send(other), send(gzip.compress(other), **{"Content-Encoding": "gzip"})):
        assert (again.status_code, again.content) == (201, first.content)
    problem(send(plain.replace("Zoë", "Zoe").encode()), 422, "idempotency_key_reused")


def test_no_body_is_an_empty_object(api, cast) -> None:
    event = cast.event(cast.guest)
    sent = {"Idempotency-Key": "nothing to say"}
    first = api.post(f"/v1/events/{event.id}/cancel", headers=sent)
    again = api.post(f"/v1/events/{event.id}/cancel", json={}, headers=sent)
    assert (first.status_code, again.status_code, again.content) == (200, 200, first.content)


def test_a_byte_order_mark_is_ignored(api) -> None:
    sent = '\ufeff{"name": "x", "email": "marked@example.org"}'.encode()
    given = {"Content-Type": "application/json"}
    assert api.post("/v1/users", content=sent, headers=given).status_code == 201
    packed = gzip.compress(sent.replace(b"marked", b"packed"))
    assert api.post("/v1/users", content=packed, headers=given | {"Content-Encoding": "gzip"}).status_code == 201
    twice = "\ufeff\ufeff{}".encode()
    problem(api.post("/v1/users", content=twice, headers=given), 400, "malformed")
