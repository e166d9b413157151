"""How many calls each peer has open, so that none has all that the server takes. Counts; ends no call."""

from __future__ import annotations

from collections import Counter
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["OpenCalls"]


class OpenCalls:
    """By peer. Invariant: nobody has more than `most`, and who has none is not remembered."""

    def __init__(self, most: int) -> None:
        self.most = most
        self._of: Counter[str] = Counter()

    def __repr__(self) -> str:
        return f"OpenCalls({self._of.total()} of {len(self._of)} peers, most={self.most})"

    @contextmanager
    def one_of(self, peer: str) -> Iterator[bool]:
        """Count a call of the peer while it lasts; False: it has as many as it may, and this one is not counted."""
        taken = self._of[peer] < self.most
        self._of[peer] += taken
        try:
            yield taken
        finally:
            self._of[peer] -= taken
            if not self._of[peer]:
                del self._of[peer]
