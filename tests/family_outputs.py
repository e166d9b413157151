"""What detectors of each family answer to a picture with content: arrays of the right shapes and the right kind of numbers.

Only making arrays belongs here. The numbers are random, but of the ranges in which real networks of the family answer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

from framebatch.device.model_file import Tensor

if TYPE_CHECKING:
    from collections.abc import Callable

Array = npt.NDArray[Any]
Answer = dict[str, Array]


def cells(width: int, height: int, *strides: int) -> int:
    """Answer how many cells the grids of these strides have."""
    return sum(-(-width // stride) * -(-height // stride) for stride in strides)


def tensors(answer: Answer) -> tuple[Tensor, ...]:
    """Answer how a file declares these outputs."""
    return tuple(Tensor(name=name, shape=values.shape, dtype=str(values.dtype)) for name, values in answer.items())


def pixels(random: np.random.Generator, count: int, width: int, height: int) -> Array:
    """Boxes (count, 4): centre x, centre y, width, height in pixels, all over the picture."""
    return random.uniform((0, 0, 4, 4), (width, height, width / 2, height / 2), (count, 4))


def corners(boxes: Array) -> Array:
    """Centres and sizes to corners."""
    return np.concatenate((boxes[:, :2] - boxes[:, 2:] / 2, boxes[:, :2] + boxes[:, 2:] / 2), axis=1)


def scores(random: np.random.Generator, *shape: int) -> Array:
    """Mostly low scores between 0 and 1."""
    return random.beta(0.4, 8.0, shape)


def softmax(logits: Array) -> Array:
    """Shares of 1 over the last axis."""
    shares: Array = np.exp(logits)
    return np.asarray(shares / shares.sum(axis=-1, keepdims=True))


def yolov8(random: np.random.Generator, classes: int, width: int, height: int) -> Answer:
    """(1, 4 + classes, N)."""
    count = cells(width, height, 8, 16, 32)
    rows = np.concatenate((pixels(random, count, width, height), scores(random, count, classes)), axis=1)
    return {"output0": rows.T[None]}


def yolov8_p6(random: np.random.Generator, classes: int, width: int, height: int) -> Answer:
    """The same with a fourth grid."""
    count = cells(width, height, 8, 16, 32, 64)
    rows = np.concatenate((pixels(random, count, width, height), scores(random, count, classes)), axis=1)
    return {"output0": rows.T[None]}


def yolov5(random: np.random.Generator, classes: int, width: int, height: int) -> Answer:
    """(1, N, 5 + classes), three anchors for each cell."""
    count = 3 * cells(width, height, 8, 16, 32)
    return {
        "output0": np.concatenate((pixels(random, count, width, height), scores(random, count, 1 + classes)), axis=1)[
            None
        ]
    }


def yolov5_p6(random: np.random.Generator, classes: int, width: int, height: int) -> Answer:
    """The same with a fourth grid."""
    count = 3 * cells(width, height, 8, 16, 32, 64)
    return {
        "output0": np.concatenate((pixels(random, count, width, height), scores(random, count, 1 + classes)), axis=1)[
            None
        ]
    }


def yolox(random: np.random.Generator, classes: int, width: int, height: int) -> Answer:
    """(1, N, 5 + classes), boxes relative to their cells, log sizes."""
    count = cells(width, height, 8, 16, 32)
    boxes = np.concatenate((random.normal(0.5, 1.0, (count, 2)), random.normal(1.0, 1.0, (count, 2))), axis=1)
    return {"output": np.concatenate((boxes, scores(random, count, 1 + classes)), axis=1)[None]}


def yolox_decoded(random: np.random.Generator, classes: int, width: int, height: int) -> Answer:
    """(1, N, 5 + classes), boxes in pixels."""
    count = cells(width, height, 8, 16, 32)
    return {
        "output": np.concatenate((pixels(random, count, width, height), scores(random, count, 1 + classes)), axis=1)[
            None
        ]
    }


def yolov6(random: np.random.Generator, classes: int, width: int, height: int) -> Answer:
    """(1, N, 5 + classes), boxes in pixels, objectness 1."""
    answer = yolox_decoded(random, classes, width, height)
    answer["output"][..., 4] = 1
    return {"outputs": answer["output"]}


def end_to_end(random: np.random.Generator, classes: int, width: int, height: int, rows: int = 300) -> Answer:
    """(1, K, 6): corners in pixels, score, class; the best first."""
    boxes = corners(pixels(random, rows, width, height))
    best = np.sort(scores(random, rows, 1), axis=0)[::-1]
    return {"output0": np.concatenate((boxes, best, random.integers(0, classes, (rows, 1))), axis=1)[None]}


def nms_inside(random: np.random.Generator, classes: int, width: int, height: int) -> Answer:
    """The same with few rows that count, and zeros behind them."""
    answer = end_to_end(random, classes, width, height)
    answer["output0"][:, 7:] = 0
    return answer


def rtdetr(random: np.random.Generator, classes: int, width: int, height: int) -> Answer:
    """(1, 300, 4 + classes): centre and size in shares of the picture, scores."""
    boxes = pixels(random, 300, width, height) / (width, height, width, height)
    return {"output0": np.concatenate((boxes, scores(random, 300, classes)), axis=1)[None]}


def detr(random: np.random.Generator, classes: int, width: int, height: int) -> Answer:
    """Class ids, corners in pixels, scores."""
    return {
        "labels": random.integers(0, classes, (1, 300)),
        "boxes": corners(pixels(random, 300, width, height))[None],
        "scores": scores(random, 1, 300),
    }


def detr_raw(random: np.random.Generator, classes: int, width: int, height: int) -> Answer:
    """Logits, and centre and size in shares of the picture."""
    return {
        "logits": random.normal(-5, 2, (1, 300, classes)),
        "pred_boxes": (pixels(random, 300, width, height) / (width, height, width, height))[None],
    }


def rf_detr(random: np.random.Generator, classes: int, width: int, height: int) -> Answer:
    """The same, boxes first, under other names."""
    answer = detr_raw(random, classes, width, height)
    return {"dets": answer["pred_boxes"], "labels": answer["logits"]}


def ssd(random: np.random.Generator, classes: int, width: int, height: int) -> Answer:
    """Shares of 1 with a background class, corners in shares of the picture; the priors of UltraFace."""
    count = 3 * cells(width, height, 8, 64) + 2 * cells(width, height, 16, 32)
    boxes = corners(pixels(random, count, width, height)) / (width, height, width, height)
    return {"scores": softmax(random.normal(0, 2, (1, count, 1 + classes))), "boxes": boxes[None]}


def nanodet(random: np.random.Generator, classes: int, width: int, height: int) -> Answer:
    """Three arrays of scores, three of distances as logits."""
    counts = [cells(width, height, stride) for stride in (8, 16, 32)]
    answer = {f"cls_{count}": scores(random, 1, count, classes) for count in counts}
    return answer | {f"reg_{count}": random.normal(0, 3, (1, count, 32)) for count in counts}


def nanodet_plus(random: np.random.Generator, classes: int, width: int, height: int) -> Answer:
    """(1, N, classes + 32) over four grids."""
    count = cells(width, height, 8, 16, 32, 64)
    return {"output": np.concatenate((scores(random, 1, count, classes), random.normal(0, 3, (1, count, 32))), axis=2)}


def fastestdet(random: np.random.Generator, classes: int, width: int, height: int) -> Answer:
    """(1, 5 + classes, rows, columns): objectness, box, shares of 1."""
    rows, columns = -(-height // 16), -(-width // 16)
    shares = softmax(random.normal(0, 2, (rows, columns, classes)))
    parts = (scores(random, rows, columns, 1), random.normal(0, 1, (rows, columns, 4)), shares)
    return {"758": np.concatenate(parts, axis=2).transpose(2, 0, 1)[None]}


def yunet(random: np.random.Generator, classes: int, width: int, height: int) -> Answer:
    """Class, objectness, box, five points, each for three strides."""
    answer = {}
    for kind, columns in (("cls", classes), ("obj", 1), ("bbox", 4), ("kps", 10)):
        for stride in (8, 16, 32):
            answer[f"{kind}_{stride}"] = random.uniform(0, 1, (1, cells(width, height, stride), columns))
    return answer


def softmax_detr(random: np.random.Generator, classes: int, width: int, height: int) -> Answer:
    """The first DETR: logits whose last class is 'no object'."""
    answer = detr_raw(random, classes + 1, width, height)
    answer["logits"][..., -1] = 8
    return answer


def pose(random: np.random.Generator, classes: int, width: int, height: int) -> Answer:
    """YOLOv8-pose: 17 keypoints of x, y and visibility behind the scores."""
    detections = yolov8(random, classes, width, height)["output0"]
    points = random.uniform(0, width, (1, 51, detections.shape[2]))
    return {"output0": np.concatenate((detections, points), axis=1)}


def turned(random: np.random.Generator, classes: int, width: int, height: int) -> Answer:
    """YOLOv8-obb: an angle behind the scores."""
    detections = yolov8(random, classes, width, height)["output0"]
    angles = random.uniform(-np.pi / 4, 3 * np.pi / 4, (1, 1, detections.shape[2]))
    return {"output0": np.concatenate((detections, angles), axis=1)}


def segmentation(random: np.random.Generator, classes: int, width: int, height: int) -> Answer:
    """YOLOv8-seg: 32 mask coefficients behind the scores, and prototypes."""
    detections = yolov8(random, classes, width, height)["output0"]
    masks = random.normal(0, 1, (1, 32, detections.shape[2]))
    return {
        "output0": np.concatenate((detections, masks), axis=1),
        "output1": random.normal(0, 1, (1, 32, height // 4, width // 4)),
    }


def exchanged(random: np.random.Generator, classes: int, width: int, height: int) -> Answer:
    """YOLOv8 with its axes exchanged, (1, N, 4 + classes)."""
    return {"output0": yolov8(random, classes, width, height)["output0"].transpose(0, 2, 1)}


def yolo_nas(random: np.random.Generator, classes: int, width: int, height: int) -> Answer:
    """Corners in pixels and independent scores."""
    count = cells(width, height, 8, 16, 32)
    return {"boxes": corners(pixels(random, count, width, height))[None], "scores": scores(random, 1, count, classes)}


SERVED: Final[dict[str, tuple[str, Callable[[np.random.Generator, int, int, int], Answer]]]] = {
    "yolov8": ("yolov8", yolov8),
    "yolov8_p6": ("yolov8", yolov8_p6),
    "yolov5": ("yolov5", yolov5),
    "yolov5_p6": ("yolov5", yolov5_p6),
    "yolox": ("yolox", yolox),
    "yolox_decoded": ("yolox_decoded", yolox_decoded),
    "yolov6": ("yolox_decoded", yolov6),
    "end_to_end": ("end_to_end", end_to_end),
    "nms_inside": ("end_to_end", nms_inside),
    "rtdetr": ("rtdetr", rtdetr),
    "detr": ("detr", detr),
    "detr_raw": ("detr_raw", detr_raw),
    "rf_detr": ("detr_raw", rf_detr),
    "ssd": ("ssd", ssd),
    "nanodet": ("nanodet", nanodet),
    "nanodet_plus": ("nanodet", nanodet_plus),
    "fastestdet": ("fastestdet", fastestdet),
    "yunet": ("yunet", yunet),
}
"""What is served: the family, and what such a model answers for a generator, classes, width and height."""

REFUSED: Final[dict[str, Callable[[np.random.Generator, int, int, int], Answer]]] = {
    "softmax_detr": softmax_detr,
    "pose": pose,
    "turned": turned,
    "segmentation": segmentation,
    "yolo_nas": yolo_nas,
}
"""What must never be taken for something served, although shapes alone could allow it."""
