"""What all parts of a profile have in common: frozen, finite, described by their docstrings, and checked when made."""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

__all__ = ["Positive", "Value", "check_order"]

Positive = Annotated[int, Field(ge=1)]
"""A whole number from 1."""


class Value(BaseModel):
    """A part of a profile.

    A field that this version does not know is passed over, so that a newer version may add fields which an older one
    can do without. The text below a field is its description in the published schema.
    """

    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False, use_attribute_docstrings=True)


def check_order(part: Value, *names: str) -> None:
    """Check that these fields do not fall in this order.

    Raises:
        ValueError: they do; names the first two, with their values.
    """
    for name, after in pairwise(names):
        if getattr(part, name) > getattr(part, after):
            raise ValueError(
                f"{name} is {getattr(part, name)}, more than {after}, which is {getattr(part, after)}; it must not be"
            )
