"""The address of the client, and addresses that are only claimed."""

from ipaddress import ip_network

import pytest

from kalends.rules.client_address import MOST_HOPS, client_address, network_of

TRUSTED = [ip_network(text) for text in ("10.0.0.0/8", "2001:db8:1::/48")]


@pytest.mark.parametrize(
    ("peer", "forwarded", "client"),
    [
        ("192.0.2.7", "", "192.0.2.7"),
        ("10.0.0.1", "192.0.2.7", "192.0.2.7"),
        ("10.0.0.1", "192.0.2.7, 10.0.0.2", "192.0.2.7"),
        ("2001:db8:1::1", "2001:db8:9::5", "2001:db8:9::5"),
        ("::ffff:10.0.0.1", "192.0.2.7", "192.0.2.7"),
        ("10.0.0.1", "192.0.2.7:4711", "192.0.2.7"),
        ("10.0.0.1", "[2001:db8:9::5]:4711", "2001:db8:9::5"),
        ("10.0.0.1", " 192.0.2.7 ", "192.0.2.7"),
        ("10.0.0.1", "", "10.0.0.1"),
        ("10.0.0.1", "10.0.0.3, 10.0.0.2", "10.0.0.3"),
        ("", "192.0.2.7", ""),
        ("a socket", "192.0.2.7", "a socket"),
    ],
)
def test_the_client_is_the_rightmost_address_that_is_no_trusted_proxy(peer: str, forwarded: str, client: str) -> None:
    assert client_address(peer, forwarded, TRUSTED) == client


@pytest.mark.parametrize(
    ("peer", "forwarded", "client"),
    [
        ("192.0.2.7", "198.51.100.1", "192.0.2.7"),  # nobody trusted has said so
        ("192.0.2.7", "10.0.0.1", "192.0.2.7"),
        ("11.0.0.1", "198.51.100.1, 10.0.0.1", "11.0.0.1"),
        ("10.0.0.1", "198.51.100.1, 192.0.2.7", "192.0.2.7"),  # what a client wrote stands to the left
        ("10.0.0.1", "10.9.9.9, 192.0.2.7, 10.0.0.2", "192.0.2.7"),
        ("10.0.0.1", "198.51.100.1, unknown", "10.0.0.1"),
        ("10.0.0.1", "198.51.100.1, unknown, 10.0.0.2", "10.0.0.2"),
        ("10.0.0.1", "198.51.100.1,,10.0.0.2", "10.0.0.2"),
        ("10.0.0.1", "198.51.100.1,", "10.0.0.1"),
        ("10.0.0.1", "192.0.2.7\t; 198.51.100.1", "10.0.0.1"),
        ("10.0.0.1", "0x7f.1, 127.1", "10.0.0.1"),
        ("10.0.0.1", "[192.0.2.7", "192.0.2.7"),
        ("10.0.0.1", "198.51.100.1" + ", 10.0.0.2" * (MOST_HOPS + 1), "10.0.0.2"),
        ("10.0.0.1", "198.51.100.1" + ", 10.0.0.2" * 10_000, "10.0.0.2"),
    ],
)
def test_forged_addresses_are_ignored(peer: str, forwarded: str, client: str) -> None:
    assert client_address(peer, forwarded, TRUSTED) == client


@pytest.mark.parametrize(
    ("address", "block"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:9:1::5", "2001:db8:9:1::"),
        ("2001:db8:9:1:ffff::", "2001:db8:9:1::"),
        ("2001:db8:9:2::5", "2001:db8:9:2::"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("fe80::1%eth0", "fe80::"),
        ("", ""),
        ("unix:socket:", "unix:socket:"),
    ],
)
def test_callers_are_counted_by_block_of_addresses(address: str, block: str) -> None:
    assert network_of(address) == block
