"""What browsers are told with everything that people look at: nothing from elsewhere, and nothing to elsewhere."""

from __future__ import annotations

from typing import Final

__all__ = ["careful"]

POLICY: Final = "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"


def careful(*further: str) -> dict[str, str]:
    """The headers of an answer.

    Args:
        further: directives of Content-Security-Policy beside `POLICY`: what this page needs and others do not.
    """
    return {
        "content-security-policy": "; ".join((POLICY, *further)),
        "referrer-policy": "no-referrer",
        "x-content-type-options": "nosniff",
    }
