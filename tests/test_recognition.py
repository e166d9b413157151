"""Recognition of files: what is fed, how it is prepared, what classes are called; families are told apart in a test beside.

The models are written for the test and answer what a network of the family would.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import family_outputs
import numpy as np
import onnx
import pytest
import tiny_models
from family_outputs import SERVED
from onnx import TensorProto, helper

from framebatch.detection.labels import COCO
from framebatch.detection.loading import inspect_model, load_detector
from framebatch.detection.recognition import confirm
from framebatch.device.devices import Device
from framebatch.device.model_file import read_model_file
from framebatch.errors import ModelError
from framebatch.frame import RawPicture

if TYPE_CHECKING:
    from pathlib import Path

    from framebatch.detection.spec import ModelSpec

NUMBERS = tuple(map(str, range(91)))
ULTRALYTICS = {"names": "{0: 'a', 1: 'b'}", "task": "detect", "imgsz": "[64, 64]"}
GRID = family_outputs.cells(64, 64, 8, 16, 32)
PUBLISHED = [
    # model, family, width, height, batch axis, precision, labels (None: the file's own), resize, colour, scale, mean
    ("yolov8n_dyn640", "yolov8", 640, 640, None, "float32", COCO, "letterbox", "rgb", 1 / 255, 0.0),
    ("yolov8n_int8_dynq", "yolov8", 640, 640, 1, "int8", COCO, "letterbox", "rgb", 1 / 255, 0.0),
    ("neu_yolov8n_int8", "yolov8", 640, 640, 1, "int8", None, "letterbox", "rgb", 1 / 255, 0.0),
    ("yolov5n_coco_b1", "yolov5", 640, 640, 1, "float32", COCO, "letterbox", "rgb", 1 / 255, 0.0),
    ("yolo26n_e2e_int8", "end_to_end", 640, 640, 1, "int8", COCO, "letterbox", "rgb", 1 / 255, 0.0),
    ("yolox_nano_a", "yolox", 416, 416, 1, "float32", COCO, "letterbox_topleft", "bgr", 1.0, 0.0),
    ("deimv2_atto_320", "detr", 320, 320, None, "float32", COCO, "stretch", "rgb", 1 / 255, 0.0),
    ("nanodet_m_416", "nanodet", 416, 416, 1, "float32", COCO, "stretch", "bgr", 1.0, 103.53),
    ("ultraface_rfb320", "ssd", 320, 240, 1, "float32", ("face",), "stretch", "rgb", 1.0, 127.0),
    ("yunet_n_dyn", "yunet", 640, 640, None, "float32", ("face",), "letterbox_topleft", "bgr", 1.0, 0.0),
]


@pytest.mark.parametrize(
    ("name", "family", "width", "height", "batch", "precision", "labels", "resize", "color", "scale", "mean"),
    PUBLISHED,
    ids=[row[0] for row in PUBLISHED],
)
def test_published_models_are_recognised_without_a_manifest(  # noqa: PLR0917 - one parameter for each fact
    assets: Path,
    name: str,
    family: str,
    width: int,
    height: int,
    batch: int | None,
    precision: str,
    labels: tuple[str, ...] | None,
    resize: str,
    color: str,
    scale: float,
    mean: float,
) -> None:
    """Everything from the file alone."""
    spec = inspect_model(assets / "models" / f"{name}.onnx")
    assert (spec.family, spec.input_width, spec.input_height) == (family, width, height)
    assert (spec.batch_size, spec.precision) == (batch, precision)
    assert labels is None or spec.labels == labels
    assert (spec.resize, spec.color, spec.scale, spec.mean[0]) == (resize, color, scale, mean)
    assert [sentence.partition(" ")[0] for sentence in spec.why] == ["family", "input", "preparation:", "labels:"]


def recognised(path: Path, kind: str, classes: int, size: tuple[int, int], **options: Any) -> ModelSpec:
    """Recognise a model of this kind, without metadata unless given."""
    answer = SERVED[kind][1](np.random.default_rng(3), classes, *size)
    return inspect_model(tiny_models.answering(path / "m.onnx", answer, size=size, **options))


@pytest.mark.parametrize("kind", SERVED)
def test_every_family_is_recognised_from_a_file(tmp_path: Path, kind: str) -> None:
    """Without metadata, at a size of its own; what is read of it are outputs that exist."""
    further = {"orig_target_sizes": TensorProto.INT64} if kind == "detr" else {}
    spec = recognised(tmp_path, kind, 1 if kind == "yunet" else 3, (320, 256), further=further)
    assert (spec.family, spec.input_width, spec.input_height) == (SERVED[kind][0], 320, 256)
    assert len(set(spec.outputs)) == len(spec.outputs) > 0


@pytest.mark.parametrize(
    ("name", "kind"), [("orig_target_sizes", TensorProto.INT64), ("target_sizes", TensorProto.FLOAT)]
)
def test_the_network_is_told_its_own_size_where_it_asks(tmp_path: Path, name: str, kind: int) -> None:
    """Width, then height, in the input's own type."""
    spec = recognised(tmp_path, "detr", 3, (320, 256), further={name: kind})
    assert (spec.input_name, list(spec.extras)) == ("images", [name])
    assert spec.extras[name].tolist() == [[320, 256]]
    assert spec.extras[name].dtype == (np.int64 if kind == TensorProto.INT64 else np.float32)


