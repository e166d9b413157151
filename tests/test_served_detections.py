"""Detections of a running server: what the detector finds without it, whoever shares the batch."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Final

import pytest

from framebatch.detection.imaging import use_one_thread_per_picture
from framebatch.detection.loading import load_detector
from framebatch.device.devices import parse_device
from framebatch.frame import EncodedPicture
from framebatch.testing import ServerProcess
from framebatch_client import Answer, Client, Outcome

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from framebatch.frame import Detections

pytestmark = pytest.mark.end_to_end

MODELS = ("yolov8n_dyn640", "yolox_nano_a")
PHOTOS = ("general/bus.jpg", "general/hpc203_dog.jpg", "coco/000000052891.jpg", "coco/000000098261.jpg")
DEADLINE_MS: Final = 600_000.0
NEIGHBOURS = 4
BOX_PIXELS = 0.5
SCORE = 0.01


class Case:
    """One model behind a server, and what it finds without one."""

    def __init__(self, model: Path, photos: dict[str, bytes], server: ServerProcess) -> None:
        self.photos = photos
        self.server = server
        use_one_thread_per_picture()
        detector = load_detector(model, device=parse_device("cpu"), max_batch=1)
        self.expected = {
            name: detector.detect([detector.prepare(EncodedPicture(data))]).detections[0]
            for name, data in photos.items()
        }
        detector.close()
        info = next(name for name in server.series() if name.startswith("framebatch_model_info"))
        self.max_batch = int(info.partition('max_batch="')[2].partition('"')[0])


@pytest.fixture(scope="module", params=MODELS)
def case(request: pytest.FixtureRequest, assets: Path) -> Iterator[Case]:
    """Answer each model in turn; skips where the assets are missing."""
    model = assets / "models" / f"{request.param}.onnx"
    photos = {name: assets / "images" / name for name in PHOTOS}
    missing = [str(path) for path in (model, *photos.values()) if not path.is_file()]
    if missing:
        pytest.skip(f"no such test assets: {', '.join(missing)}")
    with ServerProcess("--model", model, "--device", "cpu", "--profile", "off", "--max-batch", "4") as server:
        yield Case(model, {name: path.read_bytes() for name, path in photos.items()}, server)


def batch_sizes(answers: list[tuple[str, Answer]]) -> set[int]:
    """Answer in batches of which sizes these were."""
    return {answer.timing.batch_size for _, answer in answers}


def assert_same(answer: Answer, expected: Detections) -> None:
    """Compare box by box in the order of scores; nearly equal scores may change places."""
    assert (answer.outcome, answer.reason) == (Outcome.OK, "")
    assert len(answer.detections) == len(expected) > 0
    left = list(answer.detections)
    for box, score, class_id in zip(
        expected.boxes.tolist(), expected.scores.tolist(), expected.class_ids.tolist(), strict=True
    ):
        match = next(
            each
            for each in left
            if each.class_id == class_id
            and abs(each.score - score) < SCORE
            and all(abs(a - b) < BOX_PIXELS for a, b in zip(each.box, box, strict=True))
        )
        left.remove(match)


def test_a_server_finds_what_the_detector_finds(case: Case) -> None:
    """Alone on the server, each photo gives the same boxes, scores and classes as without it."""
    with Client(case.server.address) as client:
        answers = {name: client.detect(data, deadline_ms=DEADLINE_MS) for name, data in case.photos.items()}
    for name, answer in answers.items():
        assert_same(answer, case.expected[name])


def test_neighbours_in_a_batch_do_not_matter(case: Case) -> None:
    """While other streams share its batches, each photo still gives the same."""
    stop = threading.Event()
    others = list(case.photos.values())

    def stream(number: int) -> None:
        with Client(case.server.address) as client:
            while not stop.is_set():
                client.detect(others[number % len(others)], deadline_ms=DEADLINE_MS, camera=f"neighbour {number}")

    threads = [threading.Thread(target=stream, args=(number,)) for number in range(NEIGHBOURS)]
    for thread in threads:
        thread.start()
    answers: list[tuple[str, Answer]] = []
    try:
        with Client(case.server.address) as client:
            while len(answers) < len(case.photos) or max(shared := batch_sizes(answers)) < min(2, case.max_batch):
                name = PHOTOS[len(answers) % len(PHOTOS)]
                answers.append((name, client.detect(case.photos[name], deadline_ms=DEADLINE_MS, camera="judge")))
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    for name, answer in answers:
        assert_same(answer, case.expected[name])
    assert max(shared) <= case.max_batch
