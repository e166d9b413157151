"""Scoring detections against truth: decoding, suppression, average precision, confusion.

Works on plain arrays. Rendering, running the model and printing do not belong here.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]

MATCH_IOU = 0.5


def iou(first: Floats, second: Floats) -> Floats:
    """IoU of every box of ``first`` (n, 4) with every box of ``second`` (m, 4): (n, m)."""
    near = np.maximum(first[:, None, :2], second[None, :, :2])
    far = np.minimum(first[:, None, 2:4], second[None, :, 2:4])
    common = np.clip(far - near, 0, None).prod(-1)
    areas = (first[:, 2] - first[:, 0]) * (first[:, 3] - first[:, 1])
    others = (second[:, 2] - second[:, 0]) * (second[:, 3] - second[:, 1])
    result: Floats = common / np.maximum(areas[:, None] + others[None] - common, 1e-9)
    return result


def decode(head: Floats, confidence: float, suppress_iou: float = 0.45, most: int = 300) -> Floats:
    """Turn one picture's head (4 + classes, N) into detections (n, 6): x1 y1 x2 y2 score class, best first.

    Every cell gives its best class; suppression is per class.
    """
    scores, kinds = head[4:].max(0), head[4:].argmax(0)
    kept = scores >= confidence
    centre, size = head[:2, kept].T, head[2:4, kept].T
    found = np.concatenate((centre - size / 2, centre + size / 2, scores[kept, None], kinds[kept, None]), axis=1)
    found = found[np.argsort(-found[:, 4], kind="stable")]
    survivors: list[Floats] = []
    while len(found) and len(survivors) < most:
        best, found = found[0], found[1:]
        survivors.append(best)
        rival = (iou(best[None], found)[0] > suppress_iou) & (found[:, 5] == best[5])
        found = found[~rival]
    return np.asarray(survivors, np.float32).reshape(-1, 6)


@dataclass(slots=True)
class Tally:
    """Collects the outcome of every detection (score, class, right) and the number of objects per class."""

    classes: int
    outcomes: list[tuple[float, int, bool]] = field(default_factory=list)
    objects: npt.NDArray[np.int64] = field(init=False)

    def __post_init__(self) -> None:
        """Start with no objects."""
        self.objects = np.zeros(self.classes, np.int64)

    def add(self, found: Floats, truth: Floats) -> None:
        """Match one picture's detections (n, 6) with its objects (m, 6): x1 y1 x2 y2 class difficult.

        Best score first, each object once. What lands on a difficult object counts neither way.
        """
        for kind in range(self.classes):
            mine, wanted = found[found[:, 5] == kind], truth[truth[:, 4] == kind]
            easy = wanted[:, 5] == 0
            self.objects[kind] += int(easy.sum())
            overlaps = iou(mine, wanted)
            free = np.ones(len(wanted), bool)
            for row, detection in enumerate(mine):
                fits = np.where(free & easy, overlaps[row], 0.0)
                pick = int(fits.argmax()) if len(fits) else -1
                right = pick >= 0 and fits[pick] >= MATCH_IOU
                if right:
                    free[pick] = False
                elif np.any(overlaps[row][~easy] >= MATCH_IOU):
                    continue
                self.outcomes.append((float(detection[4]), kind, bool(right)))

    def average_precision(self, kind: int) -> float:
        """Area under the class's precision-recall curve, precision made monotone, every point used."""
        mine = sorted((one for one in self.outcomes if one[1] == kind), key=lambda one: -one[0])
        right = np.cumsum([one[2] for one in mine])
        recall = np.concatenate(([0.0], right / max(1, int(self.objects[kind]))))
        precision = right / np.arange(1, len(mine) + 1)
        precision = np.maximum.accumulate(precision[::-1])[::-1]
        return float(np.sum(np.diff(recall) * precision))

    def precision_recall(self, confidence: float, kind: int | None = None) -> tuple[float, float]:
        """Precision and recall of the detections at or above ``confidence``, of one class or of all."""
        mine = [one for one in self.outcomes if one[0] >= confidence and kind in (None, one[1])]
        right = sum(one[2] for one in mine)
        wanted = int(self.objects.sum() if kind is None else self.objects[kind])
        return right / max(1, len(mine)), right / max(1, wanted)


def confuse(matrix: npt.NDArray[np.int64], found: Floats, truth: Floats) -> None:
    """Add one picture to ``matrix`` (classes + 1, classes + 1): rows are truth, columns detections.

    Matching ignores the class, dearest overlap first; the last row is "nothing there", the last column "missed".
    Difficult objects that nothing meets and detections that meet only them are left out.
    """
    nothing = matrix.shape[0] - 1
    overlaps = iou(found, truth)
    same = found[:, 5:6] == truth[None, :, 4]
    rank = overlaps + 0.5 * same * (overlaps >= MATCH_IOU)
    met, used = set(), set()
    for flat in np.argsort(-rank, axis=None):
        row, column = divmod(int(flat), max(1, len(truth)))
        if overlaps[row, column] < MATCH_IOU or row in used or column in met:
            continue
        used.add(row)
        met.add(column)
        if truth[column, 5] == 0:
            matrix[int(truth[column, 4]), int(found[row, 5])] += 1
    for row in set(range(len(found))) - used:
        if not np.any((overlaps[row] >= MATCH_IOU) & (truth[:, 5] == 1)):
            matrix[nothing, int(found[row, 5])] += 1
    for column in set(range(len(truth))) - met:
        if truth[column, 5] == 0:
            matrix[int(truth[column, 4]), nothing] += 1
