"""Recognition of models: manifest, then metadata, then shapes and values; what stays ambiguous is refused by name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import tiny_models

from framebatch.detection.heads.yolox import cells
from framebatch.detection.labels import COCO
from framebatch.detection.loading import inspect_model
from framebatch.detection.spec import ModelSpec
from framebatch.errors import ModelError

if TYPE_CHECKING:
    from pathlib import Path

GRID = cells(64, 64)
ULTRALYTICS = {"names": "{0: 'a', 1: 'b'}", "task": "detect", "imgsz": "[64, 64]"}


def answer(tmp_path: Path, *shape: int, metadata: dict[str, str] | None = None, **options: Any) -> ModelSpec:
    """Recognise a model that answers zeros of a shape (without the batch axis)."""
    path = tiny_models.constant(tmp_path / "m.onnx", np.zeros((1, *shape), np.float32), metadata=metadata, **options)
    return inspect_model(path)


def manifest(tmp_path: Path, text: str) -> None:
    """Lay a manifest beside the model."""
    (tmp_path / "m.toml").write_text(text, encoding="utf-8")


@pytest.mark.parametrize(
    ("name", "family", "size", "batch", "precision", "labels"),
    [
        ("yolov8n_dyn640", "yolov8", 640, None, "float32", COCO),
        ("yolov8n_int8_dynq", "yolov8", 640, 1, "int8", COCO),
        ("neu_yolov8n_int8", "yolov8", 640, 1, "int8", None),
        ("yolov5n_coco_b1", "yolov5", 640, 1, "float32", COCO),
        ("yolox_nano_a", "yolox", 416, 1, "float32", tuple(map(str, range(80)))),
        ("yolo26n_e2e_int8", "end_to_end", 640, 1, "int8", COCO),
    ],
)
def test_published_models_are_recognised_without_a_manifest(  # noqa: PLR0917 - one parameter for each fact
    assets: Path, name: str, family: str, size: int, batch: int | None, precision: str, labels: tuple[str, ...] | None
) -> None:
    """Family, size, batch axis, precision and labels, from the file alone."""
    spec = inspect_model(assets / "models" / f"{name}.onnx")
    assert (spec.family, spec.input_width, spec.input_height) == (family, size, size)
    assert (spec.batch_size, spec.dynamic_batch, spec.precision) == (batch, batch is None, precision)
    assert labels is None or spec.labels == labels
    bgr = ("bgr", 1.0, "letterbox_topleft")
    assert (spec.color, spec.scale, spec.resize) == (bgr if family == "yolox" else ("rgb", 1 / 255, "letterbox"))


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("deimv2_atto_320", "has 2 inputs"),
        ("nanodet_m_416", "has 6 outputs"),
        ("ultraface_rfb320", r"has 2 outputs \(scores, boxes\); only detectors of the families yolov8"),
        ("yunet_n_dyn", "has 12 outputs"),
    ],
)
def test_families_that_are_not_served_yet_are_refused(assets: Path, name: str, message: str) -> None:
    """They are named by what sets them apart."""
    with pytest.raises(ModelError, match=message):
        inspect_model(assets / "models" / f"{name}.onnx")


@pytest.mark.parametrize(
    ("shape", "metadata", "family", "classes"),
    [
        ((6, GRID), ULTRALYTICS, "yolov8", 2),
        ((24, GRID), None, "yolov8", 20),
        ((3 * GRID, 7), {"names": "['a', 'b']"}, "yolov5", 2),
        ((3 * GRID, 6), None, "yolov5", 1),
        ((3 * (GRID + 1), 85), None, "yolov5", 80),
        ((GRID, 85), None, "yolox", 80),
        ((300, 6), {**ULTRALYTICS, "end2end": "True"}, "end_to_end", 2),
        ((100, 6), {**ULTRALYTICS, "args": "{'nms': True}"}, "end_to_end", 2),
        ((300, 6), {"names": str(dict(enumerate("abcde")))}, "end_to_end", 5),
    ],
)
def test_metadata_and_shapes_settle_the_family(
    tmp_path: Path, shape: tuple[int, ...], metadata: dict[str, str] | None, family: str, classes: int
) -> None:
    """Each family by what no other has."""
    spec = answer(tmp_path, *shape, metadata=metadata)
    assert (spec.family, len(spec.labels)) == (family, classes)


@pytest.mark.parametrize(
    ("shape", "metadata"),
    [((300, 6), ULTRALYTICS), ((300, 6), None), ((5, 7), None), ((17, 90), None), ((84, GRID), ULTRALYTICS)],
)
def test_an_ambiguous_model_is_refused_with_the_key_that_settles_it(
    tmp_path: Path, shape: tuple[int, ...], metadata: dict[str, str] | None
) -> None:
    """Six columns may be final boxes or RT-DETR with two classes; other shapes fit nothing."""
    with pytest.raises(ModelError, match=r"name it in m.toml beside it with the key family \(yolov8, yolov5"):
        answer(tmp_path, *shape, metadata=metadata)


def test_the_manifest_settles_what_is_ambiguous(tmp_path: Path) -> None:
    """The same model is served once its family is named."""
    manifest(tmp_path, 'family = "end_to_end"\nlabels = ["x", "y", "z"]')
    spec = answer(tmp_path, 300, 6)
    assert (spec.family, spec.labels) == ("end_to_end", ("x", "y", "z"))


def test_values_tell_final_rows_from_others(tmp_path: Path) -> None:
    """Corners in pixels and whole class ids can only be final."""
    rows = np.zeros((1, 300, 6), np.float32)
    rows[0, :, :] = [3, 4, 30, 40, 0.1, 7]
    path = tiny_models.constant(tmp_path / "m.onnx", rows)
    assert inspect_model(path).family == "end_to_end"


def test_values_tell_decoded_yolox_from_its_grid(tmp_path: Path) -> None:
    """Centres all over the picture are pixels already; the input is prepared as for every YOLOX."""
    rows = np.zeros((1, GRID, 7), np.float32)
    rows[0, :, :2] = np.linspace(0, 60, GRID)[:, None]
    spec = inspect_model(tiny_models.constant(tmp_path / "m.onnx", rows))
    assert (spec.family, spec.color, spec.scale) == ("yolox_decoded", "bgr", 1.0)


def test_open_axes_are_settled_by_the_exporter_then_by_the_default(tmp_path: Path) -> None:
    """Size from imgsz (height first), else 640; an output that declares nothing is looked at."""
    options: dict[str, Any] = {"size": ("w", "h"), "declared": (1, "rows", "columns")}
    spec = answer(tmp_path, 6, cells(96, 64), metadata={**ULTRALYTICS, "imgsz": "[64, 96]"}, **options)
    assert (spec.input_width, spec.input_height, spec.family) == (96, 64, "yolov8")
    assert answer(tmp_path, 6, 8400, **options).input_width == 640
    manifest(tmp_path, "input = [128, 32]")
    spec = answer(tmp_path, 6, 300, metadata=ULTRALYTICS, **options)
    assert (spec.input_width, spec.input_height) == (128, 32)


def test_a_manifest_outweighs_everything(tmp_path: Path) -> None:
    """Every key reaches the spec."""
    manifest(
        tmp_path,
        'labels = ["p", "q"]\nresize = "stretch"\ncolor = "bgr"\nscale = 0.5\nmean = [1, 2, 3]\nstd = 2\npad = 0\n'
        'confidence = 0.1\niou = 0.7\nmax_detections = 5\nversion = "2"\ndescription = "d"\nlicense = "l"\n'
        "input = [64, 64]\n",
    )
    spec = answer(tmp_path, 6, GRID, metadata={**ULTRALYTICS, "version": "8", "description": "other"})
    assert (spec.labels, spec.resize, spec.color, spec.scale, spec.pad) == (("p", "q"), "stretch", "bgr", 0.5, 0)
    assert (spec.mean, spec.std) == ((1.0, 2.0, 3.0), (2.0, 2.0, 2.0))
    assert (spec.confidence, spec.iou, spec.max_detections) == (0.1, 0.7, 5)
    assert (spec.version, spec.description, spec.license) == ("2", "d", "l")


def test_coco_may_be_named_instead_of_listed(tmp_path: Path) -> None:
    """YOLOX exports name no classes."""
    manifest(tmp_path, 'labels = "coco"')
    spec = answer(tmp_path, GRID, 85)
    assert (spec.label(0), spec.label(79), spec.label(80), len(spec.labels)) == ("person", "toothbrush", "80", 80)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("colour = 'rgb'", "there is no key 'colour'; the keys are family, labels, resize, color"),
        ("color = 'grey'", "color is 'grey'; it must be one of rgb, bgr"),
        ("family = 'retinanet'", "family is 'retinanet'; it must be one of yolov8"),
        ("labels = 'imagenet'", "labels is 'imagenet'; it must be a list of names, or one of coco"),
        ("labels = []", "labels is .* a list of names"),
        ("scale = 0", "scale is 0; it must be a number above 0"),
        ("mean = [1, 2]", "mean is .* one number, or three"),
        ("std = [1, 0, 1]", "std is .* one number above 0, or three"),
        ("pad = 1.5", "pad is 1.5; it must be a whole number from 0 to 255"),
        ("confidence = true", "confidence is True; it must be a number from 0 to 1"),
        ("version = 2", "version is 2; it must be a text"),
        ("input = 640", "input is 640; it must be a list of two whole numbers"),
        ("input = [32, 64]", "takes 64 x 64 pixels; the manifest key input says 32 x 64"),
        ("labels = ['one']", "and its 1 class names; name it in .* with the key family .*; or correct its labels"),
        ("family = 'yolov5'", "read as yolov5, .* but 2 names are given"),
        ("pad = ", "manifest .* cannot be read: .* correct it or remove it"),
    ],
)
def test_a_wrong_manifest_is_refused(tmp_path: Path, text: str, message: str) -> None:
    """File, key, value and remedy are named."""
    manifest(tmp_path, text)
    with pytest.raises(ModelError, match=message):
        answer(tmp_path, 6, GRID, metadata=ULTRALYTICS)


def test_other_tasks_are_refused(tmp_path: Path) -> None:
    """A segmentation model is no detector."""
    with pytest.raises(ModelError, match=r"exported for the task 'segment'; export a detector"):
        answer(tmp_path, 6, GRID, metadata={**ULTRALYTICS, "task": "segment"})


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "cannot be read: No such file"),
        (b"", "holds no graph"),
        (b"\xff\xd8\xff\xe0 no model", "is no ONNX file"),
    ],
)
def test_files_that_are_no_models_are_refused(tmp_path: Path, content: bytes | None, message: str) -> None:
    """Missing, empty and foreign files are told apart."""
    path = tmp_path / "m.onnx"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ModelError, match=message):
        inspect_model(path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"family": "retinanet"}, "family is 'retinanet'"),
        ({"labels": ()}, "labels is empty"),
        ({"color": "hsv"}, "color is 'hsv'; it must be rgb or bgr"),
        ({"confidence": 1.5}, "confidence is 1.5; it must be 0 to 1"),
        ({"iou": -0.1}, "iou is -0.1; it must be 0 to 1"),
        ({"batch_size": 0}, "batch_size is 0; it must be at least 1"),
        ({"max_detections": 0}, "max_detections is 0"),
        ({"pad": 300}, "pad is 300"),
    ],
)
def test_a_spec_checks_itself(tmp_path: Path, change: dict[str, Any], message: str) -> None:
    """No spec with an impossible value exists."""
    options: dict[str, Any] = {
        "name": "m", "path": tmp_path, "sha256": "", "family": "yolov8", "labels": ("a",), "input_name": "images",
        "input_width": 64, "input_height": 64,
    }  # fmt: skip
    with pytest.raises(ValueError, match=message):
        ModelSpec(**{**options, **change})
