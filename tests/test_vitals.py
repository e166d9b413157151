"""framebatch.device.vitals: what GPUs, processors and simulated devices show while they serve."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from fake_nvml import FakeNvml, memory, process
from host_tree import tree

from framebatch.device.devices import parse_device
from framebatch.device.host import Host
from framebatch.device.nvml import NvmlGpu
from framebatch.device.vitals import GpuVitals, ProcessorVitals, Vitals, nothing, vitals_of

if TYPE_CHECKING:
    from pathlib import Path

ME = 4_321
CPU = "sys/devices/system/cpu"
CORE = min(os.sched_getaffinity(0))


class Rates:
    """What nvmlDeviceGetUtilizationRates answers."""

    gpu = 75
    memory = 20


def test_a_gpu_shows_what_its_driver_tells() -> None:
    """In base units, with each reason for lower clocks; a bounded number of questions."""
    library = FakeNvml(
        nvmlDeviceGetMemoryInfo=memory(7_000),
        nvmlDeviceGetComputeRunningProcesses=[process(ME, 600), process(6, 100)],
        nvmlDeviceGetTotalEnergyConsumption=12_500,
        nvmlDeviceGetPowerUsage=310_000,
        nvmlDeviceGetClockInfo=[1_755, 2_600],
        nvmlDeviceGetTemperatureV=61,
        nvmlDeviceGetUtilizationRates=Rates(),
        nvmlDeviceGetCurrentClocksEventReasons=0x24,
    )
    shown = GpuVitals(NvmlGpu(library, "handle"), pid=ME)([])
    held = {reason for reason, holds in shown.throttled.items() if holds}
    assert (held, len(shown.throttled)) == ({"power_cap", "heat_driver"}, 7)
    assert shown == Vitals(
        server_memory_bytes=600,
        used_memory_bytes=7_000,
        total_memory_bytes=10_000,
        energy_joules=12.5,
        power_watts=310,
        temperature_celsius=61,
        utilisation_ratio=0.75,
        clock_hz=1_755_000_000,
        memory_clock_hz=2_600_000_000,
        throttled=shown.throttled,
    )
    assert ("nvmlDeviceGetClockInfo", "handle", 2) in library.asked
    assert len(library.asked) == 9


def test_what_a_gpu_does_not_tell_is_left_out() -> None:
    """Nothing is 0 for want of an answer."""
    library = FakeNvml()
    assert GpuVitals(NvmlGpu(library, "handle"), pid=ME)([]) == Vitals()
    assert len(library.asked) <= 11


@pytest.mark.parametrize(
    ("processes", "ours"),
    [
        ([process(ME, 600), process(6, 100)], 600),
        ([process(6, 100)], 100),
        ([process(6, 100), process(7, 200)], None),
        ([process(ME, None)], None),
        ([process(ME, 0)], None),
        ([], None),
    ],
    ids=["told", "the only one, by another number", "which one is not told", "no size", "a size of nothing", "nobody"],
)
def test_the_servers_part_of_a_gpu(processes: list[Any], ours: int | None) -> None:
    """By its process number, or as the only process there is; it is not guessed otherwise."""
    library = FakeNvml(nvmlDeviceGetComputeRunningProcesses=processes)
    assert GpuVitals(NvmlGpu(library, "handle"), pid=ME)([]).server_memory_bytes == ours


def test_an_integrated_gpu_has_the_hosts_memory(tmp_path: Path) -> None:
    """Its own is not asked for."""
    host = tree(tmp_path, {"proc/meminfo": "MemTotal: 10 kB\nMemAvailable: 4 kB\n"})
    shown = GpuVitals(NvmlGpu(FakeNvml(nvmlDeviceGetMemoryInfo=memory(1)), "handle"), pid=ME, host=host)([])
    assert (shown.used_memory_bytes, shown.total_memory_bytes) == (6 * 1024, 10 * 1024)


def processor_files(*, busy: int, throttles: int) -> dict[str, str]:
    """What a kernel shows of a processor; ticks are 10 idle and so many busy."""
    return {
        "proc/meminfo": "MemTotal: 1000 kB\nMemAvailable: 300 kB\n",
        "proc/self/status": "VmRSS: 100 kB\nVmHWM: 120 kB\n",
        "proc/7/status": "VmRSS: 90 kB\nRssAnon: 20 kB\n",
        "proc/8/status": "VmRSS: 90 kB\nRssAnon: 30 kB\n",
        "proc/stat": f"cpu {busy} 0 0 10 0 0 0 0 0 0\n",
        "proc/self/stat": "1 (x) S 0 0 0 0 0 0 0 0 0 0 1 1 0 0\n",
        f"{CPU}/cpu{CORE}/cpufreq/scaling_cur_freq": "2000000\n",
        f"{CPU}/cpu{CORE}/thermal_throttle/core_throttle_count": f"{throttles}\n",
        "sys/class/hwmon/hwmon0/name": "coretemp\n",
        "sys/class/hwmon/hwmon0/temp1_input": "55000\n",
    }


def test_a_processor_shows_what_the_kernel_tells(tmp_path: Path) -> None:
    """The server's memory with its decoders', who share its pictures; work and heat since the last look."""
    look = ProcessorVitals(tree(tmp_path, processor_files(busy=100, throttles=3)))
    tree(tmp_path, processor_files(busy=130, throttles=4) | {"proc/stat": "cpu 130 0 0 20 0 0 0 0 0 0\n"})
    assert look([7, 8, 9]) == Vitals(
        server_memory_bytes=150 * 1024,
        used_memory_bytes=700 * 1024,
        total_memory_bytes=1000 * 1024,
        temperature_celsius=55,
        utilisation_ratio=0.75,
        clock_hz=2_000_000_000,
        throttled={"heat": True},
    )
    assert look([]).throttled == {"heat": False}


def test_what_a_processor_does_not_tell_is_left_out(tmp_path: Path) -> None:
    """As where nothing can be read."""
    assert ProcessorVitals(Host(tmp_path))([1]) == Vitals()


def test_this_host_can_be_looked_at() -> None:
    """Its own memory, and that of another process with it."""
    look = vitals_of(parse_device("cpu"), "CPUExecutionProvider", pid=os.getpid())
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as other:
        alone, together = look([]).server_memory_bytes, look([other.pid]).server_memory_bytes
        other.communicate()
    assert alone is not None
    assert together is not None
    assert together > alone / 2 > 0


def test_a_simulated_device_shows_nothing() -> None:
    """There is none."""
    assert vitals_of(parse_device("sim:1,1"), "", pid=ME) is nothing
    assert nothing([]) == Vitals()


def test_it_shows_what_it_looks_at(tmp_path: Path) -> None:
    """The reprs name the device."""
    assert (
        repr(GpuVitals(NvmlGpu(FakeNvml(nvmlDeviceGetName="H200"), "handle"), pid=ME)) == "<GpuVitals <NvmlGpu H200>>"
    )
    assert repr(ProcessorVitals(Host(tmp_path))).startswith("<ProcessorVitals <Processor ")
