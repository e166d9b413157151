"""Large pictures: how one is cut into overlapping tiles, and how what was found in them becomes one answer.

Arithmetic only: pixels are cut in `imaging`. A picture larger than a tile is looked at as a whole first, in as much
detail as the network's picture has room for, and then tile by tile. The whole shows what is larger than a tile; the
tiles show what is too small in the whole.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from framebatch.detection.boxes import areas, greedy, intersections, iou_matrix
from framebatch.detection.geometry import check_region
from framebatch.errors import InvalidFrame
from framebatch.frame import Detections, Region

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from framebatch.detection.boxes import Indices
    from framebatch.frame import Header

__all__ = ["MAX_TILES", "Tiles", "merge_tiles", "parts_of", "plan_tiles"]

MAX_TILES: Final = 256
SMALLEST: Final = 16
LARGEST: Final = 16384
MOST_OVERLAP: Final = 0.9
CUT_WITHIN: Final = 0.01
"""A box that ends this near to a tile's border, as a share of the tile's side, may be a piece of something larger."""
COVERED: Final = 0.6
"""Share of such a piece that a better box must cover to stand for it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Tiles:
    """How a large picture is cut.

    Attributes:
        width: Of a tile, in pixels of the source picture; 16 to 16384.
        height: Likewise.
        overlap: What neighbouring tiles share at least, as a share of a tile's side, 0 to 0.9. Default 0.2: what is
            smaller than that is whole in one of them.
    """

    width: int
    height: int
    overlap: float = 0.2

    def __post_init__(self) -> None:
        for field in ("width", "height"):
            side = getattr(self, field)
            if not isinstance(side, int) or isinstance(side, bool) or not SMALLEST <= side <= LARGEST:
                raise ValueError(f"{field} is {side!r}; it must be a whole number of pixels, {SMALLEST} to {LARGEST}")
        if isinstance(self.overlap, bool) or not isinstance(self.overlap, int | float):
            raise TypeError(f"overlap is {self.overlap!r}; it must be a number, 0 to {MOST_OVERLAP}")
        if not 0.0 <= self.overlap <= MOST_OVERLAP:
            raise ValueError(f"overlap is {self.overlap}; it must be 0 to {MOST_OVERLAP}")


def plan_tiles(tiles: Tiles, width: int, height: int, region: Region | None = None) -> list[Region]:
    """Answer the parts of a picture that the network looks at, each one row of a batch.

    A picture no larger than a tile is one part: itself. A larger one is itself first and then its tiles, row by row. They
    are all of one size, lie evenly, share at least `overlap` with each neighbour, and leave no pixel out.

    Args:
        tiles: How it is cut.
        width: Of the picture, in pixels.
        height: Of the picture, in pixels.
        region: What takes the place of the picture; None: all of it.

    Raises:
        InvalidFrame: more than `MAX_TILES` tiles, or the region does not lie inside the picture.

    """
    area = Region(0, 0, width, height) if region is None else region
    check_region(area, width, height)
    columns, wide = _axis(area.width, tiles.width, tiles.overlap)
    rows, high = _axis(area.height, tiles.height, tiles.overlap)
    number = len(columns) * len(rows)
    if number == 1:
        return [area]
    if number > MAX_TILES:
        raise InvalidFrame(
            f"the picture of {area.width} x {area.height} pixels makes {number} tiles of {wide} x {high}; the limit is "
            f"{MAX_TILES}: send a region of it, or set larger tiles or less overlap in the model's manifest"
        )
    return [area, *(Region(area.x + x, area.y + y, wide, high) for y in rows for x in columns)]


def parts_of(tiles: Tiles | None, header: Header | None, region: Region | None) -> list[Region | None]:
    """Answer what the network looks at in a picture, a row of a batch for each: itself, or itself and its tiles.

    Raises:
        InvalidFrame: see `plan_tiles`.

    """
    if tiles is None or header is None:
        return [region]
    return [*plan_tiles(tiles, header.width, header.height, region)]


def _axis(length: int, tile: int, overlap: float) -> tuple[range | list[int], int]:
    """Where the tiles begin along one axis, and how long they are."""
    if length <= tile:
        return [0], length
    step = max(int(tile * (1.0 - overlap)), 1)
    gaps = -(-(length - tile) // step)
    return [place * (length - tile) // gaps for place in range(gaps + 1)], tile


def merge_tiles(parts: Sequence[Detections], regions: Sequence[Region], *, iou: float, limit: int) -> Detections:
    """Make one answer of what was found in the parts of a picture; their order does not matter.

    Greedy suppression within each class, as `boxes.suppress`, with one more rule: a box that ends at a border where its
    tile was cut may show a piece of something only. Such boxes come after all others, larger ones first, and go as soon as one
    that comes before covers most of them; a plain overlap would be too small to tell.

    Args:
        parts: What was found in each part, boxes in pixels of the whole picture.
        regions: The parts, as `plan_tiles` gave them.
        iou: Overlap above which the weaker box of a class goes, 0 to 1.
        limit: At most so many boxes, the best ones.

    Returns:
        Best first.

    """
    if len(parts) == 1:
        return parts[0]
    boxes = np.concatenate([part.boxes for part in parts])
    scores = np.concatenate([part.scores for part in parts])
    class_ids = np.concatenate([part.class_ids for part in parts])
    cut = np.concatenate([_cut(part.boxes, region, regions) for part, region in zip(parts, regions, strict=True)])
    sizes = areas(boxes)

    def conflicts(first: Indices, second: Indices) -> npt.NDArray[np.bool_]:
        better, weaker = boxes[first], boxes[second]
        found = intersections(better, weaker) > COVERED * sizes[second]
        found &= cut[second]
        found |= iou_matrix(better, weaker) > iou
        found &= class_ids[first][:, None] == class_ids[second]
        return found

    # The last keys only make the order of equals that of their places and not that of the parts.
    order = np.lexsort((*boxes.T, class_ids, -scores, np.where(cut, -sizes, 0.0), cut))
    kept = greedy(order, conflicts, len(order))
    best = kept[np.argsort(-scores[kept], kind="stable")][:limit]
    return Detections(boxes[best], scores[best], class_ids[best])


def _cut(boxes: npt.NDArray[np.float32], region: Region, regions: Sequence[Region]) -> npt.NDArray[np.bool_]:
    """Which boxes of a part end where it was cut, and not where the picture ends: (n,)."""
    ends = np.array([(each.x, each.y, each.x + each.width, each.y + each.height) for each in regions], np.float64)
    own = np.array((region.x, region.y, region.x + region.width, region.y + region.height), np.float64)
    outer = np.concatenate((ends[:, :2].min(axis=0), ends[:, 2:].max(axis=0)))
    near = np.array((region.width, region.height) * 2) * CUT_WITHIN
    found: npt.NDArray[np.bool_] = ((np.abs(boxes - own) <= near) & (own != outer)).any(axis=1)
    return found
