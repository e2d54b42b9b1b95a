"""The composition root: from settings to a database, entry points, one WSGI application and its front."""

import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import falcon

from kalends.actions.tokens import note_use
from kalends.errors import SchemaMismatch, Unavailable
from kalends.http.bearer import BearerTokens
from kalends.http.front import Front
from kalends.http.lanes import widths
from kalends.http.rates import Limit, RateLimits
from kalends.http.request import Request
from kalends.http.wsgi import wsgi_app
from kalends.model import Actor, TokenId
from kalends.reads.health import check_readiness
from kalends.reads.identity import find_identity
from kalends.rest.entry_point import json_api
from kalends.rest.reference.openapi import openapi_document
from kalends.rest.request_kinds import kind_finder
from kalends.rest.route import Route
from kalends.rest.routes import OPERATIONS
from kalends.settings import Settings
from kalends.store.database import Database
from kalends.store.zone_data import load_zone_data
from kalends.store.zone_release import refuse_other_release


def build_app(database: Database, settings: Settings, unlogged_id: str = "") -> falcon.App[Request, falcon.Response]:
    """Return the WSGI application for a database that has the current schema.

    Requests with the id `unlogged_id`, which only the server itself knows, are not logged.
    """
    rates = RateLimits(
        Limit("token", settings.rate_limit) if settings.rate_limit else None,
        Limit("address", settings.address_rate_limit) if settings.address_rate_limit else None,
    )
    tokens = bearer_tokens(database, settings)
    routes = [Route(operation, database, tokens, settings.max_body_bytes, rates) for operation in OPERATIONS]
    zone_data = load_zone_data()

    def release_when_ready() -> str:
        database.read(check_readiness)
        database.read(lambda tx: refuse_other_release(tx, zone_data.release))
        database.check_writable()
        return zone_data.release

    entry_points = [json_api(routes, settings.trusted_proxies)]
    return wsgi_app(entry_points, release_when_ready, rates, settings.trusted_proxies, unlogged_id)


def bearer_tokens(database: Database, settings: Settings) -> BearerTokens:
    """Return the authentication by bearer tokens."""
    return BearerTokens(
        lambda digest, acting_for: database.read(lambda tx: find_identity(tx, digest, acting_for)),
        last_used_recorder(database),
        database.now,
        settings.token_cache_ms,
    )


def last_used_recorder(database: Database) -> Callable[[Actor], None]:
    """Return a function that stores the use of a token in a separate thread, as a write may wait for its turn."""
    under_way: set[TokenId | None] = set()

    def write(actor: Actor) -> None:
        try:
            with suppress(Unavailable, SchemaMismatch):
                database.write(lambda tx: note_use(tx, actor))
        finally:
            under_way.discard(actor.token_id)

    def note(actor: Actor) -> None:
        if actor.token_id not in under_way:
            under_way.add(actor.token_id)
            threading.Thread(target=write, args=(actor,), daemon=True).start()

    return note


def front_of_worker(settings: Settings, threads: int, unlogged_id: str, at_end: Callable[[], None]) -> Front:
    """Return the front of one server process, with an application that has connections of its own."""
    app = build_app(Database(settings), settings, unlogged_id)
    return Front(app, kind_finder(OPERATIONS), widths(threads), settings.max_body_bytes, at_end)


def reference() -> dict[str, Any]:
    """Return the OpenAPI document of the application."""
    return openapi_document(OPERATIONS)
