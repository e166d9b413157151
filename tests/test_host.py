"""framebatch.device.host: what the kernel tells, here and in made-up trees."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from host_tree import tree

from framebatch.device.host import Host, HostRoom, ProcessorTime

if TYPE_CHECKING:
    from pathlib import Path

MIB = 1 << 20
COARSE = 32 * MIB
"""Kernels count each processor's pages for themselves, and sum up now and then."""


MEMINFO = "MemTotal:       1024000 kB\nMemFree:          1000 kB\nMemAvailable:    512000 kB\n"
TOTAL, AVAILABLE = 1024_000 * 1024, 512_000 * 1024


def test_this_host_can_be_read() -> None:
    """What every Linux shows to everybody."""
    host = Host()
    room, times, resident, peak = host.room(), host.processor_time(), host.resident_bytes(), host.peak_bytes()
    assert room is not None
    assert times is not None
    assert resident is not None
    assert peak is not None
    assert 0 < room.available_bytes <= room.total_bytes
    assert 0 <= times.own <= times.busy <= times.total
    assert 10 * MIB < resident <= peak + COARSE
    assert host.load() is not None
    assert repr(host) == "<Host />"


def test_the_peak_begins_anew() -> None:
    """What the process had before counts no more, what it takes from then on does, even when it gives it back."""
    host = Host()
    bytearray(200 * MIB)
    if not host.forget_peak():
        pytest.skip("this kernel does not let a process forget its peak")
    before = host.peak_bytes()
    bytearray(100 * MIB)
    after = host.peak_bytes()
    assert before is not None
    assert after is not None
    assert 100 * MIB - COARSE < after - before < 100 * MIB + COARSE


def test_a_host_that_shows_nothing_is_none_everywhere(tmp_path: Path) -> None:
    """Each reading by itself, and no error."""
    host = Host(tmp_path)
    assert not host.forget_peak()
    assert [
        host.room(),
        host.processor_time(),
        host.resident_bytes(),
        host.peak_bytes(),
        host.processor_pressure_us(),
        host.load(),
        host.number("proc/sys/none"),
    ] == [None] * 7


def test_odd_contents_are_none(tmp_path: Path) -> None:
    """A kernel of another shape must not stop a calibration."""
    host = tree(
        tmp_path,
        {"proc/stat": "cpu  1 2", "proc/self/stat": "1 (x", "proc/loadavg": "", "proc/pressure/cpu": "some avg10=0"},
    )
    assert [host.processor_time(), host.load(), host.processor_pressure_us()] == [None] * 3


@pytest.mark.parametrize(
    ("files", "room"),
    [
        ({}, HostRoom(TOTAL, AVAILABLE)),
        (
            {
                "proc/self/cgroup": "0::/box/job\n",
                "sys/fs/cgroup/box/memory.max": f"{300 * MIB}\n",
                "sys/fs/cgroup/box/memory.current": f"{250 * MIB}\n",
                "sys/fs/cgroup/box/memory.stat": f"anon 5\ninactive_file {50 * MIB}\n",
                "sys/fs/cgroup/box/job/memory.max": "max\n",
                "sys/fs/cgroup/box/job/memory.current": f"{100 * MIB}\n",
            },
            HostRoom(300 * MIB, 100 * MIB),
        ),
        (
            {
                "proc/self/cgroup": "4:cpu,memory:/docker/abc\n1:name=systemd:/docker/abc\n",
                "sys/fs/cgroup/memory/memory.limit_in_bytes": f"{200 * MIB}\n",
                "sys/fs/cgroup/memory/memory.usage_in_bytes": f"{80 * MIB}\n",
                "sys/fs/cgroup/memory/memory.stat": f"inactive_file 1\ntotal_inactive_file {30 * MIB}\n",
            },
            HostRoom(200 * MIB, 150 * MIB),
        ),
        (
            {
                "proc/self/cgroup": "4:memory:/\n0::/\n",
                "sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n",
                "sys/fs/cgroup/memory/memory.usage_in_bytes": f"{80 * MIB}\n",
            },
            HostRoom(TOTAL, AVAILABLE),
        ),
    ],
    ids=["no control group", "version 2", "version 1, in a container", "version 1, no limit"],
)
def test_memory_is_what_the_tightest_limit_leaves(tmp_path: Path, files: dict[str, str], room: HostRoom) -> None:
    """Of the host and of every control group above; files that a group merely caches are no use of it."""
    assert tree(tmp_path, {"proc/meminfo": MEMINFO, **files}).room() == room


def test_a_full_group_has_nothing_left(tmp_path: Path) -> None:
    """Not less than nothing."""
    files = {"proc/self/cgroup": "0::/", "sys/fs/cgroup/memory.max": "100", "sys/fs/cgroup/memory.current": "200"}
    assert tree(tmp_path, {"proc/meminfo": MEMINFO, **files}).room() == HostRoom(100, 0)


def test_time_of_all_is_told_from_our_own(tmp_path: Path) -> None:
    """User, nice, system, interrupts and stolen time are busy; what this process did itself is not others'."""
    host = tree(
        tmp_path,
        {
            "proc/stat": "cpu  100 10 20 800 50 3 4 13 99 0\ncpu0 1 1 1 1\n",
            "proc/self/stat": "7 (a ) b) R 1 2 3 4 5 6 7 8 9 10 40 20 0 0",
        },
    )
    assert host.processor_time() == ProcessorTime(busy=150, total=1000, own=60)


def test_others_share_is_of_all_processors() -> None:
    """Of 100 ticks 60 were busy, 40 of them by ourselves; and it stays within 0 and 1 where ticks are coarse."""
    start = ProcessorTime(busy=1000, total=5000, own=300)
    assert ProcessorTime(busy=1060, total=5100, own=340).others_share(start) == pytest.approx(0.2)
    assert ProcessorTime(busy=1000, total=5001, own=302).others_share(start) == 0
    assert start.others_share(start) is None


def test_pressure_is_the_time_that_anybody_waited(tmp_path: Path) -> None:
    """The first line's total, in microseconds."""
    text = "some avg10=0.41 avg60=0.68 avg300=0.47 total=4614516909\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=0\n"
    assert tree(tmp_path, {"proc/pressure/cpu": text}).processor_pressure_us() == 4_614_516_909
