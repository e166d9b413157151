"""framebatch.detection.loading: a model is served in the best form that is proven, and says which and why."""

from __future__ import annotations

import dataclasses
import json
import logging
from typing import TYPE_CHECKING

import lying_models
import numpy as np
import onnx
import pytest
import tiny_models

from framebatch.detection.boxes import iou_matrix
from framebatch.detection.geometry import plan_resize
from framebatch.detection.imaging import Prepared
from framebatch.detection.loading import inspect_model, load_detector
from framebatch.detection.scenes import scenes
from framebatch.device.devices import Device
from framebatch.errors import ModelError
from framebatch.frame import Detections, EncodedPicture

if TYPE_CHECKING:
    from pathlib import Path

    from framebatch.detection.detector import Detector

CPU = Device(kind="cpu")


def load(path: Path, *, max_batch: int | None = 4, threads: int | None = 1) -> Detector:
    """Load on the processor, past what is remembered."""
    return load_detector(path, device=CPU, max_batch=max_batch, threads=threads, prove="always")


def detect(detector: Detector, count: int) -> list[Detections]:
    """Detect in as many scenes at once."""
    fit = detector.spec.fit
    pictures = scenes(count, fit.width, fit.height)
    batch = [Prepared(picture, plan_resize(fit, fit.width, fit.height)) for picture in pictures]
    return detector.detect(batch).detections


def assert_same(found: Detections, wanted: Detections) -> None:
    """Compare two answers to one picture, to the last digits that matter."""
    assert found.class_ids.tolist() == wanted.class_ids.tolist()
    np.testing.assert_allclose(found.boxes, wanted.boxes, atol=0.01)
    np.testing.assert_allclose(found.scores, wanted.scores, atol=1e-4)


