"""What a server must be told before it listens where other machines reach it. Pure: one rule."""

from __future__ import annotations

from framebatch.edge.peers import is_loopback
from framebatch.errors import UsageError

__all__ = ["check_exposure"]


def check_exposure(host: str, *, access: bool, anonymous: bool, encrypted: bool) -> str:
    """Answer what has to be said at the start, empty: nothing.

    Args:
        host: address to listen on.
        access: whether an access file is given.
        anonymous: whether everybody was allowed in so many words.
        encrypted: whether both ports speak TLS.

    Raises:
        UsageError: everybody who reaches the address could use the server, and nobody said that they may.
    """
    if is_loopback(host):
        return ""
    if access:
        return (
            ""
            if encrypted
            else "tokens travel in clear text: whoever reads the network's traffic has them; give --tls-certificate and --tls-key"
        )
    if not anonymous:
        raise UsageError(
            f"setting 'host' is {host!r}: other machines could use this server, and none would have to say who it is. "
            "Make tokens (framebatch access add NAME --role camera --file access.toml) and give the file with --access; "
            "or allow everybody with --anonymous"
        )
    return f"setting 'anonymous' is true: whoever reaches {host} may send frames under any camera's name, and see all figures"
