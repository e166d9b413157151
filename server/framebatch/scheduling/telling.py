"""Telling a camera that its rate does not fit: what the device carries, what it is asked for, what the camera got. Pure.

A frame that is lost once is told why by its own reason. Here is counted what becomes of a camera's frames over time, so
that one that loses frames again and again hears that it is no accident.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from framebatch.clock import SECOND_NS
from framebatch.frame import Outcome

if TYPE_CHECKING:
    from framebatch.frame import Frame
    from framebatch.scheduling.policy import Policy

__all__ = ["Tally"]

FITS: Final = 0.9
"""Of a camera's frames answered: with less its rate does not fit, while the device is overloaded."""
FEWEST: Final = 10
"""Before so many frames of a camera nothing is said."""
GAIN: Final = 1 / 64
"""Of one frame in a camera's share: about the last 64 frames count."""
RATE_GAIN: Final = 1 / 16
GONE_NS: Final = 10 * SECOND_NS
"""A camera that was silent for so long is not counted any more."""
MOST_CAMERAS: Final = 4096
"""More are not remembered, however many names are sent."""
LOST: Final = frozenset((Outcome.EXPIRED, Outcome.REJECTED, Outcome.SUPERSEDED))


class _Sender:
    """One camera's frames of late: how far apart, and how many of them were answered, of how many ended so far."""

    __slots__ = ("answered", "ended", "gap_ns", "last_ns", "sent")

    def __init__(self) -> None:
        self.last_ns = 0
        self.gap_ns = 0.0
        self.sent = 0
        self.ended = 0
        self.answered = 1.0


class Tally:
    """What becomes of the frames of each camera of one model.

    `arrived` and `answered` are O(1), `not_fitting` O(n) for n cameras.
    """

    def __init__(self) -> None:
        self._senders: dict[str, _Sender] = {}

    def __repr__(self) -> str:
        return f"Tally({len(self._senders)} cameras)"

    def arrived(self, camera: str, now_ns: int) -> None:
        """A frame of it has arrived."""
        sender = self._senders.get(camera)
        if sender is None:
            if len(self._senders) >= MOST_CAMERAS:
                del self._senders[next(iter(self._senders))]
            sender = self._senders[camera] = _Sender()
        elif now_ns > sender.last_ns:
            sender.sent += 1
            sender.gap_ns += max(RATE_GAIN, 1 / sender.sent) * (now_ns - sender.last_ns - sender.gap_ns)
        sender.last_ns = now_ns

    def answered(self, frame: Frame) -> None:
        """A frame has its outcome. Frames that are at fault themselves, or failed, say nothing of rates."""
        sender = self._senders.get(frame.camera)
        lost = frame.outcome in LOST
        if sender is None or not (lost or frame.outcome is Outcome.OK):
            return
        sender.ended += 1
        sender.answered += max(GAIN, 1 / sender.ended) * ((not lost) - sender.answered)

    def not_fitting(self, policy: Policy, now_ns: int) -> int:
        """How many cameras that send now got less than nine tenths of their frames answered, while there is overload."""
        if not policy.overloaded_at(now_ns):
            return 0
        return sum(_suffers(each) and now_ns - each.last_ns < GONE_NS for each in self._senders.values())

    def tell(self, policy: Policy, camera: str) -> str:
        """To be added to the reason of a lost frame: why the camera loses so many; empty where it does not."""
        sender = self._senders.get(camera)
        if sender is None or not _suffers(sender) or not policy.overloaded:
            return ""
        carried = policy.carried_per_second
        others = f" (other models ask for {policy.other_load:.0%} of it)" if policy.other_load else ""
        rate = SECOND_NS / sender.gap_ns if sender.gap_ns else 0.0
        return (
            f"; the device carries {carried:.0f} frames/s at these budgets and is asked for {policy.load * carried:.0f}"
            f"{others}; this camera sends {rate:.3g} a second and lately got {sender.answered:.0%} answered"
        )


def _suffers(sender: _Sender) -> bool:
    return sender.ended >= FEWEST and sender.answered < FITS
