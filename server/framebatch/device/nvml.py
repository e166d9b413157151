"""NVIDIA's management library: what one GPU says of its memory, processes, energy, clocks and heat. The one door to it.

Many GPUs do not answer every question (consumer cards, Jetson, a part of a GPU), and many hosts have no such library:
what is not answered is None, and nothing fails. What the answers mean for a measurement is decided elsewhere.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from framebatch.logs import event

if TYPE_CHECKING:
    from framebatch.device.driver import GpuFacts

__all__ = ["GpuProcess", "NvmlGpu", "open_gpu", "throttle_words"]

log = logging.getLogger(__name__)

_SM_CLOCK: Final = 1  # NVML_CLOCK_SM
_MEMORY_CLOCK: Final = 2  # NVML_CLOCK_MEM
_CHIP_SENSOR: Final = 0  # NVML_TEMPERATURE_GPU
_HARDWARE_SLOWDOWN: Final = 0x08  # HwSlowdown
_ITS_REASONS: Final = 0x40 | 0x80
_REASONS: Final = {
    0x04: "power cap",  # SwPowerCap
    0x10: "the clocks of a group of GPUs",  # SyncBoost
    0x20: "heat (slowed down by the driver)",  # SwThermalSlowdown
    0x40: "heat (slowed down by the hardware)",  # HwThermalSlowdown
    0x80: "power brake of the power supply",  # HwPowerBrakeSlowdown
    0x200: "power limit of the board",  # BoardLimit
}
"""nvmlClocksEventReasons of nvml.h. Left out is what is no lack of heat or power: idleness (0x01), clocks that somebody
set (0x02, 0x100), and the voltage's reliability (0x400), which limits a GPU that runs as fast as it ever may."""

_SHORT_REASONS: Final = {
    "power_cap": 0x04,
    "sync_boost": 0x10,
    "heat_driver": 0x20,
    "heat_hardware": 0x40,
    "power_brake": 0x80,
    "board_limit": 0x200,
    "hardware": _HARDWARE_SLOWDOWN,
}
"""The same as labels, and the bit that comes with the hardware's reasons, or alone."""


class GpuProcess(NamedTuple):
    """A process that computes on the GPU."""

    pid: int
    """As the driver counts; in a container that may be another number than the process's own."""
    memory_bytes: int | None
    """What it takes there; None: not told."""


