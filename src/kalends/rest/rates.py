"""Rate limits: how many units a minute a token and an address may take, and what an answer says of that.

The headers follow draft-ietf-httpapi-ratelimit-headers.
"""

import math
import time
from collections.abc import Callable

import falcon
from limits import RateLimitItemPerMinute
from limits.storage import Storage
from limits.strategies import FixedWindowRateLimiter

from kalends.errors import RateLimited
from kalends.rest.request import Request
from kalends.rules.addresses import block_of

SEARCH_COST = 5
"""Units of a list by text, which reads more than it shows."""

WINDOW_S = 60


class Limit:
    """So many units a minute for each caller of a kind."""

    def __init__(self, kind: str, units: int, counts: Storage, clock: Callable[[], float] = time.time) -> None:
        self._kind = kind
        self._item = RateLimitItemPerMinute(units, namespace=kind)
        self._limiter = FixedWindowRateLimiter(counts)
        self._clock = clock
        self._policy = f'"{kind}";q={units};w={WINDOW_S}'

    def take(self, response: falcon.Response, caller: str, units: int, *, told: bool) -> None:
        """Count units of a caller, and say in the answer's headers what is left if it is to be told.

        Raises RateLimited, and then it is told in any case.
        """
        allowed = self._limiter.hit(self._item, caller, cost=units)
        if allowed and not told:
            return
        ends_at, remaining = self._limiter.get_window_stats(self._item, caller)
        seconds = max(1, math.ceil(ends_at - self._clock()))
        response.set_header("RateLimit-Policy", self._policy)
        response.set_header("RateLimit", f'"{self._kind}";r={remaining};t={seconds}')
        if not allowed:
            raise RateLimited(self._kind, seconds)


class RateLimits:
    """The limit of each token and that of each address; either may be missing."""

    def __init__(self, token: Limit | None = None, address: Limit | None = None) -> None:
        self._token = token
        self._address = address

    def count_address(self, request: Request, response: falcon.Response, units: int) -> None:
        """Count units of the client's address. Raises RateLimited."""
        if self._address is not None and units:
            self._address.take(response, block_of(request.address), units, told=False)

    def count_token(self, request: Request, response: falcon.Response, units: int) -> None:
        """Count units of the request's token, and say what is left of them. Raises RateLimited."""
        if self._token is not None:
            self._token.take(response, str(request.token_id), units, told=True)


UNLIMITED = RateLimits()