def open_every_axis(path: Path) -> None:
    """Let the file say nothing about the lengths of its outputs but how many axes they have, and of YuNet's the last."""
    model = onnx.load(path)
    for output in model.graph.output:
        axes = output.type.tensor_type.shape.dim
        for axis in axes[: 2 if len(model.graph.output) == 12 else None]:
            axis.ClearField("dim_value")
    onnx.save(model, path)


def test_a_detr_may_leave_every_axis_open(tmp_path: Path) -> None:
    """Its three outputs are told apart by kind and name; it is not run for it."""
    answer = family_outputs.detr(np.random.default_rng(3), 3, 320, 256)
    path = tiny_models.answering(
        tmp_path / "m.onnx", answer, size=(320, 256), further={"orig_target_sizes": TensorProto.INT64}
    )
    open_every_axis(path)
    spec = inspect_model(path)
    assert (spec.family, spec.outputs, spec.labels) == ("detr", (0, 1, 2), COCO)


@pytest.mark.parametrize("kind", ["detr", "yunet", "yolov8"])
def test_a_simulated_device_takes_models_with_open_axes_and_further_inputs(tmp_path: Path, kind: str) -> None:
    """It answers arrays of the shapes that the model has, and finds nothing in them."""
    further = {"orig_target_sizes": TensorProto.INT64} if kind == "detr" else {}
    answer = SERVED[kind][1](np.random.default_rng(3), 1, 320, 256)
    path = tiny_models.answering(tmp_path / "m.onnx", answer, size=(320, 256), further=further)
    open_every_axis(path)
    detector = load_detector(path, device=Device(kind="sim", alpha_ns=1_000, beta_ns=1_000))
    frame = detector.prepare(RawPicture(bytes(64 * 64), 64, 64, "gray"))
    assert [len(found.scores) for found in detector.detect([frame]).detections] == [0]


@pytest.mark.parametrize(
    ("further", "message"),
    [
        ({"im_shape": TensorProto.FLOAT}, r"has 2 inputs \(images .*; im_shape .*\); .* export it without the others"),
        ({"orig_target_sizes": TensorProto.BOOL}, "it must be a width and a height for each frame, int64"),
    ],
)
def test_other_inputs_are_refused(tmp_path: Path, further: dict[str, int], message: str) -> None:
    """Nobody knows what to put there."""
    with pytest.raises(ModelError, match=message):
        recognised(tmp_path, "detr", 3, (320, 256), further=further)


@pytest.mark.parametrize(
    ("shape", "dtype", "message"),
    [
        ((1, 64, 64, 3), TensorProto.FLOAT, "its channels come last, and must come first"),
        ((1, "h", "w", 3), TensorProto.UINT8, "its channels come last, and must come first"),
        ((1, 3, 64, 64), TensorProto.UINT8, "it takes uint8, and must take .* float32 or float16"),
        ((1, 1, 64, 64), TensorProto.FLOAT, "it takes one grey channel"),
        ((1, 4, 64, 64), TensorProto.FLOAT, "it takes 4 channels"),
        ((3, 64, 64), TensorProto.FLOAT, "so it must have 4 axes"),
        ((1, 100), TensorProto.FLOAT, "so it must have 4 axes"),
    ],
)
def test_an_input_that_is_no_picture_is_refused(
    tmp_path: Path, shape: tuple[int | str, ...], dtype: int, message: str
) -> None:
    """With what a picture would be."""
    path = tmp_path / "m.onnx"
    node = helper.make_node("Identity", ["images"], ["same"])
    tiny_models.save(path, [node], input_shape=shape, output_shapes={"same": shape}, dtype=dtype)
    with pytest.raises(ModelError, match=message):
        inspect_model(path)


