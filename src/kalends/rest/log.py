"""One line of JSON a request, on the logger `kalends.access`; troubles go to `kalends.trouble`; secrets to neither."""

import logging
import re
import secrets
import time
import traceback
from typing import Any

import falcon
import msgspec

from kalends.errors import KalendsError

ACCESS = logging.getLogger("kalends.access")
TROUBLE = logging.getLogger("kalends.trouble")

REQUEST_ID = re.compile(r"[A-Za-z0-9._:-]{1,64}", re.ASCII)
HEADER = "X-Request-Id"


class RequestLog:
    """Falcon middleware: names every request, and writes its line when it is answered."""

    def process_request(self, request: falcon.Request, response: falcon.Response) -> None:
        """Take the request id that the caller gives, if it is a sane one, or make one."""
        given = request.get_header(HEADER) or ""
        request.context.request_id = given if REQUEST_ID.fullmatch(given) else secrets.token_hex(8)
        request.context.began = time.perf_counter()
        request.context.statements = 0
        request.context.token_id = None

    def process_response(
        self, request: falcon.Request, response: falcon.Response, resource: object, req_succeeded: bool
    ) -> None:
        """Write the line."""
        context = request.context
        response.set_header(HEADER, context.request_id)
        if not ACCESS.isEnabledFor(logging.INFO):
            return
        line = {
            "level": "info",
            "request_id": context.request_id,
            "method": request.method,
            "path": request.path,
            "status": response.status_code,
            "ms": round((time.perf_counter() - context.began) * 1_000, 3),
            "statements": context.statements,
            "token": None if context.token_id is None else str(context.token_id),
        }
        ACCESS.info("%s", line_of(line))


def log_trouble(request: falcon.Request, error: Exception) -> None:
    """Write what went wrong on our side, with its cause."""
    cause = error.__cause__ if isinstance(error, KalendsError) else error
    line = {
        "level": "error",
        "request_id": request.context.request_id,
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
