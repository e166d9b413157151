"""Who is at the other end of a call: its address without the port, and whether that is this machine. Pure."""

from __future__ import annotations

import ipaddress

__all__ = ["address_of", "is_local", "is_loopback"]


def address_of(peer: str) -> str:
    """The address in gRPC's name of a peer: `192.0.2.7` of `ipv4:192.0.2.7:40122`; other kinds of peers stay as they are."""
    kind, _, rest = peer.partition(":")
    if kind not in {"ipv4", "ipv6"}:
        return peer
    return rest.rpartition(":")[0].replace("%5B", "").replace("%5D", "").strip("[]")


def is_local(peer: str) -> bool:
    """Whether gRPC's name of a peer says that it is on this machine."""
    return peer.startswith("unix:") or is_loopback(address_of(peer))


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches the address; a name other than localhost is taken to be reachable."""
    if host == "localhost":
        return True
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return (mapped or address).is_loopback
