"""Whether and how a model's graph itself selects the best candidates, so that few bytes come back from the device."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from framebatch.detection.heads.numpy_ops import NumpyOps
from framebatch.device.program import Selection

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from framebatch.detection.spec import ModelSpec
    from framebatch.device.graph_ops import GraphOps, Value

__all__ = ["MAX_ROWS", "is_worthwhile", "selection"]

MAX_ROWS: Final = 1024
"""How many candidates of a frame come back at most, the best ones; three times what is kept after suppression."""
_FEW_BYTES: Final = 128 * 1024
"""A frame whose outputs are no larger is read sooner than selected on a processor, and copied in microseconds from a GPU."""


def is_worthwhile(example: Sequence[npt.NDArray[Any]]) -> bool:
    """Answer whether selecting on the device saves anything, given the model's outputs for some batch."""
    return sum(output[:1].nbytes for output in example) > _FEW_BYTES


def selection(spec: ModelSpec, example: Sequence[npt.NDArray[Any]]) -> Selection:
    """Describe what a graph shall select, for `device.program.build_program`.

    Args:
        spec: Family and size.
        example: All of the model's outputs for some batch; what counts is how many anchors there are.

    """
    counting = NumpyOps(1.0)  # a threshold that nothing passes
    spec.head.read(counting, [example[place][:1] for place in spec.outputs], spec.layout)

    def read(ops: GraphOps, outputs: Sequence[Value]) -> tuple[Value, Value, Value]:
        return spec.head.read(ops, [outputs[place] for place in spec.outputs], spec.layout)

    return Selection(rows=min(MAX_ROWS, counting.anchors), read=read)
