"""What a device shows at one moment: memory, energy, clocks and heat, under the same names for every kind of device.

Only looking belongs here, at processors and simulated devices; GPUs are in `device.gpu_gauge`. What a row of such
moments comes to is in `device.meter`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, NamedTuple, Protocol

from framebatch.device.processor import Processor

if TYPE_CHECKING:
    from framebatch.device.host import Host

__all__ = [
    "Gauge",
    "MemoryTotal",
    "Moment",
    "ProcessorGauge",
    "SimulatedGauge",
    "SimulatedMemory",
    "host_total",
]

_MICRO: Final = 1e-6


@dataclass(frozen=True, kw_only=True, slots=True)
class Moment:
    """What a device shows; None where nobody can tell."""

    memory_bytes: int | None = None
    """What this process takes of its memory; where the highest is kept by the kernel, the highest."""
    others_memory_bytes: int | None = None
    """What all other processes take of it."""
    others_processes: int = 0
    """How many others use it, as far as it tells."""
    energy_joules: float | None = None
    """A counter: what counts is how it rises."""
    power_watts: float | None = None
    clock_hz: int | None = None
    clock_max_hz: int | None = None
    temperature_celsius: float | None = None
    throttled: tuple[str, ...] = ()
    """Why its clocks are lowered, a few words each."""


class MemoryTotal(NamedTuple):
    """The memory that batches have to fit into."""

    kind: Literal["device", "host"]
    """Whose it is; a GPU that shares the host's memory counts as `host`."""
    total_bytes: int
    """All that there is."""
    others_bytes: int
    """Taken by other processes."""


class Gauge(Protocol):
    """Looks at one device."""

    def begin(self) -> None:
        """What came before is not to be seen any more: the peak of memory, and whether clocks were lowered."""

    def look(self) -> Moment:
        """Answer what it shows now; a few milliseconds at the most, and never an error."""

    def total(self) -> MemoryTotal | None:
        """Answer how much memory there is for this process and others; None where nobody can tell."""

    def close(self) -> None:
        """Give up what was opened."""


class SimulatedMemory(Protocol):
    """What a simulated engine tells of its memory."""

    @property
    def memory_bytes(self) -> int | None:
        """Taken now; None: its memory is not simulated."""

    @property
    def memory_limit_bytes(self) -> int | None:
        """All that it has; None: as above."""


class SimulatedGauge:
    """A simulated device: nothing but its memory."""

    def __init__(self, engine: SimulatedMemory | None = None) -> None:
        """Look at this engine; None: at none, and nothing is to be seen."""
        self._engine = engine

    def __repr__(self) -> str:
        return f"<SimulatedGauge of {self._engine}>"

    def begin(self) -> None:
        """Nothing is kept."""

    def look(self) -> Moment:
        """Answer the memory that its session takes."""
        return Moment(memory_bytes=self._engine.memory_bytes if self._engine else None)

    def total(self) -> MemoryTotal | None:
        """Answer its limit; there are no others."""
        limit = self._engine.memory_limit_bytes if self._engine else None
        return None if limit is None else MemoryTotal("device", limit, 0)

    def close(self) -> None:
        """Nothing was opened."""


class ProcessorGauge:
    """The host's processors, and the memory that they share."""

    def __init__(self, host: Host) -> None:
        """Look at this host."""
        self._host = host
        self._processor = Processor(host)
        self._counters = self._processor.energy_microjoules()
        self._energy_microjoules = 0
        self._throttles = self._processor.throttles()

    def __repr__(self) -> str:
        return f"<ProcessorGauge {self._processor!r}>"

    def begin(self) -> None:
        """Let the peak begin anew, where the kernel allows."""
        self._host.forget_peak()
        self._throttles = self._processor.throttles()

    def look(self) -> Moment:
        """Answer the peak of the process's memory since `begin`, where the kernel keeps it, and the rest as it is now."""
        heat, total, peak = self._processor.throttles() > self._throttles, self.total(), self._host.peak_bytes()
        return Moment(
            memory_bytes=self._host.resident_bytes() if peak is None else peak,
            others_memory_bytes=total.others_bytes if total else None,
            energy_joules=self._energy_joules(),
            clock_hz=self._processor.clock_hz(),
            clock_max_hz=self._processor.clock_max_hz(),
            temperature_celsius=self._processor.temperature_celsius(),
            throttled=("heat (the processor's own counter)",) if heat else (),
        )

    def total(self) -> MemoryTotal | None:
        """Answer the host's memory, or what a control group allows of it."""
        return host_total(self._host)

    def close(self) -> None:
        """Nothing was opened."""

    def _energy_joules(self) -> float | None:
        """The sum over all packages since this object was made; a counter that began anew is followed."""
        before, self._counters = self._counters, self._processor.energy_microjoules()
        if before is None or self._counters is None or len(before) != len(self._counters):
            return None
        for (value, end), (old, _) in zip(self._counters, before, strict=True):
            self._energy_microjoules += value - old if value >= old else value - old + end
        return self._energy_microjoules * _MICRO


def host_total(host: Host) -> MemoryTotal | None:
    """Answer the memory that there is for this process on a host, and what others take of it."""
    room, own = host.room(), host.resident_bytes() or 0
    if room is None:
        return None
    return MemoryTotal("host", room.total_bytes, max(0, room.total_bytes - room.available_bytes - own))
