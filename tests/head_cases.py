"""For every family: outputs as its networks give them, and a reference that walks them one by one in plain Python.

Only tests of the heads use it. The references share nothing with the heads; they were written from the same sources.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from framebatch.detection.heads import FAMILIES
from framebatch.detection.spec import ModelSpec
from framebatch.device.model_file import Tensor

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

Array = npt.NDArray[Any]
Row = tuple[float, float, float, float, float, int]
WIDTH, HEIGHT, CONFIDENCE = 64, 32, 0.25
GRID = 8 * 4 + 4 * 2 + 2 * 1
GRID_PLUS = GRID + 1


class Case(NamedTuple):
    """A family, or a form of it."""

    family: str
    make: Callable[[np.random.Generator, int, int], list[Array]]
    """Outputs for so many frames and classes, some candidates on either side of the threshold."""
    slow: Callable[[list[Array]], Iterator[Row]]
    """Corners, score and class id of every anchor of one frame, in the order of the anchors, whatever the score."""
    names: tuple[str, ...] = ("output",)


def spec_of(case: Case, outputs: Sequence[Array], *, confidence: float = CONFIDENCE) -> ModelSpec:
    """Describe a model that gives these outputs."""
    tensors = [
        Tensor(name=name, shape=(None, *output.shape[1:]), dtype=str(output.dtype))
        for name, output in zip(case.names, outputs, strict=True)
    ]
    return ModelSpec(
        name="model",
        path=Path("model.onnx"),
        sha256="",
        family=case.family,
        labels=("a",),
        input_name="images",
        input_width=WIDTH,
        input_height=HEIGHT,
        outputs=FAMILIES[case.family].arrange(tensors),
        confidence=confidence,
    )


def centred(x: float, y: float, wide: float, high: float) -> tuple[float, float, float, float]:
    """Turn a centre and a size into corners."""
    return x - wide / 2, y - high / 2, x + wide / 2, y + high / 2


def sigmoid(value: float) -> float:
    """The logistic function."""
    return 1 / (1 + math.exp(-value))


def cells(*strides: int) -> Iterator[tuple[int, int, int]]:
    """Column, row and stride of every cell."""
    for stride in strides:
        for row in range(math.ceil(HEIGHT / stride)):
            for column in range(math.ceil(WIDTH / stride)):
                yield column, row, stride


def best(scores: Sequence[float]) -> int:
    """The first of the largest."""
    return list(scores).index(max(scores))


def floats(random: np.random.Generator, *shape: int) -> Array:
    """Numbers from 0 to 1."""
    return random.random(shape).astype(np.float32)


def logits(random: np.random.Generator, *shape: int) -> Array:
    """Numbers around 0."""
    return random.normal(0, 2, shape).astype(np.float32)


def shares(random: np.random.Generator, *shape: int) -> Array:
    """Boxes (..., 4) inside the picture, as shares of it."""
    return (floats(random, *shape, 4) * 0.5 + 0.25).astype(np.float32)


def slow_yolov8(outputs: list[Array]) -> Iterator[Row]:
    """Anchors are columns, classes follow the box."""
    for column in outputs[0].T.tolist():
        yield *centred(*column[:4]), max(column[4:]), best(column[4:])


def slow_yolov5(outputs: list[Array]) -> Iterator[Row]:
    """Anchors are rows, the score is objectness times class."""
    for row in outputs[0].tolist():
        yield *centred(*row[:4]), row[4] * max(row[5:]), best(row[5:])


def slow_yolox(outputs: list[Array]) -> Iterator[Row]:
    """Cell by cell."""
    for row, (x, y, stride) in zip(outputs[0].tolist(), cells(8, 16, 32), strict=True):
        box = (row[0] + x) * stride, (row[1] + y) * stride, math.exp(row[2]) * stride, math.exp(row[3]) * stride
        yield *centred(*box), row[4] * max(row[5:]), best(row[5:])


def make_end_to_end(random: np.random.Generator, batch: int, classes: int) -> list[Array]:
    """Make rows with whole class numbers."""
    output = floats(random, batch, 20, 6)
    output[..., 5] = random.integers(0, classes, (batch, 20))
    return [output]


def slow_end_to_end(outputs: list[Array]) -> Iterator[Row]:
    """Rows are final."""
    for row in outputs[0].tolist():
        yield row[0], row[1], row[2], row[3], row[4], int(row[5])


def slow_rtdetr(outputs: list[Array]) -> Iterator[Row]:
    """Shares of the picture."""
    for x, y, wide, high, *scores in outputs[0].tolist():
        yield *centred(x * WIDTH, y * HEIGHT, wide * WIDTH, high * HEIGHT), max(scores), best(scores)


def make_detr(random: np.random.Generator, batch: int, classes: int) -> list[Array]:
    """Make labels, boxes, scores."""
    return [random.integers(0, classes, (batch, 20)), floats(random, batch, 20, 4) * 32, floats(random, batch, 20)]


def slow_detr(outputs: list[Array]) -> Iterator[Row]:
    """Rows are final."""
    for label, box, score in zip(*(output.tolist() for output in outputs), strict=True):
        yield *box, score, label


def slow_detr_raw(outputs: list[Array]) -> Iterator[Row]:
    """Sigmoids, shares of the picture."""
    for scores, (x, y, wide, high) in zip(outputs[0].tolist(), outputs[1].tolist(), strict=True):
        yield *centred(x * WIDTH, y * HEIGHT, wide * WIDTH, high * HEIGHT), sigmoid(max(scores)), best(scores)


def make_nanodet(random: np.random.Generator, batch: int, classes: int) -> list[Array]:
    """Make three arrays of scores and three of distances."""
    scores = [floats(random, batch, rows, classes) for rows in (32, 8, 2)]
    return [*scores, *(logits(random, batch, rows, 32) for rows in (32, 8, 2))]


def mean_distance(values: Sequence[float]) -> float:
    """The mean of 0 to 7 under a softmax."""
    weights = [math.exp(value) for value in values]
    return sum(step * weight for step, weight in enumerate(weights)) / sum(weights)


def around(x: float, y: float, stride: int, values: Sequence[float]) -> tuple[float, float, float, float]:
    """A box by its distances from a point."""
    left, top, right, bottom = (mean_distance(values[start : start + 8]) * stride for start in (0, 8, 16, 24))
    return x - left, y - top, x + right, y + bottom


def slow_nanodet(outputs: list[Array]) -> Iterator[Row]:
    """Level by level, from the middle of each cell's pixels."""
    rows = [
        pair for level in range(3) for pair in zip(outputs[level].tolist(), outputs[level + 3].tolist(), strict=True)
    ]
    for (scores, values), (x, y, stride) in zip(rows, cells(8, 16, 32), strict=True):
        middle = (stride - 1) / 2
        yield *around(x * stride + middle, y * stride + middle, stride, values), max(scores), best(scores)


