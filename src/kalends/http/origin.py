"""The address of the service as its callers know it, from a request: for examples that can be pasted."""

import re
from collections.abc import Sequence

from kalends.http.request import Request
from kalends.rules.client_address import Network, address_in

LONGEST_HOST = 255

HOST = re.compile(r"(?:[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*|\[[0-9a-f:.]{2,45}\])(?::[0-9]{1,5})?", re.IGNORECASE)
"""A host name or an address, with or without a port; a client may send any other text."""


def origin_of(request: Request, trusted_proxies: Sequence[Network]) -> str:
    """Return scheme and host of the service, such as `https://example.org`; empty if Host is invalid.

    The scheme is taken from X-Forwarded-Proto if the proxy is trusted. Of several values the last one counts, which
    this proxy has written.
    """
    host = request.header("Host") or ""
    if len(host) > LONGEST_HOST or not HOST.fullmatch(host):
        return ""
    scheme = "https" if request.scheme == "https" else "http"
    peer = address_in(request.env.get("REMOTE_ADDR", ""))
    if peer is not None and any(peer in network for network in trusted_proxies):
        forwarded = (request.header("X-Forwarded-Proto") or "").rpartition(",")[2].strip().lower()
        scheme = forwarded if forwarded in ("http", "https") else scheme
    return f"{scheme}://{host}"
