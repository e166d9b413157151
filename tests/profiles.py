"""Realistic profiles of made-up devices, for tests of what reads profiles. Nothing is measured here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from framebatch.clock import MILLISECOND_NS, SECOND_NS
from framebatch.profile import (
    Allowed,
    Bucket,
    Ceiling,
    Choice,
    Fingerprint,
    IdlePenalty,
    KeptOut,
    Measurement,
    Memory,
    MemoryLine,
    Profile,
    Run,
    Soak,
    Stages,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["make_bucket", "make_fingerprint", "make_profile"]

MIB: Final = 1 << 20
_BASE: Final = 600 * MIB
_FRAME: Final = 40 * MIB
_SIZES: Final = (1, 2, 3, 4, 6, 8, 12, 16, 24)


def make_fingerprint(**changes: Any) -> Fingerprint:
    """A processor that runs YOLOv8n at 640 in float32; `changes` replace fields."""
    fields: dict[str, Any] = {
        "device": "Imagined Processor 9000, 2 cores",
        "driver": "",
        "runtime": "onnxruntime 1.31.1",
        "provider": "CPUExecutionProvider",
        "options": {"threads": "2"},
        "model_sha256": "5e5b05aa" * 8,
        "input_width": 640,
        "input_height": 640,
        "precision": "float32",
    }
    return Fingerprint(**fields | changes)


def make_bucket(
    batch: int, *, alpha_ms: float = 6.0, beta_ms: float = 3.0, n: int = 400, spread: float = 0.02
) -> Bucket:
    """A measured bucket of a device on which a batch of b takes alpha + beta * b.

    Args:
        batch: frames.
        alpha_ms: what every batch takes.
        beta_ms: what every frame adds.
        n: how many batches were timed.
        spread: 90th percentile over the median, less 1; the median's interval is 2.5 / sqrt(n) of that to each side.
    """
    service_ns = round((alpha_ms + beta_ms * batch) * MILLISECOND_NS)

    def at(share: float) -> int:
        return max(1, round(service_ns * (1 + share * spread)))

    half = 2.5 / n**0.5
    measured = Measurement(
        n=n,
        median_ns=service_ns,
        median_low_ns=at(-half),
        median_high_ns=at(half),
        min_ns=at(-1.5),
        p10_ns=at(-0.8),
        p90_ns=at(1.0),
        p95_ns=at(1.4),
        p99_ns=at(2.5),
        max_ns=at(6.0),
        stages=Stages(fill_ns=batch * 200_000, parse_ns=batch * 100_000),
        memory_bytes=_BASE + _FRAME * batch,
    )
    return Bucket(
        batch=batch,
        service_ns=service_ns,
        low_ns=at(-0.8),
        high_ns=at(1.0),
        throughput_fps=batch / service_ns * SECOND_NS,
        measured=measured,
    )


def make_profile(
    *,
    alpha_ms: float = 6.0,
    beta_ms: float = 3.0,
    sizes: Iterable[int] = _SIZES,
    max_batch: int | None = None,
    n: int = 400,
    spread: float = 0.02,
    **changes: Any,
) -> Profile:
    """The profile of a device on which a batch of b takes alpha + beta * b, and 600 MiB + 40 MiB * b of its memory.

    Args:
        alpha_ms: what every batch takes.
        beta_ms: what every frame adds.
        sizes: the buckets, rising.
        max_batch: the chosen one; default: 16, or the largest of `sizes` below.
        n: as for `make_bucket`.
        spread: as for `make_bucket`.
        changes: replace fields of the profile.
    """
    batches = tuple(sizes)
    largest = batches[-1]
    chosen = max_batch or max((size for size in batches if size <= 16), default=batches[0])
    buckets = tuple(make_bucket(size, alpha_ms=alpha_ms, beta_ms=beta_ms, n=n, spread=spread) for size in batches)
    service_ns = {bucket.batch: bucket.service_ns for bucket in buckets}[chosen]
    fields: dict[str, Any] = {
        "model": "yolov8n",
        "fingerprint": make_fingerprint(),
        "run": Run(
            created="2026-11-20T14:03:07+00:00",
            command="framebatch calibrate --model yolov8n.onnx",
            framebatch="0.1.0",
            seconds=84.2,
            quick=False,
        ),
        "buckets": buckets,
        "kept_out": (KeptOut(batch=12, predicted=42.1e6, measured=42.0e6, error=0.1 / 42.0),),
        "memory": Memory(
            kind="host",
            total_bytes=2048 * MIB,
            others_bytes=256 * MIB,
            fraction=0.8,
            line=MemoryLine(base_bytes=_BASE, bytes_per_frame=_FRAME),
        ),
        "ceiling": Ceiling(
            largest_ran=largest, smallest_failed=largest + 8, why=f"a batch of {largest + 8} ran out of memory"
        ),
        "choice": Choice(
            max_batch=chosen,
            bound_by="memory",
            deadline_ns=SECOND_NS,
            memory=Allowed(max_batch=chosen, why=f"{chosen} frames take 1.5 of the 1.6 GiB that may be used"),
            deadline=Allowed(max_batch=largest, at_least=True, why="two batches of each size fit into 1000 ms"),
            throughput=Allowed(max_batch=largest, at_least=True, why="every doubling so far brings 3 % or more"),
            text=f"The largest batch is {chosen}: memory allows no more. Deadline and throughput would allow {largest}.",
        ),
        "idle": (
            IdlePenalty(idle_ns=100 * MILLISECOND_NS, penalty_ns=300_000, n=5),
            IdlePenalty(idle_ns=SECOND_NS, penalty_ns=900_000, n=3),
        ),
        "soak": Soak(
            batch=chosen,
            batches=60,
            seconds=round(60 * service_ns / SECOND_NS, 3),
            median_ns=service_ns,
            p99_ns=round(service_ns * 1.05),
            last_over_first=1.004,
        ),
    }
    return Profile(**fields | changes)
