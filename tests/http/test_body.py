"""Request bodies: size, length, media type, and how many faults an answer names."""

import asyncio
import gc
import gzip
import json
import tracemalloc
import weakref
import zlib
from typing import Any

import pytest

from kalends.http import front
from kalends.http.front import Front
from kalends.http.lanes import Kind, widths
from tests.api import problem, send_raw
from tests.http.test_front import Client, head


def test_a_body_of_a_megabyte_is_read_and_one_byte_more_is_not(app, api, token, cast):
    environ: dict[str, Any] = {"HTTP_AUTHORIZATION": f"Bearer {token}", "CONTENT_TYPE": "application/json"}
    chunked = {"HTTP_TRANSFER_ENCODING": "chunked"}
    stream = {"wsgi.input_terminated": True}  # HTTP/2 needs neither a length nor chunks
    for number, (more, length) in enumerate((({}, ""), (chunked, None), (stream, None))):
        sent = json.dumps({"name": "x", "email": f"{number}@example.org"}).encode()
        sent += b" " * (1_048_576 - len(sent))
        environ |= more
        assert send_raw(app, "POST", b"/v1/users", body=sent, length=length, **environ).status_code == 201
        before = cast.rows()
        document = problem(send_raw(app, "POST", b"/v1/users", body=sent + b" ", length=length, **environ), 413)
        assert "1048576" in document["detail"]
        assert cast.rows() == before


def test_a_body_without_a_length_is_ignored(app, token):
    environ: dict[str, Any] = {"HTTP_AUTHORIZATION": f"Bearer {token}", "CONTENT_TYPE": "application/json"}
    problem(send_raw(app, "POST", b"/v1/users", body=b"{}", length=None, **environ), 400, "malformed")


@pytest.mark.parametrize("length", ["-1", "x", "1.5", "9" * 30, "5"])
def test_a_wrong_length_is_refused(app, token, cast, length):
    environ: dict[str, Any] = {"HTTP_AUTHORIZATION": f"Bearer {token}", "CONTENT_TYPE": "application/json"}
    status = 413 if length == "9" * 30 else 400
    problem(send_raw(app, "POST", b"/v1/users", body=b"{}", length=length, **environ), status)


@pytest.mark.parametrize(
    "media_type",
    [
        None,
        "",
        "text/plain",
        "application/x-www-form-urlencoded",
        "application/jsonx",
        "application/problem+json",
        "application/merge-patch+json",
        "application/json; charset=latin-1",
        "application/json; profile=x",
    ],
)
def test_only_json_is_read(api, cast, media_type):
    headers = {} if media_type is None else {"Content-Type": media_type}
    before = cast.rows()
    answer = api.post("/v1/users", content=b"{}", headers=headers)
    problem(answer, 415, "wrong_media_type")
    assert answer.headers["Accept"] == "application/json"
    assert cast.rows() == before


def test_json_may_say_that_it_is_utf_8(api):
    for number, given in enumerate(
        ("application/json", "Application/JSON; Charset=UTF-8", 'application/json;charset="utf-8"')
    ):
        sent = json.dumps({"name": "Ü", "email": f"{number}@example.org"}).encode()
        assert api.post("/v1/users", content=sent, headers={"Content-Type": given}).status_code == 201


def send_packed(api, raw, encoding="gzip", **headers):
    """Send bytes as the body of a new user."""
    return api.post(
        "/v1/users",
        content=raw,
        headers={"Content-Type": "application/json", "Content-Encoding": encoding} | headers,
    )


@pytest.mark.parametrize("encoding", ["gzip", "GZip", "x-gzip", " gzip "])
def test_a_body_may_be_compressed(api, encoding):
    sent = json.dumps({"name": "x" * 200, "email": "small@example.org"}).encode()
    answer = send_packed(api, gzip.compress(sent), encoding)
    assert (answer.status_code, answer.json()["name"]) == (201, "x" * 200)


def test_an_empty_body_is_not_decompressed(api, cast):
    event = cast.event(cast.guest)
    answer = api.post(f"/v1/events/{event.id}/cancel", headers={"Content-Encoding": "gzip"})
    assert answer.status_code == 200


