"""framebatch.edge.peers: addresses without ports, and which are this machine's."""

from __future__ import annotations

import pytest

from framebatch.edge.peers import address_of, is_loopback


@pytest.mark.parametrize(
    ("peer", "address"),
    [
        ("ipv4:192.0.2.7:40122", "192.0.2.7"),
        ("ipv6:%5B2001:db8::7%5D:40122", "2001:db8::7"),
        ("ipv6:[::1]:40122", "::1"),
        ("unix:/run/framebatch.sock", "unix:/run/framebatch.sock"),
        ("unknown", "unknown"),
    ],
)
def test_a_peer_is_its_address(peer: str, address: str) -> None:
    """Without the port, which differs with every connection."""
    assert address_of(peer) == address


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("127.0.0.1", True),
        ("127.8.9.1", True),
        ("::1", True),
        ("::ffff:127.0.0.1", True),
        ("::ffff:192.0.2.7", False),
        ("localhost", True),
        ("0.0.0.0", False),
        ("::", False),
        ("192.0.2.7", False),
        ("edge.example", False),
        ("", False),
    ],
)
def test_only_this_machines_own_addresses_are_its_own(host: str, *, expected: bool) -> None:
    """A name could mean any address."""
    assert is_loopback(host) is expected
