"""Clients that send HTTP requests to a real server."""

import http.client
import json
import os
from typing import Any

from kalends.actions.tokens import issue_token
from kalends.model import Actor
from kalends.rules.tokens import SECRET_BYTES
from kalends.store.database import Database
from kalends.store.organizations import DEFAULT_ORGANIZATION
from tests.served import PATIENCE_S, Server

OPERATOR = Actor(DEFAULT_ORGANIZATION)


def new_token(database: Database) -> str:
    """Create a token of the organization that a new installation has."""
    return database.write(lambda tx: issue_token(tx, OPERATOR, "test", os.urandom(SECRET_BYTES)))[1]


class Lost(Exception):
    """The connection broke before there was an answer."""


class Caller:
    """A client that keeps its connection open; the server may be started again at another port."""

    def __init__(self, server: Server, token: str) -> None:
        self._server = server
        self._headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        self._connection: http.client.HTTPConnection | None = None

    def __enter__(self) -> "Caller":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def call(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, Any]:
        """Return status and content of an answer. Raise Lost if the connection breaks."""
        if self._connection is None:
            self._connection = http.client.HTTPConnection("127.0.0.1", self._server.port, timeout=PATIENCE_S)
        content = None if body is None else json.dumps(body).encode()
        try:
            self._connection.request(method, path, content, self._headers | headers)
            answer = self._connection.getresponse()
            raw = answer.read()
        except (OSError, http.client.HTTPException) as error:
            self.close()
            raise Lost from error
        return answer.status, json.loads(raw) if raw else None

    def close(self) -> None:
        """Close the connection."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None
