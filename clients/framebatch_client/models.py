"""The models of a server, as frozen values, and the one conversion from the wire.

Asking for them belongs to ``transport``; what a server does with a wish is its own business.
"""

from __future__ import annotations

from dataclasses import dataclass

from framebatch_proto.v1 import models_pb2

_PREFIX = "STATE_"


@dataclass(frozen=True, slots=True)
class ModelVersion:
    """One version of a model; what follows ``reason`` is known of versions that are loaded.

    ``state`` is "AVAILABLE" (on the server's disk), "LOADING", "READY" (it answers frames), "UNLOADING" or "FAILED" (the
    ``reason`` says why); ``label`` is what answers carry as their ``model_version``; ``report`` tells people what was
    found out at load.
    """

    version: int
    state: str
    reason: str
    label: str
    family: str
    input_width: int
    input_height: int
    labels: tuple[str, ...]
    batch_sizes: tuple[int, ...]
    device: str
    provider: str
    sha256: str
    report: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ServerModel:
    """One model of a server. ``versions`` come newest first; ``pinned`` says why the newest is not the one to serve."""

    name: str
    default: bool
    versions: tuple[ModelVersion, ...]
    pinned: str

    @property
    def serving(self) -> ModelVersion | None:
        """The version that answers frames; None when the model is not served."""
        return next((version for version in self.versions if version.state == "READY"), None)


@dataclass(frozen=True, slots=True)
class ServerModels:
    """All models of a server, by name, and the ``faults`` that it found in its folder, for people."""

    models: tuple[ServerModel, ...]
    faults: tuple[str, ...]


def models_from_wire(message: models_pb2.ListModelsResponse) -> ServerModels:
    """Convert a message."""
    return ServerModels(tuple(model_from_wire(model) for model in message.models), tuple(message.faults))


def model_from_wire(message: models_pb2.Model) -> ServerModel:
    """Convert a message; a state that this client does not know is shown by its number."""
    versions = tuple(_version(version) for version in message.versions)
    return ServerModel(message.name, message.default, versions, message.pinned)


def _version(message: models_pb2.Version) -> ModelVersion:
    known = models_pb2.State.values()
    state = models_pb2.State.Name(message.state).removeprefix(_PREFIX) if message.state in known else str(message.state)
    return ModelVersion(
        version=message.version,
        state=state,
        reason=message.reason,
        label=message.label,
        family=message.family,
        input_width=message.input_width,
        input_height=message.input_height,
        labels=tuple(message.labels),
        batch_sizes=tuple(message.batch_sizes),
        device=message.device,
        provider=message.provider,
        sha256=message.sha256,
        report=tuple(message.report),
    )
