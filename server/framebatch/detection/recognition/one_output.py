"""How families with one output array are told apart: functions of `Evidence`, in threes, for the table in `rules`.

`*_classes` answers how many classes the array has if it is that family's, `*_signs` what in its shape speaks for the
family, `*_against` what in its values speaks against it. Shapes are (rows, columns), without the batch axis.
"""

# ruff: noqa: PLR2004 - the numbers are columns of output arrays, named in each sentence
from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from framebatch.detection.recognition.content import MOST, no_pixels, no_scores, no_shares, no_sums_of_one

if TYPE_CHECKING:
    import numpy.typing as npt

    from framebatch.detection.recognition.evidence import Evidence

_GRIDS: Final = ((8, 16, 32), (8, 16, 32, 64))
_GRIDS_WITH_FINER: Final = (*_GRIDS, (4, 8, 16, 32))
_MOST_OBJECTS: Final = 1000  # of detectors that answer a fixed number of them; 100 and 300 are usual
_MOST_CLASSES: Final = 2000  # of a detector: LVIS has 1203
_FASTESTDET_STRIDE: Final = 16


def yolov8_classes(e: Evidence) -> int | None:
    """(4 + classes, N)."""
    shape = e.only(2)
    return shape[0] - 4 if shape and shape[0] > 4 else None


def yolov8_signs(e: Evidence) -> str | None:
    """As many columns as cells, or as many rows as names ask for."""
    rows, columns = e.shapes[0]
    strides = e.grid(columns, *_GRIDS_WITH_FINER)
    if strides:
        return f"its {columns} columns are the cells of strides {strides}, its {rows} rows 4 + {rows - 4} classes"
    return f"its {rows} rows are 4 + the {e.names} class names" if e.names == rows - 4 else None


def yolov8_against(e: Evidence) -> str | None:
    """Boxes in pixels, then scores."""
    output = e.frame(0)
    return no_scores(output[4:], "rows after the box") or no_pixels(output[:4])


def yolov5_classes(e: Evidence) -> int | None:
    """(N, 5 + classes)."""
    shape = e.only(2)
    return shape[1] - 5 if shape and shape[1] > 5 else None


def yolov5_signs(e: Evidence) -> str | None:
    """Three anchors for each cell."""
    rows, columns = e.shapes[0]
    strides = None if rows % 3 else e.grid(rows // 3, *_GRIDS)
    if strides is None:
        return None
    return f"its {rows} rows are 3 anchors for each cell of strides {strides}, its {columns} columns 5 + {columns - 5} classes"


def yolov5_against(e: Evidence) -> str | None:
    """Boxes in pixels, then objectness and scores."""
    output = e.frame(0)
    return no_scores(output[:, 4:], "columns after the box") or no_pixels(output[:, :4])


def yolox_signs(e: Evidence) -> str | None:
    """One row for each cell."""
    rows, columns = e.shapes[0]
    strides = e.grid(rows, *_GRIDS)
    if strides is None or (e.names is None and columns == 84):
        return None  # 84 columns are rather YOLOv8 with its axes exchanged: 4 + the classes of COCO
    return f"its {rows} rows are the cells of strides {strides}, its {columns} columns 5 + {columns - 5} classes"


def yolox_against(e: Evidence) -> str | None:
    """Centres relative to their cells."""
    output = e.frame(0)
    if _spans_picture(e, output):
        return "its box centres lie all over the picture, in pixels"
    return no_scores(output[:, 4:], "columns after the box")


def yolox_decoded_against(e: Evidence) -> str | None:
    """Centres in pixels."""
    output = e.frame(0)
    if not _spans_picture(e, output):
        return "its box centres do not reach over the picture: they are relative to their cells"
    return no_scores(output[:, 4:], "columns after the box")


def _spans_picture(e: Evidence, output: npt.NDArray[np.float32]) -> bool:
    return bool(output[:, 0].max() > e.width / 2 and output[:, 1].max() > e.height / 2)


def end_to_end_classes(e: Evidence) -> int | None:
    """(K, 6), which does not tell."""
    shape = e.only(2)
    return 0 if shape and shape[1] == 6 else None


def end_to_end_signs(e: Evidence) -> str | None:
    """No more rows than objects."""
    rows, _ = e.shapes[0]
    return f"its {rows} rows have 6 columns, as corners, score and class" if rows <= _MOST_OBJECTS else None


def end_to_end_against(e: Evidence) -> str | None:
    """Corners in pixels, whole class ids."""
    rows = e.frame(0)
    rows = rows[rows[:, 4] > 0]
    if not len(rows):
        return "no row has a score above 0, so nothing shows what its columns are"
    if not np.array_equal(rows[:, 5], np.round(rows[:, 5])):
        return "its last column holds no whole numbers, so no class ids"
    if (rows[:, 2:4] >= rows[:, :2]).mean() < MOST:
        return "its columns 3 and 4 do not lie beyond columns 1 and 2, so they are no corners"
    return no_pixels(rows[:, :4])


def rtdetr_classes(e: Evidence) -> int | None:
    """(K, 4 + classes)."""
    shape = e.only(2)
    return shape[1] - 4 if shape and shape[1] > 4 else None


def rtdetr_signs(e: Evidence) -> str | None:
    """No more rows than objects, no more columns than classes."""
    rows, columns = e.shapes[0]
    if not 0 < rows <= _MOST_OBJECTS or columns > _MOST_CLASSES:
        return None
    return f"its {rows} rows have {columns} columns, as a box and {columns - 4} class scores"


def rtdetr_against(e: Evidence) -> str | None:
    """Boxes in shares of the picture, then scores."""
    output = e.frame(0)
    if (output[:, 2:4] > 0).mean() < MOST:
        return "its boxes have no width or height"
    return no_shares(output[:, :4]) or no_scores(output[:, 4:], "columns after the box")


def fastestdet_classes(e: Evidence) -> int | None:
    """(5 + classes, rows, columns): a map."""
    shape = e.only(3)
    return shape[0] - 5 if shape and shape[0] > 5 else None


def fastestdet_signs(e: Evidence) -> str | None:
    """One cell for 16 x 16 pixels."""
    channels, rows, columns = e.shapes[0]
    if (rows, columns) != (-(-e.height // _FASTESTDET_STRIDE), -(-e.width // _FASTESTDET_STRIDE)):
        return None
    return f"its map of {columns} x {rows} cells is of stride 16, its {channels} channels 5 + {channels - 5} classes"


def fastestdet_against(e: Evidence) -> str | None:
    """Objectness is a score, classes are shares of 1."""
    output = e.frame(0)
    cells = output[5:].reshape(len(output) - 5, -1).T
    return no_sums_of_one(cells, "class scores") or no_scores(output[0], "objectness")
