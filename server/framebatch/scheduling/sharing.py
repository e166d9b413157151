"""Whose turn it is when several models share a device. Pure; knows nothing of frames or batches."""

from __future__ import annotations

from math import exp2
from typing import TYPE_CHECKING, Final, NamedTuple

from framebatch.clock import SECOND_NS

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Claim", "Usage", "order"]

HALF_LIFE_NS: Final = SECOND_NS


class Usage:
    """How much of a device's time one model had lately: what it used counts half after a second."""

    __slots__ = ("_at_ns", "_used_ns")

    def __init__(self) -> None:
        self._at_ns = 0
        self._used_ns = 0.0

    def __repr__(self) -> str:
        return f"Usage({self._used_ns:.0f} ns)"

    def add(self, device_ns: int, now_ns: int) -> None:
        """It used the device for so long."""
        self._used_ns = self.at(now_ns) + device_ns
        self._at_ns = now_ns

    def at(self, now_ns: int) -> float:
        """What counts now, in nanoseconds; `now_ns` never falls."""
        return self._used_ns * exp2((self._at_ns - now_ns) / HALF_LIFE_NS)


class Claim(NamedTuple):
    """What a model has to say for itself."""

    latest_start_ns: int | None
    """When its most urgent ready frame has to start at the latest; None when none could still be answered in time."""
    used_ns: float
    """Of the device, lately."""


def order(claims: Sequence[Claim], *, overloaded: bool) -> list[int]:
    """Indices of the claims in the order in which they are to be served. O(n log n).

    While the device can serve all, the model whose frame has to start first goes first (least laxity; Mok 1983): by
    the start and not by the deadline, since a model with long batches would otherwise be passed over until it is too
    late. No rule by deadlines is fair when not all can be met, so under overload the model that had least of the
    device lately goes first. What it had fades, so none waits for ever. Those that can meet nothing come last.
    """

    def key(index: int) -> tuple[bool, float]:
        claim = claims[index]
        latest_ns = claim.latest_start_ns
        return (latest_ns is None, claim.used_ns if overloaded or latest_ns is None else latest_ns)

    return sorted(range(len(claims)), key=key)
