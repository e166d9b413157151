"""Which ideas the policy uses, so that one can see what each of them is worth."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["PolicyOptions"]


@dataclass(frozen=True, kw_only=True, slots=True)
class PolicyOptions:
    """Ideas that can be switched off one by one; all but `fair` serve more frames in time.

    Attributes:
        predict: expect frames from cameras' rhythms. Off: only what waits is known.
        look_ahead: plan by dynamic programming where few frames fit into a deadline.
        fair: under overload serve whom was served least lately. Costs a few frames in a thousand; off where only their
            number counts.
    """

    predict: bool = True
    look_ahead: bool = True
    fair: bool = False
