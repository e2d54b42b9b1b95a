"""A request: Falcon's, with an id for answer and log, and its cost so far."""

import random
import re
import time
from functools import cache
from typing import Any

import falcon

from kalends.http.environ import ARRIVED
from kalends.model import TokenId

REQUEST_ID = re.compile(r"[A-Za-z0-9._:-]{1,64}", re.ASCII)
HEADER = "X-Request-Id"


class Request(falcon.Request):
    """A request that has an id from the start, so that every error can be found in the log."""

    def __init__(self, env: dict[str, Any], options: falcon.RequestOptions | None = None) -> None:
        super().__init__(env, options)
        given = self.header(HEADER) or ""
        self.request_id = given if REQUEST_ID.fullmatch(given) else f"{random.getrandbits(64):016x}"
        self.began: float = env.get(ARRIVED) or time.perf_counter()
        self.statements = 0
        self.token_id: TokenId | None = None
        self.address: str = env.get("REMOTE_ADDR", "")

    def header(self, name: str) -> str | None:
        """Return a header, apart from Content-Type and Content-Length, which have other names in WSGI.

        Most requests lack most headers, and Falcon raises and catches an exception for each that is missing.
        """
        return self.env.get(wsgi_name(name))


@cache
def wsgi_name(header: str) -> str:
    """Return the key of a header in the environment of a request (PEP 3333)."""
    return f"HTTP_{header.upper().replace('-', '_')}"