def test_open_axes_are_settled_by_the_exporter_then_by_the_default(tmp_path: Path) -> None:
    """Size from imgsz (height first), else 640, else the manifest; an output that declares nothing is looked at."""

    def spec(*shape: int, metadata: dict[str, str] | None = None) -> ModelSpec:
        values = np.zeros((1, *shape), np.float32)
        options: dict[str, Any] = {"size": ("w", "h"), "declared": (1, "rows", "columns")}
        return inspect_model(tiny_models.constant(tmp_path / "m.onnx", values, metadata=metadata, **options))

    found = spec(6, family_outputs.cells(96, 64, 8, 16, 32), metadata={**ULTRALYTICS, "imgsz": "[64, 96]"})
    assert (found.input_width, found.input_height, found.family) == (96, 64, "yolov8")
    assert "the file leaves it open, its metadata say imgsz" in found.why[1]
    assert (spec(6, 8400).input_width, spec(6, 8400, metadata={**ULTRALYTICS, "imgsz": "?"}).input_width) == (640, 640)
    assert spec(6, GRID, metadata={**ULTRALYTICS, "imgsz": "64"}).input_height == 64
    (tmp_path / "m.toml").write_text("input = [128, 32]", encoding="utf-8")
    found = spec(6, 300, metadata=ULTRALYTICS)
    assert (found.input_width, found.input_height) == (128, 32)


@pytest.mark.parametrize(
    ("kind", "classes", "labels", "why"),
    [
        ("yolox", 80, COCO, "none given; 80 classes are taken for those of COCO"),
        ("yolox", 3, NUMBERS[:3], "none given; the 3 class ids stand for themselves"),
        ("rf_detr", 91, NUMBERS, "none given; the 91 class ids stand for themselves"),
        ("ssd", 1, ("face",), "none given; a single class of this family is taken for faces"),
        ("ssd", 20, NUMBERS[:20], "none given; the 20 class ids stand for themselves"),
        ("end_to_end", 4, COCO, "none given, and the outputs do not tell how many; taken for the 80 of COCO"),
    ],
)
def test_classes_without_names_are_called_by_what_is_likely(
    tmp_path: Path, kind: str, classes: int, labels: tuple[str, ...], why: str
) -> None:
    """And it is said that this was not in the file."""
    spec = recognised(tmp_path, kind, classes, (320, 320))
    assert (spec.labels, spec.why[-1]) == (labels, f"labels: {why}")


@pytest.mark.parametrize(
    ("names", "labels"),
    [("{0: 'a', 1: 'b', 2: 'c'}", ("a", "b", "c")), ("['a', 'b', 'c']", ("a", "b", "c")), ("a, b, c", NUMBERS[:3])],
)
def test_names_are_read_as_exporters_write_them(tmp_path: Path, names: str, labels: tuple[str, ...]) -> None:
    """As a dictionary or a list; what is neither is as good as nothing."""
    assert recognised(tmp_path, "yolov5", 3, (320, 320), metadata={"names": names}).labels == labels


def test_names_with_gaps_are_refused(tmp_path: Path) -> None:
    """Who would they belong to?"""
    with pytest.raises(
        ModelError, match=r"class names are not numbered from 0 up; name them in the manifest key labels"
    ):
        recognised(tmp_path, "yolov5", 3, (320, 320), metadata={"names": "{1: 'a', 2: 'b', 'x': 'c'}"})


@pytest.mark.parametrize(
    ("kind", "color", "scale", "mean", "why"),
    [
        ("yolox_decoded", "bgr", 1.0, 0.0, "the usual one of the family"),
        ("yolov6", "rgb", 1 / 255, 0.0, "its objectness is 1 everywhere, as YOLOv6 exports it"),
        ("detr_raw", "rgb", 1 / 255, 0.0, "the usual one of the family"),
        ("rf_detr", "rgb", 1 / 255, 0.485, "its outputs are called dets and labels, as RF-DETR exports them"),
    ],
)
def test_authors_who_prepare_pictures_otherwise_are_known(  # noqa: PLR0917 - one parameter for each fact
    tmp_path: Path, kind: str, color: str, scale: float, mean: float, why: str
) -> None:
    """The same family of outputs, another preparation."""
    spec = recognised(tmp_path, kind, 3, (320, 320))
    assert (spec.color, spec.scale, spec.mean[0]) == (color, scale, mean)
    assert why in spec.why[2]


