"""A gate through which many may go together, or one alone. It knows nothing of what they do there."""

from __future__ import annotations

import contextlib
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["CAPTURES", "Gate"]


class Gate:
    """Whoever waits to be alone keeps later ones out, so nobody waits for ever. Not re-entrant."""

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._inside = 0
        self._shut = False

    def __repr__(self) -> str:
        return f"<Gate {'shut, ' if self._shut else ''}{self._inside} inside>"

    @contextlib.contextmanager
    def together(self) -> Iterator[None]:
        """Go through with others; blocks while somebody is alone, or waits to be."""
        with self._condition:
            self._condition.wait_for(lambda: not self._shut)
            self._inside += 1
        try:
            yield
        finally:
            with self._condition:
                self._inside -= 1
                self._condition.notify_all()

    @contextlib.contextmanager
    def alone(self) -> Iterator[None]:
        """Go through when all others have come out; blocks until then."""
        with self._condition:
            self._condition.wait_for(lambda: not self._shut)
            self._shut = True
            self._condition.wait_for(lambda: not self._inside)
        try:
            yield
        finally:
            with self._condition:
                self._shut = False
                self._condition.notify_all()


CAPTURES = Gate()
"""The whole process's use of CUDA: together in general, alone while a CUDA graph is captured.

onnxruntime captures in CUDA's global mode, in which taking memory or waiting for a copy, by any thread of the process,
fails and spoils the capture (CUDA error 900; `cudaStreamCaptureModeGlobal` in the CUDA Runtime API).
"""
