"""What a GPU shows at one moment, as `device.gauges` has it for other devices. Only looking belongs here."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from framebatch.device.gauges import MemoryTotal, Moment, host_total

if TYPE_CHECKING:
    from collections.abc import Sequence

    from framebatch.device.host import Host
    from framebatch.device.nvml import GpuProcess, NvmlGpu

__all__ = ["GpuGauge"]


class GpuGauge:
    """One NVIDIA GPU.

    What this process takes of its memory is what the management library says of its process number. In a container that
    number is often another one, or the library tells no size: then it is what the GPU's memory in use has grown by since
    this object was made, which counts others in that came meanwhile. An integrated GPU has no memory of its own: there it
    is what the host's available memory has shrunk by.
    """

    def __init__(self, gpu: NvmlGpu | None, *, host: Host, integrated: bool = False) -> None:
        """Look at a GPU, before this process uses it.

        Args:
            gpu: As the management library shows it, closed by `close`; None: not at all.
            host: To which it belongs.
            integrated: Whether it shares the host's memory.

        """
        self._gpu = gpu
        self._host = host
        self._integrated = integrated
        self._family = {os.getpid(), os.getppid()}  # who started us waits for us, and is no stranger
        memory, room = self._memory(), host.room()
        self._used_before = memory[0] if memory else 0
        self._available_before = room.available_bytes if room else 0

    def __repr__(self) -> str:
        return f"<GpuGauge {self._gpu}{', integrated' if self._integrated else ''}>"

    def begin(self) -> None:
        """Nothing is kept: onnxruntime does not give back what it took, so the last look sees the peak."""

    def look(self) -> Moment:
        """Answer what it shows now."""
        gpu = self._gpu
        if gpu is None:
            return Moment(memory_bytes=self._shrunk_bytes() if self._integrated else None)
        processes, memory = gpu.processes() or [], self._memory()
        grown = max(0, memory[0] - self._used_before) if memory else None
        taken = self._shrunk_bytes() if self._integrated else self._told(processes) or grown
        return Moment(
            memory_bytes=taken,
            others_memory_bytes=max(0, memory[0] - (taken or 0)) if memory else None,
            others_processes=self._others(processes, taken or 0),
            energy_joules=gpu.energy_joules(),
            power_watts=gpu.power_watts(),
            clock_hz=gpu.clock_hz(),
            clock_max_hz=gpu.clock_max_hz(),
            temperature_celsius=gpu.temperature_celsius(),
            throttled=gpu.throttled() or (),
        )

    def total(self) -> MemoryTotal | None:
        """Answer its memory, or the host's where it has none of its own."""
        if self._integrated:
            return host_total(self._host)
        memory = self._memory()
        if memory is None:
            return None
        own = self._told(self._gpu.processes() or []) if self._gpu else None
        return MemoryTotal("device", memory[1], max(0, memory[0] - (own or 0)))

    def close(self) -> None:
        """Give up the management library."""
        if self._gpu is not None:
            self._gpu.close()

    def _memory(self) -> tuple[int, int] | None:
        return None if self._integrated or self._gpu is None else self._gpu.memory_bytes()

    def _shrunk_bytes(self) -> int | None:
        room = self._host.room()
        return max(0, self._available_before - room.available_bytes) if room else None

    def _told(self, processes: Sequence[GpuProcess]) -> int | None:
        """What the management library says of this process; None or 0: nothing."""
        return next((process.memory_bytes for process in processes if process.pid == os.getpid()), None)

    def _others(self, processes: Sequence[GpuProcess], taken: int) -> int:
        """How many strangers compute there: where none has our number although we took memory, one of them is us."""
        strangers = {process.pid for process in processes} - self._family
        hidden = bool(taken) and not any(process.pid == os.getpid() for process in processes)
        return max(0, len(strangers) - hidden)
