"""When to send the next frame and when to try a connection again, decided from times that are passed in.

Pure: no clock, no sleeping, no random source of its own.
"""

from __future__ import annotations

import math

from framebatch_client.errors import InvalidRequest

_NS_PER_SECOND = 1_000_000_000
_MAX_BEHIND_NS = _NS_PER_SECOND
_FIRST_BACKOFF_SECONDS = 0.1


class Pacer:
    """Due times of an open-loop sender: frame k is due at ``start + k / fps``, whatever happened to the frames before.

    A frame sent more than half a period after it was due counts as late. Who falls behind catches up by sending without
    a pause, but never a burst of more than one second: then the plan moves, and the frames in between count as late too.
    """

    def __init__(self, *, fps: float, start_ns: int) -> None:
        """Plan from ``start_ns`` on, at ``fps`` frames a second; raises InvalidRequest when that is no positive number."""
        self._period_ns = next_frame_ms(fps) * 1e6
        self._start_ns = start_ns
        self._count = 0

    def __repr__(self) -> str:
        """Show the rate and how far it got."""
        return f"<Pacer {_NS_PER_SECOND / self._period_ns:g} fps, {self._count} sent, next due at {self.due_ns} ns>"

    @property
    def due_ns(self) -> int:
        """When the next frame is due, on the clock of ``start_ns``."""
        return self._start_ns + round(self._count * self._period_ns)

    def sent(self, now_ns: int) -> int:
        """Note that the due frame went out (or was given up) at ``now_ns``; return how many more frames are late."""
        behind_ns = now_ns - self.due_ns
        late = int(behind_ns > self._period_ns / 2)
        self._count += 1
        if behind_ns > max(_MAX_BEHIND_NS, self._period_ns):
            missed = int(behind_ns / self._period_ns)
            self._start_ns += round(missed * self._period_ns)
            late += missed
        return late


def next_frame_ms(fps: float) -> float:
    """Milliseconds from frame to frame; raises InvalidRequest when ``fps`` is no positive number."""
    if not (fps > 0 and math.isfinite(fps)):
        raise InvalidRequest(f"fps must be a number greater than 0, not {fps!r}")
    return 1000.0 / fps


def backoff_seconds(failures: int, *, chance: float, longest_seconds: float) -> float:
    """Pause before trying again after ``failures`` (1 or more) attempts without success in a row.

    Doubles from 0.1 s up to ``longest_seconds``; ``chance`` (0 to 1) spreads it over the upper half, so that many
    cameras that lost the same server do not come back in step.
    """
    full = min(longest_seconds, _FIRST_BACKOFF_SECONDS * 2.0 ** min(failures - 1, 32))
    return full * (0.5 + chance / 2)
