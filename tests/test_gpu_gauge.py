"""framebatch.device.gpu_gauge: whose memory is whose on a GPU, by a management library that is made up."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest
from fake_nvml import FakeNvml, memory, process
from host_tree import tree

from framebatch.device.gauges import MemoryTotal, Moment
from framebatch.device.gpu_gauge import GpuGauge
from framebatch.device.host import Host
from framebatch.device.nvml import NvmlGpu

if TYPE_CHECKING:
    from pathlib import Path

ME = os.getpid()
PARENT = os.getppid()
STRANGER = 999_999_999


def gauge(tmp_path: Path, **answers: Any) -> GpuGauge:
    """A gauge of a GPU that answers so; its memory in use is 1,000 at first, and 5,000 when it is looked at."""
    library = FakeNvml(nvmlDeviceGetMemoryInfo=[memory(1_000), memory(5_000)], **answers)
    return GpuGauge(NvmlGpu(library, "handle"), host=Host(tmp_path))


@pytest.mark.parametrize(
    ("processes", "taken", "others", "strangers"),
    [
        ([process(ME, 3_500), process(STRANGER, 500)], 3_500, 1_500, 1),
        ([process(ME, 3_500), process(PARENT, 500)], 3_500, 1_500, 0),
        ([process(ME, None), process(STRANGER, None)], 4_000, 1_000, 1),
        ([process(ME, 0)], 4_000, 1_000, 0),
        ([process(STRANGER, None)], 4_000, 1_000, 0),
        ([process(STRANGER, 3_500), process(STRANGER + 1, 500)], 4_000, 1_000, 1),
        ([], 4_000, 1_000, 0),
    ],
    ids=[
        "told",
        "who started us is no stranger",
        "sizes not told",
        "a size of nothing is not told",
        "our number is another outside of the container",
        "so it is, and there is somebody else",
        "no processes told",
    ],
)
def test_our_memory_is_told_from_others(
    tmp_path: Path, processes: list[Any], taken: int, others: int, strangers: int
) -> None:
    """By our process number; where that does not help, by how much more is in use than before."""
    moment = gauge(tmp_path, nvmlDeviceGetComputeRunningProcesses=processes).look()
    assert (moment.memory_bytes, moment.others_memory_bytes, moment.others_processes) == (taken, others, strangers)


def test_a_gpu_shows_its_figures(tmp_path: Path) -> None:
    """Those that it gives, under the names of all devices."""
    looked = gauge(
        tmp_path,
        nvmlDeviceGetTotalEnergyConsumption=2_000,
        nvmlDeviceGetPowerUsage=150_000,
        nvmlDeviceGetClockInfo=1_000,
        nvmlDeviceGetMaxClockInfo=2_000,
        nvmlDeviceGetTemperature=70,
        nvmlDeviceGetCurrentClocksEventReasons=0x40,
    ).look()
    assert looked == Moment(
        memory_bytes=4_000,
        others_memory_bytes=1_000,
        energy_joules=2.0,
        power_watts=150.0,
        clock_hz=1_000_000_000,
        clock_max_hz=2_000_000_000,
        temperature_celsius=70.0,
        throttled=("heat (slowed down by the hardware)",),
    )


def test_memory_in_all_is_the_gpus_and_ours_is_not_others(tmp_path: Path) -> None:
    """5,000 of 10,000 are in use; 3,500 of them by this process, where that is told."""
    told = gauge(tmp_path, nvmlDeviceGetComputeRunningProcesses=[process(ME, 3_500)])
    assert told.total() == MemoryTotal("device", 10_000, 1_500)
    assert gauge(tmp_path).total() == MemoryTotal("device", 10_000, 5_000)


def test_an_integrated_gpu_takes_the_hosts_memory(tmp_path: Path) -> None:
    """What is available shrinks by what computing takes; its management library, if any, knows of no memory."""
    meminfo = "MemTotal: 8000 kB\nMemAvailable: {} kB\n"
    host = tree(tmp_path, {"proc/meminfo": meminfo.format(6000), "proc/self/status": "VmRSS: 100 kB\n"})
    library = FakeNvml(nvmlDeviceGetTemperature=50)
    jetson = GpuGauge(NvmlGpu(library, "handle"), host=host, integrated=True)
    tree(tmp_path, {"proc/meminfo": meminfo.format(4500)})
    assert jetson.look() == Moment(memory_bytes=1500 * 1024, temperature_celsius=50.0)
    assert jetson.total() == MemoryTotal("host", 8000 * 1024, 3400 * 1024)
    without = GpuGauge(None, host=host, integrated=True)
    assert without.look() == Moment(memory_bytes=0)
    assert repr(without) == "<GpuGauge None, integrated>"


def test_without_a_management_library_nothing_is_seen(tmp_path: Path) -> None:
    """Of a GPU with memory of its own."""
    blind = GpuGauge(None, host=Host(tmp_path))
    blind.begin()
    assert blind.look() == Moment()
    assert blind.total() is None
    blind.close()


def test_the_library_is_given_up(tmp_path: Path) -> None:
    """When the gauge is."""
    library = FakeNvml()
    GpuGauge(NvmlGpu(library, "handle"), host=Host(tmp_path)).close()
    assert library.opened == -1
