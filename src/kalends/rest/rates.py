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
from kalends.rules.client_address import network_of

SEARCH_COST = 5
"""Units of a list by text, which reads more than it shows."""

BYTES_A_UNIT = 65_536
"""So much of an answer is in the price of a request; each further one costs a unit more."""

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
        seconds = self._tell(response, caller)
        if not allowed:
            raise RateLimited(self._kind, seconds)

    def charge(self, response: falcon.Response, caller: str, units: int, *, told: bool) -> None:
        """Count units of an answer that is already there: it goes out in any case, and the next request pays."""
        self._limiter.hit(self._item, caller, cost=units)
        if told:
            self._tell(response, caller)

    def _tell(self, response: falcon.Response, caller: str) -> int:
        """Say in the headers what is left, and return the seconds until the window ends."""
        ends_at, remaining = self._limiter.get_window_stats(self._item, caller)
        seconds = max(1, math.ceil(ends_at - self._clock()))
        response.set_header("RateLimit-Policy", self._policy)
        response.set_header("RateLimit", f'"{self._kind}";r={remaining};t={seconds}')
        return seconds


class RateLimits:
    """The limit of each token and that of each address; either may be missing."""

    def __init__(self, token: Limit | None = None, address: Limit | None = None) -> None:
        self._token = token
        self._address = address

    def count_address(self, request: Request, response: falcon.Response, units: int) -> None:
        """Count units of the client's address. Raises RateLimited."""
        if self._address is not None and units:
            self._address.take(response, network_of(request.address), units, told=False)

    def count_token(self, request: Request, response: falcon.Response, units: int) -> None:
        """Count units of the request's token, and say what is left of them. Raises RateLimited."""
        if self._token is not None:
            self._token.take(response, str(request.token_id), units, told=True)

    def charge_weight(self, request: Request, response: falcon.Response, size: int) -> None:
        """Count what an answer of so many bytes weighs, for address and token; most weigh nothing."""
        units = size // BYTES_A_UNIT
        if units and self._address is not None:
            self._address.charge(response, network_of(request.address), units, told=False)
        if units and self._token is not None:
            self._token.charge(response, str(request.token_id), units, told=True)


UNLIMITED = RateLimits()
