"""What a calibration is asked for, and what it tells while it runs. Only values belong here."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from framebatch.clock import SECOND_NS
from framebatch.device.options import EngineOptions

if TYPE_CHECKING:
    from pathlib import Path

    from framebatch.calibration.points import Point
    from framebatch.device.devices import Device

__all__ = ["Progress", "Wanted"]

FULL_SECONDS: Final = 120.0
QUICK_SECONDS: Final = 20.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Wanted:
    """What to calibrate, and how.

    Attributes:
        model: The ONNX file.
        device: Where it is to run.
        name: What to call it; default None, as its file.
        options: How it is to run there; default `EngineOptions()`.
        limit: Largest batch to try, in frames; default None: 128 on a GPU, 64 elsewhere.
        deadline_ns: Two batches must fit into it; default 1 s, which is what `serve` gives a frame.
        memory_fraction: How much of the memory may be used, what others use included, above 0 to 1; default 0.8.
        quick: Fewer sizes and fewer batches; default no.
        budget_seconds: What the whole run may take; default None: 120, or 20 when quick.
        soak_batches: How many batches the soak has, however long they take; default None: 2000, or as many as fit into
            a tenth of the budget.
        seed: Of a simulated device's noise; default None: another one each time.
        command: What was typed, for the profile; default empty.
    """

    model: Path
    device: Device
    name: str | None = None
    options: EngineOptions = field(default_factory=EngineOptions)
    limit: int | None = None
    deadline_ns: int = SECOND_NS
    memory_fraction: float = 0.8
    quick: bool = False
    budget_seconds: float | None = None
    soak_batches: int | None = None
    seed: int | None = None
    command: str = ""

    def __post_init__(self) -> None:
        if self.limit is not None and self.limit < 1:
            raise ValueError(f"limit is {self.limit}; it must be at least 1")
        if self.deadline_ns < 1:
            raise ValueError(f"deadline_ns is {self.deadline_ns}; it must be at least 1")
        if not 0 < self.memory_fraction <= 1:
            raise ValueError(f"memory_fraction is {self.memory_fraction}; it must be above 0, and 1 at most")
        if self.budget_seconds is not None and self.budget_seconds <= 0:
            raise ValueError(f"budget_seconds is {self.budget_seconds}; it must be above 0")
        if self.soak_batches is not None and self.soak_batches < 1:
            raise ValueError(f"soak_batches is {self.soak_batches}; it must be at least 1")

    @property
    def budget_ns(self) -> int:
        """What the whole run may take."""
        given = self.budget_seconds
        return round((given or (QUICK_SECONDS if self.quick else FULL_SECONDS)) * SECOND_NS)


@dataclass(frozen=True, kw_only=True, slots=True)
class Progress:
    """How far a calibration is.

    Attributes:
        stage: What is being done, for people.
        batch: The size that is being measured; 0: none.
        share: How much of the run's time is over, 0 to 1; never falls.
        left_seconds: How long the rest will take, as far as that is known: at first the whole budget's rest.
        latest: What was measured last.
    """

    stage: str
    batch: int = 0
    share: float = 0.0
    left_seconds: float = 0.0
    latest: Point | None = None
