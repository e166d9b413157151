"""What numbers show: each function answers what speaks against a reading, as a sentence, or None. No family is known here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    Values = npt.NDArray[np.float32]

__all__ = ["MOST", "SLACK", "no_pixels", "no_scores", "no_shares", "no_sums_of_one"]

SLACK: Final = 0.01
"""How far arithmetic of 8 or 16 bits may leave the range 0 to 1."""
MOST: Final = 0.9
"""Share of the rows that must look as they should: some of those that score next to nothing need not."""
_SUM_SLACK: Final = 0.1  # 8-bit shares of many classes do not add up exactly
_LARGEST_SHARE: Final = 2.0  # some boxes reach over the edge


def no_scores(values: Values, what: str) -> str | None:
    """Why these are no scores from 0 to 1; `what` names them."""
    low, high = _range(values)
    if low >= -SLACK and high <= 1 + SLACK:
        return None
    return f"its {what} hold values from {low:.3g} to {high:.3g}, which are no scores (keypoints, masks or an angle?)"


def no_sums_of_one(values: Values, what: str) -> str | None:
    """Why the rows of (n, classes) are no softmax; `what` names them."""
    if np.abs(values.sum(axis=1) - 1).max(initial=0) <= _SUM_SLACK:
        return None
    return f"the {what} of a row do not add up to 1"


def no_pixels(boxes: Values) -> str | None:
    """Why these are no coordinates in pixels; nothing speaks against zeros alone."""
    low, high = _range(boxes)
    return (
        f"its boxes lie between {low:.3g} and {high:.3g}, so they are not in pixels"
        if 0 < high <= _LARGEST_SHARE
        else None
    )


def no_shares(boxes: Values) -> str | None:
    """Why these are no coordinates in shares of the picture."""
    low, high = _range(boxes)
    if low >= -SLACK and high <= 1 + SLACK:
        return None
    return f"its boxes hold values from {low:.3g} to {high:.3g}, which are no shares of the picture"


def _range(values: Values) -> tuple[float, float]:
    return (float(values.min()), float(values.max())) if values.size else (0.0, 0.0)
