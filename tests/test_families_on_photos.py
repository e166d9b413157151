"""Every family that real models are there for: what they find in photos, with and without the selection in the graph.

How a model is recognised is not asked here: what must be known of it is written down.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pytest

from framebatch.detection import imaging
from framebatch.detection.boxes import iou_matrix
from framebatch.detection.heads import FAMILIES
from framebatch.detection.reading import candidates, read_batch
from framebatch.detection.selection import is_worthwhile, selection
from framebatch.detection.spec import ModelSpec
from framebatch.device.devices import Device
from framebatch.device.engine import OnnxEngine
from framebatch.device.graph import InputFormat
from framebatch.device.model_file import Tensor, read_model_file
from framebatch.device.options import EngineOptions
from framebatch.device.program import build_program
from framebatch.frame import EncodedPicture

if TYPE_CHECKING:
    from pathlib import Path

    from framebatch.detection.imaging import Prepared

Array = npt.NDArray[Any]
TWO_THREADS = EngineOptions(threads=2)
COCO = [
    "general/bus.jpg",
    "coco/000000005001.jpg",
    "variants/bus_exif6.jpg",
    "variants/tiny_8x8.png",
    "variants/wide_3000x40.jpg",
]
FACES = ["faces/ultraface_1.jpg", "faces/ultraface_12.jpg", "coco/000000005001.jpg", "variants/wide_3000x40.jpg"]
MODELS = {
    "yolov8n_dyn640": ("yolov8", (640, 640), COCO),
    "yolov5n_coco_b1": ("yolov5", (640, 640), COCO),
    "yolox_nano_a": ("yolox", (416, 416), COCO),
    "nanodet_m_416": ("nanodet", (416, 416), COCO),
    "deimv2_atto_320": ("detr", (320, 320), COCO),
    "yunet_n_dyn": ("yunet", (640, 640), FACES),
    "ultraface_rfb320": ("ssd", (320, 240), FACES),
}


@dataclass
class Both:
    """One model on the processor, as it is and with its selection in the graph."""

    spec: ModelSpec
    plain: OnnxEngine
    fused: OnnxEngine
    example: list[Array]

    def prepare(self, path: Path) -> Prepared:
        """Decode and resize a photo."""
        picture = EncodedPicture(path.read_bytes())
        return imaging.prepare(picture, None, resize=self.spec.fit, color=self.spec.color)


@pytest.fixture(scope="module", params=MODELS)
def both(request: pytest.FixtureRequest, assets: Path) -> Both:
    """Load one model twice."""
    family, (width, height), _ = MODELS[request.param]
    model = read_model_file(assets / "models" / f"{request.param}.onnx")
    options: dict[str, Any] = {
        "name": request.param,
        "path": model.path,
        "sha256": model.sha256,
        "family": family,
        "labels": ("object",),
        "input_name": model.inputs[0].name,
        "input_width": width,
        "input_height": height,
        "batch_size": model.inputs[0].shape[0],
        **FAMILIES[family].input_defaults,
    }
    spec = ModelSpec(**options)
    form = InputFormat(
        name=spec.input_name,
        width=width,
        height=height,
        batch_size=spec.batch_size,
        scale=spec.scale,
        mean=spec.mean,
        std=spec.std,
        extras={"orig_target_sizes": np.array([[width, height]])} if family == "detr" else {},
    )
    plain = OnnxEngine(build_program(model, form), Device(kind="cpu"), options=TWO_THREADS, max_batch=1)
    example, _, _ = plain.run(np.zeros((1, height, width, 3), np.uint8))
    tensors = [
        Tensor(name=declared.name, shape=(None, *output.shape[1:]), dtype=str(output.dtype))
        for declared, output in zip(model.outputs, example, strict=True)
    ]
    spec = ModelSpec(**{**options, "outputs": FAMILIES[family].arrange(tensors)})
    fused = OnnxEngine(
        build_program(model, form, select=selection(spec, example)),
        Device(kind="cpu"),
        options=TWO_THREADS,
        max_batch=1,
    )
    return Both(spec, plain, fused, example)


def test_both_ways_find_the_same(both: Both, assets: Path) -> None:
    """The same candidates within 0.05 pixels and 0.0001 of score, and the same detections, from a fraction of the bytes."""
    for photo in MODELS[both.spec.name][2]:
        frame = both.prepare(assets / "images" / photo)
        outputs, _, _ = both.plain.run(frame.pixels[None])
        selected, _, _ = both.fused.run(frame.pixels[None])
        wanted, found = candidates(outputs, both.spec), candidates(selected, both.spec, fused=True)
        assert len(found.frames) == len(wanted.frames), photo
        (one,) = read_batch(outputs, [frame.geometry], both.spec)
        (other,) = read_batch(selected, [frame.geometry], both.spec, fused=True)
        assert one.class_ids.tolist() == other.class_ids.tolist(), photo
        np.testing.assert_allclose(one.boxes, other.boxes, atol=0.05)
        np.testing.assert_allclose(one.scores, other.scores, atol=1e-4)
        if is_worthwhile(outputs):
            assert sum(array.nbytes for array in selected) * 4 < sum(array.nbytes for array in outputs)


def test_a_family_finds_what_its_reference_finds(both: Both, assets: Path) -> None:
    """Every box of the reference at an overlap of 0.9 with its class and score, and none beside them."""
    reference = json.loads((assets / "expected" / f"{both.spec.name}.json").read_text())["images"]
    for photo in MODELS[both.spec.name][2]:
        frame = both.prepare(assets / "images" / photo)
        (found,) = read_batch(both.fused.run(frame.pixels[None])[0], [frame.geometry], both.spec, fused=True)
        allowed = np.array(reference[photo]["detections"] + reference[photo]["borderline"]).reshape(-1, 6)
        near = iou_matrix(found.boxes, allowed[:, :4]) >= 0.9
        alike = np.abs(found.scores[:, None] - allowed[:, 4]) <= 0.02
        same = np.logical_and(near, alike) & (found.class_ids[:, None] == allowed[:, 5])
        assert same.any(axis=1).all(), photo
        assert same.any(axis=0)[: len(reference[photo]["detections"])].all(), photo
