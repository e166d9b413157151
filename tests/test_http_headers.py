"""framebatch.edge.http_headers: what browsers are told with every page."""

from __future__ import annotations

from framebatch.edge.http_headers import careful


def test_a_page_says_only_what_it_needs_beside_what_all_say() -> None:
    """Nothing is loaded but its own style; a directive more allows one thing more."""
    strict = "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    assert careful()["content-security-policy"] == strict
    assert careful("script-src 'self'") == careful() | {"content-security-policy": f"{strict}; script-src 'self'"}
