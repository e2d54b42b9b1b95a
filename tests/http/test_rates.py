"""Rate limits: which caller is counted, how many units a request costs, and the headers of answers."""

import json
import re
from types import SimpleNamespace

import httpx
import pytest

from kalends.actions.tokens import issue_token
from kalends.app import build_app
from kalends.http.rates import BYTES_A_UNIT, WINDOW_S, Limit, RateLimits
from kalends.rest.routes import OPERATIONS
from kalends.rules.hours import DAYS
from kalends.settings import Settings, settings_from
from tests.api import problem, send_raw
from tests.threads import race

COSTS = {"POST /v1/find-time": 10, "POST /v1/free-busy": 5, "POST /v1/explain": 2}


@pytest.fixture
def limited(database, token):
    """Create an application with its own limits, and return a function that sends it a request."""

    def with_limits(rate_limit=0, address_rate_limit=0, proxies=""):
        settings = settings_from({"KALENDS_TRUSTED_PROXIES": proxies})
        settings = Settings(
            rate_limit=rate_limit, address_rate_limit=address_rate_limit, trusted_proxies=settings.trusted_proxies
        )
        app = build_app(database, settings)

        def ask(method="GET", path="/v1/users", query="", body=None, address="192.0.2.7", bearer=token, **headers):
            environ = headers | {"REMOTE_ADDR": address, "CONTENT_TYPE": "application/json"}
            if bearer is not None:
                environ["HTTP_AUTHORIZATION"] = f"Bearer {bearer}"
            return send_raw(app, method, path.encode(), query.encode(), body, **environ)

        return ask

    return with_limits


def units_left(answer) -> int:
    """Return how many units its token has left, according to an answer."""
    return rate_headers(answer)[0]


def rate_headers(answer) -> tuple[int, int]:
    """Return the units and seconds in the headers of an answer."""
    found = re.fullmatch(r'"token";r=(\d+);t=(\d+)', answer.headers["RateLimit"])
    assert found
    return int(found[1]), int(found[2])


def test_an_answer_has_the_policy_and_the_remaining_units(limited):
    ask = limited(rate_limit=10)
    for number in range(10):
        answer = ask()
        assert answer.status_code == 200
        assert answer.headers["RateLimit-Policy"] == '"token";q=10;w=60'
        remaining, seconds = rate_headers(answer)
        assert remaining == 9 - number
        assert 1 <= seconds <= 60
    refused = ask()
    document = problem(refused, 429, "rate_limited")
    assert refused.headers["RateLimit"].startswith('"token";r=0;t=')
    assert 1 <= int(refused.headers["Retry-After"]) <= 60
    assert refused.headers["Retry-After"] in document["detail"]
    assert ask("GET", "/health/ready").status_code == 200


def test_failed_requests_with_a_token_count_and_have_the_headers(limited):
    ask = limited(rate_limit=5)
    for number, (path, query, status) in enumerate(
        (("/v1/users", "x=1", 422), ("/v1/users/usr_0000000000000001", "", 404), ("/v1/users", "%ff", 400))
    ):
        answer = ask("GET", path, query)
        problem(answer, status)
        assert units_left(answer) == 4 - number
    assert "RateLimit" not in ask(bearer=None).headers
    assert "RateLimit" not in ask("GET", "/v1/nowhere").headers


def test_a_refused_request_changes_nothing(limited, cast):
    ask = limited(rate_limit=1)
    ask()
    before = cast.rows()
    body = json.dumps({"name": "x", "email": "refused@example.org"}).encode()
    problem(ask("POST", "/v1/users", body=body), 429, "rate_limited")
    problem(ask("POST", "/v1/users", body=body, HTTP_IDEMPOTENCY_KEY="x"), 429, "rate_limited")
    assert cast.rows() == before


def test_heavy_requests_cost_more():
    assert {f"{known.method} {known.path}": known.cost for known in OPERATIONS if known.cost != 1} == COSTS


