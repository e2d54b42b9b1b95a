"""Bodies: how large, how long, in which media type, and how many faults an answer names."""

import json
from typing import Any

import pytest

from tests.api import problem, send_raw


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


def test_a_body_whose_length_nobody_tells_is_no_body(app, token):
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


def test_compressed_bodies_are_refused(api):
    headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
    problem(api.post("/v1/users", content=b"{}", headers=headers), 415, "wrong_media_type")


def test_a_patch_is_told_of_both_its_media_types(api, cast):
    answer = api.patch(f"/v1/users/{cast.host.id}", content=b"{}", headers={"Content-Type": "text/plain"})
    problem(answer, 415, "wrong_media_type")
    assert answer.headers["Accept"] == "application/json, application/merge-patch+json"
    assert (
        api.patch(
            f"/v1/users/{cast.host.id}", content=b"{}", headers={"Content-Type": "application/merge-patch+json"}
        ).status_code
        == 200
    )


def test_one_answer_names_a_thousand_faults_at_most(api):
    many = {f"member{number}": 1 for number in range(5_000)}
    document = problem(api.post("/v1/users", json=many), 422, "invalid")
    assert len(document["errors"]) == 1_000
    assert faults_of(document)[:2] == [("/name", "missing"), ("/email", "missing")]


def faults_of(document):
    return [(fault["pointer"], fault["code"]) for fault in document["errors"]]
