"""Carries out what recovery decides for one model: smaller batches, halves, a repaired session. On the event loop.

The frames stay the batcher's: it is told which to put back and which to fail, and asked for nothing.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from typing import TYPE_CHECKING

from framebatch.batching.jobs import Repair
from framebatch.batching.recovery import Action, Recovery
from framebatch.clock import SECOND_NS, now_ns, ns_to_seconds
from framebatch.errors import DeviceMemoryError, FramebatchError
from framebatch.logs import event

if TYPE_CHECKING:
    from collections.abc import Callable

    from framebatch.batching.device import DeviceQueue
    from framebatch.batching.interfaces import HealthReport
    from framebatch.batching.jobs import Batch
    from framebatch.batching.rows import Entry
    from framebatch.scheduling import Policy

__all__ = ["Mending"]

log = logging.getLogger(__name__)


class Mending:
    """Failed batches of one model, until their frames are answered.

    Invariants: an entry is in at most one of `parts`; at most one repair is under way.
    """

    def __init__(
        self,
        owner: object,
        device: DeviceQueue,
        *,
        policy: Policy,
        name: str,
        reopen: Callable[[], None] | None,
        warm: Callable[[], None] | None,
        on_health: HealthReport | None,
        put_back: Callable[[Entry], None],
        fail: Callable[[Entry, Exception], None],
        shut: Callable[[str], None],
    ) -> None:
        """Set up for a model that works.

        Args:
            owner: of the jobs.
            device: runs repairs.
            policy: is told how large batches may be.
            name: of the model, for the log.
            reopen: see `Batcher`.
            warm: see `Batcher`.
            on_health: see `Batcher`.
            put_back: an entry is ready again.
            fail: an entry is answered FAILED.
            shut: answer everything and refuse what comes, for this reason; an empty one ends that.
        """
        self.recovery = Recovery(
            policy.estimate.table.buckets, can_check=warm is not None, can_reopen=reopen is not None
        )
        self.parts: deque[list[Entry]] = deque()
        """What is run before anything else, each as a batch of its own."""
        self._owner = owner
        self._device = device
        self._policy = policy
        self._name = name
        self._reopen = reopen
        self._warm = warm
        self._on_health = on_health
        self._put_back = put_back
        self._fail = fail
        self._shut = shut
        self._told_ns: dict[Action, int] = {}
        self._repairing = False
        self._down = False
        self._closed = False
        self._retry_timer: asyncio.TimerHandle | None = None

    def __repr__(self) -> str:
        state = "down" if self._down else "repairing" if self._repairing else "working"
        return f"Mending({state}, parts={len(self.parts)}, {self.recovery!r})"

    def succeeded(self, bucket: int, now: int) -> None:
        """A batch came back in this bucket."""
        if self.recovery.succeeded(bucket, now):
            self._policy.limit_batch(self.recovery.cap)
            log.info(
                "%s: batches of up to %d are tried again",
                self._name,
                self.recovery.cap,
                extra=event("batch.limit_raised", model=self._name, max_batch=self.recovery.cap),
            )

    def failed(self, batch: Batch, owed: list[Entry], error: Exception) -> None:
        """A batch failed; `owed` are those of its entries that still want an answer."""
        if isinstance(error, DeviceMemoryError):
            cap = self.recovery.cap
            verdict = self.recovery.out_of_memory(batch.bucket, now_ns())
            if self.recovery.cap < cap:
                self._policy.limit_batch(self.recovery.cap)
                log.warning(
                    "%s: %s; batches of at most %d from now on",
                    self._name,
                    error,
                    self.recovery.cap,
                    extra=event("batch.limit_lowered", model=self._name, max_batch=self.recovery.cap, reason=error),
                )
            if verdict.action is Action.FAIL:
                self._tell(batch, error, verdict.action)
        else:
            verdict = self.recovery.failed(len(batch.entries), len(owed), now_ns())
            self._tell(batch, error, verdict.action)
        if verdict.action is Action.WAIT:
            for entry in owed:
                self._put_back(entry)
        elif verdict.action is Action.SPLIT:
            half = (len(owed) + 1) // 2
            self.parts.extendleft(part for part in (owed[half:], owed[:half]) if part)
        elif verdict.action is Action.RETRY:
            self.parts.appendleft(owed)
        else:
            for entry in owed:
                self._fail(entry, error)
        if verdict.repair:
            self._repair(must_reopen=verdict.reopen)

    def _tell(self, batch: Batch, error: Exception, action: Action) -> None:
        """A line in the log, at most one a second for each kind of failure: the counts know them all."""
        now = now_ns()
        if now < self._told_ns.get(action, 0) + SECOND_NS:
            return
        self._told_ns[action] = now
        trace = None if isinstance(error, FramebatchError) else error
        what = "a frame failed alone" if len(batch.entries) == 1 else f"a batch of {len(batch.entries)} failed"
        frames = len(batch.entries)
        said = event("batch.failed", model=self._name, frames=frames, reason=error, action=action.name.lower())
        log.error("%s: %s: %s; %s", self._name, what, error, action.value, exc_info=trace, extra=said)

    def close(self) -> None:
        """Try nothing more."""
        self._closed = True
        if self._retry_timer is not None:
            self._retry_timer.cancel()

    def _repair(self, *, must_reopen: bool) -> None:
        if self._repairing or self._closed:
            return
        self._repairing = True
        self._device.run_alone(
            Repair(self._owner, reopen=self._reopen, warm=self._warm, must_reopen=must_reopen, done=self._repaired)
        )

    def _repaired(self, repair: Repair) -> None:
        self._repairing = False
        if repair.error is None:
            self.recovery.repaired(reopened=repair.reopened)
            log.warning(
                "%s: the session %s",
                self._name,
                "was opened anew" if repair.reopened else "works",
                extra=event("session.repaired", model=self._name, reopened=repair.reopened),
            )
            if self._down:
                self._down = False
                self._shut("")
                self._report(healthy=True, reason="")
            return
        pause_seconds = ns_to_seconds(self.recovery.down_ns())
        log.error(
            "%s: the session cannot be opened: %s; next attempt in %g s",
            self._name,
            repair.error,
            pause_seconds,
            extra=event("session.broken", model=self._name, reason=repair.error, retry_seconds=pause_seconds),
        )
        reason = f"the device failed, and opening the model anew did too: {repair.error}"
        self._shut(reason)
        if not self._down:
            self._down = True
            self._report(healthy=False, reason=reason)
        if not self._closed:
            self._retry_timer = asyncio.get_running_loop().call_later(pause_seconds, self._try_again)

    def _try_again(self) -> None:
        self._repair(must_reopen=self._reopen is not None)

    def _report(self, *, healthy: bool, reason: str) -> None:
        if self._on_health is not None:
            self._on_health(healthy=healthy, reason=reason)
