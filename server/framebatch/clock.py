"""The one clock, and the units of time. Nothing here waits.

All times inside framebatch are integer nanoseconds on this monotonic clock. Decisions never read it: they are told
the time. Seconds appear only where people or Prometheus read, milliseconds only on the wire and in options.
"""

import time
from typing import Final

__all__ = ["MILLISECOND_NS", "SECOND_NS", "ms_to_ns", "now_ns", "ns_to_ms", "ns_to_seconds"]

MILLISECOND_NS: Final = 1_000_000
SECOND_NS: Final = 1_000_000_000

now_ns = time.monotonic_ns
"""The current time in nanoseconds; comparable only with other readings of the same host since its boot."""


def ms_to_ns(milliseconds: float) -> int:
    """Milliseconds as whole nanoseconds."""
    return round(milliseconds * MILLISECOND_NS)


def ns_to_ms(nanoseconds: float) -> float:
    """Nanoseconds as milliseconds."""
    return nanoseconds / MILLISECOND_NS


def ns_to_seconds(nanoseconds: float) -> float:
    """Nanoseconds as seconds."""
    return nanoseconds / SECOND_NS
