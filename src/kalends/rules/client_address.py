"""The address of a client: the peer of the connection, or the address that a trusted proxy reports."""

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

MOST_HOPS = 32
"""The number of entries that are read, from the end of X-Forwarded-For; further ones are not trusted."""

OWN_BITS = 64
"""The length of the network that is counted as one caller: an IPv6 client usually has all of its addresses."""


def client_address(peer: str, forwarded: str, trusted: Sequence[Network]) -> str:
    """Return the rightmost address that is not a trusted proxy's; the peer is the rightmost of all.

    Only what a trusted proxy has appended to X-Forwarded-For is trusted: what the client has sent stands further left.
    If an entry is not an address, return the address of the proxy that appended it.
    """
    hop = address_in(peer)
    if hop is None:
        return peer
    for text in reversed(forwarded.rsplit(",", MOST_HOPS)):
        if not any(hop in network for network in trusted):
            break
        before = address_in(text)
        if before is None:
            break
        hop = before
    return str(hop)


def address_in(text: str) -> Address | None:
    """Return the address in a text, which may have brackets or a port as some proxies write it; None for other text."""
    text = text.strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ip_address(text)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def network_of(address: str) -> str:
    """Return what counts as one caller: an IPv4 address, or the network of an IPv6 address."""
    if ":" not in address:
        return address
    found = address_in(address)
    if not isinstance(found, IPv6Address):
        return address if found is None else str(found)
    return str(IPv6Address(int(found) >> OWN_BITS << OWN_BITS))
