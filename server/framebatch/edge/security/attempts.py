"""How often an address may try to log in. Pure; time is passed in."""

from __future__ import annotations

from collections import deque
from typing import Final

from framebatch.clock import SECOND_NS

__all__ = ["Attempts"]

MOST_WRONG: Final = 10
WITHIN_NS: Final = 60 * SECOND_NS
MOST_ADDRESSES: Final = 1024
"""More are not remembered: the one that was wrong first is forgotten first."""


class Attempts:
    """Wrong attempts of the last minute, by address."""

    def __init__(self) -> None:
        self._wrong: dict[str, deque[int]] = {}

    def __repr__(self) -> str:
        return f"Attempts(addresses={len(self._wrong)})"

    def wait_ns(self, address: str, now_ns: int) -> int:
        """How long the address must wait before it may try; 0: not at all."""
        times = self._wrong.get(address)
        if times is None or len(times) < MOST_WRONG:
            return 0
        return max(0, times[0] + WITHIN_NS - now_ns)

    def wrong(self, address: str, now_ns: int) -> None:
        """An attempt failed."""
        if address not in self._wrong and len(self._wrong) >= MOST_ADDRESSES:
            del self._wrong[next(iter(self._wrong))]
        self._wrong.setdefault(address, deque(maxlen=MOST_WRONG)).append(now_ns)
