"""Converting the head of a request, as the server has read it, to the environment of WSGI (PEP 3333)."""

import sys
from functools import cache
from io import BytesIO
from time import perf_counter
from typing import IO, Any, Protocol

from kalends.errors import KalendsError
from kalends.http.errors import Malformed, WrongTransferCoding

REFUSED = "kalends.refused"
"""The key in the environment for the error with which the request is to be answered."""

ARRIVED = "kalends.arrived"
"""The key for the time at which the head was read, by `time.perf_counter`."""

NO_UNDERSCORE = "the header {name!r} has an underscore, which many proxies treat as a hyphen: leave it out"
NO_ASCII = "the header {name} has characters that are not ASCII"
ONE_HOST = "a request must have one Host header"

DECIDING = frozenset(
    {
        "authorization",
        "content-encoding",
        "content-type",
        "idempotency-key",
        "if-match",
        "if-none-match",
        "kalends-act-as",
    }
)
"""Headers that change what a request does: a request is refused if one of them cannot be read."""


class FileBody:
    """A body in a temporary file, which an application returns by `wsgi.file_wrapper` (PEP 3333)."""

    def __init__(self, file: IO[bytes], _: int = 0) -> None:
        self.file = file


FIXED: dict[str, Any] = {
    "wsgi.file_wrapper": FileBody,
    "SCRIPT_NAME": "",
    "wsgi.version": (1, 0),
    "wsgi.errors": sys.stderr,
    "wsgi.multithread": True,
    "wsgi.multiprocess": True,
    "wsgi.run_once": False,
}


class Headers(Protocol):
    """The headers of a request, with names in small letters; characters that are not ASCII are left out of values."""

    def keys(self) -> list[str]:
        """Return the names."""
        ...

    def items(self) -> list[tuple[str, str]]:
        """Return names and values, one for each line."""
        ...


class RsgiScope(Protocol):
    """The head of a request in RSGI."""

    http_version: str
    server: str
    client: str
    scheme: str
    method: str
    path: str
    query_string: str
    authority: str | None

    @property
    def headers(self) -> Headers:
        """Return the headers."""
        ...


def environ_of(scope: RsgiScope) -> dict[str, Any]:
    """Return the environment of a request without its body; it has REFUSED if the head is invalid."""
    host, _, port = scope.server.rpartition(":")
    environ: dict[str, Any] = FIXED | {
        ARRIVED: perf_counter(),
        "REQUEST_METHOD": scope.method,
        "PATH_INFO": scope.path.encode().decode("latin-1"),
        "QUERY_STRING": scope.query_string.encode().decode("latin-1"),
        "SERVER_NAME": host,
        "SERVER_PORT": port,
        "SERVER_PROTOCOL": f"HTTP/{scope.http_version}",
        "REMOTE_ADDR": scope.client.rpartition(":")[0].strip("[]"),
        "wsgi.url_scheme": scope.scheme,
        "wsgi.input": BytesIO(),
    }
    refusal = add_headers(environ, scope)
    if refusal is not None:
        environ[REFUSED] = refusal
    return environ


def add_headers(environ: dict[str, Any], scope: RsgiScope) -> KalendsError | None:
    """Add the headers to an environment, and return their error, if any."""
    headers = scope.headers
    refusal: KalendsError | None = None
    seen: set[str] = set()
    for name, value in headers.items():
        place = environ_name(name)
        if name not in seen:
            seen.add(name)
            environ[place] = value
        else:
            environ[place] += f"{'; ' if name == 'cookie' else ', '}{value}"
            if name == "host":
                refusal = Malformed(ONE_HOST)
        if "_" in name:
            refusal = Malformed(NO_UNDERSCORE.format(name=name))
    if scope.authority:
        environ["HTTP_HOST"] = scope.authority  # the target names it, and overrules the header (RFC 9112 section 3.2.2)
    if "HTTP_HOST" not in environ and scope.http_version == "1.1":
        refusal = Malformed(ONE_HOST)
    if environ.get("HTTP_TRANSFER_ENCODING", "chunked").strip().lower() != "chunked":
        refusal = WrongTransferCoding()
    names = headers.keys()
    if len(names) != len(seen):
        for name in DECIDING.intersection(names) - seen:
            refusal = Malformed(NO_ASCII.format(name=name))
    return refusal


@cache
def environ_name(header: str) -> str:
    """Return the key of a header in the environment of WSGI."""
    name = header.upper().replace("-", "_")
    return name if name in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{name}"
