"""A client of the API with a token of a test's organization, and checks of every answer."""

import io
import json
import re
import sys
from typing import Any, NamedTuple

import httpx

from kalends.errors import FAULT_CODES
from kalends.http.errors import PROBLEM_TYPES

LIBRARY_TEXT = re.compile(
    r"Traceback|msgspec|psycopg|sqlite3|\bStruct\b|\bObject\b|Expected `|- at `|matching regex|`(str|int|null)`"
)
CODES = {kind.code for kind in PROBLEM_TYPES}
BASE = "http://kalends.test"
ZERO_OFFSET = re.compile(rb'"\d{4}-\d\d-\d\dT[\d:.]+[+-]00:00"')
"""An instant with a zero offset that is not written as `Z`, as it has to be in every answer."""


def client(app: Any, token: str | None = None) -> httpx.Client:
    """Return a client that calls the application through WSGI."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    hooks = {"response": [check_instants]}
    return httpx.Client(transport=httpx.WSGITransport(app=app), base_url=BASE, headers=headers, event_hooks=hooks)


def check_instants(answer: httpx.Response) -> None:
    """Raise AssertionError if an answer writes UTC as an offset instead of Z."""
    found = ZERO_OFFSET.search(answer.read())
    assert found is None, f"{found[0]} is not written with a Z"


class Answer(NamedTuple):
    """The answer to a request that was sent as raw bytes."""

    status_code: int
    headers: httpx.Headers
    content: bytes

    def json(self) -> Any:
        return json.loads(self.content)


def send_raw(
    app: Any,
    method: str,
    path: bytes,
    query: bytes = b"",
    body: bytes | None = None,
    *,
    length: str | None = "",
    **headers: Any,
) -> Answer:
    """Send a request that no proper client would; headers have their WSGI names (HTTP_IF_MATCH)."""
    environ: dict[str, Any] = {
        "REQUEST_METHOD": method,
        "SCRIPT_NAME": "",
        "PATH_INFO": path.decode("latin-1"),
        "QUERY_STRING": query.decode("latin-1"),
        "SERVER_NAME": "kalends.test",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(body or b""),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
        **headers,
    }
    if body is not None and length == "":
        environ["CONTENT_LENGTH"] = str(len(body))
    elif length:
        environ["CONTENT_LENGTH"] = length
    started: list[Any] = []
    content = b"".join(app(environ, lambda status, sent, error=None: started.extend((status, sent))))
    return Answer(int(started[0].split()[0]), httpx.Headers(started[1]), content)


def is_safe(answer: httpx.Response | Answer) -> bool:
    """Check the headers of every answer for browsers and caches; return True, so that it can be asserted."""
    headers = answer.headers
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["Content-Security-Policy"] == "default-src 'none'; frame-ancestors 'none'"
    assert headers["Cache-Control"] in ("private, no-cache", "no-store")
    assert (headers.get("Vary") == "Authorization, Kalends-Act-As") == (headers["Cache-Control"] != "no-store")
    assert headers["Server"] == "kalends"
    return True


def problem(answer: httpx.Response | Answer, status: int, code: str | None = None, *pointers: str) -> dict[str, Any]:
    """Check that an answer is a complete problem document, and return it."""
    assert answer.status_code == status, answer.content
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert is_safe(answer)
    document = answer.json()
    assert document["status"] == status
    assert document["code"] in CODES
    assert code is None or document["code"] == code, document
    assert document["type"] == f"/docs#{document['code']}"
    assert document["title"]
    assert document["detail"]
    assert document["instance"].startswith("/")
    assert document["instance"].isascii()
    assert document["request_id"] == answer.headers["X-Request-Id"]
    for fault in document.get("errors", ()):
        assert re.fullmatch(r"(/([^~/]|~[01])*)*", fault["pointer"])
        assert fault["in"] in ("body", "query", "path")
        assert fault["code"] in FAULT_CODES
        assert fault["message"]
        assert "`" not in fault["message"], "words of a library"
        assert fault["message"] in document["detail"]
    if pointers:
        assert [fault["pointer"] for fault in document["errors"]] == list(pointers)
    assert not LIBRARY_TEXT.search(document["detail"]), document["detail"]
    return document


def faults(document: dict[str, Any]) -> dict[str, str]:
    """Return the code of each fault by its pointer."""
    return {fault["pointer"]: fault["code"] for fault in document["errors"]}
