"""A real server in a process of its own, and callers that speak HTTP to it."""

import http.client
import json
import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

from kalends.actions.tokens import issue_token
from kalends.model import Actor
from kalends.rules.tokens import SECRET_BYTES
from kalends.settings import Settings
from kalends.store.database import Database
from kalends.store.organizations import DEFAULT_ORGANIZATION
from kalends.store.schema import migrate
from tests.served import UNLIMITED

OPERATOR = Actor(DEFAULT_ORGANIZATION)
PATIENCE_S = 60


def open_database(url: str) -> Database:
    """Give a database with the needed schema, beside the server's own connections to it."""
    database = Database(Settings(database_url=url))
    migrate(database)
    return database


def new_token(database: Database) -> str:
    """Make a credential of the organization that a fresh install has."""
    return database.write(lambda tx: issue_token(tx, OPERATOR, "test", os.urandom(SECRET_BYTES)))[1]


class Service:
    """`kalends serve` on a free port; it can be killed and started again."""

    def __init__(self, url: str, log: Path, processes: int = 1, threads: int = 4) -> None:
        self._url = url
        self._log = log
        self._options = ["--port", "0", "--processes", str(processes), "--threads", str(threads)]
        self._process: subprocess.Popen[str] | None = None
        self.port = 0

    def __enter__(self) -> "Service":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Start the server and wait until it says where it serves."""
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "kalends", "serve", *self._options],
                env=os.environ | UNLIMITED | {"KALENDS_DATABASE_URL": self._url},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                start_new_session=True,
            )
        assert self._process.stdout is not None
        said = self._process.stdout.readline()
        assert said.startswith("Kalends serves at"), self._log.read_text()[-2_000:]
        self.port = int(said.rpartition(":")[2])

    def kill(self) -> None:
        """End the server and all its processes with SIGKILL, as a power cut would."""
        if self._process is not None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._reap()

    def stop(self) -> None:
        """End the server as an operator does."""
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(PATIENCE_S)
            finally:
                with suppress(ProcessLookupError):  # nothing may outlive the tests, whatever went wrong
                    os.killpg(self._process.pid, signal.SIGKILL)
                self._reap()

    def troubles(self) -> list[str]:
        """Give what the server logged as its own troubles."""
        return [line for line in self._log.read_text().splitlines() if '"level":"error"' in line or "panicked" in line]

    def _reap(self) -> None:
        if self._process is not None:
            self._process.wait(PATIENCE_S)
            if self._process.stdout is not None:
                self._process.stdout.close()
            self._process = None


class Lost(Exception):
    """The connection broke before there was an answer."""


class Caller:
    """One client with a connection that it keeps; `service` tells the port, which may change."""

    def __init__(self, service: Any, token: str) -> None:
        self._service = service
        self._headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        self._connection: http.client.HTTPConnection | None = None

    def __enter__(self) -> "Caller":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def call(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, Any]:
        """Give status and content of an answer. Raises Lost."""
        if self._connection is None:
            self._connection = http.client.HTTPConnection("127.0.0.1", self._service.port, timeout=PATIENCE_S)
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
