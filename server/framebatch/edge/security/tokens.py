"""Tokens: how they are made, written down and told apart. Pure but for the system's random numbers.

A token is `fb_` and 256 random bits, so that scanners of secrets find one that was published. Nobody can guess such a
number, so one SHA-256 of it is enough at rest; a slow hash is for passwords, which people choose (docs/decisions/0049).
"""

from __future__ import annotations

import hashlib
import re
import secrets
from typing import Final

__all__ = ["bearer", "digest", "is_digest", "new_token"]

PREFIX: Final = "fb_"
RANDOM_BYTES: Final = 32
LONGEST: Final = 256
"""More characters than that are no token, and are not hashed."""
_DIGEST: Final = re.compile(r"sha256:[0-9a-f]{64}")
_BEARER: Final = re.compile(r"bearer +(\S+) *", re.IGNORECASE)


def new_token() -> str:
    """A new token: 46 characters, safe in URLs and headers."""
    return PREFIX + secrets.token_urlsafe(RANDOM_BYTES)


def digest(token: str) -> str:
    """What the access file keeps of a token: `sha256:` and 64 hexadecimal digits."""
    return "sha256:" + hashlib.sha256(token.encode("utf-8", "surrogateescape")).hexdigest()


def is_digest(text: str) -> bool:
    """Whether it has the form of what `digest` answers."""
    return _DIGEST.fullmatch(text) is not None


def bearer(header: str | None) -> str:
    """The token of an `authorization` header, as `Bearer TOKEN`; empty when it holds none."""
    if header is None or len(header) > LONGEST:
        return ""
    found = _BEARER.fullmatch(header)
    return "" if found is None else found[1]
