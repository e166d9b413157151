"""The token by which a server knows who calls: how it travels, and where it may.

It is a secret: nothing here puts it into a message, a log or a repr. Where commands find it belongs to ``access``.
"""

from __future__ import annotations

import ipaddress
import logging
import re

from framebatch_client.errors import InvalidRequest

log = logging.getLogger(__name__)

_ALLOWED = re.compile(r"[!-~]+")
_SCHEME = re.compile(r"(unix|unix-abstract|vsock|dns|ipv4|ipv6|xds):(//[^/]*/)?")
_LOCAL_SCHEMES = {"unix", "unix-abstract", "vsock"}


def metadata_of(token: str | None) -> tuple[tuple[str, str], ...]:
    """Give what every call carries.

    Raises:
        InvalidRequest: the token cannot be sent.
    """
    if token is None:
        return ()
    if not _ALLOWED.fullmatch(token):
        raise InvalidRequest("the token must be printable ASCII without spaces, and not empty; is it the whole line?")
    return (("authorization", f"Bearer {token}"),)


def warn_of_plain_text(server: str) -> None:
    """Log that a token goes to this server in plain text, unless it stays on this machine."""
    if not is_local(server):
        log.warning("the token goes to %s in plain text, where others can read it; use TLS (tls=, --ca)", server)


def is_local(server: str) -> bool:
    """Tell whether an address is of this machine."""
    scheme = _SCHEME.match(server)
    if scheme is not None and scheme[1] in _LOCAL_SCHEMES:
        return True
    host = server[scheme.end() if scheme else 0 :].rpartition(":")[0].strip("[]").lower()
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
