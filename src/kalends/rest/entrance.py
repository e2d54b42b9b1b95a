"""What happens to every request before its route and to every answer after it, as Falcon's middleware."""

from collections.abc import Sequence

import falcon

from kalends.rest.problems import TargetTooLong
from kalends.rest.rates import RateLimits
from kalends.rest.request import Request
from kalends.rules.addresses import Network, client_address

LONGEST_TARGET = 8_192

NEVER_LIMITED = ("/health/live", "/health/ready")
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

REFERENCE = ("/docs", "/openapi.json")
POLICY = "Content-Security-Policy"


class Entrance:
    """Finds out who is there, and turns away who asks for too much."""

    def __init__(self, rates: RateLimits, trusted_proxies: Sequence[Network]) -> None:
        self._rates = rates
        self._trusted_proxies = trusted_proxies

    def process_request(self, req: Request, resp: falcon.Response) -> None:
        """Find the client's address and count the request for it. Raises TargetTooLong or RateLimited."""
        if self._trusted_proxies:
            forwarded = req.header("X-Forwarded-For") or ""
            req.address = client_address(req.address, forwarded, self._trusted_proxies)
        if req.path not in NEVER_LIMITED:
            self._rates.count_address(req, resp, 1)
        if len(req.path) + len(req.query_string) >= LONGEST_TARGET:
            raise TargetTooLong(LONGEST_TARGET)


class SafeHeaders:
    """Tells browsers and caches what they may do with an answer."""

    def process_response(  # Falcon hands over four arguments
        self,
        req: Request,
        resp: falcon.Response,
        resource: object,  # noqa: ARG002 (see above)
        req_succeeded: bool,  # noqa: ARG002 (see above)
    ) -> None:
        """Write the headers."""
        resp.set_headers(ALWAYS + caching(req.method, req.path))
        if resp.get_header(POLICY) is None:
            resp.set_header(POLICY, NOTHING_LOADS)


def caching(method: str, path: str) -> tuple[tuple[str, str], ...]:
    """Say who may keep an answer: caches of the caller's own, which have to ask whether it is still good, at most."""
    if method == "POST":
        return KEPT_NOWHERE
    if path.startswith("/v1/"):
        return OF_THE_CALLER
    return ASKED_EACH_TIME if method in ("GET", "HEAD") and path in REFERENCE else KEPT_NOWHERE
