"""framebatch.device.meter: what a measurement is told of the machine."""

from __future__ import annotations

import subprocess
import sys
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest
from host_tree import tree

from framebatch.clock import MILLISECOND_NS
from framebatch.device.devices import Device
from framebatch.device.gauges import MemoryTotal, Moment
from framebatch.device.host import Host
from framebatch.device.meter import DeviceIdentity, Meter, Reading, device_identity, memory_total, summary

if TYPE_CHECKING:
    from pathlib import Path

CPU, CUDA, SIM = Device(kind="cpu"), Device(kind="cuda"), Device(kind="sim", alpha_ns=6_000_000, beta_ns=3_000_000)
MIB = 1 << 20

CHILD = """
from framebatch.device.devices import Device
from framebatch.device.host import Host
from framebatch.device.meter import Meter
with Meter(Device(kind="cpu")) as meter:
    early = bytearray(300 << 20)
    del early
    meter.begin()
    without = meter.reading().memory_bytes
    taken = bytearray(200 << 20)
    del taken
    print(without, meter.reading().memory_bytes, Host().forget_peak())
"""


def test_memory_on_a_processor_is_that_of_the_timed_batches() -> None:
    """A process that takes 200 MB and gives them back has taken them; what it took before the batches counts no more."""
    output = subprocess.run([sys.executable, "-c", CHILD], capture_output=True, text=True, check=True, timeout=60)
    *memory, forgets = output.stdout.split()
    if forgets != "True":
        pytest.skip("this kernel does not let a process forget its peak")
    without, peak = map(int, memory)
    assert without < 300 * MIB
    assert peak >= 200 * MIB
    assert 168 * MIB < peak - without < 232 * MIB


def test_a_device_is_looked_at_ten_times_a_second_and_at_the_end(tmp_path: Path) -> None:
    """However short the batches are: between them, a question costs a comparison."""
    now = [0]
    with Meter(SIM, host=Host(tmp_path), now=lambda: now[0]) as meter:
        engine = SimpleNamespace(memory_bytes=10, memory_limit_bytes=100)
        meter.begin(engine)
        for _ in range(1000):
            now[0] += MILLISECOND_NS
            engine.memory_bytes += 1
            meter.sample()
        assert repr(meter) == "<Meter of sim:6,3, 11 moments>"
        assert meter.reading() == Reading(memory_bytes=1010)


def test_who_else_keeps_the_processors_busy_is_told(tmp_path: Path) -> None:
    """From the beginning of the batches: 100 ticks, 70 of them busy, 30 of these ours; somebody waited for a quarter."""
    now = [0]
    pressure = "some avg10=0.00 avg60=0.00 avg300=0.00 total={}\n"
    host = tree(
        tmp_path,
        {
            "proc/stat": "cpu 1000 0 0 4000 0 0 0 0",
            "proc/self/stat": "1 (x) R 1 2 3 4 5 6 7 8 9 10 100 0",
            "proc/pressure/cpu": pressure.format(7_000_000),
            "proc/loadavg": "1.50 1.00 0.50 1/100 1000\n",
        },
    )
    with Meter(SIM, host=host, now=lambda: now[0]) as meter:
        now[0] = 2000 * MILLISECOND_NS
        tree(
            tmp_path,
            {
                "proc/stat": "cpu 1060 0 0 4030 0 0 0 10",
                "proc/self/stat": "1 (x) R 1 2 3 4 5 6 7 8 9 10 110 20",
                "proc/pressure/cpu": pressure.format(7_500_000),
                "proc/loadavg": "9.00 1.00 0.50 1/100 1000\n",
            },
        )
        found = meter.reading()
    assert found.others_processor_share == pytest.approx(0.4)
    assert found.processor_pressure == pytest.approx(0.25)
    assert found.load_at_start == 1.5


def test_clocks_and_heat_are_those_while_batches_ran() -> None:
    """The first look, before them, shows an idle device."""
    found = summary(
        [
            Moment(clock_hz=300, temperature_celsius=90.0, throttled=("power cap",)),
            Moment(clock_hz=1700, clock_max_hz=2000, temperature_celsius=60.0),
            Moment(clock_hz=1500, clock_max_hz=2000, temperature_celsius=72.0, throttled=("heat", "power cap")),
            Moment(clock_hz=1600, clock_max_hz=2000, temperature_celsius=71.0, throttled=("heat",)),
        ],
        seconds=1.0,
    )
    assert (found.clock_hz, found.clock_max_hz, found.temperature_celsius) == (1600, 2000, 72.0)
    assert found.throttled == ("heat", "power cap")


