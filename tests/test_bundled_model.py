"""The bundled detector: its file, its manifest, and how well it finds things in scenes it was not trained on."""

import ast
import tomllib
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from framebatch_models import find, names
from framebatch_models.conveyor import LABELS, Conveyor, Truth

onnxruntime = pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")

Floats = npt.NDArray[np.float32]

SIZE = 320
SCENES = 60
HELD_OUT_SEED = 7_000_000  # training uses seeds from 10,000,000 on


@pytest.fixture(scope="module")
def session() -> Any:
    """Answer the detector on the processor."""
    return onnxruntime.InferenceSession(str(find("conveyor")), providers=["CPUExecutionProvider"])


@pytest.fixture(scope="module")
def views() -> list[tuple[Floats, tuple[Truth, ...]]]:
    """Answer network inputs (3, 320, 320) and the truth in source pixels."""
    scenes = [Conveyor(HELD_OUT_SEED + number // 4).frame(number % 4 * 70) for number in range(SCENES)]
    return [(letterboxed(scene.pixels), scene.truth) for scene in scenes]


def letterboxed(pixels: npt.NDArray[np.uint8]) -> Floats:
    """Scale a 640 x 480 picture as the manifest says."""
    canvas = np.full((SIZE, SIZE, 3), 114, np.uint8)
    canvas[40:280] = cv2.resize(pixels, (SIZE, 240), interpolation=cv2.INTER_LINEAR)
    return canvas[..., ::-1].transpose(2, 0, 1).astype(np.float32) / np.float32(255.0)


def overlaps(box: Floats, others: Floats) -> Floats:
    """Answer the IoU of one box x1 y1 x2 y2 with each of others (n, 4)."""
    near, far = np.maximum(box[:2], others[:, :2]), np.minimum(box[2:4], others[:, 2:4])
    common = np.clip(far - near, 0, None).prod(1)
    areas = (others[:, 2:4] - others[:, :2]).prod(1) + (box[2:4] - box[:2]).prod()
    result: Floats = common / (areas - common)
    return result


def detections(head: Floats, confidence: float = 0.25, suppress: float = 0.45) -> Floats:
    """Answer the detections (n, 6) of a raw head in source pixels: x1 y1 x2 y2 score class, best first."""
    scores, kinds = head[4:].max(0), head[4:].argmax(0)
    rows = [column for column in np.argsort(-scores) if scores[column] >= confidence]
    kept = np.empty((0, 6), np.float32)
    for row in rows:
        x, y, width, height = head[:4, row]
        corners = np.asarray((x - width / 2, y - height / 2 - 40, x + width / 2, y + height / 2 - 40)) * 2
        found = np.asarray((*corners, scores[row], kinds[row]), np.float32)
        if not np.any((overlaps(found, kept) > suppress) & (kept[:, 5] == found[5])):
            kept = np.vstack((kept, found))
    return kept


def score(found: Floats, truth: tuple[Truth, ...]) -> tuple[int, int, int]:
    """Answer right detections, wrong detections and objects of one scene; difficult objects count neither way."""
    boxes = np.asarray([one.box for one in truth], np.float32).reshape(-1, 4)
    free, right, wrong = set(range(len(truth))), 0, 0
    for one in found:
        fits = [
            (float(share), number)
            for number, share in enumerate(overlaps(one, boxes))
            if share >= 0.5 and truth[number].class_id == int(one[5])
        ]
        open_to = [(share, number) for share, number in fits if number in free and not truth[number].difficult]
        if open_to:
            free.discard(max(open_to)[1])
            right += 1
        elif not any(truth[number].difficult for _, number in fits):
            wrong += 1
    return right, wrong, sum(not one.difficult for one in truth)


def test_it_finds_what_is_there(session: Any, views: list[tuple[Floats, tuple[Truth, ...]]]) -> None:
    """On 60 unseen scenes, at confidence 0.25 and IoU 0.5, precision and recall are at least 0.9."""
    right = wrong = wanted = 0
    for picture, truth in views:
        hits, misses, objects = score(detections(session.run(None, {"images": picture[None]})[0][0]), truth)
        right, wrong, wanted = right + hits, wrong + misses, wanted + objects
    assert wanted > 300
    assert right / (right + wrong) >= 0.9
    assert right / wanted >= 0.9


def test_a_batch_is_as_good_as_its_pictures(session: Any, views: list[tuple[Floats, tuple[Truth, ...]]]) -> None:
    """Five pictures in one batch get the answers that they get alone."""
    pictures = np.stack([picture for picture, _ in views[::12]])
    together = session.run(None, {"images": pictures})[0]
    alone = np.concatenate([session.run(None, {"images": picture[None]})[0] for picture in pictures])
    assert together.shape == (5, 4 + len(LABELS), 2100)
    np.testing.assert_allclose(together, alone, rtol=1e-4, atol=1e-3)


def test_the_file_describes_itself(session: Any) -> None:
    """The metadata name task, classes and size, and only the batch is free."""
    facts = session.get_modelmeta().custom_metadata_map
    assert ast.literal_eval(facts["names"]) == dict(enumerate(LABELS))
    assert (facts["task"], facts["imgsz"], facts["license"]) == ("detect", "[320, 320]", "Apache-2.0")
    assert [one.shape for one in session.get_inputs()] == [["batch", 3, SIZE, SIZE]]
    assert [one.shape for one in session.get_outputs()] == [["batch", 4 + len(LABELS), 2100]]


def test_the_manifest_agrees_with_the_generator() -> None:
    """The manifest beside the model names the generator's labels in order."""
    manifest = tomllib.loads(find("conveyor").with_suffix(".toml").read_text())
    assert tuple(manifest["labels"]) == LABELS
    assert (manifest["family"], manifest["resize"], manifest["color"]) == ("yolov8", "letterbox", "rgb")


def test_bundled_models_are_found_by_name() -> None:
    """Every listed model has a file and a manifest; an unknown name is refused with the list."""
    assert "conveyor" in names()
    assert all(find(name).is_file() and find(name).with_suffix(".toml").is_file() for name in names())
    with pytest.raises(KeyError, match="conveyor"):
        find("no-such-model")
