"""What happens to every request before its route and to every answer after it, as Falcon's middleware."""

import re
from collections.abc import Iterable, Sequence
from http import HTTPStatus
from urllib.parse import quote

import falcon

from kalends.http.environ import REFUSED
from kalends.http.errors import TargetTooLong
from kalends.http.front import LIVE_PATH, READY_PATH
from kalends.http.rates import RateLimits
from kalends.http.request import Request
from kalends.limits import MAX_TARGET_BYTES
from kalends.rules.client_address import Network, client_address

NEVER_LIMITED = (LIVE_PATH, READY_PATH)
"""Who looks after the service has to learn the truth in a flood, too."""

ALWAYS = (
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "no-referrer"),
    ("Server", "kalends"),  # else the server names itself
)
NOTHING_LOADS = "default-src 'none'; frame-ancestors 'none'"
OF_THE_CALLER = (("Cache-Control", "private, no-cache"), ("Vary", "Authorization, Kalends-Act-As"))
KEPT_NOWHERE = (("Cache-Control", "no-store"),)
ASKED_EACH_TIME = (("Cache-Control", "no-cache"),)

QUERY_CHARACTERS = "%&=+:,/?@!$'()*;"
"""Those that stand in a query as they are, beside letters and digits."""

POLICY = "Content-Security-Policy"


class RequestLimits:
    """Finds out who is there, and turns away who asks for too much."""

    def __init__(self, rates: RateLimits, trusted_proxies: Sequence[Network]) -> None:
        self._rates = rates
        self._trusted_proxies = trusted_proxies

    def process_request(self, req: Request, resp: falcon.Response) -> None:
        """Find the client's address and count the request for it. Raise what refuses the request, if anything does."""
        if self._trusted_proxies:
            forwarded = req.header("X-Forwarded-For") or ""
            req.address = client_address(req.address, forwarded, self._trusted_proxies)
        if REFUSED in req.env:  # taken out of it: left there, it would hold the request until garbage is collected
            raise req.env.pop(REFUSED)
        if req.path not in NEVER_LIMITED:
            self._rates.count_address(req, resp, 1)
        if len(req.path) + len(req.query_string) >= MAX_TARGET_BYTES:
            raise TargetTooLong(MAX_TARGET_BYTES)


class TrailingSlashRedirect:
    """Redirects a path with a slash too many at its end to the path without it, with any method."""

    def __init__(self, paths: Iterable[str]) -> None:
        segments = (re.sub(r"\{\w+\}", "[^/]+", path) for path in paths if path != "/")
        self._with_slash = re.compile(f"(?:{'|'.join(segments)})/")

    def process_request(self, req: Request, resp: falcon.Response) -> None:
        """Answer with the right address, relative to this one: a proxy may have cut off how the path began."""
        if req.path.endswith("/") and self._with_slash.fullmatch(req.path):
            last = quote(req.path[:-1].rpartition("/")[2], safe="")
            query = f"?{quote(req.query_string, QUERY_CHARACTERS, 'latin-1')}" if req.query_string else ""
            resp.status = HTTPStatus.PERMANENT_REDIRECT
            resp.set_header("Location", f"../{last}{query}")
            resp.text = f"This path has no slash at its end: {req.path[:-1]}\n"
            resp.content_type = falcon.MEDIA_TEXT
            resp.complete = True


class SecurityHeaders:
    """Tells browsers and caches what they may do with an answer."""

    def process_response(  # Falcon hands over four arguments
        self,
        req: Request,
        resp: falcon.Response,
        resource: object,  # noqa: ARG002 (see above)
        req_succeeded: bool,  # noqa: ARG002 (see above)
    ) -> None:
        """Write the headers."""
        resp.set_headers(ALWAYS)
        if resp.get_header("Cache-Control") is None:
            resp.set_headers(caching(req.method, req.path))
        if resp.get_header(POLICY) is None:
            resp.set_header(POLICY, NOTHING_LOADS)


def caching(method: str, path: str) -> tuple[tuple[str, str], ...]:
    """Return the headers that let at most the caller's own caches keep an answer, and ask before each use."""
    if method == "POST":
        return KEPT_NOWHERE
    return OF_THE_CALLER if path.startswith("/v1/") else KEPT_NOWHERE
