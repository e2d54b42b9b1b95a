"""Invalid input of every kind in every body, path and query: a clear 4xx, and no changed row."""

import json
import secrets
from typing import Any, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import NODEFAULT, Struct
from msgspec.structs import fields

from kalends.actions.holds import place_hold
from kalends.actions.tokens import issue_token
from kalends.limits import MAX_NESTING
from kalends.model import Span
from kalends.rest.decoding import nesting_of
from kalends.rest.routes import OPERATIONS
from kalends.rest.wire import parts_of
from kalends.rules.hours import DAYS
from kalends.rules.metadata import depth_of
from kalends.rules.zones import instant_of, read_time
from tests.api import problem, send_raw

pytestmark = pytest.mark.unmeasured

WITH_BODY = [known for known in OPERATIONS if known.signature.body is not None]
NAMES = [f"{known.method} {known.path}" for known in OPERATIONS]
HUGE = b"1" + b"0" * 400
BAD_BODIES = {
    "nothing": b"",
    "a blank": b" ",
    "half an object": b'{"title": "x"',
    "a comma too many": b'{"title": "x",}',
    "single quotes": b"{'title': 'x'}",
    "two values": b"{} {}",
    "a comment": b"{} // x",
    "NaN": b'{"metadata": {"x": NaN}}',
    "Infinity": b'{"metadata": {"x": -Infinity}}',
    "a number out of range": b'{"metadata": {"x": 1e999}}',
    "an endless integer": b'{"metadata": {"x": ' + b"9" * 5_000 + b"}}",
    "a leading zero": b'{"metadata": {"x": 01}}',
    "lists in lists": b"[" * 100_000,
    "closed lists in lists": b"[" * 100_000 + b"]" * 100_000,
    "objects in objects": b'{"x":' * 100_000 + b"1" + b"}" * 100_000,
    "bad UTF-8": b'{"title": "\xff\xfe"}',
    "half a character": b'{"title": "\xc3"}',
    "an overlong character": b'{"title": "\xc0\xaf"}',
    "a raw surrogate": b'{"title": "\xed\xa0\x80"}',
    "a lone surrogate": b'{"title": "\\ud800"}',
    "a lone low surrogate": b'{"title": "\\uDC00x"}',
    "surrogates in the wrong order": b'{"title": "\\udc00\\ud800"}',
    "a lone surrogate as name": b'{"\\ud800": 1}',
    "a raw control character": b'{"title": "a\x00b"}',
    "UTF-16": '{"title": "x"}'.encode("utf-16"),
    "two byte order marks": b"\xef\xbb\xbf\xef\xbb\xbf{}",
    "a form": b"title=x&start=y",
}
RULE_BREAKERS = {
    "null": None,
    "true": True,
    "a number": 7,
    "a huge number": 10**300,
    "text": "x",
    "a list of numbers": [1, 2],
    "a list of lists": [[[]]],
    "NUL in a text": {"title": "a\0b", "name": "a\0b", "reason": "\0", "response": "\0", "role": "\0", "host_id": "\0"},
    "NUL in a name": {"ti\0tle": "x"},
    "an unknown member": {"__class__": 1},
    "an empty name": {"": 1},
    "a prototype": {"__proto__": {"admin": True}},
}


class Place(NamedTuple):
    """The paths of operations on the objects of a cast."""

    event: str
    guest: str
    stranger: str
    host: str
    hold: str
    token: str

    def of(self, path: str) -> str:
        """Return the path of an operation with its ids filled in."""
        others = {"other_id": self.stranger, "hold_id": self.hold, "token_id": self.token}
        return path.format(event_id=self.event, user_id=self.guest, **others)


@pytest.fixture
def place(cast):
    event = cast.event(cast.guest)
    span = Span(*(instant_of(read_time(f"2026-03-11T{hour}:00Z"), None) for hour in (10, 11)))
    hold = cast.do(place_hold, [cast.stranger.id], span, 900)
    people = [str(person.id) for person in (cast.guest, cast.stranger, cast.host)]
    token, _ = cast.do(issue_token, "of a test", secrets.token_bytes(20))
    return Place(str(event.id), *people, hold=str(hold.id), token=str(token.id))


