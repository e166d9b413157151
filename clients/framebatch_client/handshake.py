"""What to check when a connection does not come about, as far as gRPC's words tell. Pure.

Servers tell gRPC's clients nothing of why they refuse a certificate: the connection is just closed.
"""

from __future__ import annotations

import re
from typing import Literal, TypeAlias

Shown: TypeAlias = Literal["plain text", "TLS", "TLS with a certificate"]

_BY_WORDS = (
    (
        r"CERTIFICATE_VERIFY_FAILED.*has expired",
        "the server's certificate has expired, or this machine's clock is wrong",
    ),
    (
        r"CERTIFICATE_VERIFY_FAILED.*not yet valid",
        "the server's certificate is not valid yet, or this machine's clock is wrong",
    ),
    (
        r"CERTIFICATE_VERIFY_FAILED",
        "the server's certificate is of no authority that is trusted here; give the authority's certificate (ca, --ca)",
    ),
    (
        r"Hostname Verification|is not in peer certificate",
        "the server's certificate is for another name; call it by one that it has, or give that (server_name, --server-name)",
    ),
    (r"WRONG_VERSION_NUMBER", "the server speaks no TLS on this port; leave out TLS, or correct the port"),
    (r"ALPN", "this is no gRPC port; it may be the server's HTTP port"),
)
_CLOSED = re.compile(r"Socket closed|Connection reset|Broken pipe|handshaker shutdown", re.IGNORECASE)
_WHEN_CLOSED: dict[Shown, str] = {
    "plain text": "if the server speaks TLS, the client must too (tls, --tls or --ca)",
    "TLS": "the server may want a client's certificate (certificate and key, --certificate and --key)",
    "TLS with a certificate": "the server may have refused this client's certificate: has it expired, and is it of an "
    "authority that the server knows (tls_client_ca)?",
}


def advice(details: str, shown: Shown) -> str:
    """Answer what to check, given gRPC's words for a connection that failed; empty where they say nothing of TLS."""
    for words, text in _BY_WORDS:
        if re.search(words, details, re.DOTALL):
            return text
    return _WHEN_CLOSED[shown] if _CLOSED.search(details) else ""
