"""One device that several engines use in turn, as one process sees it. Only whose turn it is belongs here."""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from framebatch.clock import SECOND_NS, now_ns, ns_to_seconds

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Turns", "as_guest", "taken_by_guest", "turns_of"]

LONGEST_WAIT_SECONDS: Final = 0.25
LONGEST_PAUSE_SECONDS: Final = 0.5
POLL_SECONDS: Final = 0.0005
SLOWEST_RUN_NS: Final = 120 * SECOND_NS
"""A first run may search for the fastest algorithms, or build them."""


_thread = threading.local()


class Turns:
    """A lock that lets a guest in while nobody else asks.

    Batches with frames come from the device lanes. A model that is being loaded while others serve is a guest: before
    each of its runs it looks for a moment at which no lane wants the device, a quarter of a second long at most, and
    after each it stays away for as long as the run took. So no batch waits for more than one of its runs, frames keep at
    least half of the device, and a device that is never free still lets a model be loaded.

    Attributes:
        busy_until_ns: for simulated engines: when the device is done with everything submitted so far.
    """

    def __init__(self) -> None:
        self.busy_until_ns = 0
        self._lock = threading.Lock()
        self._waiting = 0
        self._counting = threading.Lock()
        self._guest_since_ns = 0

    def __repr__(self) -> str:
        return f"Turns({'taken' if self._lock.locked() else 'free'}, {self._waiting} have it or want it)"

    @property
    def taken_by_guest(self) -> bool:
        """Whether a guest has the device, and not for longer than the slowest first run takes."""
        since_ns = self._guest_since_ns
        return bool(since_ns) and now_ns() - since_ns < SLOWEST_RUN_NS

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Have the device to oneself; blocks until the one before has finished."""
        if getattr(_thread, "guest", False):
            patience = round(LONGEST_WAIT_SECONDS / POLL_SECONDS)
            while self._waiting and patience:
                patience -= 1
                time.sleep(POLL_SECONDS)
            began_ns = now_ns()
            with self._lock:
                self._guest_since_ns = began_ns
                try:
                    yield
                finally:
                    self._guest_since_ns = 0
            time.sleep(min(LONGEST_PAUSE_SECONDS, ns_to_seconds(now_ns() - began_ns)))
            return
        with self._counting:
            self._waiting += 1
        try:
            with self._lock:
                yield
        finally:
            with self._counting:
                self._waiting -= 1


_DEVICES: dict[str, Turns] = {}


def turns_of(device: str) -> Turns:
    """The turns of a device, one object for the whole process, as CUDA's state is: `cpu`, `cuda:N` or `sim:...`."""
    return _DEVICES.setdefault(device, Turns())


@contextmanager
def as_guest() -> Iterator[None]:
    """The runs of this thread give way to those of all others, on every device."""
    _thread.guest = True
    try:
        yield
    finally:
        _thread.guest = False


def taken_by_guest() -> bool:
    """Whether some device is taken by a guest."""
    return any(turns.taken_by_guest for turns in list(_DEVICES.values()))
