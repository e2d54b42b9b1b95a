"""The log: a line of JSON for each request on `kalends.access`, and errors on `kalends.trouble`, without secrets."""

import logging
import time
import traceback
from typing import Any

import falcon
import msgspec

from kalends.errors import KalendsError
from kalends.http.request import HEADER, Request

ACCESS = logging.getLogger("kalends.access")
TROUBLE = logging.getLogger("kalends.trouble")


class RequestLog:
    """Falcon middleware that adds the request id to every answer and logs every request but the server's own."""

    def __init__(self, unlogged_id: str) -> None:
        self._unlogged_id = unlogged_id

    def process_response(  # Falcon passes four arguments
        self,
        req: Request,
        resp: falcon.Response,
        resource: object,  # noqa: ARG002 (see above)
        req_succeeded: bool,  # noqa: ARG002 (see above)
    ) -> None:
        """Log the request."""
        resp.set_header(HEADER, req.request_id)
        if req.request_id == self._unlogged_id or not ACCESS.isEnabledFor(logging.INFO):
            return
        line = {
            "level": "info",
            "request_id": req.request_id,
            "method": req.method,
            "path": req.path,
            "status": resp.status_code,
            "ms": round((time.perf_counter() - req.began) * 1_000, 3),
            "statements": req.statements,
            "address": req.address,
            "token": None if req.token_id is None else str(req.token_id),
        }
        ACCESS.info("%s", line_of(line))


def log_trouble(request: Request, error: KalendsError) -> None:
    """Log an error of the service, with its cause."""
    cause = error.__cause__
    line = {
        "level": "error",
        "request_id": request.request_id,
        "method": request.method,
        "path": request.path,
        "error": str(error),
        "cause": None if cause is None else "".join(traceback.format_exception(cause)),
    }
    TROUBLE.error("%s", line_of(line))


def line_of(fields: dict[str, Any]) -> str:
    """Return fields as one line of JSON, the time first."""
    now = time.time()
    stamp = f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(now))}.{int(now % 1 * 1_000):03}Z"
    return msgspec.json.encode({"time": stamp} | fields).decode()
