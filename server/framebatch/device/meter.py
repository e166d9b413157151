"""What a device and its host do while something runs: memory, energy, clocks, heat, and who else is busy there.

Only observing belongs here; what follows from it is decided elsewhere. Where each figure is read is in `device.gauges`
and below; what may not be read is None, and nothing needs root.
"""

from __future__ import annotations

import contextlib
import dataclasses
from dataclasses import dataclass
from statistics import mean, median
from typing import TYPE_CHECKING, Final, NamedTuple, Self, TypeVar

from framebatch.clock import MILLISECOND_NS, now_ns, ns_to_seconds
from framebatch.device.driver import cuda_driver
from framebatch.device.gauges import MemoryTotal, ProcessorGauge, SimulatedGauge
from framebatch.device.gpu_gauge import GpuGauge
from framebatch.device.host import Host
from framebatch.device.nvml import open_gpu
from framebatch.device.processor import Processor
from framebatch.device.providers import CPU

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from framebatch.device.devices import Device
    from framebatch.device.gauges import Gauge, Moment, SimulatedMemory
    from framebatch.device.host import ProcessorTime

__all__ = ["DeviceIdentity", "MemoryTotal", "Meter", "Reading", "device_identity", "memory_total", "summary"]

Number = TypeVar("Number", int, float)

_INTERVAL_NS: Final = 100 * MILLISECOND_NS
_SHORTEST_ENERGY_SECONDS: Final = 0.5  # counters of energy move every 20 to 100 ms
_MICRO: Final = 1e-6


@dataclass(frozen=True, kw_only=True, slots=True)
class Reading:
    """What the machine did while a point was measured; None where nobody can tell."""

    memory_bytes: int | None = None
    """What the process took at its peak: of the device's memory, on a processor of the host's."""
    energy_joules: float | None = None
    """Of the device, over all timed batches; None too where they took less than half a second."""
    power_watts: float | None = None
    clock_hz: int | None = None
    clock_max_hz: int | None = None
    temperature_celsius: float | None = None
    throttled: tuple[str, ...] = ()
    """Why the clocks were lowered, a few words each; empty: they were not."""
    others_memory_bytes: int = 0
    """Of the device's memory, used by other processes."""
    others_processor_share: float | None = None
    """Of all the host's cores, kept busy by others, 0 to 1."""
    others_device_processes: int = 0
    """Other processes that use the device."""
    processor_pressure: float | None = None
    """For which share of the time some task of the host, this process's too, waited for a processor, 0 to 1."""
    load_at_start: float | None = None
    """The host's load average of the minute before, in tasks."""


class Meter:
    """Looks at a device and its host while one process measures one batch size.

    Enter it before the model is loaded, so that what was taken before can be told from what the model takes; say `begin`
    before the batches that are timed, `sample` between any two of them, and ask for the `reading` after the last:

        with Meter(device) as meter:
            engine = load(...)
            run(...)                    # not timed
            meter.begin(engine)
            for ...:
                run(...)                # timed
                meter.sample()
            reading = meter.reading()

    It has no thread. All is to be called by one.
    """

    def __init__(self, device: Device, *, host: Host | None = None, now: Callable[[], int] = now_ns) -> None:
        """Choose what to look at.

        Args:
            device: Of kind `cpu`, `cuda` or `sim`.
            host: The host; default: this one.
            now: The clock, in nanoseconds.

        """
        if device.kind == "auto":
            raise ValueError("device is auto; say which device computes, cpu or cuda:N")
        self._device = device
        self._host = host or Host()
        self._now = now
        self._gauge: Gauge = SimulatedGauge()
        self._began_ns = 0
        self._due_ns = 0
        self._moments: list[Moment] = []
        self._times: ProcessorTime | None = None
        self._pressure_us: int | None = None
        self._load: float | None = None

    def __repr__(self) -> str:
        return f"<Meter of {self._device}, {len(self._moments)} moments>"

    def __enter__(self) -> Self:
        self._gauge = _gauge_of(self._device, self._host)
        self._load = self._host.load()
        self.begin()
        return self

    def __exit__(self, *_: object) -> None:
        """Give up what was opened; a reading is to be asked for before."""
        self._gauge.close()

    def begin(self, engine: SimulatedMemory | None = None) -> None:
        """Forget what was seen: batches that are timed follow.

        Args:
            engine: Of a simulated device: what runs them.

        """
        if engine is not None:
            self._gauge = SimulatedGauge(engine)
        self._gauge.begin()
        self._times = self._host.processor_time()
        self._pressure_us = self._host.processor_pressure_us()
        self._moments = [self._gauge.look()]
        self._began_ns = self._now()
        self._due_ns = self._began_ns + _INTERVAL_NS // 2

    def sample(self) -> None:
        """Look at the device, unless it was looked at less than 100 ms ago: to be called after each batch."""
        now = self._now()
        if now >= self._due_ns:
            self._moments.append(self._gauge.look())
            self._due_ns = now + _INTERVAL_NS

    def reading(self) -> Reading:
        """Look once more, and answer what was seen since `begin`."""
        self._moments.append(self._gauge.look())
        seconds = ns_to_seconds(self._now() - self._began_ns)
        times, pressure_us = self._host.processor_time(), self._host.processor_pressure_us()
        waited_us = None if pressure_us is None or self._pressure_us is None else pressure_us - self._pressure_us
        return dataclasses.replace(
            summary(self._moments, seconds),
            others_processor_share=times.others_share(self._times) if times and self._times else None,
            processor_pressure=None if waited_us is None or seconds <= 0 else min(1.0, waited_us * _MICRO / seconds),
            load_at_start=self._load,
        )


