"""Heads in NumPy: the plain path. Only anchors above the threshold are read any further than their score."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy.typing as npt

    Array = npt.NDArray[Any]

__all__ = ["ChosenRows", "NumpyOps"]


class ChosenRows(NamedTuple):
    """The n anchors of a batch whose scores are above the threshold."""

    scores: Array
    """(n,) their scores."""
    anchors: Array
    """(n,) which anchors of their frames they are."""
    take: Callable[[Array], Array]
    """From (B, N, ...) to (n, ...)."""


class NumpyOps:
    """Computes `ops.Ops` at once. One object reads one batch.

    Attributes:
        frames: (n,) which frame of the batch each chosen anchor is of, never falling; set by `choose`.
        anchors: How many anchors there were for each frame to choose from; set by `choose`.
    """

    def __init__(self, confidence: float) -> None:
        """Choose anchors whose score is above `confidence`."""
        self.frames: npt.NDArray[np.intp] = np.empty(0, np.intp)
        self.anchors = 0
        self._confidence = confidence

    def choose(self, scores: Array, refine: Callable[[Callable[[Array], Array]], Array] | None = None) -> ChosenRows:
        """Choose all anchors above the threshold, frame after frame, in the order of the anchors."""
        self.anchors = scores.shape[1]
        frames, anchors = np.nonzero(scores > self._confidence)
        if refine is None:
            chosen = scores[frames, anchors]
        else:
            chosen = refine(lambda array: array[frames, anchors])
            passed = chosen > self._confidence
            frames, anchors, chosen = frames[passed], anchors[passed], chosen[passed]
        self.frames = frames
        return ChosenRows(chosen, anchors, lambda array: array[frames, anchors])

    def rows(self, array: Array) -> Array:
        """Answer a view."""
        return array.reshape(*array.shape[:2], -1).swapaxes(1, 2)

    def part(self, array: Array, start: int, stop: int | None = None) -> Array:
        """Answer a view."""
        return array[..., start:stop]

    def column(self, array: Array, index: int) -> Array:
        """Answer a view."""
        return array[..., index]

    def join(self, arrays: Sequence[Array], axis: int = -1) -> Array:
        """Copy."""
        return np.concatenate(arrays, axis=axis)

    def max(self, array: Array) -> Array:
        """Reduce the last axis; a NaN among the values is the result, and so never chosen."""
        return np.asarray(array.max(axis=-1))

    def argmax(self, array: Array) -> Array:
        """Reduce the last axis."""
        return np.where(np.isnan(array).any(axis=-1), -1, array.argmax(axis=-1))

    def sum(self, array: Array) -> Array:
        """Reduce the last axis to 1."""
        return np.asarray(array.sum(axis=-1, keepdims=True))

    def softmax(self, array: Array) -> Array:
        """Shift by the largest first, so that nothing overflows."""
        powers = np.exp(array - array.max(axis=-1, keepdims=True))
        return np.asarray(powers / powers.sum(axis=-1, keepdims=True))

    def sigmoid(self, array: Array) -> Array:
        """Let exp overflow to infinity, which is right: the result is 0."""
        return np.asarray(1 / (1 + np.exp(-array)))

    def exp(self, array: Array) -> Array:
        """Compute element by element."""
        return np.asarray(np.exp(array))

    def tanh(self, array: Array) -> Array:
        """Compute element by element."""
        return np.asarray(np.tanh(array))

    def power(self, array: Array, exponent: float) -> Array:
        """Compute element by element."""
        return np.asarray(np.power(array, np.float32(exponent)))

    def clip(self, array: Array, low: float, high: float) -> Array:
        """Compute element by element."""
        return np.clip(array, np.float32(low), np.float32(high))

    def lookup(self, table: npt.NDArray[np.float32], anchors: Array) -> Array:
        """Copy rows."""
        return np.asarray(table[anchors])
