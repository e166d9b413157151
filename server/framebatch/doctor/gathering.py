"""Everything that is looked at on a host, put together. Says nothing about it; needs no root, and changes nothing."""

from __future__ import annotations

import importlib.metadata
import os
import resource
import sys
import time
from typing import TYPE_CHECKING, Final

from framebatch.decoding.pool import SLOT_MEMORY_BYTES
from framebatch.device.devices import Device, parse_device
from framebatch.device.driver import cuda_driver
from framebatch.device.host import Host
from framebatch.device.nvml import open_gpu
from framebatch.device.processor import Processor
from framebatch.device.trial import Runtime, try_runtime
from framebatch.doctor.facts import Certificate, Facts, Gpu, Memory, Model, Nvidia, Processors, SharedMemory, Software
from framebatch.doctor.kept import find_disks, find_model
from framebatch.doctor.network import find_port
from framebatch.doctor.timekeeping import find_clock
from framebatch.edge.tls.files import TlsFiles, read_material
from framebatch.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from framebatch.config import Config

__all__ = ["gather"]

_NVIDIA: Final = "0x10de"
_DISPLAY: Final = "0x03"
_CUDA: Final = "CUDAExecutionProvider"
_DAY_SECONDS: Final = 86_400
_CPU: Final = "CPUExecutionProvider"


def gather(
    config: Config,
    models: Mapping[str, Path],
    *,
    here: Host | None = None,
    runtime: Callable[[], Runtime] = try_runtime,
) -> Facts:
    """Find out what there is to know of this host; takes some seconds, most of them for the trial of onnxruntime.

    Args:
        config: settings of the server that shall run here.
        models: by name, the ONNX files to look for profiles of.
        here: whose files are read.
        runtime: who tries onnxruntime.

    Raises:
        UsageError: the settings name a device that there cannot be.
    """
    host = here or Host()
    device = parse_device(config.device)
    tried = runtime()
    return Facts(
        software=Software(_python(), _runtimes(), tried),
        tensorrt=config.provider == "tensorrt",
        nvidia=_nvidia(host, wanted=device.index if device.kind == "cuda" else None),
        processors=Processors(os.cpu_count() or 1, Processor(host).cores(), config.decoders),
        memory=_memory(host, config),
        shared=_shared_memory(),
        ports=tuple(find_port(key, config.host, getattr(config, key), here=host) for key in ("port", "http_port")),
        clock=find_clock(host),
        descriptors=_descriptors(),
        connections=config.max_connections + config.max_http_connections,
        disks=find_disks(config.record),
        models=_models(models, device, tried, host),
        certificate=_certificate(config),
    )


def _certificate(config: Config) -> Certificate | None:
    """Read the files as a server would."""
    files, now_seconds = TlsFiles.of(config), time.time()
    if files is None:
        return None
    path = str(files.certificate)
    try:
        material = read_material(files, now_seconds=now_seconds)
    except UsageError as error:
        return Certificate(path, str(error), 0.0)
    return Certificate(path, "", (material.end - now_seconds) / _DAY_SECONDS)


def _python() -> tuple[int, int, int]:
    return sys.version_info[:3]


def _runtimes() -> tuple[tuple[str, str], ...]:
    """Distributions that bring `onnxruntime`. They are asked by their files, as most have names of their own."""
    names = sorted(set(importlib.metadata.packages_distributions().get("onnxruntime", ())))
    return tuple((name, importlib.metadata.version(name)) for name in names)


def _nvidia(host: Host, *, wanted: int | None) -> Nvidia:
    folders = (host.root / "sys/bus/pci/devices").glob("*")
    words = [(host.text(f"{path}/vendor"), host.text(f"{path}/class")) for path in folders]
    on_bus = sum(vendor == _NVIDIA and (kind or "").startswith(_DISPLAY) for vendor, kind in words)
    driver = cuda_driver()
    gpus: list[Gpu] = []
    while driver is not None and (facts := driver.gpu(len(gpus))) is not None:
        asked = open_gpu(facts)
        memory = asked.memory_bytes() if asked else None
        processes = asked.processes() if asked else None
        if asked is not None:
            asked.close()
        used, total = memory or (None, None)
        free = total - used if total is not None and used is not None else None
        gpus.append(Gpu(facts.name, free, total, None if processes is None else len(processes)))
    version = host.text("sys/module/nvidia/version") or ""
    return Nvidia(on_bus, version, driver.version() if driver else "", tuple(gpus), wanted)


def _descriptors() -> int:
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    return sys.maxsize if hard == resource.RLIM_INFINITY else hard


def _memory(host: Host, config: Config) -> Memory | None:
    room = host.room()
    if room is None:
        return None
    return Memory(host.memory_bytes() or room.total_bytes, *room, config.max_waiting_bytes + SLOT_MEMORY_BYTES)


def _shared_memory() -> SharedMemory:
    """Make what decoders use, as large as it gets, and touch its ends."""
    error, mounted = "", None
    try:
        descriptor = os.memfd_create("framebatch-doctor")
        try:
            os.ftruncate(descriptor, SLOT_MEMORY_BYTES)
            os.pwrite(descriptor, b"1", 0)
            os.pwrite(descriptor, b"1", SLOT_MEMORY_BYTES - 1)
        finally:
            os.close(descriptor)
    except OSError as failure:
        error = failure.strerror or str(failure)
    try:
        found = os.statvfs("/dev/shm")  # noqa: S108 - its size is looked at, nothing is put there
        mounted = found.f_frsize * found.f_blocks
    except OSError:
        pass
    return SharedMemory(error, mounted)


def _models(models: Mapping[str, Path], device: Device, tried: Runtime, host: Host) -> tuple[Model, ...]:
    """What is known of each model; nothing where the device is simulated, or onnxruntime is not there to name it."""
    if device.kind == "sim" or not tried.version:
        return ()
    from framebatch.device.meter import device_identity  # noqa: PLC0415 - imports onnxruntime, which may be broken

    provider = _CPU if device.kind == "cpu" or tried.failure(_CUDA) != "" else _CUDA
    name, driver = device_identity(device, provider, host=host)
    runtime = f"onnxruntime {tried.version}"
    return tuple(
        find_model(each, path, device=name, driver=driver, runtime=runtime) for each, path in sorted(models.items())
    )
