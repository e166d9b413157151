"""framebatch.doctor.gathering and examination: this machine, and made-up ones, looked at as a whole."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from host_tree import tree

from framebatch.config import Config
from framebatch.device.trial import Runtime
from framebatch.doctor import examine, gather
from framebatch.errors import UsageError
from framebatch_models import find

if TYPE_CHECKING:
    from framebatch.doctor import Finding

CPU, CUDA = "CPUExecutionProvider", "CUDAExecutionProvider"


def works() -> Runtime:
    """An onnxruntime that computes on the processor; trying the installed one is tested elsewhere."""
    return Runtime("1.31", "", ((CPU, ""),))


def config(**changes: object) -> Config:
    """Settings of a server that takes free ports."""
    return Config.model_validate({"model": "conveyor", "device": "cpu", "port": 0, "http_port": 0, **changes})


def of_topic(findings: list[Finding], topic: str) -> Finding:
    """The one of this topic."""
    (found,) = [finding for finding in findings if finding.topic == topic]
    return found


def test_this_machine_is_looked_at_and_serves() -> None:
    """Where tests run, servers run."""
    findings = examine(gather(config(), {"conveyor": find("conveyor")}, runtime=works))
    topics = [finding.topic for finding in findings]
    assert topics[:3] == ["python", "onnxruntime", "cpu"]
    assert {"processors", "memory", "shared memory", "port 0", "open files", "clock", "profiles"} < set(topics)
    assert of_topic(findings, "model conveyor").verdict in {"ok", "note"}
    assert [finding for finding in findings if finding.verdict == "problem"] == []
    assert [finding for finding in findings if (finding.verdict == "ok") == bool(finding.remedy)] == []


def test_an_adapter_without_a_driver_is_seen_on_the_bus(tmp_path: Path) -> None:
    """Other devices of NVIDIA, and other makers' adapters, do not count."""
    bus = "sys/bus/pci/devices"
    ids = {"0": ("0x10de", "0x030200"), "1": ("0x10de", "0x040300"), "2": ("0x1002", "0x030000")}
    files = {
        f"{bus}/{place}/{name}": value
        for place, values in ids.items()
        for name, value in zip(("vendor", "class"), values, strict=True)
    }
    facts = gather(config(), {}, here=tree(tmp_path, files), runtime=works)
    assert facts.nvidia.on_bus == 1
    assert facts.memory is None


def test_a_limit_of_a_container_is_seen(tmp_path: Path) -> None:
    """Of processors and of memory."""
    files = {
        "proc/meminfo": "MemTotal: 33554432 kB\nMemAvailable: 16777216 kB\n",
        "proc/self/cgroup": "0::/\n",
        "sys/fs/cgroup/cpu.max": "50000 100000\n",
        "sys/fs/cgroup/memory.max": str(1 << 30),
        "sys/fs/cgroup/memory.current": "0",
    }
    findings = examine(gather(config(decoders=4), {}, here=tree(tmp_path, files), runtime=works))
    assert of_topic(findings, "processors").remedy.startswith("set decoders = 1")
    assert "limited by its control group; the host has 32 GiB" in of_topic(findings, "memory").found


def test_a_simulated_device_has_no_profiles() -> None:
    """What it costs is known."""
    assert gather(config(device="sim:6,3"), {"conveyor": find("conveyor")}, runtime=works).models == ()


def test_a_runtime_that_cannot_be_imported_is_no_reason_to_fail() -> None:
    """It is a finding, and all else is told too."""
    findings = examine(gather(config(), {"conveyor": find("conveyor")}, runtime=lambda: Runtime(error="broken")))
    assert of_topic(findings, "onnxruntime").verdict == "problem"
    assert of_topic(findings, "open files")


def test_what_the_settings_want_is_looked_for(tmp_path: Path) -> None:
    """A GPU, TensorRT, a folder for recordings."""
    wanted = config(device="cuda:0", provider="tensorrt", record=tmp_path)
    facts = gather(wanted, {}, here=tree(tmp_path, {}), runtime=works)
    assert (facts.nvidia.wanted, facts.tensorrt) == (0, True)
    assert of_topic(examine(facts), "cuda").verdict == "problem"
    assert of_topic(examine(facts), "tensorrt").verdict == "problem"
    assert of_topic(examine(facts), "recordings").found.endswith(str(tmp_path))


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_for_recordings_that_cannot_be_written_is_a_problem() -> None:
    """A server would not start with it."""
    findings = examine(gather(config(record=Path("/proc/recordings")), {}, runtime=works))
    assert of_topic(findings, "recordings").verdict == "problem"


def test_a_device_that_cannot_be_is_refused() -> None:
    """By its name."""
    with pytest.raises(UsageError, match="--device is 'gpu'"):
        gather(config(device="gpu"), {}, runtime=works)
