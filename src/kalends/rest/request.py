"""One request: what Falcon reads of it, the id that names it in answer and log, and what it has cost so far."""

import re
import secrets
import time
from typing import Any

import falcon

from kalends.model import TokenId

REQUEST_ID = re.compile(r"[A-Za-z0-9._:-]{1,64}", re.ASCII)
HEADER = "X-Request-Id"


class Request(falcon.Request):
    """A request that is named as soon as it is there, so that whatever goes wrong can be found in the log."""

    def __init__(self, env: dict[str, Any], options: falcon.RequestOptions | None = None) -> None:
        super().__init__(env, options)
        given = self.get_header(HEADER) or ""
        self.request_id = given if REQUEST_ID.fullmatch(given) else secrets.token_hex(8)
        self.began = time.perf_counter()
        self.statements = 0
        self.token_id: TokenId | None = None
        self.address: str = env.get("REMOTE_ADDR", "")
