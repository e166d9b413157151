"""framebatch.device.opening: a fixed batch axis becomes open, and each frame is answered as by the file itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
import onnxruntime
import pytest
import tiny_models
from onnx import TensorProto, helper

from framebatch.device.opening import open_batch_axis

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import numpy.typing as npt

    Floats = npt.NDArray[np.float32]

node = helper.make_node


def made(
    tmp_path: Path,
    nodes: Sequence[onnx.NodeProto],
    output: Sequence[int],
    constants: Mapping[str, npt.NDArray[Any]] | None = None,
    *,
    batch: int = 1,
    opset: int = 13,
) -> onnx.ModelProto:
    """Make a model of fixed batch that takes pictures of 3 x 4 x 4 and answers `output`."""
    path = tiny_models.save(
        tmp_path / "m.onnx",
        nodes,
        input_shape=(batch, 3, 4, 4),
        output_shapes={"output": output},
        constants=constants,
        opset=opset,
    )
    return onnx.load(path)


def run(model: onnx.ModelProto, images: Floats) -> list[Floats]:
    """Run a model on the processor."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    return [np.asarray(output) for output in session.run(None, {session.get_inputs()[0].name: images})]


def assert_opened(model: onnx.ModelProto, images: Floats | None = None, *, batch: int = 1) -> None:
    """Check that seven frames together are answered as the unopened model answers `batch` at a time."""
    fixed = onnx.ModelProto()
    fixed.CopyFrom(model)
    open_batch_axis(model)
    onnx.checker.check_model(model, full_check=True)
    if images is None:
        images = np.random.default_rng(0).random((6, 3, 4, 4), np.float32)
    wanted = [run(fixed, images[first : first + batch]) for first in range(0, len(images), batch)]
    for place, found in enumerate(run(model, images)):
        np.testing.assert_allclose(found, np.concatenate([answer[place] for answer in wanted]), rtol=1e-4, atol=1e-4)
    first = run(model, images[:1])
    assert all(len(output) == 1 for output in first)


def whole(*values: int) -> npt.NDArray[np.int64]:
    """Make a constant of whole numbers."""
    return np.array(values, np.int64)


@pytest.mark.parametrize(
    ("target", "output"),
    [
        ((1, 3, 16), (1, 3, 16)),
        ((1, -1, 8), (1, 6, 8)),
        ((-1, 3, 16), (1, 3, 16)),
        ((1, 0, 16), (1, 3, 16)),
        ((0, 0, -1), (1, 3, 16)),
        ((1, 1, 48), (1, 1, 48)),
    ],
)
def test_targets_of_reshapes_let_the_batch_through(
    tmp_path: Path, target: tuple[int, ...], output: tuple[int, ...]
) -> None:
    """Wherever the exporter put -1 or 0; -1 beside a leading 1 would take the other frames into a frame's own axes."""
    model = made(tmp_path, [node("Reshape", ["images", "target"], ["output"])], output, {"target": whole(*target)})
    assert_opened(model)


def test_a_target_may_forbid_zeros(tmp_path: Path) -> None:
    """The attribute goes with the target that it was made for."""
    nodes = [node("Reshape", ["images", "target"], ["output"], allowzero=1)]
    assert_opened(made(tmp_path, nodes, (1, 3, 16), {"target": whole(1, 3, -1)}, opset=14))


def test_reshapes_of_weights_stay_even_where_they_share_a_constant(tmp_path: Path) -> None:
    """The target (1, 3, 16) of a weight means one weight; the same constant on frames means any number of frames."""
    nodes = [
        node("Reshape", ["weight", "target"], ["factor"]),
        node("Reshape", ["images", "target"], ["rows"]),
        node("Mul", ["rows", "factor"], ["output"]),
    ]
    weight = np.arange(48, dtype=np.float32)
    model = made(tmp_path, nodes, (1, 3, 16), {"target": whole(1, 3, 16), "weight": weight})
    assert_opened(model)
    reshapes = {each.output[0]: each.input[1] for each in model.graph.node if each.op_type == "Reshape"}
    assert reshapes["factor"] == "target"
    assert reshapes["rows"] != "target"