@pytest.fixture
def send(app, token):
    def sent(method: str, path: str | bytes, body: bytes | None = None, query: bytes = b"", **headers: str) -> Any:
        raw = path.encode() if isinstance(path, str) else path
        given = {"HTTP_AUTHORIZATION": f"Bearer {token}", "CONTENT_TYPE": "application/json"} | headers
        return send_raw(app, method, raw, query, body, **given)

    return sent


def test_bodies_that_are_no_json_are_refused_by_every_route(cast, place, send):
    before = cast.rows()
    for known in WITH_BODY:
        for name, body in BAD_BODIES.items():
            if not (body == b"" and known.signature.body_optional):
                answer = send(known.method, place.of(known.path), body)
                problem(answer, 400, "malformed")
                assert len(answer.content) < 1_000, name
    assert cast.rows() == before


def test_json_that_breaks_a_rule_is_refused_by_every_route(cast, place, send):
    before = cast.rows()
    for known in WITH_BODY:
        for name, value in RULE_BREAKERS.items():
            document = problem(send(known.method, place.of(known.path), json.dumps(value).encode()), 422, "invalid")
            assert document["errors"], name
    assert cast.rows() == before


def test_objects_nested_too_deeply_are_refused(cast, place, send):
    before = cast.rows()
    for depth in (33, MAX_NESTING - 1, MAX_NESTING, 900, 5_000, 20_000):
        nested = b'{"x":' * depth + b"1" + b"}" * depth
        for path, method, more in (
            ("/v1/users", "POST", b'"name": "x", "email": "x@example.org"'),
            (f"/v1/users/{place.guest}", "PATCH", b'"name": "x"'),
            (f"/v1/events/{place.event}", "PATCH", b'"title": "x"'),
            ("/v1/events", "POST", b'"title": "x"'),
        ):
            answer = send(method, path, b"{" + more + b', "metadata": ' + nested + b"}")
            if depth < MAX_NESTING:  # the body itself is a level
                document = problem(answer, 422)
                assert "/metadata" in [fault["pointer"] for fault in document["errors"]]
            else:
                document = problem(answer, 400, "malformed")
                assert "the body is nested more than 100 levels deep" in document["detail"]
    assert cast.rows() == before


@pytest.mark.parametrize(
    ("text", "depth"),
    [
        (b"[" * 150, 150),
        (b"[" * 150 + b"]" * 150 + b"{", 150),
        (b"[" + b"[]," * 150 + b"[]]", 2),
        (b'["' + b"[" * 150 + b'", {}]', 2),
        (b'["\\"' + b"[" * 150 + b'\\\\", "\\\n[", [[{}]]]', 4),
        (b'"' + b"[" * 150 + b'"', 0),
        (b'{"a": [{"b": 1}, ' + b"[[]]," * 150 + b"2]}", 4),
        (b"]" * 150 + b"[" * 150, 0),
        (b"[[]]" * 20, 40),  # few: they need no look
    ],
)
def test_nesting_is_counted_outside_of_text(text, depth):
    assert nesting_of(text) == depth


@settings(max_examples=50)
@given(st.recursive(st.text('[]{}\\"a'), lambda inner: st.lists(inner) | st.dictionaries(st.text('[]{}\\"'), inner)))
def test_nesting_counts_the_containers_around_the_innermost_value(value):
    many = [[]] * MAX_NESTING
    assert nesting_of(json.dumps([value, many]).encode()) == 1 + max(depth_of(value), 2)


def test_numbers_that_json_can_write_are_kept_in_metadata_as_they_are(api):
    sent = (
        b'{"name": "x", "email": "x@example.org", "metadata": {"a": ' + HUGE + b', "b": 1e308, "c": -0.0, "d": 1e-400}}'
    )
    made = api.post("/v1/users", content=sent, headers={"Content-Type": "application/json"})
    assert made.status_code == 201
    assert made.json()["metadata"] == {"a": 10**400, "b": 1e308, "c": 0.0, "d": 0.0}
    assert api.patch(made.headers["Location"], json={"metadata": {"b": None}}).json()["metadata"]["a"] == 10**400


WRONG: tuple[Any, ...] = (
    None,
    True,
    0,
    -1,
    1.5,
    10**30,
    "",
    "\u0000",
    "x" * 20_000,
    [],
    [[]],
    {},
    {"x": {}},
    "2026-13-45",
)


