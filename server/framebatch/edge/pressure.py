"""When the host itself cannot keep up with reading: how many cameras to turn away, so that the others are served.

Refusing a frame costs about as much as reading it. When even that is too much, frames grow old in the sockets, where
nobody sees their age, and all cameras are answered late. Fewer cameras is then the only help. Pure: is told the time.
"""

from __future__ import annotations

from collections import deque
from typing import Final

from framebatch.clock import MILLISECOND_NS, SECOND_NS, ns_to_ms

__all__ = ["SAMPLE_NS", "Pressure"]

SAMPLE_NS: Final = 50 * MILLISECOND_NS
SAMPLES: Final = 8
MIN_LATENESS_NS: Final = 20 * MILLISECOND_NS
BUDGET_SHARE: Final = 0.4
STREAM_SHARE: Final = 0.05
HOLD_NS: Final = 10 * SECOND_NS


class Pressure:
    """Watches how late the event loop is.

    Overloaded means: for eight samples in a row (0.4 s) the loop was later than 40 % of the frames' usual budget, and
    than 20 ms. As long as that holds, one stream in twenty is turned away with each sample; new streams are refused for
    ten seconds after the last. A passing hiccup is no overload.
    """

    def __init__(self) -> None:
        self._lateness_ns: deque[int] = deque(maxlen=SAMPLES)
        self._hold_until_ns = 0

    def __repr__(self) -> str:
        return f"Pressure(lateness={ns_to_ms(self.lateness_ns):.1f} ms, hold_until={self._hold_until_ns})"

    @property
    def lateness_ns(self) -> int:
        """How late the loop was at the last sample."""
        return self._lateness_ns[-1] if self._lateness_ns else 0

    def sample(self, lateness_ns: int, *, budget_ns: float, streams: int, now_ns: int) -> int:
        """Note how late the loop is; returns how many of the open streams to turn away now.

        Args:
            lateness_ns: by how much a timer was late.
            budget_ns: the usual budget of frames.
            streams: open streams.
            now_ns: the current time.
        """
        self._lateness_ns.append(lateness_ns)
        limit_ns = max(MIN_LATENESS_NS, BUDGET_SHARE * budget_ns)
        if streams <= 1 or len(self._lateness_ns) < SAMPLES or min(self._lateness_ns) < limit_ns:
            return 0
        self._hold_until_ns = now_ns + HOLD_NS
        return max(1, round(STREAM_SHARE * streams))

    def accepts(self, now_ns: int) -> bool:
        """Whether new streams are taken."""
        return now_ns >= self._hold_until_ns
