"""framebatch.app.device_watch: the device is looked at in a thread, at most once a second, and never waited for long."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING

import pytest
from prometheus_client.parser import text_string_to_metric_families

from framebatch.app.device_watch import FRESH_NS, OLD_NS, DeviceWatch, export_device
from framebatch.device.vitals import Vitals
from framebatch.metrics import Metrics

if TYPE_CHECKING:
    from collections.abc import Sequence


class Device:
    """Looks are counted; while `free` is not set, one does not come back."""

    def __init__(self, error: Exception | None = None) -> None:
        self.now_ns = 0
        self.opened = 0
        self.looks: list[Sequence[int]] = []
        self.free = threading.Event()
        self.free.set()
        self.error = error

    def open(self) -> Device:
        """Count."""
        self.opened += 1
        return self

    def __call__(self, decoders: Sequence[int]) -> Vitals:
        """Look."""
        self.looks.append(decoders)
        self.free.wait()
        if self.error is not None:
            raise self.error
        return Vitals(power_watts=len(self.looks), throttled={"heat": True})

    def watch(self) -> DeviceWatch:
        """Answer who watches it."""
        return DeviceWatch(self.open, lambda: [7, 8], now=lambda: self.now_ns)


async def looked(watch: DeviceWatch) -> None:
    """Ask, and wait until the thread is back, however busy the machine."""
    await watch.refresh()
    if watch._looking is not None:
        await watch._looking


async def test_it_is_looked_at_when_asked_and_at_most_once_a_second() -> None:
    """Whoever asks sooner is told the same; it is opened once."""
    device = Device()
    watch = device.watch()
    assert watch.seen == Vitals()
    for now_ns, looks in ((0, 1), (FRESH_NS - 1, 1), (FRESH_NS, 2)):
        device.now_ns = now_ns
        await looked(watch)
        assert (watch.seen.power_watts, len(device.looks)) == (looks, looks)
    assert (device.opened, device.looks[0]) == (1, [7, 8])


async def test_a_driver_that_hangs_holds_up_nobody() -> None:
    """The last figures are told on for a minute; nobody else is sent after the one who does not come back."""
    device = Device()
    watch = device.watch()
    await looked(watch)
    device.free.clear()
    for seconds in (1, 2, 3):
        device.now_ns = seconds * 1_000_000_000
        await watch.refresh()
    assert (watch.seen.power_watts, len(device.looks)) == (1, 2)
    device.now_ns = OLD_NS + 1
    assert watch.seen == Vitals()
    assert repr(watch).startswith("DeviceWatch(looking=True, ")
    looking = watch._looking
    device.free.set()
    assert looking is not None
    await looking
    assert watch.seen.power_watts == 2
    watch.stop()


async def test_a_server_does_not_wait_for_a_driver_that_hangs() -> None:
    """It stops; what comes back later is not heard."""
    device = Device()
    device.free.clear()
    watch = device.watch()
    await watch.refresh()
    looking = watch._looking
    watch.stop()
    assert looking is not None
    with pytest.raises(asyncio.CancelledError):
        await looking
    device.free.set()


async def test_a_device_that_cannot_be_looked_at_has_no_figures(caplog: pytest.LogCaptureFixture) -> None:
    """That is logged once."""
    device = Device(RuntimeError("no driver"))
    watch = device.watch()
    for seconds in (0, 1):
        device.now_ns = seconds * 1_000_000_000
        await looked(watch)
    assert (watch.seen, len(device.looks), len(caplog.records)) == (Vitals(), 1, 1)


async def test_what_is_known_is_exported() -> None:
    """With its labels; what the device does not tell has no series."""
    shown = Vitals(
        server_memory_bytes=1,
        used_memory_bytes=2,
        total_memory_bytes=3,
        energy_joules=4,
        temperature_celsius=5,
        utilisation_ratio=0.6,
        clock_hz=7,
        throttled={"power_cap": True, "heat_driver": False},
    )
    metrics = Metrics(info={})
    watch = DeviceWatch(lambda: lambda _: shown, list, now=lambda: 0)
    export_device(metrics, watch)
    await looked(watch)
    text = (await metrics.scrape()).decode()
    found = {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if "device" in sample.name
    }
    assert found == {
        ("framebatch_device_memory_used_bytes", "server"): 1,
        ("framebatch_device_memory_used_bytes", "all"): 2,
        ("framebatch_device_memory_total_bytes",): 3,
        ("framebatch_device_energy_joules_total",): 4,
        ("framebatch_device_temperature_celsius",): 5,
        ("framebatch_device_utilisation_ratio",): 0.6,
        ("framebatch_device_clock_hertz", "compute"): 7,
        ("framebatch_device_throttled", "power_cap"): 1,
        ("framebatch_device_throttled", "heat_driver"): 0,
    }
