"""Rate limits: the units that a token and an address may use per minute and process.

The headers of answers follow draft-ietf-httpapi-ratelimit-headers.
"""

import threading
import time
from collections.abc import Callable

import falcon

from kalends.errors import RateLimited
from kalends.http.request import Request
from kalends.rules.client_address import network_of

BYTES_A_UNIT = 65_536
"""The part of an answer that is included in the cost of a request; each further part costs a unit more."""

WINDOW_S = 60


class Limit:
    """The limit of units for each caller of a kind in a fixed window, which begins with the caller's first request."""

    def __init__(self, kind: str, units: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._kind = kind
        self._units = units
        self._clock = clock
        self._policy = f'"{kind}";q={units};w={WINDOW_S}'
        self._windows: dict[str, tuple[int, int]] = {}
        self._lock = threading.Lock()
        self._cleaned_at = int(clock())

    def count(self, caller: str, units: int) -> tuple[int, int]:
        """Count units of a caller; return all units of its window, and the seconds until the window ends."""
        now = int(self._clock())
        with self._lock:
            if now >= self._cleaned_at + WINDOW_S:
                self._cleaned_at = now
                self._windows = {known: window for known, window in self._windows.items() if window[1] > now}
            taken, ends_at = self._windows.get(caller, (0, now))
            if ends_at <= now:
                taken, ends_at = 0, now + WINDOW_S
            taken += units
            self._windows[caller] = taken, ends_at
        return taken, ends_at - now

    def take(self, response: falcon.Response, caller: str, units: int, *, told: bool) -> None:
        """Count units of a caller, and set the headers with the units left if `told` is true.

        Raise RateLimited; then the headers are always set.
        """
        taken, seconds = self.count(caller, units)
        allowed = taken <= self._units
        if told or not allowed:
            self._tell(response, taken, seconds)
        if not allowed:
            raise RateLimited(self._kind, seconds)

    def charge(self, response: falcon.Response, caller: str, units: int, *, told: bool) -> None:
        """Count units of a finished answer: it is sent in any case, and may exhaust the limit for the next request."""
        taken, seconds = self.count(caller, units)
        if told:
            self._tell(response, taken, seconds)

    def _tell(self, response: falcon.Response, taken: int, seconds: int) -> None:
        """Set the headers with the units left until the window ends."""
        response.set_header("RateLimit-Policy", self._policy)
        response.set_header("RateLimit", f'"{self._kind}";r={max(0, self._units - taken)};t={seconds}')


class RateLimits:
    """The limit of each token and the limit of each address; either may be None."""

    def __init__(self, token: Limit | None = None, address: Limit | None = None) -> None:
        self._token = token
        self._address = address

    def count_address(self, request: Request, response: falcon.Response, units: int) -> None:
        """Count units of the client's address. Raise RateLimited."""
        if self._address is not None and units:
            self._address.take(response, network_of(request.address), units, told=False)

    def count_token(self, request: Request, response: falcon.Response, units: int) -> None:
        """Count units of the request's token, and set the headers with the units left. Raise RateLimited."""
        if self._token is not None:
            self._token.take(response, str(request.token_id), units, told=True)

    def charge_weight(self, request: Request, response: falcon.Response, size: int) -> None:
        """Count the units for the size of an answer, for address and token; most answers cost none."""
        units = size // BYTES_A_UNIT
        if units and self._address is not None:
            self._address.charge(response, network_of(request.address), units, told=False)
        if units and self._token is not None:
            self._token.charge(response, str(request.token_id), units, told=True)


UNLIMITED = RateLimits()