def test_a_heavy_request_takes_its_units_of_token_and_address(limited):
    ask = limited(rate_limit=100, address_rate_limit=25)
    assert units_left(ask("POST", "/v1/find-time", body=b"{}")) == 90
    assert units_left(ask("POST", "/v1/find-time", body=b"{}")) == 80
    problem(ask("POST", "/v1/find-time", body=b"{}"), 429, "rate_limited")
    problem(ask(), 429, "rate_limited")


def test_searching_costs_five(limited):
    ask = limited(rate_limit=100)
    assert units_left(ask("GET", "/v1/users", "q=x")) == 95
    assert units_left(ask("GET", "/v1/events", "q=x")) == 90
    assert units_left(ask("GET", "/v1/events")) == 89


@pytest.fixture
def heavy(cast):
    """Return the paths of nine users with metadata of nearly 16 KiB each."""
    metadata = {"x": "x" * 16_000}
    return [f"/v1/users/{cast.person(f'Person {number}', metadata=metadata).id}" for number in range(9)]


def test_large_answers_cost_more_units(limited, heavy):
    ask = limited(rate_limit=100)
    light = ask("GET", heavy[0])
    assert len(light.content) > 16_000
    assert units_left(light) == 99
    page = ask("GET", "/v1/users", "limit=250")
    assert 2 * BYTES_A_UNIT <= len(page.content) < 3 * BYTES_A_UNIT
    assert units_left(page) == 96, "one unit for the request and two for its weight"
    assert units_left(ask("GET", heavy[0])) == 95


def test_the_size_of_an_answer_is_charged_to_the_next_request(limited, heavy):
    ask = limited(rate_limit=2)
    page = ask("GET", "/v1/users", "limit=250")
    assert page.status_code == 200
    assert units_left(page) == 0
    problem(ask("GET", heavy[0]), 429, "rate_limited")


def test_the_address_is_charged_for_the_size_too(limited, heavy):
    ask = limited(address_rate_limit=3)
    assert ask("GET", "/v1/users", "limit=250", address="192.0.2.99").status_code == 200
    refused = ask("GET", heavy[0], address="192.0.2.99")
    problem(refused, 429, "rate_limited")
    assert refused.headers["RateLimit-Policy"] == '"address";q=3;w=60'


def test_the_answer_to_a_post_costs_as_much(limited, cast):
    ask = limited(rate_limit=100)
    people = [str(cast.guest.id)] * 200
    body = {"user_ids": people, "from": "2026-03-09", "to": "2026-06-01", "working_hours": True}
    weekly = {day: [{"start": "09:00", "end": "17:00"}] for day in DAYS}
    path = f"/v1/users/{cast.guest.id}/working-hours"
    assert units_left(ask("PUT", path, body=json.dumps({"weekly": weekly}).encode())) == 99
    answer = ask("POST", "/v1/free-busy", body=json.dumps(body).encode())
    assert units_left(answer) == 99 - 5 - len(answer.content) // BYTES_A_UNIT < 90


def test_not_modified_costs_nothing_extra(limited, cast):
    ask = limited(rate_limit=100)
    people = [cast.person("x" * 200) for _ in range(240)]
    path = f"/v1/events/{cast.event(*people).id}"
    known = ask("GET", path, "expand=participants")
    assert units_left(known) == 98
    again = ask("GET", path, "expand=participants", HTTP_IF_NONE_MATCH=known.headers["ETag"])
    assert (again.status_code, units_left(again)) == (304, 97)


def test_each_token_has_its_own_units(limited, new_token):
    ask = limited(rate_limit=1)
    assert ask().status_code == 200
    problem(ask(), 429, "rate_limited")
    assert ask(bearer=new_token).status_code == 200


@pytest.fixture
def new_token(cast):
    return cast.do(issue_token, "another", b"20 bytes of anything")[1]


def test_the_limit_of_an_address_is_checked_before_its_token(limited):
    ask = limited(address_rate_limit=3)
    for _ in range(3):
        problem(ask(bearer="kal_" + "a" * 39), 401)
    refused = ask()
    document = problem(refused, 429, "rate_limited")
    assert "address" in document["detail"]
    assert refused.headers["RateLimit-Policy"] == '"address";q=3;w=60'
    assert ask(address="192.0.2.8").status_code == 200
    assert ask("GET", "/v1/nowhere").status_code == 429
    for path in ("/", "/favicon.ico", "/docs", "/openapi.json"):
        assert ask("GET", path).status_code == 429
        assert ask("GET", path).headers["Cache-Control"] == "no-store"
    for path in ("/health/live", "/health/ready"):
        assert ask("GET", path).status_code == 200


