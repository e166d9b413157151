"""framebatch.detection.detector and loading: batches, buckets, warm-up, and what real models find in real photos."""

from __future__ import annotations

import json
import threading
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pytest
import tiny_models
from hypothesis import given
from hypothesis import strategies as st

from framebatch.detection.boxes import iou_matrix
from framebatch.detection.geometry import plan_resize
from framebatch.detection.loading import load_detector, warm_up
from framebatch.detection.reading import read_batch
from framebatch.detection.spec import ModelSpec
from framebatch.device.binding import BoundSession, DirectSession
from framebatch.device.buffers import HostMemory
from framebatch.device.devices import Device
from framebatch.device.engine import OnnxEngine
from framebatch.errors import DeviceError, InvalidFrame, ModelError
from framebatch.frame import EncodedPicture, RawPicture, Region
from framebatch.profile import buckets_up_to

if TYPE_CHECKING:
    from pathlib import Path

    from framebatch.detection.detector import Detector
    from framebatch.device.stages import StageTimes

CPU = Device(kind="cpu")
SIM = Device(kind="sim", alpha_ns=200_000, beta_ns=10_000)


def plain(red: int, green: int, blue: int, *, wide: int = 64, high: int = 64) -> RawPicture:
    """Make a picture of one colour."""
    return RawPicture(bytes((red, green, blue)) * (wide * high), wide, high, "rgb")


@pytest.fixture
def colours(tmp_path: Path) -> Detector:
    """A detector that scores a box in the middle by how red, green and blue the picture is."""
    return load_detector(tiny_models.colours(tmp_path / "colours.onnx"), device=CPU, max_batch=8, threads=1)


def test_each_frame_of_a_batch_has_its_own_answer(colours: Detector) -> None:
    """In the order of the frames, whatever else is in the batch and however it is padded."""
    pictures = [plain(255, 0, 0), plain(0, 0, 0), plain(0, 204, 0), plain(0, 0, 102), plain(128, 0, 255)]
    result = colours.detect([colours.prepare(picture) for picture in pictures])
    assert result.bucket == 6
    assert [found.class_ids.tolist() for found in result.detections] == [[0], [], [1], [2], [2]]
    assert [len(found) for found in result.detections] == [1, 0, 1, 1, 1]
    assert [found.scores.tolist() for found in result.detections] == [
        pytest.approx(scores, abs=1e-3) for scores in ([1.0], [], [0.8], [0.4], [1.0])
    ]
    assert result.detections[0].boxes.tolist() == [[16, 24, 48, 40]]


def test_pictures_that_lie_in_one_store_make_the_same_batch(colours: Detector) -> None:
    """Frames that are slots of common memory, in any order, are answered as frames with pixels of their own."""
    own = [colours.prepare(plain(255, 0, 0)), colours.prepare(plain(0, 0, 255)), colours.prepare(plain(0, 255, 0))]
    store = np.stack([frame.pixels for frame in own])
    stored = [own[slot]._replace(pixels=store[slot], slot=slot, store=store) for slot in (2, 0, 1)]
    found = colours.detect(stored).detections
    assert [frame.class_ids.tolist() for frame in found] == [[1], [0], [2]]


def test_stages_are_told_where_the_device_tells_them(colours: Detector) -> None:
    """A processor copies nothing; a session with copies notes each batch."""
    stages: list[StageTimes] = []
    batch = [colours.prepare(plain(255, 0, 0))] * 2
    colours.detect(batch, stages)
    assert stages == []
    engine = colours._engine
    assert isinstance(engine, OnnxEngine)
    assert isinstance(engine._session, DirectSession)
    engine._session = BoundSession(engine._session._session, HostMemory(), inputs=engine._inputs(), capacity=2)
    found = [colours.detect(batch, stages) for _ in range(3)]
    assert [times.compute_ns for times in stages] == [result.finished_ns - result.started_ns for result in found]


def test_the_same_batch_buffer_serves_the_next_batch(colours: Detector) -> None:
    """Rows of an earlier, larger batch do not show through."""
    red, black = colours.prepare(plain(255, 0, 0)), colours.prepare(plain(0, 0, 0))
    colours.detect([red] * 8)
    found = colours.detect([black, red, black]).detections
    assert [len(frame) for frame in found] == [0, 1, 0]


def test_boxes_come_back_in_source_pixels(colours: Detector) -> None:
    """Letterbox and region are undone, and boxes stay inside what was looked at."""
    wide = colours.prepare(plain(255, 0, 0, wide=200, high=100))
    part = colours.prepare(plain(255, 0, 0, wide=200, high=100), Region(100, 20, 32, 32))
    found = colours.detect([wide, part]).detections
    np.testing.assert_allclose(found[0].boxes, [[50, 25, 150, 75]], atol=0.01)
    np.testing.assert_allclose(found[1].boxes, [[108, 32, 124, 40]], atol=0.01)


