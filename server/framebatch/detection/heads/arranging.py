"""Which of a model's outputs a family reads: told by shapes and names, once, when the model is recognised."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from framebatch.device.model_file import Tensor

__all__ = ["first"]


def first(outputs: Sequence[Tensor]) -> tuple[int, ...]:
    """Choose the first output; exports that add others put them behind it."""
    if not outputs:
        raise ValueError("it has no output")
    return (0,)
