"""The composition root: Settings, then Database, then the doors, then one WSGI application."""

from typing import Any

import falcon

from kalends.reads.health import check_readiness
from kalends.rest.door import wsgi_app
from kalends.rest.openapi import openapi_document
from kalends.rest.request import Request
from kalends.rest.route import OPERATIONS, Route
from kalends.settings import Settings
from kalends.store.database import Database


def build_app(database: Database, settings: Settings) -> falcon.App[Request, falcon.Response]:
    """Give the WSGI application over a database that has the needed schema."""
    routes = [Route(operation, database, settings.max_body_bytes) for operation in OPERATIONS]
    return wsgi_app(routes, lambda: database.read(check_readiness))


def app_of_worker(settings: Settings) -> falcon.App[Request, falcon.Response]:
    """Give the application of one server process, with connections of its own."""
    return build_app(Database(settings), settings)


def reference() -> dict[str, Any]:
    """Give the OpenAPI document of everything the application answers."""
    return openapi_document(OPERATIONS)
