"""What the Models service asks of whoever keeps the models: values that describe them, and an interface. No behaviour."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Catalogue", "ModelStatus", "State", "VersionStatus"]


class State(Enum):
    """The life of a version; the names are those of the wire."""

    AVAILABLE = "on the disk, not loaded"
    LOADING = "being loaded, warmed and proven"
    READY = "answers the frames of its model"
    UNLOADING = "answers the frames that it has"
    FAILED = "could not be loaded"


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionStatus:
    """One version. What follows `reason` is known of loaded ones; see models.proto."""

    version: int
    state: State
    reason: str = ""
    label: str = ""
    family: str = ""
    input_width: int = 0
    input_height: int = 0
    labels: tuple[str, ...] = ()
    batch_sizes: tuple[int, ...] = ()
    device: str = ""
    provider: str = ""
    sha256: str = ""
    report: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelStatus:
    """One model. `versions` come newest first; `pinned` says for people why the newest is not the one to serve."""

    name: str
    default: bool
    versions: tuple[VersionStatus, ...]
    pinned: str = ""


class Catalogue(Protocol):
    """Who keeps the models. Lives on the event loop."""

    @property
    def faults(self) -> Sequence[str]:
        """Files that could not be made sense of."""

    def models(self) -> Sequence[ModelStatus]:
        """All models, by name."""

    async def load(self, name: str, version: int) -> ModelStatus:
        """Let a version serve, 0 for the newest; returns when it does, which may take minutes.

        Raises:
            LookupError: there is no such model or version.
            FramebatchError: it cannot be loaded; what served before serves on.
        """

    async def unload(self, name: str) -> ModelStatus:
        """Serve the model no longer; returns when its memory has been given back.

        Raises:
            LookupError: it is not served.
        """
