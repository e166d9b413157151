"""Large pictures through a running server: cut into tiles, batched with other frames, merged into one answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import pytest
from model_folder import put

from framebatch.detection.imaging import use_one_thread_per_picture
from framebatch.detection.loading import load_detector
from framebatch.device.devices import parse_device
from framebatch.frame import RawPicture, Region
from framebatch.testing import ServerProcess
from framebatch_client import Client, Outcome
from framebatch_models.conveyor import Conveyor

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from framebatch.frame import Detections
    from framebatch_client import Answer

pytestmark = pytest.mark.end_to_end

DEADLINE_MS: Final = 120_000.0
WIDTH, HEIGHT = 1500, 1000
BOX_PIXELS = 0.5
SCORE = 0.01


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Answer the bundled model with a manifest that asks for tiles."""
    path = put(tmp_path_factory.mktemp("tiled"), "tiled")
    manifest = path.with_suffix(".toml")
    manifest.write_text("tiles = 640\n" + manifest.read_text(encoding="utf-8"), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def server(model: Path) -> Iterator[ServerProcess]:
    """Answer a server of that model, with batches smaller than a picture has rows."""
    with ServerProcess("--model", model, "--device", "cpu", "--profile", "off", "--max-batch", "4") as process:
        yield process


@pytest.fixture(scope="module")
def hall() -> RawPicture:
    """Answer four belts side by side, with parts that are small in the whole picture."""
    pixels = np.empty((HEIGHT, WIDTH, 3), np.uint8)
    for number in range(4):
        x, y = number % 2 * (WIDTH // 2), number // 2 * (HEIGHT // 2)
        scene = Conveyor(7_200_000 + number, width=WIDTH // 2, height=HEIGHT // 2).frame(70)
        pixels[y : y + HEIGHT // 2, x : x + WIDTH // 2] = scene.pixels
    return RawPicture(pixels.tobytes(), WIDTH, HEIGHT, "bgr")


def expected(model: Path, picture: RawPicture, region: Region | None = None) -> Detections:
    """Ask the detector itself, without a server."""
    use_one_thread_per_picture()
    detector = load_detector(model, device=parse_device("cpu"), max_batch=4)
    try:
        assert len(detector.parts(detector.header(picture), region)) > 4
        return detector.detect_picture(picture, region)
    finally:
        detector.close()


def check(answer: Answer, wanted: Detections) -> None:
    """Compare all boxes, best first; equal scores may change places."""
    assert (answer.outcome, answer.reason) == (Outcome.OK, "")
    assert len(wanted) > 10
    assert len(answer.detections) == len(wanted)
    found = {(each.class_id, *each.box): each.score for each in answer.detections}
    for box, score, class_id in zip(
        wanted.boxes.tolist(), wanted.scores.tolist(), wanted.class_ids.tolist(), strict=True
    ):
        near = [
            other_score
            for (other_id, *other), other_score in found.items()
            if other_id == class_id and max(abs(a - b) for a, b in zip(other, box, strict=True)) < BOX_PIXELS
        ]
        assert any(abs(other - score) < SCORE for other in near), (box, score)


def test_a_large_picture_is_answered_once_with_what_its_tiles_show(
    server: ServerProcess, model: Path, hall: RawPicture
) -> None:
    """The answer is that of the detector without a server, although no batch held all rows."""
    pixels = np.frombuffer(hall.data, np.uint8).reshape(HEIGHT, WIDTH, 3)
    with Client(server.address) as client:
        answer = client.detect(pixels, deadline_ms=DEADLINE_MS, camera="hall")
    check(answer, expected(model, hall))


def test_too_many_tiles_are_the_senders_fault(tmp_path: Path) -> None:
    """The reason names their number and the remedy, and the next frame is answered."""
    path = put(tmp_path, "fine")
    manifest = path.with_suffix(".toml")
    manifest.write_text("tiles = 64\n" + manifest.read_text(encoding="utf-8"), encoding="utf-8")
    with ServerProcess("--model", path, "--device", "sim:1,0.1") as server, Client(server.address) as client:
        refused = client.detect(np.zeros((HEIGHT, WIDTH, 3), np.uint8), deadline_ms=DEADLINE_MS)
        assert refused.outcome is Outcome.INVALID
        assert refused.reason.startswith(f"the picture of {WIDTH} x {HEIGHT} pixels makes ")
        assert "larger tiles" in refused.reason
        assert client.detect(np.zeros((48, 64, 3), np.uint8), deadline_ms=DEADLINE_MS).outcome is Outcome.OK