@pytest.mark.parametrize("metadata", [{"task": "segment"}, {"head": "OBB26"}, {"head": "Pose"}])
def test_other_tasks_are_refused(tmp_path: Path, metadata: dict[str, str]) -> None:
    """A segmentation model is no detector."""
    with pytest.raises(ModelError, match=r"exported for the task '(segment|obb|pose)'; export a detector"):
        recognised(tmp_path, "yolov8", 2, (64, 64), metadata=metadata)


def test_a_model_that_does_not_run_is_refused_when_it_must_be_looked_at(tmp_path: Path) -> None:
    """Its own reason is passed on."""
    node = helper.make_node("Reshape", ["images", "shape"], ["o"])
    tiny_models.save(
        tmp_path / "m.onnx",
        [node],
        output_shapes={"o": (1, "rows", "columns")},
        constants={"shape": np.array([1, 7, 9])},
    )
    with pytest.raises(ModelError, match=r"does not run on an input of \(1, 3, 64, 64\)"):
        inspect_model(tmp_path / "m.onnx")


@pytest.mark.parametrize("kind", SERVED)
def test_what_a_model_answers_confirms_its_family(tmp_path: Path, kind: str) -> None:
    """The outputs of every family can be read as what they were recognised as."""
    size, classes = (320, 256), 1 if kind == "yunet" else 80
    further = {"orig_target_sizes": TensorProto.INT64} if kind == "detr" else {}
    answer = SERVED[kind][1](np.random.default_rng(3), classes, *size)
    path = tiny_models.answering(tmp_path / "m.onnx", answer, size=size, further=further)
    confirm(read_model_file(path), inspect_model(path), list(answer.values()))


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        ((1, 7, 84), r"answers output float32 \(1, 7, 84\), which .* \(3 classes and 2 labels\); export it again"),
        ((1, 3, 64, 64), r"no classes and 2 labels"),
    ],
)
def test_a_file_that_states_other_shapes_than_it_answers_is_refused(
    tmp_path: Path, shape: tuple[int, ...], message: str
) -> None:
    """Its detections would be nonsense."""
    path = tiny_models.constant(tmp_path / "m.onnx", np.zeros((1, 6, 84), np.float32), metadata=ULTRALYTICS)
    with pytest.raises(ModelError, match=message):
        confirm(read_model_file(path), inspect_model(path), [np.zeros(shape, np.float32)])


def test_other_shapes_than_stated_are_refused_when_the_model_must_be_looked_at(tmp_path: Path) -> None:
    """Before anything is concluded from its numbers."""
    node = helper.make_node("Identity", ["images"], ["o"])
    tiny_models.save(tmp_path / "m.onnx", [node], output_shapes={"o": (1, 8, 84)})
    with pytest.raises(
        ModelError, match=r"states the output o float32 \(1, 8, 84\), but answers an array of \(1, 3, 64, 64\)"
    ):
        inspect_model(tmp_path / "m.onnx")


def test_a_family_that_does_not_fit_the_grid_is_refused(tmp_path: Path) -> None:
    """The manifest's word is held against the model's answer."""
    (tmp_path / "m.toml").write_text('family = "yolox"', encoding="utf-8")
    values = np.ones((1, 84, 7), np.float32)
    path = tiny_models.constant(tmp_path / "m.onnx", values, metadata=ULTRALYTICS)
    with pytest.raises(ModelError, match=r"recognised as yolox, .* \(1, 99, 7\), which cannot be read as that"):
        confirm(read_model_file(path), inspect_model(path), [np.ones((1, 99, 7), np.float32)])


def test_final_rows_may_be_none_at_all(tmp_path: Path) -> None:
    """An export with NMS inside answers as many rows as it finds."""
    metadata = {**ULTRALYTICS, "args": "{'nms': True}"}
    path = tiny_models.constant(tmp_path / "m.onnx", np.zeros((1, 5, 6), np.float32), metadata=metadata)
    confirm(read_model_file(path), inspect_model(path), [np.zeros((1, 0, 6), np.float32)])
