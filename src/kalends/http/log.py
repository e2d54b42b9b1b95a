"""One line of JSON a request, on the logger `kalends.access`; troubles go to `kalends.trouble`; secrets to neither."""

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
    """Falcon middleware: puts the request id into every answer, and writes the line of every request but our own."""

    def __init__(self, unlogged_id: str) -> None:
        self._unlogged_id = unlogged_id

    def process_response(  # Falcon hands over four arguments
        self,
        req: Request,
        resp: falcon.Response,
        resource: object,  # noqa: ARG002 (see above)
        req_succeeded: bool,  # noqa: ARG002 (see above)
    ) -> None:
        """Write the line."""
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
    """Write what went wrong on our side, with its cause."""
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
    """Write fields as one line of JSON, the time first."""
    now = time.time()
    stamp = f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(now))}.{int(now % 1 * 1_000):03}Z"
    return msgspec.json.encode({"time": stamp} | fields).decode()
