"""What runs on a device: a batch, a run that keeps it warm, the repair of a session. Decides nothing."""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, Final

from framebatch.batching.recovery import hang_bound_ns
from framebatch.clock import SECOND_NS
from framebatch.logs import event

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from framebatch.batching.interfaces import Detected
    from framebatch.batching.rows import Entry
    from framebatch.scheduling import ServiceEstimate

__all__ = ["Batch", "Job", "Repair", "Warm"]

log = logging.getLogger(__name__)

REPAIR_BOUND_NS: Final = 600 * SECOND_NS
"""Loading and warming a session may build engines for each bucket; beyond this it is taken for a device that hangs."""


class Job(ABC):
    """Something that takes the device for a while. Belongs to a lane between `work` and `finished`."""

    __slots__ = ("dispatched_ns", "error", "finish_ns", "owner")

    alone = False
    """Whether nothing else may run meanwhile."""

    def __init__(self, owner: object) -> None:
        self.owner = owner
        self.dispatched_ns = 0
        self.finish_ns = 0
        self.error: Exception | None = None

    @abstractmethod
    def expected_ns(self) -> int:
        """How long the device will take, by the present estimate."""

    @abstractmethod
    def bound_ns(self) -> int:
        """A device that takes longer than this and `DeviceQueue`'s own bound hangs."""

    @abstractmethod
    def work(self) -> None:
        """On a lane. What it raises becomes `error`."""

    @abstractmethod
    def finished(self) -> None:
        """On the event loop, once, after `work`."""


class Batch(Job):
    """Entries that are run together. Its entries' pixels must not be touched while it is with a lane."""

    __slots__ = ("_detect", "_done", "_estimate", "bucket", "detected", "entries")

    def __init__(
        self,
        entries: list[Entry],
        bucket: int,
        *,
        owner: object,
        estimate: ServiceEstimate,
        detect: Callable[[Sequence[Any]], Detected],
        done: Callable[[Batch], None],
    ) -> None:
        super().__init__(owner)
        self.entries = entries
        self.bucket = bucket
        self.detected: Detected | None = None
        self._estimate = estimate
        self._detect = detect
        self._done = done

    def __repr__(self) -> str:
        return f"Batch({len(self.entries)} in {self.bucket})"

    def expected_ns(self) -> int:
        """By the middle estimate."""
        return self._estimate.mid_ns[len(self.entries)]

    def bound_ns(self) -> int:
        """By the high estimate."""
        return hang_bound_ns(self._estimate.high_ns[len(self.entries)])

    def work(self) -> None:
        """Run it."""
        self.detected = self._detect([entry.prepared for entry in self.entries])

    def finished(self) -> None:
        """Back to its owner."""
        self._done(self)


class Warm(Job):
    """A run of the smallest batch for nobody."""

    __slots__ = ("_estimate", "_warm")

    def __init__(self, owner: object, *, estimate: ServiceEstimate, warm: Callable[[], None]) -> None:
        super().__init__(owner)
        self._estimate = estimate
        self._warm = warm

    def expected_ns(self) -> int:
        """As long as one frame."""
        return self._estimate.mid_ns[1]

    def bound_ns(self) -> int:
        """Likewise."""
        return hang_bound_ns(self._estimate.high_ns[1])

    def work(self) -> None:
        """Run it."""
        self._warm()

    def finished(self) -> None:
        """Nobody waits for it; what a failure means shows with the next frame."""
        if self.error is not None:
            log.warning(
                "keeping the device warm failed: %s", self.error, extra=event("device.warm_failed", reason=self.error)
            )


class Repair(Job):
    """See whether the session works, and open it anew if not."""

    __slots__ = ("_done", "_must_reopen", "_reopen", "_warm", "reopened")

    alone = True

    def __init__(
        self,
        owner: object,
        *,
        reopen: Callable[[], None] | None,
        warm: Callable[[], None] | None,
        must_reopen: bool,
        done: Callable[[Repair], None],
    ) -> None:
        super().__init__(owner)
        self.reopened = False
        self._reopen = reopen
        self._warm = warm
        self._must_reopen = must_reopen
        self._done = done

    def expected_ns(self) -> int:
        """Unknown. Frames that come meanwhile are admitted as if it ended at once, and wait."""
        return 0

    def bound_ns(self) -> int:
        """Long."""
        return REPAIR_BOUND_NS

    def work(self) -> None:
        """Raises what the last attempt raised."""
        if not self._must_reopen and self._warm is not None:
            try:
                self._warm()
            except Exception as error:
                if self._reopen is None:
                    raise
                log.warning(
                    "a run without frames failed too: %s", error, extra=event("device.check_failed", reason=error)
                )
            else:
                return
        if self._reopen is not None:
            self._reopen()
            self.reopened = True
        if self._warm is not None:
            self._warm()

    def finished(self) -> None:
        """Back to its owner."""
        self._done(self)