def test_memory_is_the_highest_that_was_seen() -> None:
    """Ours and others'."""
    seen = [(100, 20, 0), (300, 50, 2), (200, None, 1)]
    moments = [Moment(memory_bytes=a, others_memory_bytes=b, others_processes=c) for a, b, c in seen]
    found = summary(moments, seconds=1.0)
    assert (found.memory_bytes, found.others_memory_bytes, found.others_device_processes) == (300, 50, 2)


@pytest.mark.parametrize(
    ("moments", "seconds", "joules", "watts"),
    [
        ([Moment(energy_joules=100.0), Moment(energy_joules=400.0)], 2.0, 300.0, 150.0),
        ([Moment(power_watts=40.0), Moment(power_watts=100.0), Moment(power_watts=140.0)], 2.0, 240.0, 120.0),
        ([Moment(energy_joules=100.0), Moment(energy_joules=140.0)], 0.2, None, None),
        ([Moment(), Moment()], 2.0, None, None),
    ],
    ids=["a counter", "power only", "too short for a counter", "neither"],
)
def test_energy_is_the_counters_rise_or_power_times_time(
    moments: list[Moment], seconds: float, joules: float | None, watts: float | None
) -> None:
    """The power before the batches is no part of it."""
    found = summary(moments, seconds)
    assert (found.energy_joules, found.power_watts) == (joules, watts)


def test_memory_in_all_is_the_hosts_or_the_simulated_devices() -> None:
    """Where none is simulated, nobody can tell."""
    host = memory_total(CPU)
    assert host is not None
    assert host.kind == "host"
    assert 0 <= host.others_bytes < host.total_bytes
    assert memory_total(SIM, SimpleNamespace(memory_bytes=1, memory_limit_bytes=64)) == MemoryTotal("device", 64, 0)
    assert memory_total(SIM, SimpleNamespace(memory_bytes=None, memory_limit_bytes=None)) is None


def test_a_device_is_named_with_what_figures_depend_on(tmp_path: Path) -> None:
    """A processor with its cores; `auto` is what computes; a simulated device as it was asked for."""
    files = {
        "proc/cpuinfo": "model name : Some CPU",
        "proc/self/cgroup": "0::/",
        "sys/fs/cgroup/cpu.max": "50000 100000",
    }
    host = tree(tmp_path, files)
    named = DeviceIdentity("Some CPU, 0.5 cores", "")
    assert device_identity(CPU, "CPUExecutionProvider", host=host) == named
    assert device_identity(Device(), "CPUExecutionProvider", host=host) == named
    assert device_identity(SIM, "simulated", host=host) == DeviceIdentity("sim:6,3", "")


@pytest.mark.parametrize(
    ("files", "driver"),
    [
        ({"sys/module/nvidia/version": "580.95.05\n"}, "580.95.05"),
        (
            {"etc/nv_tegra_release": "# R36 (release), REVISION: 4.3, GCID: 3, BOARD: g\n"},
            "R36 (release), REVISION: 4.3",
        ),
    ],
)
def test_a_gpus_driver_is_the_kernels(tmp_path: Path, files: dict[str, str], driver: str) -> None:
    """Or, on a Jetson, its system's."""
    assert device_identity(CUDA, "CUDAExecutionProvider", host=tree(tmp_path, files)).driver == driver


def test_a_gpu_can_be_metered_wherever_one_is_asked_for() -> None:
    """Without one, too: then nothing of it is seen."""
    with Meter(CUDA) as meter:
        meter.begin()
        found = meter.reading()
    assert found.memory_bytes is None or found.memory_bytes >= 0
    total = memory_total(CUDA)
    assert total is None or total.others_bytes <= total.total_bytes


def test_who_measures_knows_what_computes() -> None:
    """`auto` could be either."""
    with pytest.raises(ValueError, match="device is auto"):
        Meter(Device())
