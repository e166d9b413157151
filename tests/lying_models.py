"""Detectors that misbehave in one way each, written for tests: as real exports do, most of them without an error.

Only making files belongs here. Each is a small YOLOv8-like network whose answers all depend on the picture.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
import tiny_models
from onnx import helper

if TYPE_CHECKING:
    from pathlib import Path

    import numpy.typing as npt

SIDE = 96
CLASSES = 80
ANCHORS = 189
NAMES = {"names": str({number: f"class {number}" for number in range(CLASSES)}), "task": "detect"}

node = helper.make_node
FIRST = node("Slice", ["found", "nought", "one", "nought"], ["first"])
OTHERS = node("Slice", ["found", "one", "many", "nought"], ["others"])
TRICKS: dict[str, list[onnx.NodeProto]] = {
    "honest": [node("Identity", ["found"], ["output0"])],
    "gives later frames zeros": [
        FIRST,
        OTHERS,
        node("Sub", ["others", "others"], ["zeros"]),
        node("Concat", ["first", "zeros"], ["output0"], axis=0),
    ],
    "gives later frames no scores": [
        FIRST,
        OTHERS,
        node("Mul", ["others", "boxes_only"], ["unscored"]),
        node("Concat", ["first", "unscored"], ["output0"], axis=0),
    ],
    "gives frames each other's answers": [
        FIRST,
        OTHERS,
        node("Concat", ["others", "first"], ["output0"], axis=0),
    ],
    "takes the mean of the batch": [
        node("ReduceMean", ["found"], ["mean"], axes=[0], keepdims=1),
        node("Add", ["found", "mean"], ["sum"]),
        node("Mul", ["sum", "half"], ["output0"]),
    ],
    "adds frame to frame": [node("CumSum", ["found", "frames"], ["output0"])],
    "answers one frame": [FIRST, node("Identity", ["first"], ["output0"])],
    "answers one long frame": [
        node("Transpose", ["found"], ["turned"], perm=[1, 0, 2]),
        node("Reshape", ["turned", "long"], ["output0"]),
    ],
    "fails at two": [node("Reshape", ["found", "one_frame"], ["output0"])],
    "fails alone": [node("Reshape", ["found", "too_much"], ["output0"])],
}


def detector(path: Path, trick: str = "honest", *, batch: int | str = "batch", target: int = 0, **options: Any) -> Path:
    """Write a detector for pictures of 96 x 96 that answers (batch, 84, 189).

    Args:
        path: Where to.
        trick: What it does to the answers of a batch, a key of `TRICKS`.
        batch: Its batch axis, as declared.
        target: The batch that the targets of its Reshapes name; 0 stands for any.
        options: Of `tiny_models.save`.

    """
    random = np.random.default_rng(0)
    constants: dict[str, npt.NDArray[Any]] = {
        "nought": np.array([0]), "one": np.array([1]), "frames": np.array(0), "many": np.array([2**31 - 1]),
        "long": np.array([1, 4 + CLASSES, -1]), "one_frame": np.array([1, 4 + CLASSES, ANCHORS]),
        "too_much": np.array([7, 4 + CLASSES, ANCHORS]), "target": np.array([target, 4 + CLASSES, -1]),
        "half": np.array(0.5, np.float32), "boxes_only": (np.arange(4 + CLASSES) < 4).astype(np.float32)[None, :, None],
        "sizes": np.array([SIDE] * 4 + [1] * CLASSES, np.float32)[None, :, None],
    }  # fmt: skip
    nodes = []
    for stride in (8, 16, 32):
        constants[f"weight_{stride}"] = random.normal(0, 6, (4 + CLASSES, 3, 1, 1)).astype(np.float32)
        constants[f"bias_{stride}"] = random.normal(-2, 1, 4 + CLASSES).astype(np.float32)
        nodes += [
            node("AveragePool", ["images"], [f"pool_{stride}"], kernel_shape=[stride] * 2, strides=[stride] * 2),
            node("Conv", [f"pool_{stride}", f"weight_{stride}", f"bias_{stride}"], [f"conv_{stride}"]),
            node("Reshape", [f"conv_{stride}", "target"], [f"rows_{stride}"]),
        ]
    nodes += [
        node("Concat", [f"rows_{stride}" for stride in (8, 16, 32)], ["rows"], axis=2),
        node("Sigmoid", ["rows"], ["shares"]),
        node("Mul", ["shares", "sizes"], ["found"]),
    ]
    return tiny_models.save(
        path,
        [*nodes, *TRICKS[trick]],
        input_shape=(batch, 3, SIDE, SIDE),
        output_shapes={"output0": (batch, 4 + CLASSES, ANCHORS)},
        constants=constants,
        metadata=NAMES,
        **options,
    )
