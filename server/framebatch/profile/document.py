"""The profile: everything that one calibration found out about one model on one device, as one JSON document.

The whole document belongs here, its identity, and what must hold between its parts; the parts are in
`framebatch.profile.measured` and `framebatch.profile.choice`. Times are in nanoseconds, memory in bytes, shares from 0
to 1. Fields are only added; `schema_version` rises when an old reader would misread a new document.
"""

from __future__ import annotations

from datetime import datetime
from statistics import median
from typing import Any, Final, Literal, Self

from pydantic import ConfigDict, Field, field_validator, model_validator

from framebatch.profile.choice import Allowed, Ceiling, Choice, Memory, MemoryLine
from framebatch.profile.latency import LatencyTable
from framebatch.profile.measured import Bucket, Conditions, IdlePenalty, KeptOut, Measurement, Soak, Stages
from framebatch.profile.value import Positive, Value

__all__ = [
    "SCHEMA_VERSION",
    "Allowed",
    "Bucket",
    "Ceiling",
    "Choice",
    "Conditions",
    "Fingerprint",
    "IdlePenalty",
    "KeptOut",
    "Measurement",
    "Memory",
    "MemoryLine",
    "Profile",
    "Run",
    "Soak",
    "Stages",
    "schema",
]

SCHEMA_VERSION: Final = 1


class Fingerprint(Value):
    """What the figures hold for; a server that differs in any field must not use them.

    A field that this version does not know is refused: it may be the one that differs.
    """

    model_config = ConfigDict(extra="forbid")

    device: str = Field(min_length=1)
    """The device's own name, e.g. `NVIDIA H200`, a processor's model name with its cores, or `sim:6,3`."""
    driver: str
    """Version of the device's driver; empty for a processor or a simulated device."""
    runtime: str
    """What runs the network, e.g. `onnxruntime 1.31.1`."""
    provider: str
    """onnxruntime's name of what computes, e.g. `CUDAExecutionProvider`."""
    options: dict[str, str]
    """How it was opened: threads, tf32, fp16, cuda_graph and so on, as text."""
    model_sha256: str = Field(pattern="^[0-9a-f]{64}$")
    """Of the ONNX file, in hexadecimal digits."""
    input_width: Positive
    """Of the network's input, in pixels."""
    input_height: Positive
    """Of the network's input, in pixels."""
    precision: str
    """Of the weights that most of the network's memory is: `float32`, `float16`, `int8` and so on."""


class Run(Value):
    """How the profile came about."""

    created: str
    """Date and time, ISO 8601 with the offset from UTC."""
    command: str
    """The command line that made it."""
    framebatch: str
    """Version."""
    seconds: float = Field(ge=0)
    """How long the calibration took."""
    quick: bool
    """Fewer sizes and batches were run than in a full calibration."""
    complete: bool = True
    """False: the run was stopped before its end, and these are the sizes that it had measured."""

    @field_validator("created")
    @classmethod
    def _has_offset(cls, value: str) -> str:
        try:
            made = datetime.fromisoformat(value)
        except ValueError:
            made = None
        if made is None or made.tzinfo is None:
            raise ValueError(
                f"created is {value!r}, and must be like 2026-11-20T14:03:07+00:00, with its offset from UTC"
            )
        return value


class Profile(Value):
    """One model on one device.

    Invariants: buckets rise; `service_ns` is positive and never falls; `choice.max_batch` is one of them, and no
    larger than what ran.
    """

    schema_version: Literal[1] = SCHEMA_VERSION
    """Which reading of the fields holds."""
    model: str = Field(min_length=1)
    """Its name, for people; the fingerprint's hash tells which file it is."""
    fingerprint: Fingerprint
    """What the figures hold for."""
    simulated: bool = False
    """The device was a simulated one."""
    run: Run
    """How the profile came about."""
    conditions: Conditions = Conditions()
    """How far the figures can be trusted."""
    buckets: tuple[Bucket, ...] = Field(min_length=1)
    """The batch sizes that the device runs, rising."""
    kept_out: tuple[KeptOut, ...] = ()
    """Latency of sizes that the fit was not shown, in nanoseconds."""
    memory: Memory | None = None
    """None where nobody can tell."""
    ceiling: Ceiling
    """What really ran."""
    choice: Choice
    """The largest batch to use, and why."""
    idle: tuple[IdlePenalty, ...] = ()
    """What the first batch after idling costs, by how long the device idled."""
    soak: Soak | None = None
    """None: the chosen size was not tried at length."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        sizes = tuple(bucket.batch for bucket in self.buckets)
        LatencyTable(sizes, tuple(bucket.service_ns for bucket in self.buckets))
        chosen = self.choice.max_batch
        if chosen not in sizes:
            raise ValueError(f"choice.max_batch is {chosen}, which is none of the buckets {sizes}")
        if chosen > self.ceiling.largest_ran:
            raise ValueError(
                f"choice.max_batch is {chosen}, and the largest batch that ran (ceiling.largest_ran) is "
                f"{self.ceiling.largest_ran}; what never ran must not be chosen"
            )
        return self

    def bucket(self, batch: int) -> Bucket:
        """The bucket of exactly this size.

        Raises:
            KeyError: there is none.
        """
        for bucket in self.buckets:
            if bucket.batch == batch:
                return bucket
        raise KeyError(batch)

    def spread(self, max_batch: int | None = None) -> tuple[float, float]:
        """A batch's 10th and 90th percentile over its median, in the middle of the buckets up to the chosen maximum.

        Args:
            max_batch: in place of the chosen maximum; the smallest bucket is never left out.
        """
        most = self.choice.max_batch if max_batch is None else max_batch
        used = [bucket for bucket in self.buckets if bucket.batch <= most] or [self.buckets[0]]
        low = median(bucket.low_ns / bucket.service_ns for bucket in used)
        return min(1.0, low), max(1.0, median(bucket.high_ns / bucket.service_ns for bucket in used))

    def table(self, max_batch: int | None = None) -> LatencyTable:
        """What scheduling plans with: the buckets up to the chosen maximum.

        Args:
            max_batch: in place of the chosen maximum; larger buckets are left out.

        Raises:
            ValueError: `max_batch` is smaller than the smallest bucket.
        """
        most = self.choice.max_batch if max_batch is None else max_batch
        used = [bucket for bucket in self.buckets if bucket.batch <= most]
        return LatencyTable(tuple(bucket.batch for bucket in used), tuple(bucket.service_ns for bucket in used))


def schema() -> dict[str, Any]:
    """The JSON Schema of a profile (draft 2020-12), as docs/profile.schema.json publishes it."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **Profile.model_json_schema()}