def members(kind: Any, where: tuple[str | int, ...] = ()) -> Any:
    """List the pointers of the members of a body."""
    struct, item = parts_of(kind)
    if struct is not None:
        for field in fields(struct):
            yield (*where, field.encode_name)
            yield from members(field.type, (*where, field.encode_name))
    if item is not None:
        yield from members(item, (*where, 0))


def with_value(body: Any, where: tuple[str | int, ...], value: Any) -> Any:
    """Return a body with one member replaced; create objects and lists on the way."""
    first, *rest = where
    inner = value
    if rest:
        old = body.get(first, {}) if isinstance(body, dict) and isinstance(first, str) else body[0] if body else {}
        inner = with_value([] if isinstance(rest[0], int) and not isinstance(old, list) else old, tuple(rest), value)
    return [inner] if isinstance(first, int) else {**(body if isinstance(body, dict) else {}), first: inner}


def good_bodies(place: Place) -> dict[str, Any]:
    """Return a valid body for each operation."""
    times = {"start": "2026-03-09T10:00+01:00", "end": "2026-03-09T11:00+01:00", "time_zone": "Europe/Berlin"}
    return {
        "UserCreate": {"name": "x", "email": "x@example.org"},
        "UserUpdate": {"name": "x"},
        "EventCreate": {"host_id": place.host, "title": "x", **times},
        "EventUpdate": {"title": "x"},
        "CancelRequest": {"reason": "x"},
        "TransferRequest": {"host_id": place.guest},
        "TransferResponseUpdate": {"response": "accepted"},
        "ParticipantPut": {"role": "optional"},
        "ParticipantUpdate": {"role": "optional"},
        "ResponseUpdate": {"response": "accepted"},
        "WorkingHoursJson": {"weekly": {}},
        "FreeBusyRequest": {"user_ids": [place.guest], "from": "2026-03-09", "to": "2026-03-10"},
        "FindTimeRequest": {
            "required": [place.guest],
            "optional": [{"user_id": place.host}],
            "duration": 60,
            "between": [{"from": "2026-03-09", "to": "2026-03-10"}],
        },
        "ExplainRequest": {"user_id": place.guest, **times},
        "HoldCreate": {"user_ids": [place.guest], **times},
        "ExtendRequest": {"ttl": 60},
        "SharePut": {"level": "read"},
        "TokenCreate": {"name": "x"},
    }


@pytest.mark.parametrize("known", WITH_BODY, ids=[f"{known.method} {known.path}" for known in WITH_BODY])
def test_a_wrong_value_of_any_member_is_reported_unless_it_is_valid(cast, place, send, known):
    """Every wrong value is sent for every member as a dry run; a refusal names the member, and nothing fails."""
    struct, item = parts_of(known.signature.body)
    good = good_bodies(place).get(struct.__name__, {}) if item is None else [{"user_id": place.stranger}]
    before, refused = cast.rows(), 0
    for where in members(known.signature.body) if item is None else members(list[item]):
        pointers = {"".join(f"/{part}" for part in where[:depth]) for depth in range(1, len(where) + 1)}
        for value in WRONG:
            body = json.dumps(with_value(good, where, value)).encode()
            answer = send(known.method, place.of(known.path), body, b"dry_run=true" if known.signature.writes else b"")
            if answer.status_code in (200, 201, 409):
                assert takes(where, value), (where, value)
                continue
            document = problem(answer, 422, "invalid")
            named = {fault["pointer"] for fault in document["errors"]}
            assert any(pointer.startswith(tuple(pointers)) for pointer in named), (where, value, named)
            refused += 1
    assert refused
    assert cast.rows() == before


EMPTY: tuple[Any, ...] = ("", None)
DATED: tuple[Any, ...] = ("2026-13-45",)
TAKEN: dict[str, tuple[Any, ...]] = {
    "name": DATED,
    "title": DATED,
    "description": EMPTY + DATED,
    "location": EMPTY + DATED,
    "reason": EMPTY + DATED,
    "comment": EMPTY + DATED,
    "time_zone": (None,),
    "metadata": (None, {}, {"x": {}}),
    **dict.fromkeys(("host_attends", "hide_participants"), (True,)),
    **dict.fromkeys(("scopes", "expires_at"), (None,)),
    "participants": ([],),
    "weekly": ({},),
    **dict.fromkeys(("overrides", "windows", *DAYS, "required", "optional", "groups"), ([],)),
    **dict.fromkeys(("working_hours", "within_working_hours"), (True,)),
}


