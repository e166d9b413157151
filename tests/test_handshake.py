"""framebatch_client.handshake: from gRPC's words to what can be checked."""

from __future__ import annotations

import pytest

from framebatch_client.handshake import Shown, advice

VERIFY = "Tls handshake failed (TSI_PROTOCOL_FAILURE): SSL_ERROR_SSL: error:1000007d:SSL routines:OPENSSL_internal:CERTIFICATE_VERIFY_FAILED: "


@pytest.mark.parametrize(
    ("details", "shown", "words"),
    [
        (VERIFY + "certificate has expired: OK", "TLS", "has expired, or this machine's clock"),
        (VERIFY + "certificate is not yet valid: OK", "TLS", "is not valid yet, or this machine's clock"),
        (VERIFY + "unable to get local issuer certificate: OK", "TLS", "of no authority that is trusted here"),
        ("UNAUTHENTICATED: Hostname Verification Check failed.", "TLS", "for another name"),
        ("OPENSSL_internal:WRONG_VERSION_NUMBER: Invalid", "TLS", "speaks no TLS on this port"),
        ("Cannot check peer: missing selected ALPN property.", "TLS", "no gRPC port"),
        ("ipv4:127.0.0.1:1: Socket closed", "plain text", "if the server speaks TLS"),
        ("ipv4:127.0.0.1:1: Socket closed", "TLS", "may want a client's certificate"),
        ("recvmsg:Connection reset by peer", "TLS with a certificate", "may have refused this client's certificate"),
    ],
)
def test_words_of_a_handshake_tell_what_to_check(details: str, shown: Shown, words: str) -> None:
    """As gRPC 1.85 writes them; where the server only closed, it depends on what it was shown."""
    assert words in advice(details, shown)


@pytest.mark.parametrize("shown", ["plain text", "TLS", "TLS with a certificate"])
@pytest.mark.parametrize(
    "details", ["Failed to connect to remote host: Connection refused", "DNS resolution failed", ""]
)
def test_other_words_are_left_alone(details: str, shown: Shown) -> None:
    """Nobody there is nobody there."""
    assert advice(details, shown) == ""
