"""What child processes write to standard error, as lines of our log, so that it stays one log in one form.

Only the children's: what a native library in the server itself writes there goes there, as its last words must.
"""

from __future__ import annotations

import logging
import os
import select
import threading
from typing import Final

from framebatch.logs.events import event

__all__ = ["ChildOutput"]

log = logging.getLogger(__name__)

QUIET_MS: Final = 50
"""What comes with smaller pauses belongs together: a traceback is written line by line."""
MOST_BYTES: Final = 16384


class ChildOutput:
    """Standard error of child processes, from the making to `close`; read by a thread of its own.

    Attributes:
        descriptor: what to give the children as their standard error.
    """

    def __init__(self, who: str) -> None:
        """Listen.

        Args:
            who: the children, for people.
        """
        self._who = who
        self._source, self.descriptor = os.pipe()
        self._thread = threading.Thread(target=self._listen, name=f"stderr of {who}", daemon=True)
        self._thread.start()

    def __repr__(self) -> str:
        return f"ChildOutput({self._who}, {'listening' if self._thread.is_alive() else 'ended'})"

    def close(self) -> None:
        """Once the children have ended: hear them out."""
        os.close(self.descriptor)
        self._thread.join(1.0)

    def _listen(self) -> None:
        with os.fdopen(self._source, "rb", buffering=0) as source:
            more_comes = select.poll()
            more_comes.register(source, select.POLLIN)
            while text := source.read(MOST_BYTES):
                while len(text) < MOST_BYTES and more_comes.poll(QUIET_MS):
                    more = source.read(MOST_BYTES)
                    if not more:
                        break
                    text += more
                said = text.decode(errors="replace").strip()
                if said:
                    log.warning(
                        "%s wrote: %s", self._who, said, extra=event("child.wrote", process=self._who, text=said)
                    )
