"""What each camera did lately, for as many cameras as a page can show. Times are passed in.

Where there is no place left, cameras that have been silent for a minute give theirs to others.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final

from framebatch.app.live.windows import Counts
from framebatch.clock import SECOND_NS
from framebatch.frame import Outcome

if TYPE_CHECKING:
    from framebatch.frame import Frame, Priority

__all__ = ["MAX_CAMERAS", "OUTCOMES", "Camera", "Cameras"]

MAX_CAMERAS: Final = 256
MAX_LEFT_OUT: Final = 4096
LATENCIES: Final = 128
"""Of each camera's last answers: a p95 over ten seconds of up to 12.8 frames a second, and over fewer seconds above."""
GONE_NS: Final = 60 * SECOND_NS
OUTCOMES: Final = tuple(Outcome)


class Camera:
    """One camera; see the state document in docs/status-page.md for what the fields become."""

    __slots__ = (
        "arrival_ns",
        "budget_ns",
        "counts",
        "ended",
        "found",
        "latencies_ns",
        "latency_ns",
        "live",
        "model",
        "outcome",
        "priority",
        "reason",
    )

    def __init__(self, model: str, arrival_ns: int) -> None:
        self.ended: dict[Outcome, int] = dict.fromkeys(OUTCOMES, 0)
        self.counts = Counts((0,) * len(OUTCOMES))
        self.latencies_ns: deque[int] = deque(maxlen=LATENCIES)
        self.model = model
        self.arrival_ns = arrival_ns
        self.live: bool | None = None
        self.priority: Priority | None = None
        self.outcome: Outcome | None = None
        self.reason = ""
        self.latency_ns: int | None = None
        self.budget_ns: int | None = None
        self.found: int | None = None

    def __repr__(self) -> str:
        return f"Camera({self.model!r}, ended={sum(self.ended.values())}, last={self.outcome})"

    def answered(self, frame: Frame, outcome: Outcome) -> None:
        """A frame of it has its outcome. O(1)."""
        self.ended[outcome] += 1
        self.model = frame.model.name or self.model
        self.arrival_ns = frame.arrival_ns
        self.budget_ns = frame.deadline_ns - frame.arrival_ns
        self.live = frame.live
        self.priority = frame.priority
        self.outcome = outcome
        self.reason = frame.reason
        if outcome is Outcome.OK:
            self.latency_ns = latency_ns = frame.answered_ns - frame.arrival_ns
            self.latencies_ns.append(latency_ns)
            self.found = 0 if frame.detections is None else len(frame.detections)

    def p95_ns(self, answered: int) -> int | None:
        """Of the last so many answers; None of none. O(n log n) for those that are kept."""
        latencies = self.latencies_ns
        number = min(answered, len(latencies))
        if not number:
            return None
        last = list(latencies)[-number:]
        last.sort()
        return last[round(0.95 * (number - 1))]


class Cameras:
    """By name. Invariant: there are at most `MAX_CAMERAS` of them, and at most `MAX_LEFT_OUT` names of others."""

    def __init__(self, most: int = MAX_CAMERAS) -> None:
        self._most = most
        self.shown: dict[str, Camera] = {}
        self._left_out: dict[str, int] = {}

    def __repr__(self) -> str:
        return f"Cameras({len(self.shown)} shown, {len(self._left_out)} left out)"

    def get(self, name: str) -> Camera | None:
        """The camera, where it is shown."""
        return self.shown.get(name)

    def admit(self, name: str, model: str, arrival_ns: int) -> Camera | None:
        """Show another camera; None where there is no place for it, which is remembered. O(1)."""
        if len(self.shown) >= self._most:
            if name in self._left_out or len(self._left_out) < MAX_LEFT_OUT:
                self._left_out[name] = arrival_ns
            return None
        self._left_out.pop(name, None)
        camera = self.shown[name] = Camera(model, arrival_ns)
        return camera

    @property
    def left_out(self) -> int:
        """How many cameras sent in the minute before the last `tidy`, or since, and are not shown."""
        return len(self._left_out)

    def tidy(self, now_ns: int) -> list[str]:
        """Forget who is gone: of those left out all, of those shown as many as others wait for; names the latter."""
        self._left_out = {name: last for name, last in self._left_out.items() if now_ns - last < GONE_NS}
        if not self._left_out:
            return []
        silent = [name for name, each in self.shown.items() if now_ns - each.arrival_ns >= GONE_NS]
        silent.sort(key=lambda name: self.shown[name].arrival_ns)
        gone = silent[: len(self._left_out)]
        for name in gone:
            del self.shown[name]
        return gone
