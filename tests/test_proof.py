"""framebatch.detection.proof: what running alone and together shows, with devices whose behaviour is known."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pytest

from framebatch.detection.proof import compare_answers, prove_batches
from framebatch.detection.scenes import scenes
from framebatch.detection.spec import ModelSpec
from framebatch.errors import DeviceError, DeviceMemoryError

if TYPE_CHECKING:
    from collections.abc import Callable

    from framebatch.device.stages import StageTimes

SIDE = 64
PICTURES = scenes(4, SIDE, SIDE)
SPEC = ModelSpec(
    name="m", path=Path("m.onnx"), sha256="", family="yolov8", labels=("a", "b", "c"), input_name="images",
    input_width=SIDE, input_height=SIDE,
)  # fmt: skip
Outputs = list[npt.NDArray[Any]]


def fused_answers(images: npt.NDArray[np.uint8], *, rows: int = 20) -> Outputs:
    """Answer boxes, scores and classes that depend on each picture alone, as a fused graph does."""
    boxes, scores, class_ids = [], [], []
    for image in images:
        random = np.random.default_rng(int(image.astype(np.int64).sum()))
        corners = random.uniform(0, 40, (rows, 2))
        boxes.append(np.concatenate((corners, corners + random.uniform(5, 20, (rows, 2))), axis=1))
        scores.append(np.sort(random.uniform(0.1, 1, rows))[::-1])
        class_ids.append(random.integers(0, 3, rows))
    return [np.array(boxes, np.float32), np.array(scores, np.float32), np.array(class_ids, np.int32)]


class Device:
    """Answers what `answer` makes of a batch, and keeps count."""

    device = "scripted"
    provider = "scripted"
    simulated = True

    def __init__(self, answer: Callable[[npt.NDArray[np.uint8]], Outputs]) -> None:
        self.answer = answer
        self.batches: list[int] = []

    def run(
        self,
        images: npt.NDArray[np.uint8],
        stages: list[StageTimes] | None = None,  # noqa: ARG002 - as a device's
    ) -> tuple[Outputs, int, int]:
        """Answer at once."""
        self.batches.append(len(images))
        return self.answer(images), 0, 0

    def pin(self, array: npt.NDArray[Any]) -> None:
        """Nothing to learn."""

    def reopen(self) -> None:
        """Nothing to load."""

    def close(self) -> None:
        """Nothing to give back."""


def test_every_bucket_is_run_the_largest_first() -> None:
    """After each picture alone."""
    device = Device(fused_answers)
    proof = prove_batches(device, SPEC, PICTURES, (1, 2, 3, 8), fused=True)
    assert device.batches == [1, 1, 1, 1, 8, 3, 2]
    assert proof == ((1, 2, 3, 8), "", 0)


def test_batches_that_do_not_fit_are_left_out() -> None:
    """Too little memory says nothing against smaller batches."""

    def answer(images: npt.NDArray[np.uint8]) -> Outputs:
        if len(images) > 3:
            raise DeviceMemoryError("no memory")
        return fused_answers(images)

    assert prove_batches(Device(answer), SPEC, PICTURES, (1, 2, 3, 4, 6), fused=True) == ((1, 2, 3), "", 4)


def test_a_bucket_that_fails_ends_it() -> None:
    """What fails in one size is not trusted in another."""

    def answer(images: npt.NDArray[np.uint8]) -> Outputs:
        if len(images) == 3:
            raise DeviceError("wrong shape")
        return fused_answers(images)

    proof = prove_batches(Device(answer), SPEC, PICTURES, (1, 2, 3, 4), fused=True)
    assert proof == ((1,), "its batch axis is declared open, but a batch of 3 fails (wrong shape)", 0)


def test_a_single_bucket_that_lies_is_found() -> None:
    """Kernels differ by batch size, so each is tried."""

    def answer(images: npt.NDArray[np.uint8]) -> Outputs:
        return fused_answers(images[::-1] if len(images) == 2 else images)

    proof = prove_batches(Device(answer), SPEC, PICTURES, (1, 2, 3, 4), fused=True)
    assert proof == ((1,), "in a batch of 2 a frame is answered differently than alone", 0)


@pytest.mark.parametrize(
    ("answer", "why_not"),
    [
        (lambda images: fused_answers(np.zeros_like(images)), "it answers all pictures alike"),
        (lambda images: fused_answers(images, rows=int(images[0, 0, 0, 0]) % 7 + 5), "the number of rows"),
        (lambda images: [output[0] for output in fused_answers(images)], "its outputs have no axis for the batch"),
        (lambda images: fused_answers(images[:1]), "a batch of 2 answers an array of (1, 20, 4), one frame (1, 20, 4)"),
    ],
)
def test_answers_that_prove_nothing_are_not_trusted(
    answer: Callable[[npt.NDArray[np.uint8]], Outputs], why_not: str
) -> None:
    """Neither those that are the same for all, nor those that cannot be told apart."""
    proof = prove_batches(Device(answer), SPEC, PICTURES, (1, 2), fused=True)
    assert proof.proven == (1,)
    assert why_not in proof.why_not


@pytest.mark.parametrize(("order", "trusted"), [(slice(None), True), (slice(None, None, -1), False)])
def test_scales_that_change_with_the_batch_need_a_looser_proof(*, order: slice, trusted: bool) -> None:
    """Each answer must still be the one that is nearest to its own picture's."""

    def answer(images: npt.NDArray[np.uint8]) -> Outputs:
        boxes, scores, class_ids = fused_answers(images[order])
        alone = len(images) == 1
        return [boxes + np.float32(0 if alone else 1.5), scores * np.float32(1 if alone else 0.9), class_ids]

    assert prove_batches(Device(answer), SPEC, PICTURES, (1, 2, 4), fused=True).why_not
    assert (not prove_batches(Device(answer), SPEC, PICTURES, (1, 2, 4), fused=True, loosely=True).why_not) is trusted


