"""What is known of a host before anything is said about it. Values only; who gathers them is `gathering`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from framebatch.device.trial import Runtime

__all__ = [
    "Clock",
    "Disk",
    "Facts",
    "Gpu",
    "Memory",
    "Model",
    "Nvidia",
    "Port",
    "Processors",
    "SharedMemory",
    "Software",
]


class Software(NamedTuple):
    """What is installed."""

    python: tuple[int, int, int]
    runtimes: tuple[tuple[str, str], ...]
    """Distributions that bring a package `onnxruntime`, and their versions."""
    runtime: Runtime


class Gpu(NamedTuple):
    """One that CUDA can use."""

    name: str
    free_bytes: int | None
    """None: nobody tells."""
    total_bytes: int | None
    processes: int | None
    """That compute on it now."""


class Nvidia(NamedTuple):
    """What there is of NVIDIA."""

    on_bus: int
    """Display adapters of NVIDIA on the PCI bus."""
    driver: str
    """The kernel module's version, e.g. `580.65.06`; empty: none is loaded."""
    cuda: str
    """The newest CUDA that the driver can serve, e.g. `13.0`; empty: there is no usable driver."""
    gpus: tuple[Gpu, ...]
    wanted: int | None
    """Which GPU the settings insist on, with `device = "cuda:N"`; None: on none."""


class Processors(NamedTuple):
    """How much computing there is."""

    host: int
    """Processors of the host."""
    allowed: float
    """Those that this process may keep busy, by its affinity and its control groups."""
    decoders: int
    """As many processes are to decode."""


class Memory(NamedTuple):
    """The memory of the host, in bytes."""

    host: int
    """All that the host has."""
    allowed: int
    """All that this process may use: less where a control group has a limit."""
    available: int
    """What it could take now."""
    pictures: int
    """What pictures of one model may take by the settings, waiting and decoded."""


class SharedMemory(NamedTuple):
    """What decoders hand pixels over in."""

    error: str
    """Why an anonymous file in memory cannot be made; empty: it can."""
    mounted: int | None
    """Size of /dev/shm in bytes; None: it is not there."""


class Port(NamedTuple):
    """One that a server would listen on."""

    key: str
    """The setting, e.g. `http_port`."""
    host: str
    number: int
    error: str
    """Why it cannot be listened on; empty: it can."""
    owner: str
    """Who listens there, e.g. `framebatch (process 4711)`; empty: nobody, or nobody knows."""
    ours: bool
    """Whether that is a framebatch server."""


class Clock(NamedTuple):
    """How well the wall clock is kept."""

    synchronised: bool | None
    """What the kernel says; None: it cannot be asked."""
    error_seconds: float
    """The kernel's bound of how far it is off, where it is synchronised."""
    keeper: str
    """Who keeps it, as far as can be seen: `chrony`, `systemd-timesyncd`; or empty."""


class Disk(NamedTuple):
    """Where something is kept."""

    what: str
    """What is kept there: `profiles` or `recordings`."""
    folder: str
    free_bytes: int
    total_bytes: int
    keep_free_bytes: int
    """What has to stay free there."""
    writable: bool


class Model(NamedTuple):
    """A model, and what is known of its batches here."""

    name: str
    error: str
    """Why it cannot be looked at; empty: it could."""
    matching: str
    """When the newest profile for this model, device, driver and runtime was made; empty: there is none."""
    others: tuple[str, ...]
    """What the other profiles of this model are of: what is not as it is here, e.g. `driver 570.1`."""


class Certificate(NamedTuple):
    """What the server is to show when it speaks TLS."""

    path: str
    error: str
    """Why it cannot be served with; empty: it can."""
    days: float
    """Until the first certificate of its chain expires."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Facts:
    """Everything; None where it could not be found out."""

    software: Software
    tensorrt: bool
    """Whether the settings insist on TensorRT."""
    nvidia: Nvidia
    processors: Processors
    memory: Memory | None
    shared: SharedMemory
    ports: tuple[Port, ...]
    clock: Clock
    descriptors: int
    """How many files and connections a server may have open: it raises its limit to the hard one."""
    connections: int
    """How many it is to accept, by the settings."""
    disks: tuple[Disk, ...]
    models: tuple[Model, ...]
    certificate: Certificate | None = None
    """None: the settings ask for plain text."""
