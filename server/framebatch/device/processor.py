"""The host's processors: their name, how many of them this process may use, their clocks, heat and energy.

Files of /proc and /sys are read here. What is not there, or may not be read, is None; nothing needs root, and so the
energy counters, which most kernels show to root alone, are often missing.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

    from framebatch.device.host import Host

__all__ = ["Processor"]

_CORES: Final = {
    ("0x41", "0xd03"): "Cortex-A53",
    ("0x41", "0xd05"): "Cortex-A55",
    ("0x41", "0xd07"): "Cortex-A57",
    ("0x41", "0xd08"): "Cortex-A72",
    ("0x41", "0xd0b"): "Cortex-A76",
    ("0x41", "0xd0c"): "Neoverse-N1",
    ("0x41", "0xd40"): "Neoverse-V1",
    ("0x41", "0xd41"): "Cortex-A78",
    ("0x41", "0xd42"): "Cortex-A78AE",
    ("0x41", "0xd49"): "Neoverse-N2",
    ("0x41", "0xd4f"): "Neoverse-V2",
    ("0x4e", "0x003"): "Denver 2",
    ("0x4e", "0x004"): "Carmel",
}
"""Arm's and NVIDIA's cores by implementer and part, as /proc/cpuinfo gives them (MIDR_EL1)."""
_SENSORS: Final = ("coretemp", "k10temp", "zenpower", "cpu_thermal")
_ZONES: Final = ("x86_pkg_temp", "cpu-thermal", "cpu_thermal", "cpu-therm")
_CPU: Final = "sys/devices/system/cpu"


class Processor:
    """The processors of a host, read anew at each call."""

    def __init__(self, host: Host) -> None:
        """Read what this host's kernel shows."""
        self._host = host

    def __repr__(self) -> str:
        return f"<Processor {self.name()}, {self.cores():g} cores>"

    def name(self) -> str:
        """What the processor calls itself; on ARM, where it does not, the board's name or the cores'."""
        lines = (self._host.text("proc/cpuinfo") or "").splitlines()
        found = {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in lines)}
        board = self._host.text("proc/device-tree/model")
        core = _CORES.get((found.get("CPU implementer", ""), found.get("CPU part", "")))
        return found.get("model name") or board or core or os.uname().machine

    def cores(self) -> float:
        """How many cores this process may keep busy: those that it is bound to, or less by its control groups' quota."""
        return min([float(len(os.sched_getaffinity(0))), *self._quotas()])

    def clock_hz(self) -> int | None:
        """Mean clock of the cores that this process is bound to, now."""
        kilohertz = self._of_our_cores("cpufreq/scaling_cur_freq")
        return sum(kilohertz) * 1000 // len(kilohertz) if kilohertz else None

    def clock_max_hz(self) -> int | None:
        """The highest clock that any of these cores can have."""
        kilohertz = self._of_our_cores("cpufreq/cpuinfo_max_freq")
        return max(kilohertz) * 1000 if kilohertz else None

    def temperature_celsius(self) -> float | None:
        """The hottest that a sensor of the processor shows."""
        found = [self._host.number(path) for path in self._sensors()]
        return max((thousandths / 1000 for thousandths in found if thousandths is not None), default=None)

    def throttles(self) -> int:
        """How often heat has lowered the clock of one of these cores, or of its package, since the host started (x86)."""
        return sum(sum(self._of_our_cores(f"thermal_throttle/{part}_throttle_count")) for part in ("core", "package"))

    def counts_throttles(self) -> bool:
        """Whether the kernel counts that (x86, and seldom in a virtual machine)."""
        return bool(self._of_our_cores("thermal_throttle/core_throttle_count"))

    def energy_microjoules(self) -> tuple[tuple[int, int], ...] | None:
        """Each package's energy counter and the value after which it begins anew (RAPL); None: not for us."""
        found = []
        for folder in self._paths("sys/class/powercap/intel-rapl:[0-9]*"):
            if folder.count(":") > 1 or not (self._host.text(f"{folder}/name") or "").startswith("package"):
                continue  # a part of a package, which is counted in it
            value, end = (self._host.number(f"{folder}/{name}") for name in ("energy_uj", "max_energy_range_uj"))
            if value is None or end is None:
                return None
            found.append((value, end))
        return tuple(found) or None

    def _of_our_cores(self, file: str) -> list[int]:
        """The numbers that a file holds for each core that this process is bound to, where there are any."""
        found = [self._host.number(f"{_CPU}/cpu{core}/{file}") for core in sorted(os.sched_getaffinity(0))]
        return [number for number in found if number is not None]

    def _quotas(self) -> Iterator[float]:
        """How many cores' time each control group above this process allows."""
        for folder in self._host.groups("cpu"):
            words = (self._host.text(f"{folder}/cpu.max") or "").split()
            quota = words[0] if words else self._host.text(f"{folder}/cpu.cfs_quota_us") or ""
            period = words[-1] if words else self._host.text(f"{folder}/cpu.cfs_period_us") or ""
            if quota.isdigit() and period.isdigit() and int(period):
                yield int(quota) / int(period)

    def _sensors(self) -> Iterator[str]:
        for folder in self._paths("sys/class/hwmon/hwmon*"):
            if self._host.text(f"{folder}/name") in _SENSORS:
                yield from self._paths(f"{folder}/temp*_input")
        for folder in self._paths("sys/class/thermal/thermal_zone*"):
            if (self._host.text(f"{folder}/type") or "").lower() in _ZONES:
                yield f"{folder}/temp"

    def _paths(self, pattern: str) -> list[str]:
        return sorted(str(path.relative_to(self._host.root)) for path in self._host.root.glob(pattern))
