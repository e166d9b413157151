"""framebatch.app.doors: where a browser finds a server."""

from __future__ import annotations

import socket

import pytest

from framebatch.app.doors import url_of


@pytest.mark.parametrize(
    ("host", "encrypted", "expected"),
    [
        ("127.0.0.1", False, "http://127.0.0.1:8002/"),
        ("::1", False, "http://[::1]:8002/"),
        ("edge-1", True, "https://edge-1:8002/"),
        ("0.0.0.0", True, f"https://{socket.gethostname()}:8002/"),
        ("::", False, f"http://{socket.gethostname()}:8002/"),
    ],
)
def test_the_address_is_one_that_a_browser_takes(host: str, *, encrypted: bool, expected: str) -> None:
    """A server that listens everywhere is called by its machine's name, as 0.0.0.0 leads nowhere."""
    assert url_of(host, 8002, encrypted=encrypted) == expected
