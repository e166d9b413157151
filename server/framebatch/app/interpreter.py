"""Settings of the interpreter that the frame path wants: who waits for its lock how long, and when garbage is looked for."""

from __future__ import annotations

import gc
import sys
from typing import Final

__all__ = ["tune_interpreter"]

SWITCH_SECONDS: Final = 0.001


def tune_interpreter() -> None:
    """Set them for the whole process; called when all modules are there, and no model yet.

    A device lane that comes back from the device needs the interpreter lock for a moment only; by default it would wait
    up to 5 ms for a busy event loop. The collector is told to leave the modules alone and to run seldom: frames form no
    cycles. What a model leaves is collected when it goes, so it must not be among what is left alone.
    """
    sys.setswitchinterval(SWITCH_SECONDS)
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)