class NvmlGpu:
    """One GPU, asked anew at each call; every answer is None where the GPU, its driver or our rights do not give it."""

    def __init__(self, library: Any, handle: Any) -> None:
        """Ask about this GPU; `close` when done.

        Args:
            library: The module pynvml, initialised once for this object.
            handle: The GPU, as the library names it.

        """
        self._library = library
        self._handle = handle

    def __repr__(self) -> str:
        return f"<NvmlGpu {self._ask('nvmlDeviceGetName')}>"

    def close(self) -> None:
        """Give the library up."""
        _answer(self._library, "nvmlShutdown")

    def memory_bytes(self) -> tuple[int, int] | None:
        """Bytes in use, by all processes and the driver itself, and bytes in all."""
        found = self._ask("nvmlDeviceGetMemoryInfo")
        return None if found is None else (int(found.used), int(found.total))

    def processes(self) -> list[GpuProcess] | None:
        """Who computes here."""
        found = self._ask("nvmlDeviceGetComputeRunningProcesses")
        return None if found is None else [GpuProcess(process.pid, process.usedGpuMemory) for process in found]

    def energy_joules(self) -> float | None:
        """Since the driver was loaded (Volta and newer)."""
        millijoules = self._ask("nvmlDeviceGetTotalEnergyConsumption")
        return None if millijoules is None else millijoules / 1000

    def power_watts(self) -> float | None:
        """Of the whole board; from Ampere on the mean of the last second."""
        milliwatts = self._ask("nvmlDeviceGetPowerUsage")
        return None if milliwatts is None else milliwatts / 1000

    def clock_hz(self) -> int | None:
        """Of the multiprocessors, now."""
        return _hertz(self._ask("nvmlDeviceGetClockInfo", _SM_CLOCK))

    def memory_clock_hz(self) -> int | None:
        """Of the memory, now."""
        return _hertz(self._ask("nvmlDeviceGetClockInfo", _MEMORY_CLOCK))

    def utilisation_percent(self) -> int | None:
        """Share of the time, over the last second or less, in which something ran."""
        found = self._ask("nvmlDeviceGetUtilizationRates")
        return None if found is None else int(found.gpu)

    def clock_max_hz(self) -> int | None:
        """The highest that they can have."""
        return _hertz(self._ask("nvmlDeviceGetMaxClockInfo", _SM_CLOCK))

    def temperature_celsius(self) -> float | None:
        """Of the chip."""
        found = self._ask("nvmlDeviceGetTemperatureV", _CHIP_SENSOR)
        found = self._ask("nvmlDeviceGetTemperature", _CHIP_SENSOR) if found is None else found
        return None if found is None else float(found)

    def throttled(self) -> tuple[str, ...] | None:
        """Why the clocks are lowered now, a few words each; empty: they are not."""
        found = self._reasons()
        return None if found is None else throttle_words(found)

    def throttle_reasons(self) -> dict[str, bool] | None:
        """Each reason for which clocks may be lowered, by a short name, and whether it holds now."""
        found = self._reasons()
        return None if found is None else {name: bool(found & bit) for name, bit in _SHORT_REASONS.items()}

    def _reasons(self) -> int | None:
        found: int | None = self._ask("nvmlDeviceGetCurrentClocksEventReasons")
        return self._ask("nvmlDeviceGetCurrentClocksThrottleReasons") if found is None else found

    def _ask(self, function: str, *arguments: Any) -> Any:
        return _answer(self._library, function, self._handle, *arguments)


def open_gpu(facts: GpuFacts, library: Any = None) -> NvmlGpu | None:
    """Find a GPU in the management library, which counts otherwise than CUDA: by its UUID, or its place on the bus.

    Args:
        facts: Which one is meant.
        library: The module pynvml; default: the one that is installed.

    Returns:
        To be closed by the caller; None where there is no such library, no driver for it, or no such GPU.

    """
    try:
        library = library or _installed()
        library.nvmlInit()
    except ImportError:
        return None
    except library.NVMLError as error:
        log.debug("no management library: %s", error, extra=event("nvml.missing", reason=error))
        return None
    named = [f"{kind}-{facts.uuid}" for kind in ("GPU", "MIG") if facts.uuid]
    asked = [("nvmlDeviceGetHandleByUUID", name) for name in named]
    if facts.bus_id:
        asked.append(("nvmlDeviceGetHandleByPciBusId", facts.bus_id))
    for function, name in asked:
        handle = _answer(library, function, name)
        if handle is not None:
            return NvmlGpu(library, handle)
    _answer(library, "nvmlShutdown")
    return None


def _installed() -> Any:
    import pynvml  # noqa: PLC0415 - only hosts with a GPU have it, and only calibration asks for it

    return pynvml


def throttle_words(reasons: int) -> tuple[str, ...]:
    """Say in words why clocks are lowered, by the bits of nvmlClocksEventReasons.

    The bit for a slowdown by the hardware comes together with one that says why, where the GPU knows; alone it is told
    as it is.
    """
    words = tuple(text for bit, text in _REASONS.items() if reasons & bit)
    if reasons & _HARDWARE_SLOWDOWN and not reasons & _ITS_REASONS:
        words = (*words, "slowed down by the hardware (heat or power)")
    return words


def _answer(library: Any, function: str, *arguments: Any) -> Any:
    """Call a function; None where library, driver or GPU do not have it, or refuse."""
    try:
        return getattr(library, function)(*arguments)
    except (AttributeError, library.NVMLError) as error:
        log.debug("%s: %s", function, error, extra=event("nvml.refused", function=function, reason=error))
        return None


def _hertz(megahertz: int | None) -> int | None:
    return None if megahertz is None else megahertz * 1_000_000