def test_compressed_and_plain_bodies_are_the_same_request(api):
    sent = json.dumps({"name": "x", "email": "same@example.org"}).encode()
    packed = send_packed(api, gzip.compress(sent), **{"Idempotency-Key": "same"})
    plain = send_packed(api, sent, "identity", **{"Idempotency-Key": "same"})
    assert (packed.status_code, packed.content) == (plain.status_code, plain.content)


@pytest.mark.parametrize("encoding", ["deflate", "br", "zstd", "gzip, gzip", "gzip,", "none", "*"])
def test_other_encodings_are_refused(api, cast, encoding):
    before = cast.rows()
    answer = send_packed(api, b"{}", encoding)
    problem(answer, 415, "wrong_content_encoding")
    assert answer.headers["Accept-Encoding"] == "gzip"
    assert cast.rows() == before


PACKED = gzip.compress(b'{"name": "x", "email": "broken@example.org"}', mtime=0)


@pytest.mark.parametrize(
    "raw",
    [
        b"{}",
        b"\0",
        PACKED[:-1],
        PACKED[:12],
        PACKED[:3],
        PACKED[:20] + b"\xff" + PACKED[21:],
        PACKED[:-8] + b"\0" * 8,
        PACKED + b"\0",
        PACKED + PACKED,
        zlib.compress(b"{}"),
    ],
    ids=range(10),
)
def test_broken_compression_is_refused(api, cast, raw):
    before = cast.rows()
    problem(send_packed(api, raw), 400, "malformed")
    assert cast.rows() == before


@pytest.mark.slow
def test_a_body_that_decompresses_over_the_limit_is_refused_before_it_is_read(api, cast):
    sent = json.dumps({"name": "x", "email": "full@example.org"}).encode()
    sent += b" " * (1_048_576 - len(sent))
    assert send_packed(api, gzip.compress(sent)).status_code == 201
    problem(send_packed(api, gzip.compress(sent + b" ")), 413, "body_too_large")
    stream = zlib.compressobj(9, zlib.DEFLATED, zlib.MAX_WBITS + 16)
    bomb = b"".join([*(stream.compress(bytes(1 << 20)) for _ in range(500)), stream.flush()])
    assert len(bomb) < 1_048_576
    tracemalloc.start()
    try:
        problem(send_packed(api, bomb), 413, "body_too_large")
        assert tracemalloc.get_traced_memory()[1] < 16 << 20
    finally:
        tracemalloc.stop()


def test_a_refused_patch_is_told_both_media_types(api, cast):
    answer = api.patch(f"/v1/users/{cast.host.id}", content=b"{}", headers={"Content-Type": "text/plain"})
    problem(answer, 415, "wrong_media_type")
    assert answer.headers["Accept"] == "application/json, application/merge-patch+json"
    assert (
        api.patch(
            f"/v1/users/{cast.host.id}", content=b"{}", headers={"Content-Type": "application/merge-patch+json"}
        ).status_code
        == 200
    )


def test_one_answer_names_a_hundred_faults_at_most(api):
    many = {f"member{number}": 1 for number in range(5_000)}
    document = problem(api.post("/v1/users", json=many), 422, "invalid")
    assert len(document["errors"]) == 100
    assert document["detail"].endswith("; and more")
    assert faults_of(document)[:2] == [("/name", "missing"), ("/email", "missing")]


def faults_of(document):
    return [(fault["pointer"], fault["code"]) for fault in document["errors"]]


def test_no_reference_to_an_incomplete_body_is_kept(app, monkeypatch):
    """The server keeps the connection open while the body is referenced, and garbage is collected rarely."""
    monkeypatch.setattr(front, "BODY_TIMEOUT_S", 0.05)
    client = Client(b"{", pause_s=5)
    held = weakref.ref(client)

    async def ask(client: Client) -> bytes:
        served = Front(app, lambda *_: Kind.WRITE, widths(1), 1_000, print)
        served.__rsgi_init__(asyncio.get_running_loop())
        await served.__rsgi__(head(chunked=True), client)
        while not client.is_answered:
            await asyncio.sleep(0.01)
        assert isinstance(client.answer.body, bytes)
        return client.answer.body

    gc.disable()
    try:
        assert b"body_too_slow" in asyncio.run(ask(client))
        del client
        assert held() is None
    finally:
        gc.enable()
