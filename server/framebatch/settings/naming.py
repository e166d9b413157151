"""Names of settings: which one was probably meant. Pure."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["nearest"]


def nearest(name: str, known: Iterable[str]) -> str:
    """Answer the known name that is most like this one; `known` must not be empty."""
    return get_close_matches(name, list(known), n=1, cutoff=0.0)[0]
