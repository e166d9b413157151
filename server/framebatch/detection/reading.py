"""From the arrays that a network answered for one batch to the detections of each frame. Pure: no device, no clock."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from framebatch.detection.boxes import suppress
from framebatch.detection.geometry import Geometry, to_source
from framebatch.detection.heads import Candidates
from framebatch.detection.heads.numpy_ops import NumpyOps
from framebatch.frame import Detections

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from framebatch.detection.spec import ModelSpec

    Indices = npt.NDArray[np.intp]

__all__ = ["candidates", "read_batch"]

_TOGETHER: Final = 256
"""Up to this many candidates in a batch, one comparison of all with all is cheaper than one for each frame."""


def read_batch(
    outputs: Sequence[npt.NDArray[Any]], geometries: Sequence[Geometry], spec: ModelSpec, *, fused: bool = False
) -> list[Detections]:
    """Read, suppress, and bring back to source pixels; what is done for many frames at once is done in one step.

    Args:
        outputs: Of the network, (b, ...); rows beyond the frames are ignored.
        geometries: Where each frame's picture lies in its network picture; at most b.
        spec: Family and thresholds.
        fused: Whether `outputs` are what a fused graph selected.

    Returns:
        For each of `geometries`, best score first. Boxes that lie wholly in the padding are left out.

    """
    count = len(geometries)
    found = candidates([output[:count] for output in outputs], spec, fused=fused)
    if not len(found.frames):
        return [_NOTHING] * count
    kept = _kept(found, count, spec)
    frames = found.frames[kept]
    boxes = to_source(found.boxes[kept], frames, geometries)
    visible = (boxes[:, 2] > boxes[:, 0]) & (boxes[:, 3] > boxes[:, 1])
    if not visible.all():
        kept, frames, boxes = kept[visible], frames[visible], boxes[visible]
    scores, class_ids = found.scores[kept], found.class_ids[kept]
    return [
        Detections(boxes[start:stop], scores[start:stop], class_ids[start:stop]) if stop > start else _NOTHING
        for start, stop in pairwise(_bounds(frames, count))
    ]


def candidates(outputs: Sequence[npt.NDArray[Any]], spec: ModelSpec, *, fused: bool = False) -> Candidates:
    """Answer the boxes that score above the threshold, in network pixels, before suppression.

    Args:
        outputs: Of the network, (b, ...).
        spec: Family, threshold, and which of the outputs count.
        fused: Whether `outputs` are boxes, scores and class ids of the best candidates, as a fused graph selects them.

    Returns:
        Grouped by frame. What a broken network answers with NaN, or with an infinite box, is left out.

    """
    if fused:
        boxes, scores, class_ids = outputs
        frames, places = np.nonzero(scores > spec.confidence)
        boxes, scores, class_ids = boxes[frames, places], scores[frames, places], class_ids[frames, places]
    else:
        ops = NumpyOps(spec.confidence)
        with np.errstate(over="ignore", invalid="ignore"):  # a broken network's numbers; what becomes of them is below
            boxes, scores, class_ids = spec.head.read(ops, [outputs[place] for place in spec.outputs], spec.layout)
        frames = ops.frames
    sound = np.isfinite(boxes).all(axis=1) & (class_ids >= 0)
    if not sound.all():
        frames, boxes, scores, class_ids = frames[sound], boxes[sound], scores[sound], class_ids[sound]
    return Candidates(frames, boxes, scores, class_ids.astype(np.int32, copy=False))


def _kept(found: Candidates, count: int, spec: ModelSpec) -> Indices:
    """The candidates to keep, frame after frame, best first in each; both ways answer the same."""
    bounds = _bounds(found.frames, count)
    fullest = max(stop - start for start, stop in pairwise(bounds))
    if fullest > spec.max_detections or len(found.frames) > _TOGETHER:
        return np.concatenate([_best(found, start, stop, spec) for start, stop in pairwise(bounds)])
    if spec.head.needs_suppression:
        groups = found.frames * (int(found.class_ids.max()) + 1) + found.class_ids
        best = suppress(found.boxes, found.scores, groups, iou=spec.iou, limit=len(groups))
    else:
        best = np.argsort(-found.scores, kind="stable")
    return best[np.argsort(found.frames[best], kind="stable")]


def _best(found: Candidates, start: int, stop: int, spec: ModelSpec) -> Indices:
    """The boxes of one frame (`start` to `stop` of the candidates) to keep; best first."""
    scores = found.scores[start:stop]
    if not spec.head.needs_suppression:
        return start + np.argsort(-scores, kind="stable")[: spec.max_detections]
    boxes, class_ids = found.boxes[start:stop], found.class_ids[start:stop]
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
