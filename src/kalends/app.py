"""The composition root: Settings, then Database, then the doors, then one WSGI application."""

from typing import Any

import falcon

from kalends.actions.tokens import note_use
from kalends.reads.health import check_readiness
from kalends.reads.identity import find_identity
from kalends.rest.door import wsgi_app
from kalends.rest.identity import Identities
from kalends.rest.openapi import openapi_document
from kalends.rest.request import Request
from kalends.rest.route import OPERATIONS, Route
from kalends.settings import Settings
from kalends.store.database import Database


def build_app(database: Database, settings: Settings) -> falcon.App[Request, falcon.Response]:
    """Give the WSGI application over a database that has the needed schema."""
    identities = identities_of(database, settings)
    routes = [Route(operation, database, identities, settings.max_body_bytes) for operation in OPERATIONS]
    return wsgi_app(routes, lambda: database.read(check_readiness))


def identities_of(database: Database, settings: Settings) -> Identities:
    """Give what knows who bears which token."""
    return Identities(
        lambda digest, acting_for: database.read(lambda tx: find_identity(tx, digest, acting_for)),
        lambda actor: database.write(lambda tx: note_use(tx, actor)),
        database.now,
        settings.token_cache_ms,
    )


def app_of_worker(settings: Settings) -> falcon.App[Request, falcon.Response]:
    """Give the application of one server process, with connections of its own."""
    return build_app(Database(settings), settings)


def reference() -> dict[str, Any]:
    """Give the OpenAPI document of everything the application answers."""
    return openapi_document(OPERATIONS)
