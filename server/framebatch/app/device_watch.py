"""What the device shows, for /metrics: looked at in a thread when somebody asks, and kept for a second.

A driver that hangs holds up no one but its thread: the last figures are told on, and left out when they are old.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Final

from framebatch.clock import MILLISECOND_NS, SECOND_NS, now_ns
from framebatch.device.vitals import Vitals, nothing
from framebatch.logs import event
from framebatch.threads import in_thread

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from framebatch.device.vitals import Look
    from framebatch.metrics import Metrics

__all__ = ["DeviceWatch", "export_device"]

log = logging.getLogger(__name__)

FRESH_NS: Final = SECOND_NS - 50 * MILLISECOND_NS
"""So long a look is good; whoever asks once a second sees a new one each time."""
OLD_NS: Final = 60 * SECOND_NS
PATIENCE_SECONDS: Final = 0.1


class DeviceWatch:
    """One device, on the event loop. Invariant: one thread at a time looks at it."""

    def __init__(
        self, open_look: Callable[[], Look], decoders: Callable[[], Sequence[int]], *, now: Callable[[], int] = now_ns
    ) -> None:
        """Look at nothing yet.

        Args:
            open_look: answers who looks; called once, in the thread.
            decoders: the numbers of the decoder processes, on the event loop.
            now: the clock.
        """
        self._open_look = open_look
        self._look: Look | None = None
        self._decoders = decoders
        self._now = now
        self._seen = Vitals()
        self._seen_ns: int | None = None
        self._looking: asyncio.Task[None] | None = None

    def __repr__(self) -> str:
        return f"DeviceWatch(looking={self._looking is not None}, {self._seen})"

    @property
    def seen(self) -> Vitals:
        """What it showed when it was last looked at; nothing where that is more than a minute ago."""
        if self._seen_ns is None or self._now() - self._seen_ns > OLD_NS:
            return Vitals()
        return self._seen

    async def refresh(self) -> None:
        """Look, unless that was done within the last second; returns after a tenth of a second at the latest."""
        if self._looking is not None or (self._seen_ns is not None and self._now() - self._seen_ns < FRESH_NS):
            return
        self._looking = asyncio.create_task(self._look_now())
        await asyncio.wait((self._looking,), timeout=PATIENCE_SECONDS)

    def stop(self) -> None:
        """Wait for nothing more."""
        if self._looking is not None:
            self._looking.cancel()

    async def _look_now(self) -> None:
        decoders = self._decoders()
        try:
            self._seen = await in_thread(lambda: self._look_in_thread(decoders))
            self._seen_ns = self._now()
        except Exception:
            log.exception(
                "the device cannot be looked at; its figures are left out of /metrics from now on",
                extra=event("device.not_seen"),
            )
            self._look = nothing
        finally:
            self._looking = None

    def _look_in_thread(self, decoders: Sequence[int]) -> Vitals:
        if self._look is None:
            self._look = nothing  # whoever cannot be opened is not opened again and again
            self._look = self._open_look()
        return self._look(decoders)


def export_device(metrics: Metrics, watch: DeviceWatch) -> None:
    """Export what the device shows; what it does not tell has no series."""

    def known(name: str, text: str, read: Callable[[Vitals], float | None]) -> None:
        metrics.gauges(name, text, (), lambda: [((), value)] if (value := read(watch.seen)) is not None else [])

    metrics.before_scrape(watch.refresh)
    metrics.gauges(
        "framebatch_device_memory_used_bytes",
        "Memory in use, by this server and by everybody; of the device, on a processor of the host.",
        ("scope",),
        lambda: _given(server=watch.seen.server_memory_bytes, all=watch.seen.used_memory_bytes),
    )
    known("framebatch_device_memory_total_bytes", "All of that memory.", lambda vitals: vitals.total_memory_bytes)
    metrics.counters(
        "framebatch_device_energy_joules",
        "Energy that the device took.",
        (),
        lambda: [((), value)] if (value := watch.seen.energy_joules) is not None else [],
    )
    known("framebatch_device_power_watts", "Power that the device takes.", lambda vitals: vitals.power_watts)
    known("framebatch_device_temperature_celsius", "Heat of the chip.", lambda vitals: vitals.temperature_celsius)
    known(
        "framebatch_device_utilisation_ratio",
        "Share of the time in which the device worked, for anybody.",
        lambda vitals: vitals.utilisation_ratio,
    )
    metrics.gauges(
        "framebatch_device_clock_hertz",
        "Clocks of what computes and of its memory.",
        ("clock",),
        lambda: _given(compute=watch.seen.clock_hz, memory=watch.seen.memory_clock_hz),
    )
    metrics.gauges(
        "framebatch_device_throttled",
        "1 while clocks are lowered for that reason, else 0.",
        ("reason",),
        lambda: [((reason,), holds) for reason, holds in watch.seen.throttled.items()],
    )


def _given(**values: float | None) -> Iterator[tuple[tuple[str], float]]:
    return (((name,), value) for name, value in values.items() if value is not None)
