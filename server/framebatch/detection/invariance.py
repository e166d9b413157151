"""Whether a model may be run in batches: proven by running, because an open batch axis promises nothing.

Exports exist that declare one and fail at two frames, give later frames nothing, or mix frames up, all without an
error. What is compared are the network's own outputs: each of some distinct pictures alone, and all of them together.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from framebatch.detection.recognition import suppresses_inside
from framebatch.errors import DeviceError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from framebatch.detection.detector import Engine
    from framebatch.detection.spec import ModelSpec
    from framebatch.device.model_file import ModelFile

__all__ = ["blobs", "why_not_in_batches"]

_FRAMES: Final = 3
_TOLERANCE: Final = 0.02  # absolute for scores, relative for pixels: wide enough for 16-bit arithmetic
_EXCEPTIONS: Final = 0.01
_SCORE_COLUMN: Final = 4


def blobs(count: int, width: int, height: int) -> npt.NDArray[np.uint8]:
    """Make `count` different pictures, uint8 (count, height, width, 3): coloured squares under a little noise."""
    random = np.random.default_rng(1)
    squares = random.integers(0, 256, (count, height // 32 + 1, width // 32 + 1, 3))
    coarse = squares.repeat(32, axis=1).repeat(32, axis=2)[:, :height, :width]
    pictures: npt.NDArray[np.uint8] = np.clip(coarse + random.integers(-12, 13, coarse.shape), 0, 255).astype(np.uint8)
    return pictures


def why_not_in_batches(engine: Engine, spec: ModelSpec, model: ModelFile) -> str | None:
    """Answer why frames must be run one by one, for people; None when a batch answers what its frames answer alone.

    Args:
        engine: Takes a few batches of up to three frames for this.
        spec: Of a model with an open batch axis.
        model: Its file; some facts in it make a run unnecessary.

    """
    if suppresses_inside(model.metadata):
        return "it was exported with NMS inside, which is traced for one frame and leaves the others nothing"
    if model.dynamically_quantised:
        return "it is quantised dynamically, so a frame's scores would depend on who shares its batch"
    return _found_by_running(engine, spec)


def _found_by_running(engine: Engine, spec: ModelSpec) -> str | None:
    pictures = blobs(_FRAMES, spec.input_width, spec.input_height)
    alone = [engine.run(pictures[place : place + 1])[0] for place in range(_FRAMES)]
    try:
        together, _, _ = engine.run(pictures)
    except DeviceError as error:
        return f"its batch axis is declared open, but a batch of {_FRAMES} fails ({error})"
    for output, singles in zip(together, zip(*alone, strict=True), strict=True):
        if len({single.shape for single in singles}) > 1:
            return "the number of rows that it answers varies, so that those of a batch cannot be told apart"
        if output.shape != (_FRAMES, *singles[0].shape[1:]):
            return f"a batch of {_FRAMES} answers an array of {output.shape}, one frame {singles[0].shape}"
        if _differ(output, singles, spec.family):
            return f"in a batch of {_FRAMES} a frame is answered differently than alone"
    return None


def _differ(together: npt.NDArray[np.float32], singles: Sequence[npt.NDArray[np.float32]], family: str) -> bool:
    alone = np.concatenate(singles)
    if family == "end_to_end":  # rows of nearly equal scores may change places, so only the scores are compared
        together, alone = (np.sort(output[:, :, _SCORE_COLUMN], axis=1) for output in (together, alone))
    off = np.abs(together - alone) > _TOLERANCE * (1 + np.abs(alone))
    return bool(off.reshape(len(off), -1).mean(axis=1).max() > _EXCEPTIONS)
