"""What a model is proven to do before it is served: a frame is answered alike alone and in every batch, fused and plain.

It is proven by running, because an open batch axis promises nothing. Exports exist that declare one and fail at two
frames, give later frames nothing, or mix frames up, all without an error. What follows from a proof that fails is
decided in `loading`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from framebatch.detection.likeness import Likeness, Rows, Tolerance, distance, likeness, rows_of
from framebatch.detection.recognition import suppresses_inside
from framebatch.errors import DeviceError, DeviceMemoryError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from framebatch.detection.detector import Engine
    from framebatch.detection.spec import ModelSpec
    from framebatch.device.model_file import ModelFile

    Outputs = Sequence[npt.NDArray[Any]]

__all__ = ["BatchProof", "answers_alike", "compare_answers", "prove_batches", "why_not_in_batches"]

_IN_BATCH: Final = Tolerance(pixels=1.0, share=0.01, score=0.05, least=0.1, rows=100)
"""Wide enough for 16-bit arithmetic, and for kernels that differ by batch size; what a lying axis does is far beyond."""
_ENOUGH: Final = 0.97
_EQUAL: Final = 0.99
_EQUAL_PIXELS: Final = 0.05
_EQUAL_SCORE: Final = 1e-3
_RAW_TOLERANCE: Final = 0.02  # absolute for scores, relative for pixels
_RAW_EXCEPTIONS: Final = 0.01


class BatchProof(NamedTuple):
    """What running in batches showed."""

    proven: tuple[int, ...]
    """The batch sizes at which every frame was answered as it is alone, rising, 1 among them."""
    why_not: str
    """For people, why frames must be run one by one; empty when they need not."""
    out_of_memory: int
    """The smallest batch size for which the device had no memory; 0 when it had for all."""


def why_not_in_batches(spec: ModelSpec, model: ModelFile) -> str:
    """Answer why frames must be run one by one whatever a run would show, for people; empty when a run decides."""
    if suppresses_inside(model.metadata) or model.suppresses:
        return "it was exported with NMS inside, which is traced for one frame and leaves the others nothing"
    if model.dynamically_quantised and not spec.accept_dynamic_quantisation:
        return (
            "it is quantised dynamically, so a frame's scores would depend on who shares its batch; the manifest key "
            "accept_dynamic_quantisation = true accepts that"
        )
    return ""


def prove_batches(
    engine: Engine,
    spec: ModelSpec,
    pictures: npt.NDArray[np.uint8],
    buckets: Sequence[int],
    *,
    fused: bool,
    loosely: bool = False,
) -> BatchProof:
    """Run some pictures alone and together, and compare.

    The largest batch comes first, so that memory is taken once.

    Args:
        engine: Takes a batch of each size in `buckets` for this, and some of one frame.
        spec: Of a model whose batch axis is open.
        pictures: Different ones, uint8 (n, H, W, 3), at least 2; larger batches repeat them in mixed order.
        buckets: The batch sizes that will be run, rising.
        fused: Whether the engine answers what a fused graph selected.
        loosely: Whether a frame's answer need only be nearer to its own alone than to any other picture's.

    Raises:
        DeviceError: a picture fails even alone.

    """
    alone = [engine.run(pictures[place : place + 1])[0] for place in range(len(pictures))]
    proof = _Proof(spec, alone, fused=fused, loosely=loosely)
    proven, out_of_memory = [1], 0
    why_not = proof.why_nothing_is_shown()
    for bucket in sorted(set(buckets) - {1}, reverse=True):
        if why_not:
            break
        order = _order(bucket, len(pictures))
        try:
            together, _, _ = engine.run(pictures[order])
        except DeviceMemoryError:
            out_of_memory = bucket
        except DeviceError as error:
            why_not = f"its batch axis is declared open, but a batch of {bucket} fails ({error})"
        else:
            why_not = proof.why_not(together, order)
            proven.append(bucket)
    return BatchProof((1,) if why_not else tuple(sorted(proven)), why_not, out_of_memory)


def compare_answers(
    plain: Sequence[Outputs], other: Sequence[Outputs], spec: ModelSpec, *, fused: bool
) -> tuple[str, Likeness]:
    """Compare what the plain program and another answer to each of some pictures.

    Boxes must be equal within 0.05 px and scores within 0.001, both on the same provider. The other program computes the
    same network: only what comes after it differs, in float32, so no arithmetic of a model's own excuses more. Where the
    outputs themselves are float16, one step of that type at the picture's size is allowed, because the other program
    may widen them before they are rounded.

    Args:
        plain: Of each picture, the plain program's outputs.
        other: Of each picture, the other program's.
        spec: How they are read.
        fused: Whether `other` is what a fused graph selected.

    Returns:
        Why they are not equal, for people; empty when they are. And the worst likeness.

    """
    half = spec.precision == "float16"
    side = max(spec.input_width, spec.input_height)
    tolerance = Tolerance(
        pixels=float(np.spacing(np.float16(side))) if half else _EQUAL_PIXELS,
        share=0.0,
        score=2 * _EQUAL_SCORE if half else _EQUAL_SCORE,
        least=0.01,
        rows=300,
    )
    found = [
        likeness(rows_of(one, spec, fused=False), rows_of(two, spec, fused=fused), tolerance)
        for one, two in zip(plain, other, strict=True)
    ]
    worst = Likeness(min(each.share for each in found), *(max(column) for column in list(zip(*found, strict=True))[1:]))
    if worst.share >= _EQUAL:
        return "", worst
    return (
        f"only {worst.share:.0%} of its best candidates are those of the model's own outputs, within "
        f"{tolerance.pixels:g} px and {tolerance.score:g} of the best score"
    ), worst


def answers_alike(plain: Outputs, other: Outputs, spec: ModelSpec, *, fused: bool) -> bool:
    """Whether another device answers a picture as the processor's plain program does, as far as devices do."""
    found = likeness(rows_of(plain, spec, fused=False), rows_of(other, spec, fused=fused), _IN_BATCH)
    return found.share >= _ENOUGH


