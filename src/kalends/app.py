"""The composition root: Settings, then Database, then the doors, then one WSGI application."""

import falcon

from kalends.reads.health import check_readiness
from kalends.rest.door import wsgi_app
from kalends.rest.route import OPERATIONS, Route
from kalends.settings import Settings
from kalends.store.database import Database


def build_app(database: Database, settings: Settings) -> falcon.App[falcon.Request, falcon.Response]:
    """Give the WSGI application over a database that has the needed schema."""
    routes = [Route(operation, database, settings.max_body_bytes) for operation in OPERATIONS]
    return wsgi_app(routes, lambda: database.read(check_readiness))


def app_of_worker(settings: Settings) -> falcon.App[falcon.Request, falcon.Response]:
    """Give the application of one server process, with connections of its own."""
    return build_app(Database(settings), settings)
