"""The reference page: it is complete, and loads nothing from other hosts."""

import json
import re
from html.parser import HTMLParser

import pytest

from kalends.http.errors import PROBLEM_TYPES
from tests.api import BASE, client


class Page(HTMLParser):
    """What a browser would load, run or follow, and the text that it would show."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.links, self.ids, self.text, self.inside = set(), [], [], "", []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        given = dict(attrs)
        self.links += [given[name] for name in ("href", "src", "action", "srcset", "data", "poster") if name in given]
        self.ids += [given["id"]] if "id" in given else []
        assert not any(name.startswith("on") for name in given), "no script"
        if tag not in ("meta", "br", "hr", "img", "link", "input"):
            self.inside.append(tag)

    def handle_endtag(self, tag):
        assert self.inside.pop() == tag

    def handle_data(self, data):
        self.text += data


@pytest.fixture(scope="module")
def answer(app):
    return client(app).get("/docs")


@pytest.fixture(scope="module")
def page(answer):
    return Page(answer.text)


def test_the_page_is_html_and_needs_no_token(answer, page):
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    assert page.inside == []
    assert {"html", "head", "title", "body", "main", "nav", "h1"} <= page.tags


def test_the_page_loads_nothing_from_other_hosts_and_runs_no_script(answer, page):
    assert not page.tags & {"script", "img", "iframe", "link", "object", "embed", "form", "base"}
    assert all(link.startswith(("#", "/")) and not link.startswith("//") for link in page.links)
    assert "url(" not in answer.text
    assert "@import" not in answer.text
    assert set(re.findall(r"https?://[^/\s'\"<]*", answer.text)) <= {BASE}, "only in the examples"
    policy = answer.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none';")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_wide_elements_scroll_within_themselves(answer):
    """Even on a phone, the page itself does not scroll sideways."""
    assert answer.text.count("<table>") == answer.text.count('<div class="wide"><table>') > 80
    assert ".wide { overflow-x: auto; }" in answer.text
    assert re.search(r"\npre \{[^}]* overflow-x: auto;", answer.text)
    assert '<meta name="viewport" content="width=device-width, initial-scale=1">' in answer.text


def test_every_link_within_the_page_leads_somewhere(page):
    assert len(page.ids) == len(set(page.ids))
    assert {link[1:] for link in page.links if link.startswith("#")} <= set(page.ids)


def test_every_operation_and_every_problem_is_on_it(app, answer, page):
    document = client(app).get("/openapi.json").json()
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            assert operation["operationId"] in page.ids
            called = path
            for kind, prefix in (
                ("user", "usr"),
                ("other", "usr"),
                ("event", "evt"),
                ("hold", "hld"),
                ("token", "tok"),
            ):
                called = called.replace(f"{{{kind}_id}}", f"{prefix}_018f3c5a9b2d4e6f")
            assert f"curl -X {method.upper()} '{BASE}{called}'" in page.text
            assert path in page.text
            assert operation["description"].replace("`", "") in page.text
            assert {"name": operation["tags"][0]} in document["tags"]
            for parameter in operation["parameters"]:
                assert parameter.get("name", "If-Match") in page.text
            for status, response in operation["responses"].items():
                assert status in page.text
                assert all(part in page.text for part in re.findall("`([a-z_]+)`", response["description"]))
            body = operation.get("requestBody")
            if body:
                assert json.dumps(body["content"]["application/json"]["example"], ensure_ascii=False) in page.text
    for kind in PROBLEM_TYPES:
        assert kind.code in page.ids
        assert kind.code in page.text
