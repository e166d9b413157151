"""What a device shows while it serves: memory, energy, power, heat, clocks, and why these are lowered. Only looking.

GPUs are asked through NVIDIA's management library, processors through the kernel; a simulated device shows nothing.
Each look asks a bounded number of questions, and blocks for as long as the driver takes to answer them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, TypeAlias

from framebatch.device.driver import cuda_driver
from framebatch.device.gauges import ProcessorGauge
from framebatch.device.host import Host
from framebatch.device.nvml import open_gpu
from framebatch.device.processor import Processor
from framebatch.device.providers import CPU

if TYPE_CHECKING:
    from framebatch.device.devices import Device
    from framebatch.device.nvml import GpuProcess, NvmlGpu

__all__ = ["GpuVitals", "Look", "ProcessorVitals", "Vitals", "nothing", "vitals_of"]

_PERCENT: Final = 100


@dataclass(frozen=True, kw_only=True, slots=True)
class Vitals:
    """What a device showed at one moment; None where it does not tell."""

    server_memory_bytes: int | None = None
    """Taken by this server: of a GPU's memory, on a processor of the host's."""
    used_memory_bytes: int | None = None
    """Taken by everybody."""
    total_memory_bytes: int | None = None
    """All that there is for this process."""
    energy_joules: float | None = None
    """A counter."""
    power_watts: float | None = None
    temperature_celsius: float | None = None
    utilisation_ratio: float | None = None
    """Share of the time at work for anybody: of a GPU lately, of the host's processors since the last look."""
    clock_hz: int | None = None
    """Of what computes."""
    memory_clock_hz: int | None = None
    throttled: Mapping[str, bool] = field(default_factory=lambda: MappingProxyType({}))
    """Why clocks may be lowered, and whether they are; empty where it does not tell."""


Look: TypeAlias = Callable[[Sequence[int]], Vitals]
"""Looks at a device for a server with these decoder processes, given by their numbers; for one thread at a time."""


class GpuVitals:
    """One NVIDIA GPU. At most eleven questions a look."""

    def __init__(self, gpu: NvmlGpu, *, pid: int, host: Host | None = None) -> None:
        """Look at a GPU.

        Args:
            gpu: as the management library shows it.
            pid: the number of the process that uses it.
            host: where the GPU has no memory of its own, but shares this host's; else None.
        """
        self._gpu = gpu
        self._pid = pid
        self._host = host

    def __repr__(self) -> str:
        return f"<GpuVitals {self._gpu}>"

    def __call__(self, _: Sequence[int]) -> Vitals:
        """Look now."""
        gpu = self._gpu
        if self._host is None:
            used, total = gpu.memory_bytes() or (None, None)
        else:
            used, total = _host_memory(self._host)
        percent = gpu.utilisation_percent()
        return Vitals(
            server_memory_bytes=_ours(gpu.processes() or [], self._pid),
            used_memory_bytes=used,
            total_memory_bytes=total,
            energy_joules=gpu.energy_joules(),
            power_watts=gpu.power_watts(),
            temperature_celsius=gpu.temperature_celsius(),
            utilisation_ratio=None if percent is None else percent / _PERCENT,
            clock_hz=gpu.clock_hz(),
            memory_clock_hz=gpu.memory_clock_hz(),
            throttled=gpu.throttle_reasons() or {},
        )


class ProcessorVitals:
    """The host's processors, and the memory that they share."""

    def __init__(self, host: Host) -> None:
        """Begin to look at this host."""
        self._host = host
        self._processor = Processor(host)
        self._gauge = ProcessorGauge(host)
        self._times = host.processor_time()
        self._throttles = self._processor.throttles()

    def __repr__(self) -> str:
        return f"<ProcessorVitals {self._processor!r}>"

    def __call__(self, decoders: Sequence[int]) -> Vitals:
        """Look now. Decoders are counted with what is theirs alone: the pictures they share with the server are its."""
        host = self._host
        own = host.resident_bytes()
        if own is not None:
            own += sum(host.anonymous_bytes(decoder) or 0 for decoder in decoders)
        used, total = _host_memory(host)
        shown = self._gauge.look()
        before, self._times = self._times, host.processor_time()
        return Vitals(
            server_memory_bytes=own,
            used_memory_bytes=used,
            total_memory_bytes=total,
            energy_joules=shown.energy_joules,
            temperature_celsius=shown.temperature_celsius,
            utilisation_ratio=self._times.busy_share(before) if self._times and before else None,
            clock_hz=shown.clock_hz,
            throttled=self._heat(),
        )

    def _heat(self) -> dict[str, bool]:
        """Whether heat has lowered a clock since the last look; nothing where the processor does not count that."""
        if not self._processor.counts_throttles():
            return {}
        before, self._throttles = self._throttles, self._processor.throttles()
        return {"heat": self._throttles > before}


def nothing(_: Sequence[int]) -> Vitals:
    """Of a device that shows nothing."""
    return Vitals()


def vitals_of(device: Device, provider: str, *, pid: int, host: Host | None = None) -> Look:
    """Answer what looks at a device. Blocks while a driver is asked for it.

    Args:
        device: as it was asked for, `auto` too.
        provider: onnxruntime's name of what computes there.
        pid: of the process that uses it.
        host: the host; default: this one.
    """
    here = host or Host()
    if device.kind == "sim":
        return nothing
    if device.kind == "cpu" or provider == CPU:
        return ProcessorVitals(here)
    driver = cuda_driver()
    facts = driver.gpu(device.index) if driver else None
    gpu = open_gpu(facts) if facts else None
    if facts is None or gpu is None:
        return nothing
    return GpuVitals(gpu, pid=pid, host=here if facts.integrated else None)


def _ours(processes: Sequence[GpuProcess], pid: int) -> int | None:
    """What this process takes of a GPU. In a container it has another number there; a single process is then this one."""
    found = next((each for each in processes if each.pid == pid), processes[0] if len(processes) == 1 else None)
    return None if found is None else found.memory_bytes or None


def _host_memory(host: Host) -> tuple[int | None, int | None]:
    room = host.room()
    return (None, None) if room is None else (room.total_bytes - room.available_bytes, room.total_bytes)