@pytest.mark.usefixtures("selects_always")
def test_an_honest_model_is_fused_and_run_in_batches(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Every bucket is proven, and nothing is said louder than needed."""
    detector = load(lying_models.detector(tmp_path / "m.onnx"))
    report = detector.report
    assert (report.fused, report.pictures_in, report.opened, report.batch_size) == (True, True, False, None)
    assert (report.proven, detector.buckets) == ((1, 2, 3, 4), (1, 2, 3, 4))
    assert (report.why_not_fused, report.why_not_batched, report.why_not_pictures_in) == ("", "", "")
    assert report.max_pixels < 0.05
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]
    assert sum(map(len, detect(detector, 4))) > 10


@pytest.mark.parametrize(
    ("trick", "reason"),
    [
        ("gives later frames zeros", "in a batch of 4 a frame is answered differently than alone"),
        ("gives later frames no scores", "in a batch of 4 a frame is answered differently than alone"),
        ("gives frames each other's answers", "in a batch of 4 a frame is answered differently than alone"),
        ("takes the mean of the batch", "in a batch of 4 a frame is answered differently than alone"),
        ("adds frame to frame", "in a batch of 4 a frame is answered differently than alone"),
        ("answers one frame", "a batch of 4"),
        ("answers one long frame", "a batch of 4"),
        ("fails at two", "a batch of 4 fails"),
    ],
)
def test_a_lying_batch_axis_is_found_out(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, trick: str, reason: str
) -> None:
    """Loudly, frames are then run one by one, and answered as by an honest model."""
    detector = load(lying_models.detector(tmp_path / "m.onnx", trick))
    assert (detector.buckets, detector.report.batch_size) == ((1,), 1)
    assert reason in detector.report.why_not_batched
    (warning,) = [record for record in caplog.records if record.levelno == logging.WARNING]
    assert warning.getMessage() == f"m: frames are run one by one, not in batches: {detector.report.why_not_batched}"
    honest = load(lying_models.detector(tmp_path / "honest.onnx"), max_batch=1)
    assert_same(detect(detector, 1)[0], detect(honest, 1)[0])


def test_a_model_that_fails_even_alone_is_refused(tmp_path: Path) -> None:
    """With what the runtime says."""
    with pytest.raises(ModelError, match=r"m\.onnx loads but does not run: .*; export it again"):
        load(lying_models.detector(tmp_path / "m.onnx", "fails alone"))


def test_a_fixed_batch_axis_is_opened_when_that_is_right(tmp_path: Path) -> None:
    """A file for one frame serves four at once, each answered as the file answers it."""
    detector = load(lying_models.detector(tmp_path / "m.onnx", batch=1, target=1))
    assert (detector.report.opened, detector.report.proven, detector.buckets) == (True, (1, 2, 3, 4), (1, 2, 3, 4))
    alone = load(lying_models.detector(tmp_path / "m.onnx", batch=1, target=1), max_batch=1)
    assert (alone.report.opened, alone.buckets, alone.report.why_not_batched) == (False, (1,), "")
    for place, found in enumerate(detect(detector, 4)):
        fit = detector.spec.fit
        one = Prepared(scenes(4, fit.width, fit.height)[place], plan_resize(fit, fit.width, fit.height))
        assert_same(found, alone.detect([one]).detections[0])


def test_a_fixed_batch_of_several_is_opened_too(tmp_path: Path) -> None:
    """It is held against what the file answers to full batches."""
    detector = load(lying_models.detector(tmp_path / "m.onnx", batch=2, target=2))
    assert (detector.report.opened, detector.buckets) == (True, (1, 2, 3, 4))


@pytest.mark.parametrize(("batch", "size"), [(1, "one by one"), (2, "2 at a time")])
@pytest.mark.usefixtures("selects_always")
def test_a_fixed_batch_axis_stays_where_opening_it_is_wrong(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, batch: int, size: str
) -> None:
    """The file is served as it is, and the reason is told."""
    detector = load(lying_models.detector(tmp_path / "m.onnx", "adds frame to frame", batch=batch))
    assert (detector.buckets, detector.report.opened, detector.report.fused) == ((batch,), False, True)
    assert detector.report.why_not_batched.startswith(
        "the file fixes its batch axis, and when that is opened: in a batch"
    )
    assert f"m: frames are run {size}, not in batches" in caplog.text
    assert len(detect(detector, 1)) == 1


def test_a_fixed_batch_axis_stays_where_it_cannot_be_opened(tmp_path: Path) -> None:
    """The node that fixes it is named."""
    detector = load(lying_models.detector(tmp_path / "m.onnx", "answers one frame", batch=1))
    assert detector.buckets == (1,)
    assert "cannot be opened: its node 'first' (Slice) does not pass a batch on" in detector.report.why_not_batched


def test_nms_inside_is_never_run_in_batches(tmp_path: Path) -> None:
    """Whether the exporter says so, or an operator does."""
    by_metadata = tiny_models.colours(tmp_path / "a.onnx", metadata={**tiny_models.COLOURS, "args": "{'nms': True}"})
    by_operator = lying_models.detector(tmp_path / "b.onnx")
    model = onnx.load(by_operator)
    model.graph.node.append(onnx.helper.make_node("NonMaxSuppression", ["nms_boxes", "nms_scores"], ["kept"]))
    for name in ("nms_boxes", "nms_scores"):
        model.graph.initializer.append(onnx.numpy_helper.from_array(np.zeros((1, 4, 4), np.float32), name))
    onnx.save(model, by_operator)
    (tmp_path / "a.toml").write_text('family = "yolov8"')
    for path in (by_metadata, by_operator):
        detector = load(path)
        assert detector.buckets == (1,)
        assert "it was exported with NMS inside" in detector.report.why_not_batched


def test_dynamic_quantisation_is_run_in_batches_only_by_consent(tmp_path: Path) -> None:
    """The manifest's key is named, and obeyed."""
    path = lying_models.detector(tmp_path / "m.onnx")
    model = onnx.load(path)
    quantise = onnx.helper.make_node("DynamicQuantizeLinear", ["images"], ["q", "scale", "zero"])
    restore = onnx.helper.make_node("DequantizeLinear", ["q", "scale", "zero"], ["restored"])
    for each in model.graph.node:
        each.input[:] = ["restored" if name == "images" else name for name in each.input]
    model.graph.node.insert(0, restore)
    model.graph.node.insert(0, quantise)
    onnx.save(model, path)
    assert "accept_dynamic_quantisation = true" in load(path).report.why_not_batched
    (tmp_path / "m.toml").write_text("accept_dynamic_quantisation = true")
    detector = load(path)
    assert (detector.report.why_not_batched, detector.buckets) == ("", (1, 2, 3, 4))
    lying_models.detector(path, "gives frames each other's answers")
    mixing = onnx.load(path)
    mixing.graph.node.insert(0, quantise)
    onnx.save(mixing, path)
    assert "in a batch of 4 a frame is answered differently" in load(path).report.why_not_batched


def test_old_operators_leave_the_conversion_to_the_host(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """The same answers, the slow way, with a line in the log."""
    path = tiny_models.colours(tmp_path / "m.onnx")
    detector = load(path)
    model = onnx.load(path)
    model.opset_import[0].version = 7
    onnx.save(model, path)
    old = load(path)
    assert (old.report.pictures_in, old.report.fused, old.buckets) == (False, False, (1, 2, 3, 4))
    assert "pictures are converted on the host, not in the graph: its operators are of opset 7" in caplog.text
    for one, other in zip(detect(old, 3), detect(detector, 3), strict=True):
        assert_same(one, other)


def test_a_small_output_is_read_on_the_host(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Selecting a few kilobytes on the device would save nothing; that is no warning."""
    report = load(tiny_models.colours(tmp_path / "m.onnx")).report
    assert (report.fused, report.why_not_fused) == (False, "the network's outputs are small")
    assert caplog.text == ""


def test_threads_are_measured_where_nobody_chose(tmp_path: Path) -> None:
    """All cores are measured first; what is told is what is used."""
    path = lying_models.detector(tmp_path / "m.onnx")
    detector = load(path, threads=None)
    report = detector.report
    if not report.frames_per_second:
        pytest.skip("this machine has one core")
    assert report.threads in report.frames_per_second
    assert f"{report.threads} thread" in detector.device
    assert load(path, threads=1).report.threads == 0


def test_a_restart_remembers_what_was_proven(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Same file, same machine: neither built nor proven again, and a warning is given again."""
    path = lying_models.detector(tmp_path / "m.onnx", batch=1, target=1)
    first = load_detector(path, device=CPU, max_batch=4, threads=1)
    second = load_detector(path, device=CPU, max_batch=4, threads=1, confidence=0.3)
    assert (first.report.remembered, second.report.remembered) == (False, True)
    assert dataclasses.replace(second.report, remembered=False) == first.report
    assert second.buckets == first.buckets == (1, 2, 3, 4)
    assert not load(path).report.remembered
    other = load_detector(path, device=CPU, max_batch=3, threads=1)
    assert (other.report.remembered, other.buckets) == (False, (1, 2, 3))
    lying_models.detector(path, "gives later frames zeros")
    changed = load_detector(path, device=CPU, max_batch=4, threads=1)
    assert (changed.report.remembered, changed.buckets) == (False, (1,))
    caplog.clear()
    assert load_detector(path, device=CPU, max_batch=4, threads=1).report.remembered
    assert "m: frames are run one by one, not in batches" in caplog.text


@pytest.mark.parametrize("name", ["yolov5n_coco_b1", "ultraface_rfb320", "yolox_nano_a", "nanodet_m_416"])
@pytest.mark.usefixtures("selects_always")
def test_published_models_of_fixed_batch_answer_right_in_shared_batches(assets: Path, name: str) -> None:
    """Opened and fused, photos of all shapes together are answered as the reference answers each alone."""
    detector = load_detector(assets / "models" / f"{name}.onnx", device=CPU, max_batch=6, threads=1)
    assert (detector.report.opened, detector.report.fused, detector.buckets[-1]) == (True, True, 6)
    reference = json.loads((assets / "expected" / f"{name}.json").read_text())["images"]
    chosen = sorted(reference)[::9][:6]
    frames = [detector.prepare(EncodedPicture((assets / "images" / key).read_bytes())) for key in chosen]
    for key, found in zip(chosen, detector.detect(frames).detections, strict=True):
        wanted = reference[key]["detections"]
        allowed = np.array(wanted + reference[key]["borderline"]).reshape(-1, 6)
        near = iou_matrix(found.boxes, allowed[:, :4]) >= 0.9
        same = np.logical_and(near, np.abs(found.scores[:, None] - allowed[:, 4]) <= 0.02)
        same &= found.class_ids[:, None] == allowed[:, 5]
        assert same.any(axis=1).all(), key
        assert same.any(axis=0)[: len(wanted)].all(), key


def test_looking_at_a_model_loads_it_on_no_device(tmp_path: Path) -> None:
    """What is recognised is the same as when it is served."""
    path = lying_models.detector(tmp_path / "m.onnx", "fails at two")
    spec = inspect_model(path)
    assert (spec.family, spec.batch_size, len(spec.labels)) == ("yolov8", None, lying_models.CLASSES)