class _Proof:
    """The answers of some pictures alone, which those in a batch are held against."""

    def __init__(self, spec: ModelSpec, alone: Sequence[Outputs], *, fused: bool, loosely: bool) -> None:
        self._spec = spec
        self._fused = fused
        self._loosely = loosely
        self._raw = spec.head.needs_suppression and not fused  # else rows may change places
        self._alone = alone
        self._rows: list[Rows] = []

    def why_nothing_is_shown(self) -> str:
        """Why comparing with these answers would show nothing; empty when it would."""
        shapes = {tuple(output.shape for output in outputs) for outputs in self._alone}
        if len(shapes) > 1:
            return "the number of rows that it answers varies, so that those of a batch cannot be told apart"
        if any(len(shape) == 0 or shape[0] != 1 for shape in next(iter(shapes))):
            return "its outputs have no axis for the batch"
        self._rows = [self._read(outputs) for outputs in self._alone]
        first, *others = range(len(self._alone))
        if all(self._alike(self._alone[other], self._rows[other], first) for other in others):
            return "it answers all pictures alike, so that running it would prove nothing"
        return ""

    def why_not(self, together: Outputs, order: Sequence[int]) -> str:
        """Why a batch's answers are not those of its pictures alone, for people; empty when they are."""
        count = len(order)
        for output, single in zip(together, self._alone[0], strict=True):
            if output.shape != (count, *single.shape[1:]):
                return f"a batch of {count} answers an array of {output.shape}, one frame {single.shape}"
        for row, place in enumerate(order):
            outputs = [output[row : row + 1] for output in together]
            rows = self._read(outputs)
            if not (self._nearest(rows, place) if self._loosely else self._alike(outputs, rows, place)):
                return f"in a batch of {count} a frame is answered differently than alone"
        return ""

    def _read(self, outputs: Outputs) -> Rows:
        return rows_of(outputs, self._spec, fused=self._fused)

    def _alike(self, outputs: Outputs, rows: Rows, place: int) -> bool:
        if self._raw and any(map(_differ, outputs, self._alone[place])):
            return False
        return likeness(rows, self._rows[place], _IN_BATCH).share >= _ENOUGH

    def _nearest(self, rows: Rows, place: int) -> bool:
        """Whether of all pictures alone this one is answered most like it."""
        apart = [distance(rows, alone) for alone in self._rows]
        return apart[place] == min(apart)


def _differ(together: npt.NDArray[Any], alone: npt.NDArray[Any]) -> bool:
    off = np.abs(together - alone) > _RAW_TOLERANCE * (1 + np.abs(alone))
    return bool(off.mean() > _RAW_EXCEPTIONS)


def _order(bucket: int, pictures: int) -> list[int]:
    """Which picture each row of a batch holds: each once before any twice, and every round in another order."""
    random = np.random.default_rng(bucket)
    rounds = [random.permutation(pictures) for _ in range(-(-bucket // pictures))]
    return [int(place) for place in np.concatenate(rounds)[:bucket]]
