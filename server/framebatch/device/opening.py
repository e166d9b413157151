"""Opening a fixed batch axis. So far only what the inputs and outputs declare is renamed; nothing inside is changed."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import onnx

__all__ = ["open_batch_axis"]


def open_batch_axis(model: onnx.ModelProto) -> None:
    """Declare the first axis of every input and output open, in place."""
    stored = {tensor.name for tensor in model.graph.initializer}
    for value in (*model.graph.input, *model.graph.output):
        if value.name not in stored and value.type.tensor_type.shape.dim:
            value.type.tensor_type.shape.dim[0].dim_param = "batch"