def takes(where: tuple[str | int, ...], value: Any) -> bool:
    """Return whether a member of this name accepts the value, although it looks wrong."""
    return any(value == other and type(value) is type(other) for other in TAKEN.get(str(where[-1]), ()))


def test_every_missing_required_member_is_reported(place, send):
    missed = 0
    for known in WITH_BODY:
        struct, item = parts_of(known.signature.body)
        if item is None and issubclass(struct, Struct):
            needed = [f"/{field.encode_name}" for field in fields(struct) if field.required]
            for name in needed:
                body = {key: value for key, value in good_bodies(place)[struct.__name__].items() if f"/{key}" != name}
                assert all(field.default is NODEFAULT for field in fields(struct) if field.encode_name == name[1:])
                document = problem(send(known.method, place.of(known.path), json.dumps(body).encode()), 422, "invalid")
                assert name in [fault["pointer"] for fault in document["errors"]]
                missed += 1
    assert missed >= 7


@pytest.mark.parametrize("known", OPERATIONS, ids=NAMES)
def test_invalid_queries_are_refused_by_every_route(cast, place, send, known):
    before = cast.rows()
    path = place.of(known.path)
    body = b"{}" if known.signature.body is not None else None
    for query in (
        b"x=1",
        b"Dry_run=true",
        b"=",
        b"=1",
        b"dry_run",
        b"dry_run=maybe",
        b"limit=x",
        b"x=%00",
        b"%00=1",
        b"a&a",
    ):
        document = problem(send(known.method, path, body, query), 422, "invalid")
        assert {fault["in"] for fault in document["errors"]} == {"query"}
    for query in (b"x=%ff", b"%c3=1", b"x=\xff", b"q=%ed%a0%80"):
        problem(send(known.method, path, body, query), 400, "malformed")
    for field in fields(known.signature.query):
        name = field.encode_name
        document = problem(send(known.method, path, body, f"{name}=true&{name}=true".encode()), 422, "invalid")
        assert (f"/{name}", "repeated_parameter") in [(fault["pointer"], fault["code"]) for fault in document["errors"]]
        document = problem(send(known.method, path, body, f"{name}=%00".encode()), 422, "invalid")
        assert f"/{name}" in [fault["pointer"] for fault in document["errors"]]
    assert cast.rows() == before


@pytest.mark.parametrize(
    "known", [known for known in OPERATIONS if known.signature.ids], ids=[n for n in NAMES if "{" in n]
)
def test_an_invalid_id_is_not_found_on_every_route(cast, place, send, known):
    before = cast.rows()
    body = b"{}" if known.signature.body is not None else None
    for name in known.signature.ids:
        good = getattr(place, "event" if name == "event_id" else "guest")
        for bad in (
            b"x",
            b"%",
            b"\0",
            b"\xff",
            b"\xed\xa0\x80",
            "é".encode(),
            good.upper().encode(),
            good.encode() + b"0",
            good.encode() + b"\n",
            b" " + good.encode(),
            good.partition("_")[2].encode(),
            good[:4].encode() + b"8" + b"0" * 15,
            good[:4].encode() + b"f" * 16,
            good[:4].encode() + "\u0660".encode() * 16,
            b"org_" + good[4:].encode(),
            b"x" * 8_000,
        ):
            path = place.of(known.path.replace("{" + name + "}", "@")).encode().replace(b"@", bad)
            problem(send(known.method, path, body), 404, "not_found")
    assert cast.rows() == before


def test_long_values_are_not_sent_back_whole(place, send):
    long = "x" * 200_000
    for path, body in (
        ("/v1/events", {**good_bodies(place)["EventCreate"], "status": long, "start": long, "time_zone": long}),
        (f"/v1/events/{place.event}", {"show_as": long}),
    ):
        answer = send("POST" if path == "/v1/events" else "PATCH", path, json.dumps(body).encode())
        problem(answer, 422, "invalid")
        assert len(answer.content) < 2_000


def test_an_answer_that_lists_faults_is_not_larger_than_what_it_answers(api):
    body = {"name": "Ada", "email": "ada@example.org", "metadata": {"texts": ["\0"] * 60_000}}
    answer = api.post("/v1/users", json=body)
    document = problem(answer, 422, "invalid")
    assert len(document["errors"]) == 100
    assert document["detail"].endswith("; and more")
    assert len(answer.content) < 30_000
