"""The few array operations of which every family is written, so that one description has two executors.

`numpy_ops.NumpyOps` computes them at once: the plain path, and the meaning of the other. `framebatch.device.graph_ops`
puts them into the model's own graph as ONNX nodes. No family and no executor belongs here. Arrays have the batch first;
(..., C) stands for rows of C columns, with (B, N) or (n,) before them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, NamedTuple, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy as np
    import numpy.typing as npt

    from framebatch.detection.heads.candidates import Layout

__all__ = ["Arithmetic", "Boxes", "Ops", "Read", "Rows", "corners"]


class Arithmetic(Protocol):
    """What arrays can do by themselves: + - * / with one another, with numbers, and with float32 NumPy constants."""

    def __add__(self, other: Any, /) -> Any: ...
    def __sub__(self, other: Any, /) -> Any: ...
    def __mul__(self, other: Any, /) -> Any: ...
    def __truediv__(self, other: Any, /) -> Any: ...


T = TypeVar("T", bound=Arithmetic)


class Rows(Protocol[T]):
    """The anchors that were chosen among all; (...) is (n,) or (B, K), as the executor likes it."""

    @property
    def scores(self) -> T:
        """(...) their scores."""

    @property
    def anchors(self) -> T:
        """(...) their places among the N anchors."""

    @property
    def take(self) -> Callable[[T], T]:
        """From (B, N, ...), a value for every anchor, to (..., ...), those of the chosen ones."""


class Boxes(NamedTuple, Generic[T]):
    """What a family answers for the anchors that it chose."""

    corners: T
    """(..., 4) x1, y1, x2, y2 in network pixels."""
    scores: T
    """(...), 0 to 1."""
    class_ids: T
    """(...), of any number type."""


class Ops(Protocol[T]):
    """The operations; an executor fulfils them for its own kind of array."""

    def choose(self, scores: T, refine: Callable[[Callable[[T], T]], T] | None = None) -> Rows[T]:
        """Choose the anchors that matter by their scores (B, N). NaN is never chosen.

        Args:
            scores: Of each anchor, or, with `refine`, a bound that its score cannot exceed.
            refine: Computes the scores of some anchors, given the function that takes their values from an array of
                all. The plain path asks it only about anchors whose bound is high enough.

        """

    def rows(self, array: T) -> T:
        """From (B, C, ...) to (B, N, C): the axes behind the second become one, and change places with it."""

    def part(self, array: T, start: int, stop: int | None = None) -> T:
        """Columns `start` to before `stop` of (..., C); negative ones count from the end."""

    def column(self, array: T, index: int) -> T:
        """One column of (..., C), without that axis."""

    def join(self, arrays: Sequence[T], axis: int = -1) -> T:
        """Arrays side by side."""

    def max(self, array: T) -> T:
        """The largest of each row of (..., C), without that axis; a NaN among them may be passed over."""

    def argmax(self, array: T) -> T:
        """Where the largest of each row of (..., C) is, the first of equal ones, without that axis; -1 if one is NaN."""

    def sum(self, array: T) -> T:
        """The sum of each row of (..., C), as (..., 1)."""

    def softmax(self, array: T) -> T:
        """Each row of (..., C) as shares of 1."""

    def sigmoid(self, array: T) -> T:
        """1 / (1 + exp(-x)) of each value."""

    def exp(self, array: T) -> T:
        """The exponential of each value."""

    def tanh(self, array: T) -> T:
        """Hyperbolic tangent of each value."""

    def power(self, array: T, exponent: float) -> T:
        """Each value, which must not be negative, to this power."""

    def clip(self, array: T, low: float, high: float) -> T:
        """Each value, but not below `low` or above `high`."""

    def lookup(self, table: npt.NDArray[np.float32], anchors: T) -> T:
        """The rows of a constant `table` float32 (N, C) for anchors (...): (..., C)."""


class Read(Protocol):
    """A family: how its outputs are read, whatever kind of array they are."""

    def __call__(self, ops: Ops[T], outputs: Sequence[T], layout: Layout) -> Boxes[T]:
        """Choose the anchors that matter, and answer their boxes.

        Args:
            ops: The executor.
            outputs: Those that the family reads, in the order of its `arrange`.
            layout: What must be known beyond the arrays.

        """


def corners(ops: Ops[T], centre: T, size: T) -> T:
    """Turn centres (..., 2) and widths and heights (..., 2) into corners (..., 4)."""
    half = size * 0.5
    return ops.join([centre - half, centre + half])