def test_targets_may_be_constant_nodes_or_computed(tmp_path: Path) -> None:
    """Exporters keep them in three ways."""
    nodes = [
        node("Constant", [], ["first"], value=helper.make_tensor("first", TensorProto.INT64, [2], [1, 48])),
        node("Reshape", ["images", "first"], ["flat"]),
        node("Shape", ["images"], ["shape"]),
        node("Gather", ["shape", "channel_axis"], ["channel"], axis=0),
        node("Unsqueeze", ["channel", "nought"], ["channels"]),
        node("Concat", ["one", "channels", "one", "rest"], ["second"], axis=0),
        node("Reshape", ["flat", "second"], ["output"]),
    ]
    constants = {"channel_axis": np.array(1), "nought": whole(0), "one": whole(1), "rest": whole(16)}
    assert_opened(made(tmp_path, nodes, (1, 3, 1, 16), constants, opset=14))


def test_the_batch_is_followed_where_it_is_not_the_first_axis(tmp_path: Path) -> None:
    """Attention as PyTorch exports it: sequence first, heads folded into the batch, and back."""
    nodes = [
        node("Reshape", ["images", "to_sequence"], ["sequence"]),  # (1, 3, 16)
        node("Transpose", ["sequence"], ["turned"], perm=[2, 0, 1]),  # (16, 1, 3)
        node("MatMul", ["turned", "weight"], ["projected"]),  # (16, 1, 8)
        node("Reshape", ["projected", "to_heads"], ["folded"]),  # (16, 2, 4): two heads
        node("Transpose", ["folded"], ["heads"], perm=[1, 0, 2]),  # (2, 16, 4)
        node("Transpose", ["folded"], ["keys"], perm=[1, 2, 0]),
        node("MatMul", ["heads", "keys"], ["logits"]),
        node("Softmax", ["logits"], ["attention"], axis=2),
        node("MatMul", ["attention", "heads"], ["mixed"]),  # (2, 16, 4)
        node("Transpose", ["mixed"], ["unfolded"], perm=[1, 0, 2]),  # (16, 2, 4)
        node("Reshape", ["unfolded", "from_heads"], ["joined"]),  # (16, 1, 8)
        node("Transpose", ["joined"], ["output"], perm=[1, 0, 2]),
    ]
    constants: dict[str, npt.NDArray[Any]] = {
        "to_sequence": whole(1, 3, 16), "to_heads": whole(16, 2, 4), "from_heads": whole(16, 1, 8),
        "weight": np.random.default_rng(1).random((3, 8), np.float32),
    }  # fmt: skip
    assert_opened(made(tmp_path, nodes, (1, 16, 8), constants))


@pytest.mark.parametrize("sizes", [(1, 3, 8, 8), (1, 3, 2, 2), (1, 3, 6, 7)])
def test_sizes_of_a_resize_become_scales(tmp_path: Path, sizes: tuple[int, ...]) -> None:
    """As feature pyramids have them."""
    empty = np.zeros(0, np.float32)
    nodes = [node("Resize", ["images", "none", "none", "sizes"], ["output"], mode="linear")]
    assert_opened(made(tmp_path, nodes, sizes, {"none": empty, "sizes": whole(*sizes)}))


def test_tokens_that_stand_before_the_patches_are_repeated(tmp_path: Path) -> None:
    """A constant of one frame beside the frames, as in vision transformers."""
    nodes = [
        node("Reshape", ["images", "target"], ["patches"]),
        node("Concat", ["token", "patches", "token"], ["output"], axis=1),
    ]
    token = np.full((1, 1, 16), 7, np.float32)
    assert_opened(made(tmp_path, nodes, (1, 5, 16), {"target": whole(1, 3, 16), "token": token}))