def make_nanodet_plus(random: np.random.Generator, batch: int, classes: int) -> list[Array]:
    """Make scores and distances side by side."""
    return [np.concatenate((floats(random, batch, GRID_PLUS, classes), logits(random, batch, GRID_PLUS, 32)), axis=2)]


def slow_nanodet_plus(outputs: list[Array]) -> Iterator[Row]:
    """Four grids, from each cell's corner."""
    for row, (x, y, stride) in zip(outputs[0].tolist(), cells(8, 16, 32, 64), strict=True):
        scores = row[:-32]
        yield *around(x * stride, y * stride, stride, row[-32:]), max(scores), best(scores)


def make_fastestdet(random: np.random.Generator, batch: int, classes: int) -> list[Array]:
    """Make the map: scores 0 to 1, the box as it comes."""
    output = floats(random, batch, 5 + classes, 2, 4)
    output[:, 1:5] = logits(random, batch, 4, 2, 4)
    return [output]


def slow_fastestdet(outputs: list[Array]) -> Iterator[Row]:
    """Cell by cell."""
    for x, y, stride in cells(16):
        objectness, right, down, wide, high, *scores = outputs[0][:, y, x].tolist()
        centre = (math.tanh(right) + x) * stride, (math.tanh(down) + y) * stride
        score = objectness**0.6 * max(scores) ** 0.4
        yield *centred(*centre, sigmoid(wide) * WIDTH, sigmoid(high) * HEIGHT), score, best(scores)


