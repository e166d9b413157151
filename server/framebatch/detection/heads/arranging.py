"""Which of a model's outputs a family reads: told by shapes and names, once, when the model is recognised.

Every function here takes the outputs with the shapes that they really have, the batch axis first, and answers places
among them; one that finds other outputs than the family has raises `ValueError`, for people.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    from framebatch.device.model_file import Tensor

__all__ = ["boxes_and_scores", "by_level", "first", "listed"]

_CORNERS: Final = 4


def first(outputs: Sequence[Tensor]) -> tuple[int, ...]:
    """Choose the first output; exports that add others put them behind it."""
    if not outputs:
        raise ValueError("it has no output")
    return (0,)


def boxes_and_scores(outputs: Sequence[Tensor]) -> tuple[int, int]:
    """Choose (?, N, 4) boxes and (?, N, C) scores; where C is 4 as well, the boxes are told by their name."""
    rows = [place for place, output in enumerate(outputs) if len(output.shape) == 3]  # noqa: PLR2004 - as in the text
    boxes = [place for place in rows if outputs[place].shape[2] == _CORNERS]
    if len(rows) == 2 and len(boxes) == 2:  # noqa: PLR2004 - both of two
        boxes = [place for place in boxes if "box" in outputs[place].name or outputs[place].name == "dets"]
    if len(rows) != 2 or len(boxes) != 1:  # noqa: PLR2004 - as above
        raise ValueError(
            f"it must have one output of boxes (?, N, 4) and one of scores (?, N, classes): {listed(outputs)}"
        )
    return boxes[0], next(place for place in rows if place != boxes[0])


def by_level(outputs: Sequence[Tensor], columns: int | None) -> list[int]:
    """Choose the outputs (?, N, columns), or all if None, the finest grid (largest N) first, else in their own order."""
    fitting = [place for place, output in enumerate(outputs) if columns in {None, output.shape[-1]}]
    return sorted(fitting, key=lambda place: -(outputs[place].shape[1] or 0))


def listed(outputs: Sequence[Tensor]) -> str:
    """Name the outputs in a message."""
    return "it has " + "; ".join(map(str, outputs))
