"""Threads that work on items and hand them back to the event loop in one hop for many. Knows nothing of frames.

A hop to the loop costs a system call and a context switch. Items that finish while a hop is under way travel with it,
so that the cost is per hop and not per item when it matters, and nothing waits when it does not.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from queue import SimpleQueue
from typing import TYPE_CHECKING, Generic, TypeVar

from framebatch.logs import event

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

__all__ = ["Workers"]

log = logging.getLogger(__name__)

T = TypeVar("T")


class Workers(Generic[T]):
    """A fixed number of daemon threads.

    `put` never blocks. `work` runs on a worker and must not raise: what it has to report it writes into the item.
    `deliver` runs on the loop with all items that are finished by then, in the order in which they finished; an item
    belongs to the worker between the two.
    """

    def __init__(
        self,
        name: str,
        count: int,
        *,
        work: Callable[[T], None],
        deliver: Callable[[list[T]], None],
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        self.name = name
        self.count = count
        self._work = work
        self._deliver = deliver
        self._loop = loop
        self._items: SimpleQueue[T | None] = SimpleQueue()
        self._finished: deque[T] = deque()
        self._hop_under_way = False
        self._threads = [threading.Thread(target=self._run, name=f"{name}-{n}", daemon=True) for n in range(count)]
        for thread in self._threads:
            thread.start()

    def __repr__(self) -> str:
        return f"Workers({self.name}, {self.count} threads, {self._items.qsize()} queued)"

    @property
    def queued(self) -> int:
        """Items that no worker has begun."""
        return self._items.qsize()

    def put(self, item: T) -> None:
        """Queue one item, first in first out."""
        self._items.put(item)

    def close(self, timeout_seconds: float = 1.0) -> None:
        """Stop the threads once the queue is empty; items finished from now on may not be delivered."""
        for _ in self._threads:
            self._items.put(None)
        for thread in self._threads:
            thread.join(timeout_seconds)

    def _run(self) -> None:
        get, work, finished = self._items.get, self._work, self._finished
        while (item := get()) is not None:
            try:
                work(item)
            except Exception:
                log.exception(
                    "%s: work raised, which it must not", self.name, extra=event("lane.raised", lane=self.name)
                )
            finished.append(item)
            # Set before the hop and cleared before the loop looks: an item is seen by this hop or starts another.
            if not self._hop_under_way:
                self._hop_under_way = True
                try:
                    self._loop.call_soon_threadsafe(self._hop)
                except RuntimeError:  # the loop is closed: nobody is left to deliver to
                    return

    def _hop(self) -> None:
        self._hop_under_way = False
        finished = self._finished
        items = [finished.popleft() for _ in range(len(finished))]
        if items:
            self._deliver(items)
