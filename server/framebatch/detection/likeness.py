"""How far two answers to one picture agree: the same boxes, of the same classes, with the same scores.

What the answers are for, and how alike is enough, is decided in `proof`. Nothing is run here.

Rows are compared as sets, because rows of nearly equal scores change places when the last bit of a score changes. All
that is said of scores is relative to the best score of the two answers, so that a picture on which a detector finds
nothing is compared as well, by what it nearly found.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from framebatch.detection.reading import candidates

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from framebatch.detection.spec import ModelSpec

__all__ = ["Likeness", "Rows", "Tolerance", "distance", "likeness", "rows_of"]

_KEPT: Final = 1100  # a little more than a fused graph answers
_NEAREST: Final = 50
_BEYOND: Final = 3  # a row is looked for among so many times as many of the other answer


class Rows(NamedTuple):
    """The best candidates of one picture, falling by score, before any threshold and suppression."""

    boxes: npt.NDArray[np.float32]
    """float32 (n, 4) corners in network pixels."""
    scores: npt.NDArray[np.float32]
    """float32 (n,), above 0."""
    class_ids: npt.NDArray[np.int32]
    """int32 (n,)."""
    floor: float
    """Candidates that score no more than this may be missing."""


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Tolerance:
    """What counts as the same row.

    Attributes:
        pixels: By how much each corner may be off, in network pixels.
        share: And by how much more, as a share of the box's longer side.
        score: By how much the score may be off, as a share of the best score.
        least: Only rows that score at least this share of the best score are compared.
        rows: At most so many rows are compared, the best ones.
    """

    pixels: float
    share: float
    score: float
    least: float
    rows: int


class Likeness(NamedTuple):
    """How alike two answers are."""

    share: float
    """Of the rows that matter in either, those that the other has too: 1 where there are none."""
    pixels: float
    """The most that a corner of a row that both have is off."""
    score: float
    """The most that its score is off."""


def rows_of(outputs: Sequence[npt.NDArray[Any]], spec: ModelSpec, *, fused: bool) -> Rows:
    """Read one picture's outputs, (1, ...), whatever its candidates score."""
    found = candidates(outputs, dataclasses.replace(spec, confidence=0.0), fused=fused)
    order = np.argsort(-found.scores, kind="stable")[:_KEPT]
    boxes, scores, class_ids = found.boxes[order], found.scores[order], found.class_ids[order]
    cut = len(scores) < len(found.scores) or (fused and len(scores) == outputs[1].shape[1])
    return Rows(boxes, scores, class_ids, float(scores[-1]) if cut else 0.0)


def likeness(one: Rows, other: Rows, tolerance: Tolerance) -> Likeness:
    """Compare two answers to one picture; which is which does not matter."""
    best = max((float(rows.scores[0]) for rows in (one, other) if len(rows.scores)), default=0.0)
    return _worse(_found(one, other, best, tolerance), _found(other, one, best, tolerance))


def distance(one: Rows, other: Rows) -> float:
    """How far two answers to one picture lie apart, as a mean over their best rows: 0 where they are the same.

    It has no threshold, so it can tell which of several answers is the nearest; as a number it means nothing.
    """
    best = max((float(rows.scores[0]) for rows in (one, other) if len(rows.scores)), default=0.0)
    if not len(one.scores) or not len(other.scores):
        return 2.0 if best else 0.0
    return _apart(one, other, best) + _apart(other, one, best)


def _apart(wanted: Rows, among: Rows, best: float) -> float:
    boxes, scores = wanted.boxes[:_NEAREST], wanted.scores[:_NEAREST]
    off = np.abs(boxes[:, None] - among.boxes[None, : _BEYOND * _NEAREST]).mean(axis=2)
    extent = max(float(np.abs(boxes).max()), 1.0)
    apart = np.abs(scores[:, None] - among.scores[None, : _BEYOND * _NEAREST])
    other_class = wanted.class_ids[:_NEAREST, None] != among.class_ids[None, : _BEYOND * _NEAREST]
    return float((off / extent + apart / best + other_class).min(axis=1).mean())


def _worse(one: Likeness, other: Likeness) -> Likeness:
    return Likeness(min(one.share, other.share), max(one.pixels, other.pixels), max(one.score, other.score))


def _found(wanted: Rows, among: Rows, best: float, tolerance: Tolerance) -> Likeness:
    """How far the rows of one answer that matter are among those of the other."""
    margin = tolerance.score * best
    least = max(tolerance.least * best, among.floor + margin)
    count = min(int(np.count_nonzero(wanted.scores > least)), tolerance.rows)
    if not count:
        return Likeness(1.0, 0.0, 0.0)
    if not len(among.scores):
        return Likeness(0.0, 0.0, 0.0)
    boxes, others = wanted.boxes[:count], slice(_BEYOND * tolerance.rows)
    off = np.abs(boxes[:, None] - among.boxes[None, others]).max(axis=2)
    apart = np.abs(wanted.scores[:count, None] - among.scores[None, others])
    side = np.maximum(boxes[:, 2] - boxes[:, 0], boxes[:, 3] - boxes[:, 1])
    same = (off <= (tolerance.pixels + tolerance.share * np.maximum(side, 0))[:, None]) & (apart <= margin)
    same &= wanted.class_ids[:count, None] == among.class_ids[None, others]
    matched = same.any(axis=1)
    if not matched.any():
        return Likeness(0.0, 0.0, 0.0)
    places = np.where(same, off, np.inf).argmin(axis=1)
    chosen = np.flatnonzero(matched), places[matched]
    return Likeness(float(matched.mean()), float(off[chosen].max()), float(apart[chosen].max()))