def test_a_device_that_fails_on_one_frame_is_not_hidden() -> None:
    """There is nothing to compare with."""

    def answer(images: npt.NDArray[np.uint8]) -> Outputs:
        raise DeviceError(f"fails on {len(images)}")

    with pytest.raises(DeviceError, match="fails on 1"):
        prove_batches(Device(answer), SPEC, PICTURES, (1, 2), fused=True)


def plain_answers(images: npt.NDArray[np.uint8]) -> Outputs:
    """Answer what the network itself would, of which `fused_answers` are the rows."""
    boxes, scores, class_ids = fused_answers(images)
    output = np.zeros((len(images), 7, boxes.shape[1]), np.float32)
    output[:, :2] = ((boxes[..., :2] + boxes[..., 2:]) / 2).transpose(0, 2, 1)
    output[:, 2:4] = (boxes[..., 2:] - boxes[..., :2]).transpose(0, 2, 1)
    for frame, row in np.ndindex(scores.shape):
        output[frame, 4 + class_ids[frame, row], row] = scores[frame, row]
    return [output]


@pytest.mark.parametrize(
    ("change", "equal"),
    [(0.0, True), (0.04, True), (0.06, False)],
)
def test_fused_and_plain_answers_are_equal_within_a_twentieth_of_a_pixel(*, change: float, equal: bool) -> None:
    """And how far they are off is told."""
    plain = [plain_answers(PICTURES[place : place + 1]) for place in range(3)]
    fused = [fused_answers(PICTURES[place : place + 1]) for place in range(3)]
    fused = [[boxes + np.float32(change), *others] for boxes, *others in fused]
    why_not, off = compare_answers(plain, fused, SPEC, fused=True)
    assert (not why_not) is equal
    if equal:
        assert off.pixels == pytest.approx(change, abs=1e-4)
    else:
        assert why_not.startswith("only 0% of its best candidates are those of the model's own outputs, within 0.05 px")


def test_a_candidate_that_the_fused_graph_loses_is_missed() -> None:
    """Scores in another order alone would not be."""
    plain = [plain_answers(PICTURES[:1])]
    boxes, scores, class_ids = fused_answers(PICTURES[:1])
    order = np.arange(20)
    order[:2] = 1, 0
    assert not compare_answers(plain, [[boxes, scores, class_ids]], SPEC, fused=True)[0]
    lost = [np.delete(array, 3, axis=1) for array in (boxes, scores, class_ids)]
    lost = [np.concatenate((array, array[:, -1:]), axis=1) for array in lost]
    assert compare_answers(plain, [lost], SPEC, fused=True)[0]
