"""Who is at the other end: the peer of the connection, or whom a trusted proxy names."""

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

MOST_HOPS = 32
"""Looked at from the end of X-Forwarded-For; whoever sends more is not believed further."""

OWN_BITS = 64
"""Who has one address of version 6 has all that begin with the same 64 bits."""


def client_address(peer: str, forwarded: str, trusted: Sequence[Network]) -> str:
    """Give the rightmost address that is not a trusted proxy's, looking at the peer first.

    Only what a trusted proxy has appended to X-Forwarded-For is believed: whatever a client put there itself stands
    further left. Where something else than an address comes first, it is the proxy that wrote it.
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
    """Read an address, in brackets or with a port as some proxies write it; None for anything else."""
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
    """Give what is counted as one caller: an address of version 4, or the block that one of version 6 lies in."""
    if ":" not in address:
        return address
    found = address_in(address)
    if not isinstance(found, IPv6Address):
        return address if found is None else str(found)
    return str(IPv6Address(int(found) >> OWN_BITS << OWN_BITS))
