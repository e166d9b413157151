"""From the arrays that a network answered for one batch to the detections of each frame. Pure: no device, no clock."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Final

import numpy as np

from framebatch.detection.boxes import suppress
from framebatch.detection.geometry import Geometry, to_source
from framebatch.frame import Detections

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from framebatch.detection.heads import Candidates
    from framebatch.detection.spec import ModelSpec

    Indices = npt.NDArray[np.intp]

__all__ = ["read_batch"]

_TOGETHER: Final = 256
"""Up to this many candidates in a batch, one comparison of all with all is cheaper than one for each frame."""


def read_batch(
    outputs: Sequence[npt.NDArray[np.float32]], geometries: Sequence[Geometry], spec: ModelSpec
) -> list[Detections]:
    """Read, suppress, and bring back to source pixels; what is done for many frames at once is done in one step.

    Args:
        outputs: Of the network, float32 (b, ...); rows beyond the frames are ignored.
        geometries: Where each frame's picture lies in its network picture; at most b.
        spec: Family and thresholds.

    Returns:
        For each of `geometries`, best score first. Boxes that lie wholly in the padding are left out.

    """
    count = len(geometries)
    candidates = spec.head.parse([output[:count] for output in outputs], spec.layout)
    if not len(candidates.frames):
        return [_NOTHING] * count
    kept = _kept(candidates, count, spec)
    frames = candidates.frames[kept]
    boxes = to_source(candidates.boxes[kept], frames, geometries)
    visible = (boxes[:, 2] > boxes[:, 0]) & (boxes[:, 3] > boxes[:, 1])
    if not visible.all():
        kept, frames, boxes = kept[visible], frames[visible], boxes[visible]
    scores, class_ids = candidates.scores[kept], candidates.class_ids[kept]
    return [
        Detections(boxes[start:stop], scores[start:stop], class_ids[start:stop]) if stop > start else _NOTHING
        for start, stop in pairwise(_bounds(frames, count))
    ]


def _kept(candidates: Candidates, count: int, spec: ModelSpec) -> Indices:
    """The candidates to keep, frame after frame, best first in each; both ways answer the same."""
    bounds = _bounds(candidates.frames, count)
    fullest = max(stop - start for start, stop in pairwise(bounds))
    if fullest > spec.max_detections or len(candidates.frames) > _TOGETHER:
        return np.concatenate([_best(candidates, start, stop, spec) for start, stop in pairwise(bounds)])
    if spec.head.needs_suppression:
        groups = candidates.frames * (int(candidates.class_ids.max()) + 1) + candidates.class_ids
        best = suppress(candidates.boxes, candidates.scores, groups, iou=spec.iou, limit=len(groups))
    else:
        best = np.argsort(-candidates.scores, kind="stable")
    return best[np.argsort(candidates.frames[best], kind="stable")]


def _best(candidates: Candidates, start: int, stop: int, spec: ModelSpec) -> Indices:
    """The boxes of one frame (`start` to `stop` of the candidates) to keep; best first."""
    scores = candidates.scores[start:stop]
    if not spec.head.needs_suppression:
        return start + np.argsort(-scores, kind="stable")[: spec.max_detections]
    boxes, class_ids = candidates.boxes[start:stop], candidates.class_ids[start:stop]
    return start + suppress(boxes, scores, class_ids, iou=spec.iou, limit=spec.max_detections)


def _bounds(frames: npt.NDArray[np.intp], count: int) -> list[int]:
    """Where each frame's entries begin in the rising `frames`, and where the last one's end."""
    bounds: list[int] = np.searchsorted(frames, np.arange(count + 1)).tolist()
    return bounds


def _nothing() -> Detections:
    """An answer without boxes; its arrays are shared by all frames that have none, so they are read-only."""
    arrays = np.empty((0, 4), np.float32), np.empty(0, np.float32), np.empty(0, np.int32)
    for array in arrays:
        array.flags.writeable = False
    return Detections(*arrays)


_NOTHING: Final = _nothing()