def slow_ssd(outputs: list[Array]) -> Iterator[Row]:
    """Shares of the picture; the first class is the background."""
    for (_, *scores), (left, top, right, bottom) in zip(outputs[0].tolist(), outputs[1].tolist(), strict=True):
        yield left * WIDTH, top * HEIGHT, right * WIDTH, bottom * HEIGHT, max(scores), best(scores)


YUNET_NAMES = tuple(f"{kind}_{stride}" for kind in ("cls", "obj", "bbox", "kps") for stride in (8, 16, 32))


def make_yunet(random: np.random.Generator, batch: int, classes: int) -> list[Array]:  # noqa: ARG001 - only faces
    """Make twelve outputs; some scores are slightly below 0 or above 1."""
    columns = {"cls": 1, "obj": 1, "bbox": 4, "kps": 10}
    outputs = [floats(random, batch, rows, count) for count in columns.values() for rows in (32, 8, 2)]
    return [output * np.float32(1.1) - np.float32(0.05) if output.shape[2] == 1 else output for output in outputs]


def slow_yunet(outputs: list[Array]) -> Iterator[Row]:
    """Level by level."""
    levels = [zip(*(outputs[level + start].tolist() for start in (0, 3, 6)), strict=True) for level in range(3)]
    rows = (row for level in levels for row in level)
    for ((one,), (other,), (right, down, wide, high)), (x, y, stride) in zip(rows, cells(8, 16, 32), strict=True):
        score = math.sqrt(min(max(one, 0), 1) * min(max(other, 0), 1))
        box = (x + right) * stride, (y + down) * stride, math.exp(wide) * stride, math.exp(high) * stride
        yield *centred(*box), score, 0


CASES = {
    "yolov8": Case("yolov8", lambda r, b, c: [floats(r, b, 4 + c, GRID)], slow_yolov8),
    "yolov5": Case("yolov5", lambda r, b, c: [floats(r, b, 3 * GRID, 5 + c)], slow_yolov5),
    "yolox": Case("yolox", lambda r, b, c: [floats(r, b, GRID, 5 + c)], slow_yolox),
    "yolox_decoded": Case("yolox_decoded", lambda r, b, c: [floats(r, b, GRID, 5 + c)], slow_yolov5),
    "end_to_end": Case("end_to_end", make_end_to_end, slow_end_to_end),
    "rtdetr": Case(
        "rtdetr", lambda r, b, c: [np.concatenate((shares(r, b, 20), floats(r, b, 20, c)), axis=2)], slow_rtdetr
    ),
    "detr": Case("detr", make_detr, slow_detr, ("labels", "boxes", "scores")),
    "detr_raw": Case(
        "detr_raw", lambda r, b, c: [logits(r, b, 20, c), shares(r, b, 20)], slow_detr_raw, ("logits", "pred_boxes")
    ),
    "nanodet": Case("nanodet", make_nanodet, slow_nanodet, ("792", "814", "836", "795", "817", "839")),
    "nanodet_plus": Case("nanodet", make_nanodet_plus, slow_nanodet_plus),
    "fastestdet": Case("fastestdet", make_fastestdet, slow_fastestdet),
    "ssd": Case("ssd", lambda r, b, c: [floats(r, b, 20, 1 + c), shares(r, b, 20)], slow_ssd, ("scores", "boxes")),
    "yunet": Case("yunet", make_yunet, slow_yunet, YUNET_NAMES),
}
