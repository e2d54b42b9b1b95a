"""The front page, its icon, and the base URL of the examples on pages."""

import json
import struct
import time

import pytest

from kalends.app import build_app
from kalends.settings import Settings, settings_from
from tests.api import BASE, client, problem, send_raw
from tests.rest.reference.test_docs_page import Page

BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"


def front(app, accept, method="GET", **headers):
    given = {} if accept is None else {"HTTP_ACCEPT": accept}
    return send_raw(app, method, b"/", HTTP_HOST="kalends.test", **given, **headers)


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        (BROWSER, "text/html"),
        ("text/html", "text/html"),
        ("text/*", "text/html"),
        ("application/json;q=0.5, text/html", "text/html"),
        ("application/json;q=0.5, text/html;q=0.6", "text/html"),
        ("*/*;q=0.1, text/html;q=0.2", "text/html"),
        (None, "application/json"),
        ("", "application/json"),
        ("*/*", "application/json"),
        ("application/json", "application/json"),
        ("text/html;q=0.4, application/json;q=0.5", "application/json"),
        ("text/html, application/json", "application/json"),
        ("text/html;q=0, */*", "application/json"),
        ("text/html;q=0", "application/json"),
        ("image/png", "application/json"),
        ("text/html;q=x", "application/json"),
        ("/;;,;q=,\xff", "application/json"),
    ],
)
def test_the_front_page_is_html_if_that_is_preferred_and_otherwise_json(app, accept, kind):
    answer = front(app, accept)
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].partition(";")[0] == kind
    assert answer.headers["Vary"] == "Accept"
    assert answer.headers["Cache-Control"] == "private, no-cache"
    head = front(app, accept, "HEAD")
    assert (head.status_code, head.content) == (200, b"")
    for name in ("Content-Type", "Content-Length", "Vary", "Content-Security-Policy"):
        assert head.headers[name] == answer.headers[name]


def test_a_long_accept_header_is_evaluated_quickly(app):
    began = time.perf_counter()
    assert front(app, ",".join(f"a/b{number};q=0.1" for number in range(4_000))).status_code == 200
    assert time.perf_counter() - began < 2


def test_the_links_of_both_forms_of_the_front_page_exist(app):
    with client(app) as caller:
        links = caller.get("/").json()["links"]
        page = Page(caller.get("/", headers={"Accept": BROWSER}).text)
        assert page.inside == []
        assert not page.tags & {"script", "img", "iframe", "link", "object", "embed", "form", "base"}
        assert {f"/{link}" for link in page.links} == set(links.values())
        for link in links.values():
            assert caller.get(link).status_code == 200
    assert "kalends token create" in page.text
    assert f"'{BASE}/v1/me'" in page.text


def test_pages_have_the_security_headers_of_all_answers(app):
    for path in (b"/", b"/docs", b"/favicon.ico"):
        headers = send_raw(app, "GET", path, HTTP_ACCEPT="text/html").headers
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "no-referrer"
        assert headers["Content-Security-Policy"].startswith("default-src 'none';")
        assert "script" not in headers["Content-Security-Policy"]
        assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
    problem(client(app).post("/"), 405, "method_not_allowed")


def test_the_icon_is_small_and_cached(app):
    answer = client(app).get("/favicon.ico")
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "image/x-icon")
    assert answer.headers["Cache-Control"] == "public, max-age=86400"
    kind, count, width, height = struct.unpack("<xxHHBB", answer.content[:8])
    assert (kind, count, width, height) == (1, 1, 32, 32)
    size, offset = struct.unpack("<II", answer.content[14:22])
    assert offset + size == len(answer.content) < 1_000
    assert answer.content[offset:].startswith(b"\x89PNG")


# ------------------------------------------------------------------------------------------------------------- origin


def examples(app, **environ):
    """Return the URLs of the first examples of the reference and the front page."""
    found = set()
    for path in (b"/docs", b"/"):
        answer = send_raw(app, "GET", path, HTTP_ACCEPT="text/html", **environ)
        assert answer.status_code == 200
        text = Page(answer.content.decode()).text
        assert "origin.invalid" not in text
        found.add(text.partition("curl -")[2].partition("'")[2].partition("/v1/")[0])
    (origin,) = found
    return origin


@pytest.mark.parametrize(
    "host",
    [
        "example.org",
        "kalends.example.org:8443",
        "127.0.0.1:8000",
        "localhost",
        "[::1]:8000",
        "my_service-2:80",
        "EX.org",
    ],
)
def test_examples_use_the_address_of_the_request(app, host):
    assert examples(app, HTTP_HOST=host) == f"http://{host}"


@pytest.mark.unmeasured
@pytest.mark.parametrize(
    "host",
    [
        "",
        "<script>alert(1)</script>",
        "example.org'; rm -rf ~; echo '",
        'x" onmouseover="x',
        "example.org/path",
        "user@example.org",
        "example.org:",
        "example.org:123456",
        "example.org:80:80",
        "example..org",
        ".example.org",
        "a b",
        "a\nb",
        "example.org\n",
        "$(id)",
        "[::1",
        "[<b>]",
        "m\xfcnchen.example",
        "\u0661",
        "x" * 64,
        ".".join(["a" * 60] * 5),
    ],
)
def test_an_invalid_host_header_is_shown_nowhere(app, host):
    host = host.encode().decode("latin-1")
    assert examples(app, HTTP_HOST=host) == ""
    content = send_raw(app, "GET", b"/docs", HTTP_HOST=host).content
    assert content == send_raw(app, "GET", b"/docs").content


def test_a_trusted_proxy_says_whether_the_connection_was_encrypted(database):
    proxies = settings_from({"KALENDS_TRUSTED_PROXIES": "10.0.0.0/8"}).trusted_proxies
    app = build_app(database, Settings(trusted_proxies=proxies))

    def origin(peer, proto=None):
        said = {} if proto is None else {"HTTP_X_FORWARDED_PROTO": proto}
        return examples(app, HTTP_HOST="example.org", REMOTE_ADDR=peer, HTTP_X_FORWARDED_FOR="192.0.2.1", **said)

    assert origin("10.0.0.1", "https") == origin("10.0.0.1", "http, HTTPS ") == "https://example.org"
    assert origin("10.0.0.1") == origin("10.0.0.1", "https, http") == "http://example.org"
    assert origin("10.0.0.1", "javascript") == "http://example.org"
    assert origin("192.0.2.1", "https") == "http://example.org", "nobody else is believed"
    assert origin("no address", "https") == "http://example.org"


def test_a_direct_encrypted_connection_counts_as_encrypted(app):
    assert examples(app, HTTP_HOST="example.org", **{"wsgi.url_scheme": "https"}) == "https://example.org"


def test_no_shared_cache_keeps_a_page_with_an_address_in_it(app):
    for path in (b"/docs", b"/"):
        answer = send_raw(app, "GET", path, HTTP_HOST="example.org", HTTP_ACCEPT="text/html")
        assert b"http://example.org/" in answer.content
        assert answer.headers["Cache-Control"] == "private, no-cache"
    assert b"example.org" not in json.dumps(front(app, "*/*").json()).encode()
