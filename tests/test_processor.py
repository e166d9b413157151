"""framebatch.device.processor: names, clocks, heat and energy, in made-up trees."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from host_tree import tree

from framebatch.device.host import Host
from framebatch.device.processor import Processor

if TYPE_CHECKING:
    from pathlib import Path

CORE = min(os.sched_getaffinity(0))
CPU = "sys/devices/system/cpu"


@pytest.mark.parametrize(
    ("files", "name"),
    [
        ({"proc/cpuinfo": "processor\t: 0\nmodel name\t: AMD EPYC 9354 32-Core\n"}, "AMD EPYC 9354 32-Core"),
        (
            {
                "proc/cpuinfo": "CPU implementer\t: 0x41\nCPU part\t: 0xd42\n",
                "proc/device-tree/model": "NVIDIA Jetson AGX Orin Developer Kit\0",
            },
            "NVIDIA Jetson AGX Orin Developer Kit",
        ),
        ({"proc/cpuinfo": "CPU implementer\t: 0x41\nCPU part\t: 0xd0c\n"}, "Neoverse-N1"),
        ({"proc/cpuinfo": "CPU implementer\t: 0x99\nCPU part\t: 0x001\n"}, os.uname().machine),
        ({}, os.uname().machine),
    ],
    ids=["x86", "a board", "a known core", "an unknown core", "nothing"],
)
def test_a_processor_has_a_name_everywhere(tmp_path: Path, files: dict[str, str], name: str) -> None:
    """Its own, its board's, its cores' or its architecture's."""
    assert Processor(tree(tmp_path, files)).name() == name


def test_cores_are_those_that_this_process_may_keep_busy(tmp_path: Path) -> None:
    """Its affinity, or the quota of a control group of either version."""
    mine = len(os.sched_getaffinity(0))
    processor = Processor(tree(tmp_path, {"proc/self/cgroup": "0::/a/b\n", "sys/fs/cgroup/a/b/cpu.max": "max 100000"}))
    assert processor.cores() == mine
    tree(tmp_path, {"sys/fs/cgroup/a/cpu.max": "50000 100000"})
    assert processor.cores() == 0.5
    tree(
        tmp_path,
        {
            "proc/self/cgroup": "1:cpu:/x\n",
            "sys/fs/cgroup/cpu/cpu.cfs_quota_us": "25000",
            "sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000",
        },
    )
    assert processor.cores() == 0.25
    tree(tmp_path, {"sys/fs/cgroup/cpu/cpu.cfs_quota_us": "-1"})
    assert processor.cores() == mine


def test_clocks_are_those_of_our_cores(tmp_path: Path) -> None:
    """In hertz; another process's cores do not count."""
    host = tree(
        tmp_path,
        {
            f"{CPU}/cpu{CORE}/cpufreq/scaling_cur_freq": "2400000",
            f"{CPU}/cpu{CORE}/cpufreq/cpuinfo_max_freq": "3800000",
            f"{CPU}/cpu999/cpufreq/cpuinfo_max_freq": "9000000",
        },
    )
    assert Processor(host).clock_hz() == 2_400_000_000
    assert Processor(host).clock_max_hz() == 3_800_000_000


def test_heat_is_that_of_the_hottest_sensor_of_the_processor(tmp_path: Path) -> None:
    """By hwmon or as a thermal zone; the disk's is none."""
    host = tree(
        tmp_path,
        {
            "sys/class/hwmon/hwmon0/name": "k10temp\n",
            "sys/class/hwmon/hwmon0/temp1_input": "61500\n",
            "sys/class/hwmon/hwmon1/name": "nvme\n",
            "sys/class/hwmon/hwmon1/temp1_input": "80000\n",
            "sys/class/thermal/thermal_zone0/type": "CPU-therm\n",
            "sys/class/thermal/thermal_zone0/temp": "64000\n",
        },
    )
    assert Processor(host).temperature_celsius() == 64.0


def test_energy_is_that_of_whole_packages(tmp_path: Path) -> None:
    """Their parts are counted in them already."""
    folder = "sys/class/powercap/intel-rapl"
    host = tree(
        tmp_path,
        {
            f"{folder}:0/name": "package-0\n",
            f"{folder}:0/energy_uj": "5000\n",
            f"{folder}:0/max_energy_range_uj": "262143\n",
            f"{folder}:0:0/name": "core\n",
            f"{folder}:0:0/energy_uj": "3000\n",
            f"{folder}:0:0/max_energy_range_uj": "262143\n",
            f"{folder}:1/name": "psys\n",
        },
    )
    assert Processor(host).energy_microjoules() == ((5000, 262143),)
    tree(tmp_path, {f"{folder}:2/name": "package-1\n"})
    assert Processor(host).energy_microjoules() is None, "a package that may not be read is missing in the sum"


def test_throttling_is_counted_over_our_cores(tmp_path: Path) -> None:
    """The core's counters and the package's; another process's cores do not count."""
    files = {f"{CPU}/cpu{core}/thermal_throttle/core_throttle_count": "3\n" for core in (CORE, 999)}
    files[f"{CPU}/cpu{CORE}/thermal_throttle/package_throttle_count"] = "2\n"
    assert Processor(tree(tmp_path, files)).throttles() == 5


def test_a_processor_that_shows_nothing_is_none_everywhere(tmp_path: Path) -> None:
    """As in most virtual machines."""
    processor = Processor(Host(tmp_path))
    assert [
        processor.clock_hz(),
        processor.clock_max_hz(),
        processor.temperature_celsius(),
        processor.energy_microjoules(),
    ] == [None] * 4
    assert processor.throttles() == 0


def test_the_processor_here_is_named() -> None:
    """With its cores, for people."""
    assert repr(Processor(Host())).startswith("<Processor ")
