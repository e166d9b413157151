"""What a family is judged by, in one value: shapes, names, and on demand the numbers of one run. No family is known here."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from framebatch.device.model_file import Tensor

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy.typing as npt

    Shape = tuple[int, ...]

__all__ = ["Evidence"]

_RAW_MAP_AXES = 5


class Evidence:
    """The facts of one model, as rules ask for them.

    Shapes are without the batch axis. They are the declared ones; where the file leaves an axis open, the model is run
    once, and only then. Not for several threads.
    """

    def __init__(
        self,
        *,
        outputs: Sequence[Tensor],
        width: int,
        height: int,
        names: int | None,
        probe: Callable[[], Sequence[npt.NDArray[Any]]],
        extras: Sequence[str] = (),
    ) -> None:
        """Keep what is known.

        Args:
            outputs: As the file declares them.
            width: Of the network's picture, in pixels.
            height: Likewise.
            names: How many class names are given, or None.
            probe: Runs the model once on a picture with content; may raise `ModelError`.
            extras: The inputs beside the picture.

        """
        self.outputs = tuple(outputs)
        self.width = width
        self.height = height
        self.names = names
        self.extras = tuple(extras)
        self._probe = probe

    @cached_property
    def values(self) -> list[npt.NDArray[Any]]:
        """What the model answers to a picture with content, in the order of its outputs, batch axis first."""
        return [np.asarray(output) for output in self._probe()]

    @cached_property
    def shapes(self) -> tuple[Shape, ...]:
        """Of each output, without the batch axis."""
        declared = [output.shape for output in self.outputs]
        if any(len(shape) == 0 or None in shape[1:] for shape in declared):
            declared = [output.shape for output in self.values]
        return tuple(tuple(axis or 0 for axis in shape[1:]) for shape in declared)

    @property
    def tensors(self) -> tuple[Tensor, ...]:
        """The outputs with the shapes that they really have.

        A model with further inputs is not run for it: such models state what must be known of their shapes.
        """
        if self.extras:
            return self.outputs
        return tuple(
            Tensor(name=output.name, shape=(None, *shape), dtype=output.dtype)
            for output, shape in zip(self.outputs, self.shapes, strict=True)
        )

    def only(self, rank: int) -> Shape | None:
        """The shape of the one output, where there is one, of so many axes after the batch.

        Raw anchor maps behind it (5 axes), which older YOLOv5 exports add, are what it was computed from and do not count.
        """
        if not self.outputs or any(len(output.shape) != _RAW_MAP_AXES for output in self.outputs[1:]):
            return None
        shape = self.shapes[0]
        return shape if len(shape) == rank else None

    def frame(self, place: int) -> npt.NDArray[np.float32]:
        """What the output at `place` answers for the first frame of the run, as float32."""
        return np.asarray(self.values[place][0], np.float32)

    def cells(self, *strides: int) -> int:
        """How many grid cells there are over these strides; a cell that the picture only touches counts."""
        return sum(-(-self.width // stride) * -(-self.height // stride) for stride in strides)

    def grid(self, count: int, *levels: tuple[int, ...]) -> str | None:
        """Say of which of these sets of strides `count` is the number of cells; None: of none."""
        for strides in levels:
            if count == self.cells(*strides):
                return f"{', '.join(map(str, strides[:-1]))} and {strides[-1]} at {self.width} x {self.height}"
        return None
