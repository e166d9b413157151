"""framebatch.device.gauges: what processors and simulated devices show."""

from __future__ import annotations

import os
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest
from host_tree import tree

from framebatch.device.gauges import MemoryTotal, Moment, ProcessorGauge, SimulatedGauge
from framebatch.device.host import Host

if TYPE_CHECKING:
    from pathlib import Path

STATUS = "VmHWM:\t    300 kB\nVmRSS:\t    200 kB\n"
MEMINFO = "MemTotal:  10000 kB\nMemAvailable:  4000 kB\n"
RAPL = "sys/class/powercap/intel-rapl:0"
THROTTLES = f"sys/devices/system/cpu/cpu{min(os.sched_getaffinity(0))}/thermal_throttle/core_throttle_count"


def test_a_simulated_device_shows_its_memory() -> None:
    """Where it simulates any; before there is an engine, nothing."""
    gauge = SimulatedGauge(SimpleNamespace(memory_bytes=70, memory_limit_bytes=100))
    gauge.begin()
    assert gauge.look() == Moment(memory_bytes=70)
    assert gauge.total() == MemoryTotal("device", 100, 0)
    assert SimulatedGauge(SimpleNamespace(memory_bytes=None, memory_limit_bytes=None)).total() is None
    assert SimulatedGauge().look() == Moment()
    assert repr(SimulatedGauge()) == "<SimulatedGauge of None>"


def test_a_processors_memory_is_the_peak_of_this_process(tmp_path: Path) -> None:
    """And others' is what is neither available nor ours."""
    gauge = ProcessorGauge(tree(tmp_path, {"proc/self/status": STATUS, "proc/meminfo": MEMINFO}))
    assert gauge.look() == Moment(memory_bytes=300 * 1024, others_memory_bytes=5800 * 1024)
    assert gauge.total() == MemoryTotal("host", 10_000 * 1024, 5800 * 1024)
    assert repr(gauge).startswith("<ProcessorGauge <Processor ")
    tree(tmp_path, {"proc/self/status": "VmRSS: 200 kB\n"})
    assert gauge.look().memory_bytes == 200 * 1024, "some kernels keep no peak"


def test_energy_is_followed_when_a_counter_begins_anew(tmp_path: Path) -> None:
    """From 90 over its end at 100 to 30 are 40 microjoules."""
    host = tree(
        tmp_path, {f"{RAPL}/name": "package-0", f"{RAPL}/energy_uj": "50", f"{RAPL}/max_energy_range_uj": "100"}
    )
    gauge = ProcessorGauge(host)
    seen = []
    for counter in ("90", "30"):
        tree(tmp_path, {f"{RAPL}/energy_uj": counter})
        seen.append(gauge.look().energy_joules)
    assert seen == pytest.approx([40e-6, 80e-6])


def test_heat_counts_from_the_beginning(tmp_path: Path) -> None:
    """Clocks that were lowered before `begin` are of no interest."""
    gauge = ProcessorGauge(tree(tmp_path, {THROTTLES: "5"}))
    tree(tmp_path, {THROTTLES: "6"})
    assert gauge.look().throttled == ("heat (the processor's own counter)",)
    gauge.begin()
    assert gauge.look().throttled == ()


def test_a_host_that_shows_nothing_is_an_empty_moment(tmp_path: Path) -> None:
    """No error, whatever is missing."""
    gauge = ProcessorGauge(Host(tmp_path))
    gauge.begin()
    assert gauge.look() == Moment()
    assert gauge.total() is None
    gauge.close()
