"""The cost of authentication, permissions and rate limits: the most used list with and without them.

The same requests go through the same WSGI application in one process, in turns: with the middleware of a server, and
with one that treats every caller as the operator, checks no token and counts nothing. CPU microseconds per request.
"""

import argparse
import io
import secrets
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from msgspec import structs
from rich.console import Console
from rich.progress import track
from rich.table import Table

from kalends.actions.tokens import issue_token
from kalends.app import build_app
from kalends.http.bearer import BearerTokens
from kalends.http.request import Request
from kalends.http.wsgi import wsgi_app
from kalends.model import Actor, UserId
from kalends.reads.health import check_readiness
from kalends.rest.entry_point import json_api
from kalends.rest.route import Route
from kalends.rest.routes import OPERATIONS
from kalends.settings import Settings
from kalends.store.database import Database
from kalends.store.schema import migrate
from kalends.store.zone_data import load_zone_data
from tests.multitude import fill

PEOPLE = 2_000
PARTICIPATIONS = 6
APART_US = 300_000_000
LIST = "limit=50"
GENEROUS = Settings(rate_limit=2**31 - 1, address_rate_limit=2**31 - 1)
"""A limit that counts requests and never refuses one."""


class EverybodysToken(BearerTokens):
    """Treats every caller as the operator."""

    def __init__(self, actor: Actor) -> None:
        self._actor = actor

    def authenticate(self, request: Request) -> Actor:  # noqa: ARG002 (as it is called)
        """Return the operator, whoever calls."""
        return self._actor


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench/entrance.py", description=__doc__)
    parser.add_argument("--events", type=int, default=100_000, help="how many events (default: 100,000)")
    parser.add_argument("--rounds", type=int, default=40, help="how many rounds (default: 40)")
    options = parser.parse_args()
    load_zone_data()
    with tempfile.TemporaryDirectory(prefix="kalends-entrance-") as folder:
        database = Database(Settings(database_url=f"sqlite:///{Path(folder) / 'bench.db'}"))
        migrate(database)
        actor, first = fill(
            database, people=PEOPLE, events=options.events, participations=PARTICIPATIONS, apart=APART_US
        )
        print_results(measured(cases_of(database, actor, UserId(first + 7)), options.rounds))
        database.close()


def cases_of(database: Database, actor: Actor, person: UserId) -> dict[str, tuple[Any, str, str]]:
    """Return an application, a token and a query by name."""
    person_actor = structs.replace(actor, user_id=person)
    operators, persons = (
        database.write(lambda tx, who=who: issue_token(tx, who, "bench", secrets.token_bytes(20)))[1]
        for who in (actor, person_actor)
    )
    routes = [Route(operation, database, EverybodysToken(actor), 1_048_576) for operation in OPERATIONS]
    unguarded = wsgi_app([json_api(routes)], lambda: str(database.read(check_readiness)))
    guarded = build_app(database, GENEROUS)
    of_person = f"user_id={person}&{LIST}"
    return {
        "no authentication": (unguarded, operators, of_person),
        "an operator": (guarded, operators, of_person),
        "a person, their own": (guarded, persons, of_person),
    }


def measured(cases: dict[str, tuple[Any, str, str]], rounds: int) -> dict[str, list[float]]:
    """Return the CPU microseconds per request of each case, round by round, with the cases in turn."""
    found: dict[str, list[float]] = {name: [] for name in cases}
    for _ in track(range(rounds), "Asking", console=Console(stderr=True)):
        for name, (app, token, query) in cases.items():
            began = time.process_time()
            for _ in range(100):
                send(app, token, query)
            found[name].append((time.process_time() - began) * 10_000)
    return found


def send(app: Any, token: str, query: str) -> None:
    """Send one request, and check that the answer is a page."""
    said: list[str] = []
    environ = {
        "REQUEST_METHOD": "GET",
        "SCRIPT_NAME": "",
        "PATH_INFO": "/v1/events",
        "QUERY_STRING": query,
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(),
        "wsgi.errors": sys.stderr,
        "HTTP_AUTHORIZATION": f"Bearer {token}",
    }
    b"".join(app(environ, lambda status, _headers, _error=None: said.append(status)))
    assert said == ["200 OK"], said


def print_results(found: dict[str, list[float]]) -> None:
    """Print the medians, and the difference to the first case."""
    table = Table("case", "CPU us, median", "least", "more than the first, median", title="50 events of a person")
    bare = next(iter(found.values()))
    for name, times in found.items():
        more = statistics.median(time / least for time, least in zip(times, bare, strict=True)) - 1
        table.add_row(name, f"{statistics.median(times):.0f}", f"{min(times):.0f}", f"{more:+.1%}")
    Console().print(table)


if __name__ == "__main__":
    main()
