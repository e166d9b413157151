"""What loading a model came to, and why: facts for commands and metrics, sentences for people. Nothing is decided here."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["LoadReport"]


@dataclass(frozen=True, kw_only=True, slots=True)
class LoadReport:
    """How a model runs on its device.

    Attributes:
        pictures_in: The device turns uint8 pictures into the network's input; else the host does.
        why_not_pictures_in: Why the host does, for people; empty where it does not.
        fused: The device selects the best candidates; else all of the network's outputs come back.
        why_not_fused: Why it does not, for people; empty where it does.
        batch_size: The only batch that is run, or None where any up to the largest is.
        opened: The file fixes its batch axis, and it was made open.
        why_not_batched: Why not every batch size is run, for people; empty where it is, or where none was asked for.
        proven: Batch sizes at which each frame was answered as it is alone, rising; empty where nothing was proven.
        loosely: The proof shows no more than that each frame gets its own answer, because scores depend on the batch.
        max_pixels: How far a corner of a box was off between the fused and the plain program at most, in pixels.
        max_score: How far a score was off between them at most.
        out_of_memory: The smallest batch for which the device had no memory when it was tried; 0 where it had for all.
        threads: How many threads one batch uses on a processor, by measurement; 0 elsewhere, and where it was said.
        frames_per_second: For each number of threads that was measured, what it reached.
        remembered: All this was found out at an earlier start, and not again.
    """

    pictures_in: bool = True
    why_not_pictures_in: str = ""
    fused: bool = False
    why_not_fused: str = ""
    batch_size: int | None = None
    opened: bool = False
    why_not_batched: str = ""
    proven: tuple[int, ...] = ()
    loosely: bool = False
    max_pixels: float = 0.0
    max_score: float = 0.0
    out_of_memory: int = 0
    threads: int = 0
    frames_per_second: Mapping[int, float] = field(default_factory=dict)
    remembered: bool = False

    def to_facts(self) -> dict[str, Any]:
        """Put it into values that JSON can hold."""
        return asdict(self)

    @classmethod
    def from_facts(cls, facts: Mapping[str, Any]) -> Self:
        """Make it of what `to_facts` answered and JSON made of that: lists, and numbers as text for keys."""
        rates = {int(count): rate for count, rate in facts["frames_per_second"].items()}
        return cls(**{**facts, "proven": tuple(facts["proven"]), "frames_per_second": rates})

    def sentences(self) -> tuple[str, ...]:
        """Say it to people, one line for each thing."""
        lines = [self._input(), self._output(), self._batches()]
        if self.out_of_memory:
            lines.append(f"batches of {self.out_of_memory} and more do not fit the device's memory")
        if self.frames_per_second:
            measured = ", ".join(f"{count}: {rate:.4g}/s" for count, rate in sorted(self.frames_per_second.items()))
            threads = f"{self.threads} thread{'s' if self.threads > 1 else ''}"
            lines.append(f"one batch uses {threads}, by measurement ({measured})")
        return tuple(lines)

    def _input(self) -> str:
        if self.pictures_in:
            return "pictures are converted on the device"
        return f"pictures are converted on the host: {self.why_not_pictures_in}"

    def _output(self) -> str:
        if not self.fused:
            return "candidates are selected on the host" + (f": {self.why_not_fused}" if self.why_not_fused else "")
        return (
            "candidates are selected on the device, equal to the host's selection by proof "
            f"({self.max_pixels:.2g} px, {self.max_score:.2g} off at most)"
        )

    def _batches(self) -> str:
        if self.why_not_batched:
            size = "one by one" if self.batch_size == 1 else f"{self.batch_size} at a time"
            return f"frames are run {size}: {self.why_not_batched}"
        if not self.proven:
            return f"frames are run {self.batch_size} at a time" if self.batch_size else "any batch size is run"
        opened = "the batch axis was fixed and is opened; " if self.opened else ""
        answered = f"{opened}frames are answered in batches of {', '.join(map(str, self.proven))}"
        if self.loosely:
            return f"{answered}; their scores depend on who shares a batch, as the manifest accepts"
        return f"{answered} as alone, by proof"
