"""What a device and its host do while something runs: memory, energy, clocks, heat, and who else is busy there.

Only observing belongs here; what follows from it is decided elsewhere.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Reading"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Reading:
    """What the machine did while a point was measured; None where nobody can tell."""

    memory_bytes: int | None = None
    """What the process took at its peak: of the device's memory, on a processor of the host's."""
    energy_joules: float | None = None
    """Of the device, over all timed batches."""
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
