"""The step from uint8 pictures to the model's own input: as nodes put before its graph, or in NumPy where that fails.

Nothing is run here. Both ways compute (pixel * scale - mean) / std in float32, channels first.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import onnx
from onnx import helper

if TYPE_CHECKING:
    from pathlib import Path

    import numpy.typing as npt

__all__ = ["PICTURES", "InputFormat", "convert_on_host", "with_picture_input"]

PICTURES: Final = "framebatch_pictures"
"""Name of the new input."""
_OLDEST_OPSET: Final = 7  # from here on arithmetic broadcasts by itself
_ROUNDING: Final = 1e-4  # 0.0039216 in a manifest means 1/255
_NUMPY: Final = {"Mul": np.multiply, "Div": np.divide, "Sub": np.subtract}
_NEUTRAL: Final = {"Mul": 1, "Div": 1, "Sub": 0}


@dataclass(frozen=True, kw_only=True, slots=True)
class InputFormat:
    """What the model's own input wants, given pictures of uint8 (b, height, width, 3).

    Attributes:
        name: Of the model's input.
        width: Of the network's picture, in pixels.
        height: Of the network's picture, in pixels.
        batch_size: The only batch that the model takes, or None where its batch axis is open.
        scale: Each sample is multiplied by it first.
        mean: Subtracted then, one for each channel.
        std: Divided by at last, one for each channel; none is 0.
        dtype: `float32` or `float16`.
    """

    name: str
    width: int
    height: int
    batch_size: int | None
    scale: float
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    dtype: str = "float32"


def convert_on_host(images: npt.NDArray[np.uint8], form: InputFormat) -> npt.NDArray[np.floating[Any]]:
    """Turn uint8 (b, H, W, 3) into the model's input (b, 3, H, W) with NumPy: the slow way, and the meaning of the other."""
    planes = images.transpose(0, 3, 1, 2).astype(np.float32)
    for operator, values in _arithmetic(form):
        _NUMPY[operator](planes, values, out=planes)
    return planes.astype(form.dtype, copy=False)


def with_picture_input(path: Path, form: InputFormat) -> bytes:
    """Answer the model at `path` with a new input `PICTURES`, uint8 (b, H, W, 3), in place of its own.

    Weights in separate files stay there: the result must be loaded with their folder known.

    Raises:
        ValueError: the file's operators are too old, or it has no input of that name.

    """
    model = onnx.load(str(path), load_external_data=False)
    opset = max((entry.version for entry in model.opset_import if entry.domain in {"", "ai.onnx"}), default=0)
    if opset < _OLDEST_OPSET:
        raise ValueError(f"its operators are of opset {opset}; at least {_OLDEST_OPSET} is needed")
    graph = model.graph
    own = next((value for value in graph.input if value.name == form.name), None)
    if own is None:
        raise ValueError(f"it has no input {form.name!r}")
    batch = form.batch_size or own.type.tensor_type.shape.dim[0].dim_param or "batch"
    graph.input.remove(own)
    graph.input.insert(
        0, helper.make_tensor_value_info(PICTURES, onnx.TensorProto.UINT8, [batch, form.height, form.width, 3])
    )
    for node in reversed(_nodes(form)):
        graph.node.insert(0, node)
    return bytes(model.SerializeToString())


def _nodes(form: InputFormat) -> list[onnx.NodeProto]:
    """The chain from `PICTURES` to the model's input.

    The transposition comes first, on bytes: measured 10 to 40 % quicker on a processor than on floats.
    """
    steps: list[tuple[str, list[str], dict[str, Any]]] = [
        ("Transpose", [], {"perm": [0, 3, 1, 2]}),
        ("Cast", [], {"to": onnx.TensorProto.FLOAT}),
    ]
    constants: list[onnx.NodeProto] = []
    for place, (operator, values) in enumerate(_arithmetic(form)):
        name = f"framebatch_constant_{place}"
        constants.append(helper.make_node("Constant", [], [name], value=onnx.numpy_helper.from_array(values)))
        steps.append((operator, [name], {}))
    if form.dtype == "float16":
        steps.append(("Cast", [], {"to": onnx.TensorProto.FLOAT16}))
    nodes, current = constants, PICTURES
    for place, (operator, extra, attributes) in enumerate(steps):
        result = form.name if place == len(steps) - 1 else f"framebatch_step_{place}"
        nodes.append(helper.make_node(operator, [current, *extra], [result], **attributes))
        current = result
    return nodes


def _arithmetic(form: InputFormat) -> list[tuple[str, npt.NDArray[np.float32]]]:
    """The operations on float32 samples, in order, each with its constant: a scalar, or (3, 1, 1) for the channels.

    They are neither folded together nor replaced by cheaper ones: an 8-bit model amplifies a difference in the last
    bit (a product with 1/255 instead of a division by 255) into other detections than its authors see.
    """
    divisor = round(1 / form.scale)
    whole = divisor >= 1 and abs(divisor * form.scale - 1) < _ROUNDING
    scaling = ("Div", (divisor,) * 3) if whole else ("Mul", (form.scale,) * 3)
    steps: tuple[tuple[str, tuple[float, ...]], ...] = (scaling, ("Sub", form.mean), ("Div", form.std))
    return [(operator, _constant(values)) for operator, values in steps if set(values) != {_NEUTRAL[operator]}]


def _constant(values: tuple[float, ...]) -> npt.NDArray[np.float32]:
    return np.array(values[0] if len(set(values)) == 1 else np.reshape(values, (3, 1, 1)), np.float32)