def test_ipv6_addresses_are_counted_by_block(limited):
    ask = limited(address_rate_limit=1)
    assert ask(address="2001:db8::1").status_code == 200
    assert ask(address="2001:db8::ffff:2").status_code == 429
    assert ask(address="2001:db8:0:1::1").status_code == 200


def test_behind_a_trusted_proxy_the_client_is_counted(limited):
    ask = limited(address_rate_limit=1, proxies="10.0.0.0/8")
    first, second = ({"HTTP_X_FORWARDED_FOR": f"{one}, 10.0.0.2"} for one in ("192.0.2.1", "192.0.2.2"))
    assert ask(address="10.0.0.1", **first).status_code == 200
    assert ask(address="10.0.0.1", **second).status_code == 200
    assert ask(address="10.0.0.3", **first).status_code == 429
    forged = {"HTTP_X_FORWARDED_FOR": "198.51.100.9, 192.0.2.1"}
    assert ask(address="10.0.0.1", **forged).status_code == 429
    assert ask(address="192.0.2.3", **first).status_code == 200
    assert ask(address="192.0.2.3").status_code == 429


def test_without_a_trusted_proxy_forwarded_addresses_are_ignored(limited):
    ask = limited(address_rate_limit=1)
    assert ask(HTTP_X_FORWARDED_FOR="198.51.100.1").status_code == 200
    assert ask(HTTP_X_FORWARDED_FOR="198.51.100.2").status_code == 429


def test_without_a_limit_there_are_no_headers(limited):
    answer = limited()()
    assert answer.status_code == 200
    assert "RateLimit" not in answer.headers
    assert "RateLimit-Policy" not in answer.headers


@pytest.fixture
def seconds():
    """Return a clock that stands still until a test moves it."""
    return SimpleNamespace(now=1_000.5)


@pytest.fixture
def limit(seconds):
    return Limit("token", 5, lambda: seconds.now)


def test_the_last_second_of_a_window_is_reported_as_one(limit, seconds):
    written: dict[str, str] = {}
    response = SimpleNamespace(set_header=written.__setitem__)
    for moment, until_end in ((1_000.0, 60), (1_000.5, 60), (1_059.9, 1), (1_060.0, 60)):
        seconds.now = moment
        RateLimits(limit).count_token(SimpleNamespace(token_id="tok_1"), response, 1)  # type: ignore[arg-type]
        assert written["RateLimit"].endswith(f";t={until_end}")


def test_each_caller_has_a_window_of_its_own_which_its_first_request_begins(limit, seconds):
    assert limit.count("tok_1", 3) == (3, 60)
    seconds.now += 30
    assert limit.count("tok_1", 3) == (6, 30)
    assert limit.count("tok_2", 1) == (1, 60)
    seconds.now += 30
    assert limit.count("tok_1", 1) == (1, 60)
    assert limit.count("tok_2", 1) == (2, 30)


def test_concurrent_requests_are_all_counted(limit):
    race([lambda: [limit.count("tok_1", 1) for _ in range(500)]] * 8)
    assert limit.count("tok_1", 1)[0] == 4_001


def test_windows_that_have_ended_take_no_memory(limit, seconds):
    for number in range(100):
        limit.count(f"tok_{number}", 1)
    seconds.now += WINDOW_S
    limit.count("tok_1", 1)
    assert list(limit._windows) == ["tok_1"]


def test_the_headers_can_be_read_with_httpx(database, token):
    app = build_app(database, Settings(rate_limit=3))
    with httpx.Client(transport=httpx.WSGITransport(app=app), base_url="http://kalends.test") as caller:
        answer = caller.get("/v1/users", headers={"Authorization": f"Bearer {token}"})
    assert answer.headers["ratelimit-policy"] == '"token";q=3;w=60'