def test_operators_that_onnx_does_not_know_are_passed_by(tmp_path: Path) -> None:
    """Behind them no shape is known; a target that begins with the batch is edited all the same."""
    nodes = [
        node("Gelu", ["images"], ["hidden"], domain="com.microsoft"),
        node("Reshape", ["hidden", "open"], ["rows"]),
        node("Reshape", ["rows", "closed"], ["output"]),
    ]
    model = made(tmp_path, nodes, (1, 6, 8), {"open": whole(1, -1, 16), "closed": whole(1, 6, 8)})
    model.opset_import.append(helper.make_opsetid("com.microsoft", 1))
    fixed = onnx.ModelProto()
    fixed.CopyFrom(model)
    open_batch_axis(model)
    images = np.random.default_rng(0).random((3, 3, 4, 4), np.float32)
    wanted = np.concatenate([run(fixed, images[place : place + 1])[0] for place in range(3)])
    np.testing.assert_allclose(run(model, images)[0], wanted, rtol=1e-5)


def test_a_fixed_batch_of_several_frames_is_opened_too(tmp_path: Path) -> None:
    """Two frames at a time become any number."""
    nodes = [node("Reshape", ["images", "target"], ["output"])]
    assert_opened(made(tmp_path, nodes, (2, 3, 16), {"target": whole(2, 3, 16)}, batch=2), batch=2)


SUPPRESSION = [
    node("Reshape", ["images", "to_boxes"], ["boxes"]),
    node("Reshape", ["images", "to_scores"], ["scores"]),
    node("NonMaxSuppression", ["boxes", "scores"], ["kept"]),
    node("Cast", ["kept"], ["output"], to=TensorProto.FLOAT),
]


@pytest.mark.parametrize(
    ("nodes", "output", "message"),
    [
        (SUPPRESSION, ("kept", 3), r"node 'kept' \(NonMaxSuppression\)"),
        ([node("Squeeze", ["images", "nought"], ["rows"]), node("Unsqueeze", ["rows", "nought"], ["output"])],
         (1, 3, 4, 4), r"node 'rows' \(Squeeze\)"),
        ([node("Gather", ["images", "nought"], ["output"], axis=0)], (1, 3, 4, 4), r"node 'output' \(Gather\)"),
        ([node("Slice", ["images", "nought", "one", "nought"], ["first"]), node("Relu", ["first"], ["output"])],
         (1, 3, 4, 4), r"node 'first' \(Slice\)"),
        ([node("ReduceMax", ["images"], ["most"], keepdims=1), node("Div", ["images", "most"], ["output"])],
         (1, 3, 4, 4), r"node 'most' \(ReduceMax\)"),
        ([node("Transpose", ["images"], ["output"], perm=[1, 0, 2, 3])], (3, 1, 4, 4), "the first axis of its output"),
    ],
)  # fmt: skip
def test_a_batch_that_is_baked_in_is_refused(
    tmp_path: Path, nodes: list[onnx.NodeProto], output: tuple[int, ...], message: str
) -> None:
    """With the name of the node that fixes it, or of the output that has no place for it."""
    constants = {"nought": whole(0), "one": whole(1), "to_boxes": whole(1, 12, 4), "to_scores": whole(1, 4, 12)}
    with pytest.raises(ValueError, match=message):
        open_batch_axis(made(tmp_path, nodes, output, constants))


def test_an_open_axis_needs_no_opening(tmp_path: Path) -> None:
    """Only a fixed one can be opened."""
    with pytest.raises(ValueError, match="its batch axis is not fixed"):
        open_batch_axis(onnx.load(tiny_models.identity(tmp_path / "m.onnx")))


@pytest.mark.parametrize("name", ["yolov5n_coco_b1", "ultraface_rfb320", "yolox_nano_a", "nanodet_m_416"])
def test_published_models_of_fixed_batch_can_be_opened(assets: Path, name: str) -> None:
    """Raw outputs of three pictures together are those of each alone."""
    model = onnx.load(assets / "models" / f"{name}.onnx")
    height, width = (axis.dim_value for axis in model.graph.input[0].type.tensor_type.shape.dim[2:])
    coarse = np.random.default_rng(1).random((3, 3, height // 16, width // 16), np.float32)
    assert_opened(model, coarse.repeat(16, axis=2).repeat(16, axis=3))
