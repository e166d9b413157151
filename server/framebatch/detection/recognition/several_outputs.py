"""How families with several output arrays are told apart: functions of `Evidence`, in threes, for the table in `rules`.

The threes are those of `one_output`. NanoDet is here although its newer exports join all into one array.
"""

# ruff: noqa: PLR2004 - the numbers are outputs and columns, named in each sentence
from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from framebatch.detection.recognition.content import MOST, no_pixels, no_scores, no_shares, no_sums_of_one

if TYPE_CHECKING:
    from framebatch.detection.recognition.evidence import Evidence

_MOST_QUERIES: Final = 1000  # 100 and 300 are usual
_DISTANCES: Final = 32  # four sides, each a distribution over 8 places
_FARTHEST_SHARE: Final = 4.0  # prior boxes at the edge may reach well over it


def detr_classes(e: Evidence) -> int | None:
    """Labels, boxes, scores, in any order; they do not tell how many classes there are."""
    if len(e.outputs) != 3:
        return None
    kinds = sorted((len(output.shape), output.dtype.startswith("int")) for output in e.outputs)
    return 0 if kinds == [(2, False), (2, True), (3, False)] else None


def detr_signs(e: Evidence) -> str:
    """Their kinds are enough."""
    further = f", and there is an input {' and '.join(e.extras)}" if e.extras else ""
    return f"its 3 outputs ({_named(e)}) are class ids, boxes and scores{further}"


def detr_against(e: Evidence) -> str | None:
    """Boxes in pixels; where the model is told the size, they are."""
    if e.extras:
        return None
    return no_pixels(e.frame(next(place for place, output in enumerate(e.outputs) if len(output.shape) == 3)))


def detr_raw_classes(e: Evidence) -> int | None:
    """(K, classes) and (K, 4)."""
    pair = _pair(e)
    return e.shapes[pair[0]][1] if pair else None


def detr_raw_signs(e: Evidence) -> str | None:
    """No more rows than queries."""
    rows = e.shapes[0][0]
    return f"its 2 outputs ({_named(e)}) have {rows} rows, as logits and boxes" if rows <= _MOST_QUERIES else None


def detr_raw_against(e: Evidence) -> str | None:
    """Logits of independent classes, boxes in shares of the picture."""
    logits, boxes = (e.frame(place) for place in _pair(e) or ())
    if logits.min() >= 0 and logits.max() <= 1:
        return "its class values lie between 0 and 1, so they are no logits"
    last = logits.shape[1] - 1
    if last and np.median(logits[:, last]) > 0 and (logits.argmax(axis=1) == last).mean() > 0.5:
        return "its last class wins in most rows: 'no object', which only the first DETR has and which is not read"
    return no_shares(boxes)


def ssd_classes(e: Evidence) -> int | None:
    """(N, 1 + classes) and (N, 4)."""
    pair = _pair(e)
    return e.shapes[pair[0]][1] - 1 or None if pair else None


def ssd_signs(e: Evidence) -> str | None:
    """Anything that does not call itself logits."""
    if any("logit" in output.name for output in e.outputs):
        return None
    return f"its 2 outputs ({_named(e)}) have {e.shapes[0][0]} rows, as scores with a background class, and boxes"


def ssd_against(e: Evidence) -> str | None:
    """Shares of 1, corners in shares of the picture."""
    scores, boxes = (e.frame(place) for place in _pair(e) or ())
    sums = no_sums_of_one(scores, "class scores")
    if sums:
        return f"{sums}, as they do with a background class"
    if (boxes[:, 2:] >= boxes[:, :2]).mean() < MOST or np.abs(boxes).max() > _FARTHEST_SHARE:
        return "its boxes are no corners in shares of the picture"
    return None


def nanodet_classes(e: Evidence) -> int | None:
    """(N, classes + 32), or three (N, classes) and three (N, 32)."""
    if len(e.outputs) == 1:
        shape = e.only(2)
        return shape[1] - _DISTANCES if shape and shape[1] > _DISTANCES else None
    if len(e.outputs) != 6 or any(len(shape) != 2 for shape in e.shapes):
        return None
    counts = [columns for _, columns in e.shapes if columns != _DISTANCES] or 3 * [_DISTANCES]
    return counts[0] if len(counts) == 3 and len(set(counts)) == 1 else None


def nanodet_signs(e: Evidence) -> str | None:
    """Rows are cells."""
    if len(e.outputs) == 6:
        rows_of = sorted(rows for rows, _ in e.shapes)
        if rows_of != sorted(2 * [e.cells(stride) for stride in (8, 16, 32)]):
            return None
        return "its 6 outputs are class scores and distances for the cells of each of the strides 8, 16 and 32"
    rows, columns = e.shapes[0]
    strides = e.grid(rows, (8, 16, 32, 64))
    if strides is None:
        return None
    return f"its {rows} rows are the cells of strides {strides}, its {columns} columns {columns - 32} classes + 32 distances"


def nanodet_against(e: Evidence) -> str | None:
    """Scores, and distances that are none."""
    if len(e.outputs) == 6:
        scores = [e.frame(place).ravel() for place, (_, columns) in enumerate(e.shapes) if columns != _DISTANCES]
        return no_scores(np.concatenate(scores), "class scores") if scores else None
    output = e.frame(0)
    distances = output[:, -_DISTANCES:]
    if distances.min() >= 0 and distances.max() <= 1:
        return "its last 32 columns lie between 0 and 1, so they are no distributions of distances"
    return no_scores(output[:, :-_DISTANCES], "class scores")


def yunet_classes(e: Evidence) -> int | None:
    """Class, objectness, box and five points, each for three strides."""
    last = sorted((output.shape[-1] or 0) if output.shape else 0 for output in e.outputs)
    return 1 if last == [1] * 6 + [4] * 3 + [10] * 3 else None


def yunet_signs(e: Evidence) -> str:
    """Their widths are enough."""
    return f"its 12 outputs ({e.outputs[0].name}, ...) are class, objectness, box and 5 points for each of 3 strides"


def _pair(e: Evidence) -> tuple[int, int] | None:
    """Which of two outputs holds class values and which boxes, where it is certain."""
    if len(e.outputs) != 2 or any(len(shape) != 2 for shape in e.shapes) or e.shapes[0][0] != e.shapes[1][0]:
        return None
    boxes = [place for place, (rows, columns) in enumerate(e.shapes) if columns == 4 and rows]
    if len(boxes) == 2:  # as many class values as coordinates: only names tell
        boxes = [place for place in boxes if "box" in e.outputs[place].name or "dets" in e.outputs[place].name]
    return (1 - boxes[0], boxes[0]) if len(boxes) == 1 else None


def _named(e: Evidence) -> str:
    return ", ".join(output.name for output in e.outputs)
