"""Exact curves and what is chosen on them, where nothing binds but what a test names.

Shared by the tests of the rules.
"""

from __future__ import annotations

from simulated_points import LADDER, MS

from framebatch.calibration.choice import choose
from framebatch.calibration.fit import Curve
from framebatch.calibration.line import Line
from framebatch.calibration.memory_line import fit_memory
from framebatch.profile import Bucket, Ceiling, Choice, Memory

MIB = 2**20


def curve_of(times_ms: dict[int, float]) -> Curve:
    """Answer an exact curve."""
    buckets = tuple(
        Bucket(
            batch=batch,
            service_ns=round(time_ms * MS),
            low_ns=round(time_ms * MS),
            high_ns=round(time_ms * MS),
            throughput_fps=batch * 1000 / time_ms,
        )
        for batch, time_ms in times_ms.items()
    )
    return Curve(buckets=buckets, kept_out=(), line=Line(0, 1))


STEEP = curve_of({batch: 30.0 + 26 * batch for batch in LADDER[:9]})
"""Up to 24, and a doubling is worth it up to there."""


def chosen(
    curve: Curve = STEEP,
    *,
    deadline_ms: float = 100_000,
    limit: int = 24,
    memory: Memory | None = None,
    ceiling: Ceiling | None = None,
) -> Choice:
    """Answer the choice where only what is given binds."""
    return choose(
        curve,
        deadline_ns=round(deadline_ms * MS),
        limit=limit,
        memory=memory,
        ceiling=ceiling or Ceiling(largest_ran=curve.buckets[-1].batch),
    )


def memory_of(total_mib: int, *, others_mib: int = 0) -> Memory:
    """Answer a device on which a batch of b takes 100 + 20 b MiB, and of which 80 % may be used."""
    line = fit_memory({batch: (100 + 20 * batch) * MIB for batch in LADDER[:9]})
    return Memory(kind="device", total_bytes=total_mib * MIB, others_bytes=others_mib * MIB, fraction=0.8, line=line)