def summary(moments: Sequence[Moment], seconds: float) -> Reading:
    """Answer what a row of moments comes to, as far as it is about the device. Pure.

    Memory is the highest that was seen. The clock is the median, and heat the highest, of all moments but the first, at
    which nothing ran yet. Energy is the counter's rise, or mean power times the time where there is no counter; over less
    than half a second it is None, because counters move only every 20 to 100 ms.

    Args:
        moments: The first before the batches, the last after them; two at least.
        seconds: Between these two.

    """
    running = moments[1:]
    clocks = _known(moment.clock_hz for moment in running)
    energy = _energy_joules(moments, seconds)
    return Reading(
        memory_bytes=max(_known(moment.memory_bytes for moment in moments), default=None),
        energy_joules=energy,
        power_watts=None if energy is None else energy / seconds,
        clock_hz=round(median(clocks)) if clocks else None,
        clock_max_hz=running[-1].clock_max_hz,
        temperature_celsius=max(_known(moment.temperature_celsius for moment in running), default=None),
        throttled=tuple(dict.fromkeys(words for moment in running for words in moment.throttled)),
        others_memory_bytes=max(_known(moment.others_memory_bytes for moment in moments), default=0),
        others_device_processes=max(moment.others_processes for moment in moments),
    )


def _energy_joules(moments: Sequence[Moment], seconds: float) -> float | None:
    if seconds < _SHORTEST_ENERGY_SECONDS:
        return None
    first, last = moments[0].energy_joules, moments[-1].energy_joules
    if first is not None and last is not None:
        return last - first
    watts = _known(moment.power_watts for moment in moments[1:])
    return mean(watts) * seconds if watts else None


def _known(values: Iterable[Number | None]) -> list[Number]:
    return [value for value in values if value is not None]


def memory_total(
    device: Device, engine: SimulatedMemory | None = None, *, host: Host | None = None
) -> MemoryTotal | None:
    """Answer how much memory batches may share, and what others take of it; None where nobody can tell.

    Ask before a model is loaded: what this process has taken of a GPU cannot always be told from what others have.

    Args:
        device: Of kind `cpu`, `cuda` or `sim`.
        engine: Of a simulated device: what runs there.
        host: The host; default: this one.

    """
    with contextlib.closing(_gauge_of(device, host or Host(), engine)) as gauge:
        return gauge.total()


def _gauge_of(device: Device, host: Host, engine: SimulatedMemory | None = None) -> Gauge:
    """Answer what looks at a device.

    Args:
        device: Of kind `cpu`, `cuda` or `sim`.
        host: To which it belongs.
        engine: Of a simulated device: what runs there, if anything does yet.

    """
    if device.kind == "sim":
        return SimulatedGauge(engine)
    if device.kind == "cpu":
        return ProcessorGauge(host)
    driver = cuda_driver()
    facts = driver.gpu(device.index) if driver else None
    if facts is None:
        return GpuGauge(None, host=host)
    return GpuGauge(open_gpu(facts), host=host, integrated=facts.integrated)


class DeviceIdentity(NamedTuple):
    """Which device figures belong to."""

    name: str
    """A GPU's or processor's own name, the latter with its cores, or `sim:...`."""
    driver: str
    """Version of a GPU's driver; empty for others."""


def device_identity(device: Device, provider: str, *, host: Host | None = None) -> DeviceIdentity:
    """Answer what tells this device from others; milliseconds, and nothing is measured.

    Args:
        device: As it was asked for, `auto` too.
        provider: onnxruntime's name of what computes there.
        host: The host; default: this one.

    """
    here = host or Host()
    if device.kind == "sim":
        return DeviceIdentity(str(device), "")
    if device.kind == "cpu" or provider == CPU:
        processor = Processor(here)
        cores = processor.cores()
        return DeviceIdentity(f"{processor.name()}, {cores:g} core{'s' if cores != 1 else ''}", "")
    driver = cuda_driver()
    facts = driver.gpu(device.index) if driver else None
    return DeviceIdentity(facts.name if facts else "GPU", _driver_version(here))


def _driver_version(host: Host) -> str:
    """The kernel module's, on a Jetson that of its system; else the newest CUDA that the driver serves."""
    jetson = (host.text("etc/nv_tegra_release") or "").partition(", GCID")[0].strip("# ")
    driver = cuda_driver()
    return host.text("sys/module/nvidia/version") or jetson or (f"CUDA {driver.version()}" if driver else "")
