"""The WSGI environment of a request, and ambiguous request headers."""

from dataclasses import dataclass

import pytest

from kalends.http.environ import REFUSED, environ_of


class Lines:
    """Headers as the server passes them: names in lower case, without values that are not ASCII."""

    def __init__(self, lines: list[tuple[str, str]]) -> None:
        self._lines = lines

    def keys(self) -> list[str]:
        return list(dict(self._lines))

    def items(self) -> list[tuple[str, str]]:
        return [(name, value) for name, value in self._lines if value.isascii()]


@dataclass
class Head:
    headers: Lines
    http_version: str = "1.1"
    server: str = "127.0.0.1:8000"
    client: str = "192.0.2.7:4711"
    scheme: str = "http"
    method: str = "GET"
    path: str = "/v1/users"
    query_string: str = "q=é"
    authority: str | None = None


def read(*lines: tuple[str, str], host: bool = True, **head: str):
    return environ_of(Head(Lines([("host", "kalends"), *lines] if host else [*lines]), **head))


def test_a_request_reads_as_wsgi_wants_it():
    environ = read(("content-type", "text/plain"), ("x-one", "1"), ("cookie", "a=1"), path="/v1/é", method="POST")
    assert environ["REQUEST_METHOD"] == "POST"
    assert environ["PATH_INFO"].encode("latin-1").decode() == "/v1/é"
    assert environ["QUERY_STRING"].encode("latin-1").decode() == "q=é"
    assert environ["CONTENT_TYPE"] == "text/plain"
    assert environ["HTTP_X_ONE"] == "1"
    assert environ["REMOTE_ADDR"] == "192.0.2.7"
    assert (environ["SERVER_NAME"], environ["SERVER_PORT"]) == ("127.0.0.1", "8000")
    assert environ["wsgi.input"].read() == b""
    assert REFUSED not in environ


def test_an_address_of_ipv6_stands_without_brackets():
    assert read(client="[2001:db8::1]:4711")["REMOTE_ADDR"] == "2001:db8::1"


def test_repeated_headers_are_joined():
    lines = (("if-match", '"1"'), ("if-match", '"2"'), ("cookie", "a=1"), ("cookie", "b=2"))
    environ = read(*lines)
    assert environ["HTTP_IF_MATCH"] == '"1", "2"'
    assert environ["HTTP_COOKIE"] == "a=1; b=2"
    assert REFUSED not in environ


def test_the_target_overrules_the_host_header():
    environ = read(authority="there.example:81")
    assert environ["HTTP_HOST"] == "there.example:81"
    assert REFUSED not in environ


@pytest.mark.parametrize(
    ("lines", "code"),
    [
        ([("host", "kalends"), ("x_forwarded_for", "192.0.2.9")], "malformed"),
        ([("host", "kalends"), ("kalends_act_as", "usr_0000000000000001")], "malformed"),
        ([], "malformed"),
        ([("host", "kalends"), ("host", "other")], "malformed"),
        ([("host", "kalends"), ("host", "kalends")], "malformed"),
        ([("host", "kalends"), ("transfer-encoding", "gzip, chunked")], "wrong_transfer_coding"),
        (
            [("host", "kalends"), ("transfer-encoding", "gzip"), ("transfer-encoding", "chunked")],
            "wrong_transfer_coding",
        ),
        ([("host", "kalends"), ("idempotency-key", "é")], "malformed"),
        ([("host", "kalends"), ("authorization", "Bearer é")], "malformed"),
    ],
)
def test_ambiguous_headers_are_refused(lines, code):
    assert read(*lines, host=False)[REFUSED].code == code


@pytest.mark.parametrize(
    ("lines", "version"),
    [
        ([], "1.0"),
        ([("host", "kalends"), ("transfer-encoding", "Chunked")], "1.1"),
        ([("host", "kalends"), ("user-agent", "Müller")], "1.1"),
    ],
)
def test_harmless_headers_are_accepted(lines, version):
    assert REFUSED not in read(*lines, host=False, http_version=version)
