"""What the kernel tells of this host and this process: memory, whose time the processors spend, pressure and load.

Files of /proc and of control groups are read here, and what they say is put into numbers. What is not there, or may
not be read, is None; nothing needs root. Clocks, heat and the processor's name are in `device.processor`.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Host", "HostRoom", "ProcessorTime"]

_KIBIBYTE: Final = 1024
_FORGET_PEAK: Final = "5"  # proc_pid_clear_refs(5): reset the peak resident set size to the present one
_BUSY: Final = (0, 1, 2, 5, 6, 7)  # columns of /proc/stat: user, nice, system, irq, softirq, steal; guests are in user
_IDLE: Final = (3, 4)  # idle, iowait
_OWN: Final = (11, 12)  # fields of /proc/self/stat after the name: utime, stime

_LIMITS: Final = (
    ("memory.max", "memory.current", "inactive_file"),
    ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
)
"""Of a control group, version 2 and 1: its limit, its use, and the part of that which is a cache."""


class HostRoom(NamedTuple):
    """The memory that this process may use."""

    total_bytes: int
    """All there is: the host's, or the least limit of the control groups that it runs in."""
    available_bytes: int
    """What it could still take without swapping: caches that the kernel would give up are counted in."""


class ProcessorTime(NamedTuple):
    """What all processors of the host did since it started, in clock ticks."""

    busy: int
    """At work for anybody, and stolen by a hypervisor for other guests."""
    total: int
    """Idle ticks too."""
    own: int
    """At work for this process, all its threads together."""

    def busy_share(self, since: ProcessorTime) -> float | None:
        """Which share of all processors anybody kept busy since then, 0 to 1; None: no tick has passed."""
        total = self.total - since.total
        return None if total <= 0 else min(1.0, max(0.0, (self.busy - since.busy) / total))

    def others_share(self, since: ProcessorTime) -> float | None:
        """Which share of all processors others kept busy since then, 0 to 1; None: no tick has passed."""
        total = self.total - since.total
        if total <= 0:
            return None
        return min(1.0, max(0.0, (self.busy - since.busy - self.own + since.own) / total))


class Host:
    """The host on which this process runs, read anew at each call."""

    def __init__(self, root: Path = Path("/")) -> None:
        """Read below `root`, the root of the file system."""
        self.root: Final = root

    def __repr__(self) -> str:
        return f"<Host {self.root}>"

    def text(self, path: str) -> str | None:
        """Answer what a file says, without blanks around it; None where it is not there, or not for us."""
        try:
            return (self.root / path).read_text(encoding="utf-8", errors="replace").strip("\0\n ")
        except OSError:
            return None

    def number(self, path: str) -> int | None:
        """Answer the number that is all a file says; None where it says anything else."""
        text = self.text(path)
        return int(text) if text and text.isascii() and text.isdigit() else None

    def resident_bytes(self) -> int | None:
        """How much of this process lies in memory now (VmRSS)."""
        return self._kibibytes("proc/self/status", "VmRSS")

    def anonymous_bytes(self, pid: int) -> int | None:
        """How much memory a process has that is no file's and nobody else's (RssAnon)."""
        return self._kibibytes(f"proc/{pid}/status", "RssAnon")

    def peak_bytes(self) -> int | None:
        """How much of it lay in memory at the most (VmHWM), since the start or since `forget_peak`."""
        return self._kibibytes("proc/self/status", "VmHWM")

    def forget_peak(self) -> bool:
        """Let the peak begin anew at what lies in memory now; answers whether the kernel did so."""
        try:
            (self.root / "proc/self/clear_refs").write_text(_FORGET_PEAK, encoding="ascii")
        except OSError:
            return False
        return True

    def memory_bytes(self) -> int | None:
        """How much memory the host has, whatever this process may use of it (MemTotal)."""
        return self._kibibytes("proc/meminfo", "MemTotal")

    def room(self) -> HostRoom | None:
        """How much memory there is for this process: the least that the host and each control group above it allow."""
        total = self.memory_bytes()
        available = self._kibibytes("proc/meminfo", "MemAvailable")
        if total is None or available is None:
            return None
        for limit, used in self._limits():
            total = min(total, limit)
            available = min(available, max(0, limit - used))
        return HostRoom(total, available)

    def processor_time(self) -> ProcessorTime | None:
        """Whose time the processors have spent."""
        everybody = (self.text("proc/stat") or "").partition("\n")[0].split()
        ours = (self.text("proc/self/stat") or "").rpartition(")")[2].split()  # a name may hold blanks and brackets
        try:
            ticks = [int(word) for word in everybody[1:]]
            busy, idle = sum(ticks[column] for column in _BUSY), sum(ticks[column] for column in _IDLE)
            return ProcessorTime(busy, busy + idle, sum(int(ours[field]) for field in _OWN))
        except (IndexError, ValueError):
            return None

    def processor_pressure_us(self) -> int | None:
        """For how many microseconds, since the host started, somebody waited for a processor (PSI, `some`)."""
        text = (self.text("proc/pressure/cpu") or "").partition("\n")[0]
        total = text.partition("total=")[2]
        return int(total) if total.isdigit() else None

    def load(self) -> float | None:
        """How many tasks ran or wanted to, on average over the last minute."""
        word = (self.text("proc/loadavg") or "").partition(" ")[0]
        try:
            return float(word)
        except ValueError:
            return None

    def groups(self, controller: str) -> Iterator[str]:
        """Answer the folders of the control groups that this process runs in, from its own up, of either version.

        A container often sees its own group as the root, under a path that holds outside only: then most of these
        folders are not there.
        """
        for line in (self.text("proc/self/cgroup") or "").splitlines():
            number, controllers, path = [*line.split(":", 2), "", ""][:3]
            if number == "0" and not controllers:
                mount = "sys/fs/cgroup"
            elif controller in controllers.split(","):
                mount = f"sys/fs/cgroup/{controller}"
            else:
                continue
            parts = [part for part in path.split("/") if part not in {"", ".."}]
            yield from ("/".join([mount, *parts[:depth]]) for depth in range(len(parts), -1, -1))

    def _kibibytes(self, path: str, key: str) -> int | None:
        for line in (self.text(path) or "").splitlines():
            name, _, rest = line.partition(":")
            words = rest.split()
            if name == key and words and words[0].isdigit():
                return int(words[0]) * _KIBIBYTE
        return None

    def _limits(self) -> Iterator[tuple[int, int]]:
        """Limit and use of each control group that has a limit, in bytes; without the files it merely caches."""
        for folder in self.groups("memory"):
            for limited, use, cached in _LIMITS:
                limit, used = self.number(f"{folder}/{limited}"), self.number(f"{folder}/{use}")
                if limit is not None and used is not None:
                    yield limit, max(0, used - self._statistic(f"{folder}/memory.stat", cached))

    def _statistic(self, path: str, key: str) -> int:
        for line in (self.text(path) or "").splitlines():
            name, _, value = line.partition(" ")
            if name == key and value.isdigit():
                return int(value)
        return 0