def test_times_pass_in_order(colours: Detector) -> None:
    """Submitted, started, finished, parsed: each not before the one before."""
    result = colours.detect([colours.prepare(plain(1, 2, 3))])
    times = [result.submitted_ns, result.started_ns, result.finished_ns, result.parsed_ns]
    assert times == sorted(times)


def test_a_batch_has_at_least_one_frame_and_at_most_the_largest_bucket(colours: Detector) -> None:
    """Anything else is the caller's mistake."""
    frame = colours.prepare(plain(1, 2, 3))
    for batch in ([], [frame] * 9):
        with pytest.raises(ValueError, match=rf"batch has {len(batch)} frames; it must have 1 to 8"):
            colours.detect(batch)


def test_two_threads_may_detect_at_once(colours: Detector) -> None:
    """Each has a buffer of its own."""
    wrong: list[object] = []

    def work(picture: RawPicture, class_id: int) -> None:
        batch = [colours.prepare(picture)] * 3
        for _ in range(50):
            found = [frame.class_ids.tolist() for frame in colours.detect(batch).detections]
            if found != [[class_id]] * 3:
                wrong.append(found)

    threads = [threading.Thread(target=work, args=pair) for pair in ((plain(255, 0, 0), 0), (plain(0, 0, 255), 2))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_thresholds_can_be_set_in_place_of_the_models(tmp_path: Path) -> None:
    """A higher confidence hides what a lower one shows."""
    path = tiny_models.colours(tmp_path / "colours.onnx")
    for confidence, wanted in ((0.3, 1), (0.5, 0)):
        detector = load_detector(path, device=CPU, max_batch=1, confidence=confidence, iou=0.9)
        assert len(detector.detect([detector.prepare(plain(102, 0, 0))]).detections[0]) == wanted
        assert detector.spec.iou == 0.9


def test_a_simulated_device_prepares_for_real_and_finds_nothing(tmp_path: Path) -> None:
    """It is named as simulated, and takes the time it was given."""
    detector = load_detector(tiny_models.colours(tmp_path / "colours.onnx"), device=SIM, max_batch=4)
    assert (detector.device, detector.provider, detector.simulated) == (
        "sim 0.2+0.01b ms (simulated)",
        "simulated",
        True,
    )
    result = detector.detect([detector.prepare(plain(255, 0, 0))] * 3)
    assert result.finished_ns - result.started_ns == 230_000
    assert [len(found) for found in result.detections] == [0, 0, 0]


def test_a_detector_shows_what_it_is(colours: Detector) -> None:
    """Model, family, size, device and batches."""
    assert repr(colours) == (f"<Detector colours (yolov8, 64 x 64) on {colours.device}, batches of 1, 2, 3, 4, 6, 8>")


def test_frames_at_fault_are_told_from_our_own_faults(colours: Detector) -> None:
    """A broken picture is InvalidFrame at the header or at decoding; a closed device is DeviceError."""
    with pytest.raises(InvalidFrame, match="encoded is empty"):
        colours.header(EncodedPicture(b""))
    with pytest.raises(InvalidFrame, match="region"):
        colours.prepare(plain(1, 2, 3), Region(60, 0, 5, 5))
    frame = colours.prepare(plain(1, 2, 3))
    colours.close()
    with pytest.raises(DeviceError, match="failed on a batch of 1"):
        colours.detect([frame])


@given(st.integers(1, 600))
def test_buckets_rise_to_the_largest_batch_in_small_steps(max_batch: int) -> None:
    """No batch is padded by more than half of its size."""
    buckets = buckets_up_to(max_batch)
    assert buckets[0] == 1
    assert buckets[-1] == max_batch
    assert all(small < large <= max(small * 3 // 2, small + 1) for small, large in pairwise(buckets))


def test_a_largest_batch_below_one_is_refused() -> None:
    """There is no empty batch."""
    with pytest.raises(ValueError, match="max_batch is 0; it must be at least 1"):
        buckets_up_to(0)


def test_warm_up_measures_every_bucket_the_largest_first(tmp_path: Path) -> None:
    """At least two measured runs each, even when there is no time."""
    detector = load_detector(tiny_models.colours(tmp_path / "colours.onnx"), device=SIM, max_batch=4)
    seen: list[int] = []
    times = warm_up(detector, seen.append, budget_ns=0)
    assert seen == [4, 3, 2, 1]
    assert times == {bucket: [200_000 + 10_000 * bucket] * 2 for bucket in (1, 2, 3, 4)}
    assert all(2 <= len(runs) <= 10 for runs in warm_up(detector).values())


def scene(random: np.random.Generator, batch: int, anchors: int) -> npt.NDArray[np.float32]:
    """Make a YOLOv8 output with many overlapping boxes."""
    output = random.random((batch, 7, anchors), np.float32)
    output[:, :4] *= 60
    output[:, 4:] **= 2
    return output


@pytest.mark.parametrize("anchors", [3, 60, 700])
@pytest.mark.parametrize("max_detections", [2, 300])
def test_reading_many_frames_together_equals_reading_each(tmp_path: Path, anchors: int, max_detections: int) -> None:
    """The two ways to suppress a batch answer alike, boxes in order of their scores."""
    spec = ModelSpec(
        name="m", path=tmp_path, sha256="", family="yolov8", labels=("a", "b", "c"), input_name="images",
        input_width=64, input_height=64, max_detections=max_detections,
    )  # fmt: skip
    output = scene(np.random.default_rng(anchors), 5, anchors)
    geometries = [plan_resize(spec.fit, 100 + 10 * place, 80) for place in range(4)]
    together = read_batch([output], geometries, spec)
    assert len(together) == 4
    for place, found in enumerate(together):
        (alone,) = read_batch([output[place : place + 1]], [geometries[place]], spec)
        np.testing.assert_array_equal(found.boxes, alone.boxes)
        np.testing.assert_array_equal(found.scores, alone.scores)
        np.testing.assert_array_equal(found.class_ids, alone.class_ids)
        assert found.scores.tolist() == sorted(found.scores.tolist(), reverse=True)
        assert len(found) <= max_detections


def photos(assets: Path, count: int) -> list[Path]:
    """Answer some COCO photos of different shapes."""
    return sorted((assets / "images" / "coco").glob("*.jpg"))[:count]


def test_a_real_model_answers_alike_alone_and_in_a_batch(assets: Path) -> None:
    """Boxes within half a pixel, scores within 0.01, padding included."""
    detector = load_detector(assets / "models" / "yolov8n_dyn640.onnx", device=CPU, max_batch=8)
    frames = [detector.prepare(EncodedPicture(path.read_bytes())) for path in photos(assets, 5)]
    together = detector.detect(frames)
    assert together.bucket == 6
    for frame, found in zip(frames, together.detections, strict=True):
        (alone,) = detector.detect([frame]).detections
        assert found.class_ids.tolist() == alone.class_ids.tolist()
        np.testing.assert_allclose(found.boxes, alone.boxes, atol=0.5)
        np.testing.assert_allclose(found.scores, alone.scores, atol=0.01)
    assert sum(map(len, together.detections)) > 10


@pytest.mark.parametrize("name", ["yolov8n_dyn640", "yolov5n_coco_b1", "yolox_nano_a", "yolo26n_e2e_int8"])
def test_a_real_model_finds_what_its_reference_finds(assets: Path, name: str) -> None:
    """Every box of the reference at an overlap of 0.9 with its class and score, and none beside them."""
    detector = load_detector(assets / "models" / f"{name}.onnx", device=CPU, max_batch=1)
    reference = json.loads((assets / "expected" / f"{name}.json").read_text())["images"]
    chosen = ["general/bus.jpg", "variants/bus_exif6.jpg", "variants/bus_gray.jpg", "variants/bus_rgba.png",
              "variants/bus.webp", "variants/tiny_8x8.png", "variants/wide_3000x40.jpg"]  # fmt: skip
    for key in chosen:
        prepared = detector.prepare(EncodedPicture((assets / "images" / key).read_bytes()))
        (found,) = detector.detect([prepared]).detections
        allowed = np.array(reference[key]["detections"] + reference[key]["borderline"]).reshape(-1, 6)
        near = iou_matrix(found.boxes, allowed[:, :4]) >= 0.9
        alike = np.abs(found.scores[:, None] - allowed[:, 4]) <= 0.02
        same = np.logical_and(near, alike) & (found.class_ids[:, None] == allowed[:, 5])
        assert same.any(axis=1).all(), key
        assert same.any(axis=0)[: len(reference[key]["detections"])].all(), key


def test_a_model_that_cannot_be_served_is_refused_at_loading(tmp_path: Path) -> None:
    """With the reason."""
    with pytest.raises(ModelError, match=r"model .*identity\.onnx"):
        load_detector(tiny_models.identity(tmp_path / "identity.onnx"), device=CPU)
